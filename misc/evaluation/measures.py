"""Numbers about a trained GAN: which captions are sampled, what is compared, what is reported."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors
from misc.data.images import centre_of
from misc.data.prepared import PreparedSplit
from misc.evaluation.colour_correlation import colour_correlation, shuffled
from misc.evaluation.inception_score import inception_score
from misc.evaluation.steady import Stages


class CaptionChoice:
    """A seeded choice of captions of a split, with the pictures they are about.

    Every picture has one caption in the choice before any has two.

    Args: count: captions; distinct: at most one a picture, so fewer where pictures are few.
    Attributes: pictures, rows: (n,) indices of pictures, and of captions among the embeddings.
    """

    def __init__(
        self,
        split: PreparedSplit,
        embeddings: np.ndarray,
        count: int,
        seed: int,
        distinct: bool = False,
    ):
        random = np.random.default_rng(seed)
        captioned = np.flatnonzero(split.index["count"])
        count = min(count, len(captioned)) if distinct else count
        rounds = -(-count // len(captioned))
        order = np.concatenate([random.permutation(captioned) for _ in range(rounds)])
        entries = split.index[order[:count]]
        self.split, self.embeddings, self.seed = split, embeddings, seed
        self.pictures = order[:count]
        self.rows = entries["first"] + random.integers(0, entries["count"])

    def fakes(self, stages: Stages, batch: int) -> Iterator[np.ndarray]:
        """Last-stage pictures of the captions, in order: uint8 (at most `batch`, s, s, 3)."""
        with tqdm(total=len(self.rows), desc="measure", unit="picture", disable=None) as bar:
            for start in range(0, len(self.rows), batch):
                rows = self.rows[start : start + batch]
                yield stages(np.asarray(self.embeddings[rows]), self.seed, start)[-1]
                bar.update(len(rows))

    def reals(self, imsize: int, batch: int) -> Iterator[np.ndarray]:
        """The captions' own pictures: their middle, as large as the GAN is trained to see.

        Raises: UserError if the set stores none of this size.
        """
        if imsize not in self.split.card["imsizes"]:
            known = " and ".join(map(str, self.split.card["imsizes"]))
            raise UserError(
                f"{self.split.folder}: pictures for models of {known} px, the run's are {imsize} "
                "px; prepare the set with --imsizes"
            )
        size = self.split.sizes[self.split.card["imsizes"].index(imsize)]
        for start in range(0, len(self.pictures), batch):
            files = self.split.pictures(self.pictures[start : start + batch], size)
            yield np.stack([centre_of(file, imsize) for file in files])


def score(classify, fakes: Iterator, reals: Iterator, splits: int) -> list[dict]:
    """The Inception scores of generated and of real pictures under the same network, as lines.

    `classify`: a `misc.evaluation.classifier.Classifier`. The captions, and so the pictures, come
    in a seeded random order, which the score's splits need. `images` on a line is how many there
    are; give as many fakes as reals, for the score grows with their number.
    Raises: UserError if there are fewer pictures than splits.
    """
    lines = []
    for source, batches in (("fake", fakes), ("real", reals)):
        probabilities = np.concatenate([classify(pictures)["species"] for pictures in batches])
        if len(probabilities) < splits:
            raise UserError(
                f"EVAL.SPLITS is {splits}, but there are only {len(probabilities)} {source} "
                "pictures; lower it, or take a set with a larger test split"
            )
        value, std = inception_score(probabilities, splits)
        lines.append(
            {
                "metric": "is",
                "source": source,
                "value": value,
                "std": std,
                "splits": splits,
                "images": len(probabilities),
                "network": classify.network,
                "network_digest": classify.digest,
                "classifier_accuracy": classify.accuracy,
                "protocol": "mean and deviation over splits of exp(mean KL), a caption for each of "
                "as many test pictures, stored pictures cropped to their middle",
            }
        )
    return lines


def colours(fakes: Iterator, reals: Iterator, seed: int) -> dict:
    """The correlation of each caption's fake with its own picture, and with another's, as a line.

    Both are None, and stderr says so, if all fakes or all reals have the same colour.
    """
    fake, real = np.concatenate(list(fakes)), np.concatenate(list(reals))
    own = colour_correlation(fake, real)
    other = colour_correlation(fake, real[shuffled(len(real), seed)])
    if own is None:
        print("EVAL.METRICS colour is undefined: one colour for all pictures", file=sys.stderr)
    return {"metric": "colour", "colour_correlation": own, "shuffled": other, "images": len(fake)}


def report(run: Path, line: dict) -> None:
    """Print one JSON line on stdout and append it to the run folder's metrics.jsonl."""
    text = json.dumps(line)
    print(text, flush=True)
    with disk_errors(run / "metrics.jsonl"), open(run / "metrics.jsonl", "a") as file:
        file.write(text + "\n")
