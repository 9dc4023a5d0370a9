"""Numbers about a GAN while it trains, on sentences of the validation split, and the best by them.

What the test split says may choose nothing, or it would no longer test: so checkpoints are compared
here, on pictures and sentences that neither training nor `main.py` sees.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.mentions import mentions_of
from misc.data.prepared import PreparedSplit, open_split, read_card
from misc.evaluation import classifier
from misc.evaluation.attributes import NO_ATTRIBUTES, attribute_accuracy
from misc.evaluation.caption_choice import CaptionChoice
from misc.evaluation.features import load as load_network
from misc.evaluation.frechet import LEAST, fid
from misc.evaluation.kid import kid
from misc.training.best import Best
from misc.training.cost import Cost
from misc.training.gan_data import GanData, data_folder

BATCH = 64  # pictures at once
SPLIT = "validation"


def live_evaluation(cfg: EasyDict, trainer, data) -> "Live | None":
    """What EVAL.LIVE_INTERVAL asks for: None if nothing, or in a room that has no such key.

    Raises: UserError as `Live`.
    """
    return Live(cfg, trainer, data) if cfg.get("EVAL", {}).get("LIVE_INTERVAL") else None


class Live:
    """KID, FID and attribute accuracy of EVAL.LIVE_COUNT captions, always the same ones.

    Call `begin` before the first step, then the object every `interval` steps. Nothing that
    training computes depends on it. Real pictures are looked at once, when it is made.

    Args:
      trainer: with `sampler(data)`, which gives (embeddings, seed, start) -> uint8 pictures, of the
        weights as they are when it is called.
      data: what the GAN trains on.
    Attributes: interval: EVAL.LIVE_INTERVAL.
    Raises: UserError if the set has no validation split, or one that is too small or without the
      embeddings, or if what judges is missing.
    """

    def __init__(self, cfg: EasyDict, trainer, data: GanData):
        self._cost = Cost()
        self.interval, self._metric = cfg.EVAL.LIVE_INTERVAL, cfg.EVAL.LIVE_BEST
        self._seed = cfg.SEED
        split = _validation_split(cfg)
        embeddings = data.text.stored(split)
        choice = CaptionChoice(split, embeddings, cfg.EVAL.LIVE_COUNT, cfg.SEED, distinct=True)
        if len(choice.rows) < LEAST:
            raise UserError(
                f"{split.folder}: {len(choice.rows)} pictures with captions are too few to "
                f"evaluate on, expected {LEAST} or more; prepare the set with a larger --validation"
            )
        self._embeddings = np.asarray(embeddings[choice.rows])
        self._sample, self._jury = trainer.sampler(data), Jury(cfg)
        self._real, read = self._jury(choice.reals(data.imsize, BATCH))
        self._readings = None if read is None else read[choice.own]
        self._said = self._mentions(choice)
        self._rule = {"metric": self._metric, "count": len(choice.rows), **self._jury.digests}
        self._cost.ready()

    def begin(self, folder: Path, start: int, save: Callable[[str], None]) -> None:
        """Go on with the best checkpoint that the run folder holds, if there is one.

        Args: start: the step that training goes on from; save: writes a checkpoint to a prefix.
        Raises: UserError if what is there cannot be read.
        """
        self._best = Best(folder, self._rule, save)
        self._cost.mark(start)

    def __call__(self, step: int) -> dict[str, float]:
        """Evaluate, and keep the checkpoint if it is the best; returns what is to be logged.

        `live_kid`, `live_fid`, perhaps `live_attributes`; `live_seconds` that this took, and
        `live_share` of this sitting's wall time that evaluating has taken so far.
        Raises: UserError if the checkpoint cannot be written, or its weights are not finite.
        """
        with self._cost.of(step):
            features, readings = self._jury(self._fakes())
            values = {
                "live_kid": kid(features, self._real, self._seed).value,
                "live_fid": fid(features, self._real, self._seed).estimate.value,
            }
            if self._said is not None:
                values["live_attributes"] = self._accuracy(readings, self._said)
            self._best.offer(step, values[self._metric])
        return values | self._cost.told()

    def _fakes(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self._embeddings), BATCH):
            yield self._sample(self._embeddings[start : start + BATCH], self._seed, start)

    def _mentions(self, choice: CaptionChoice) -> np.ndarray | None:
        """What the captions name, int8 (n, a); None, said why, if nothing can be read of it."""
        if self._readings is None:
            if self._metric == "live_attributes":
                raise UserError(f"EVAL.LIVE_BEST live_attributes: EVAL.CLASSIFIER {NO_ATTRIBUTES}")
            return None
        said = mentions_of(choice.captions(), self._jury.attributes)
        try:
            self._accuracy(self._readings, said)
        except UserError as error:
            if self._metric == "live_attributes":
                raise
            print(f"no live_attributes: {error}", file=sys.stderr)
            return None
        return said

    def _accuracy(self, readings: np.ndarray, said: np.ndarray) -> float:
        names = self._jury.attributes
        found = attribute_accuracy(readings, said, names, self._readings, self._seed)
        return found.value.value


def _validation_split(cfg: EasyDict) -> PreparedSplit:
    folder = data_folder(cfg)
    if SPLIT not in read_card(folder)["splits"]:
        raise UserError(
            f"{folder} has no validation split, which EVAL.LIVE_INTERVAL needs: prepare the set "
            "again with --validation 0.1 (misc/preprocess_*.py) and embed it again "
            "(encoder/embed.py --data), or leave EVAL.LIVE_INTERVAL out"
        )
    return open_split(folder, SPLIT)


class Jury:
    """What looks at pictures: the network of EVAL.LIVE_NETWORK, and the set's own classifier.

    Attributes:
      digests: of the files of both, by what they are.
      attributes: names of what the classifier reads.
    Raises: UserError if one of them is missing.
    """

    def __init__(self, cfg: EasyDict):
        default = "classifier" if cfg.EVAL.CLASSIFIER else "efficientnet-lite0"
        name = cfg.EVAL.LIVE_NETWORK or default
        self._network = self._classifier = None
        self.digests, self.attributes = {}, []
        if cfg.EVAL.CLASSIFIER:
            self._classifier = classifier.load(cfg.EVAL.CLASSIFIER)
            self.digests["classifier"] = self._classifier.digest
            self.attributes = self._classifier.attributes
        if name != "classifier":
            self._network = load_network(name)
            self.digests[self._network.judge] = self._network.digest

    def __call__(self, batches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        """uint8 (n, s, s, 3) batches -> features float32 (n, d) and, if any, attributes (n, a)."""
        features, readings = [], []
        for pictures in batches:
            read = self._classifier(pictures) if self._classifier else {}
            features.append(self._network(pictures)[0] if self._network else read["features"])
            if self.attributes:
                readings.append(read["attributes"])
        return np.concatenate(features), np.concatenate(readings) if readings else None
