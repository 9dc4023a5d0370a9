"""From what judges say of pictures to the lines that are told: one a metric, each by a protocol."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from misc.config.errors import UserError
from misc.evaluation.attributes import attribute_accuracy
from misc.evaluation.bootstrap import Estimate, bootstrap
from misc.evaluation.colour_correlation import colour_correlation, shuffled
from misc.evaluation.diversity import diversity, mean_distance
from misc.evaluation.frechet import LEAST, fid
from misc.evaluation.inception_score import inception_score
from misc.evaluation.kid import SUBSET, kid
from misc.evaluation.precision_recall import precision_recall
from misc.evaluation.protocols import line
from misc.evaluation.r_precision import candidates, r_precision

NEIGHBOURS = 3  # of precision and recall
FEATURES = ("network", "features")


@dataclass(frozen=True)
class Judged:
    """Generated pictures and real ones, as judges see them (`misc.evaluation.judging.judge`).

    Attributes:
      fake, real: {"judge/what": (n, ...)} of the generated and of the real pictures.
      facts: {judge: what its lines tell of it}; `judge` in them is its name in protocols.
      own: (n,) the place of each fake's own picture among the real ones.
      labels: (n,) the class of each fake's own picture.
      sentences: float32 (n, d), the captions in the space of the judge `encoder`.
      mentions: int8 (n, a), the attributes that the captions name, see `misc.data.mentions`.
      attributes: their names.
      several: float32 (captions, copies, d), features of pictures that are of one caption.
    """

    fake: Mapping[str, np.ndarray]
    real: Mapping[str, np.ndarray]
    facts: Mapping[str, dict]
    own: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sentences: np.ndarray | None = None
    mentions: np.ndarray | None = None
    attributes: Sequence[str] = ()
    several: np.ndarray | None = None

    def both(self, judge: str, what: str, least: int, why: str) -> tuple[np.ndarray, np.ndarray]:
        """What a judge says of the fakes and of the reals. Raises: UserError if too few."""
        fake, real = self.fake[f"{judge}/{what}"], self.real[f"{judge}/{what}"]
        for kind, rows in (("generated", fake), ("real", real)):
            if len(rows) < least:
                raise UserError(
                    f"{len(rows)} {kind} pictures are too few, expected at least {least}: {why}; "
                    "take more (EVAL.COUNT: 0 for all), or leave the metric out"
                )
        return fake, real

    def told(self, metric: str, judge: str, what: str, estimate: Estimate, **facts) -> dict:
        """The line of a number that came from "judge/what"."""
        counts = {
            "n": len(self.fake[f"{judge}/{what}"]),
            "n_real": len(self.real[f"{judge}/{what}"]),
        }
        known = dict(self.facts[judge])
        return line(metric, known.pop("judge"), estimate, **facts, **counts, **known)


Measured = tuple[dict, Estimate]


def measure(metrics: Iterable[str], judged: Judged, seed: int, splits: int) -> Iterator[Measured]:
    """The line of each metric, with the estimate behind its value.

    Args: splits: of the Inception score.
    Raises: UserError if there are too few pictures for a metric.
    """
    for metric in metrics:
        start = time.monotonic()
        told, estimate = _MEASURES[metric](judged, seed, splits)
        seconds = round(time.monotonic() - start, 3)
        yield told | {"seed": seed, "seconds": seconds}, estimate


def needed(metrics: Iterable[str], classifier: bool) -> set[str]:
    """The judges that these metrics ask. Args: classifier: there is one, so it gives the `is`."""
    judges = {
        "is": "classifier" if classifier else "network",
        "fid": "network",
        "kid": "network",
        "pr": "network",
        "diversity": "network",
        "r_precision": "encoder",
        "attributes": "classifier",
        "colour": "colour",
    }
    return {judges[metric] for metric in metrics}


def _inception(judged: Judged, seed: int, splits: int) -> Measured:
    judge, what = "classifier", "species"
    if "classifier/species" not in judged.fake:
        judge, what = "network", "probabilities"
    fake, real = judged.both(judge, what, splits, f"{splits} splits (EVAL.SPLITS, --splits)")
    # Splits are consecutive rows, and pictures in a folder come class by class.
    fake, real = (
        inception_score(rows[np.random.default_rng(seed).permutation(len(rows))], splits, seed)
        for rows in (fake, real)
    )
    facts = _told_beside({"real": real}) | {"splits": splits}
    return judged.told("is", judge, what, fake, **facts), fake


def _frechet(judged: Judged, seed: int, splits: int) -> Measured:
    found = fid(*judged.both(*FEATURES, LEAST, "the Frechet distance"), seed)
    facts = _told_beside({"extrapolated": found.extrapolated})
    return judged.told("fid", *FEATURES, found.estimate, **facts), found.estimate


def _kid(judged: Judged, seed: int, splits: int) -> Measured:
    fake, real = judged.both(*FEATURES, LEAST, "KID")
    found = kid(fake, real, seed)
    size = min(SUBSET, len(fake), len(real))
    return judged.told("kid", *FEATURES, found, subset_size=size), found


def _precision_recall(judged: Judged, seed: int, splits: int) -> Measured:
    features = judged.both(*FEATURES, NEIGHBOURS + 2, f"{NEIGHBOURS} neighbours of each picture")
    found = precision_recall(*features, seed, NEIGHBOURS)
    facts = {"k": NEIGHBOURS}
    facts |= _told_beside({part: found[part] for part in ("precision", "recall")})
    return judged.told("pr", *FEATURES, found["f1"], **facts), found["f1"]


def _diversity(judged: Judged, seed: int, splits: int) -> Measured:
    fake, real = judged.both(*FEATURES, 2, "pictures to tell apart")
    found, anyone = diversity(judged.several, seed), np.zeros(max(len(fake), len(real)))
    labels = np.empty(len(real), np.int64)
    labels[judged.own] = judged.labels
    of_class = mean_distance(real, labels, seed)
    beside = {
        "others": mean_distance(fake, anyone[: len(fake)], seed),
        "real": mean_distance(real, anyone[: len(real)], seed) if of_class is None else of_class,
        "real_pairs": "any two" if of_class is None else "of one class",
    }
    captions, copies = judged.several.shape[:2]
    facts = beside | {"captions": captions, "copies": copies}
    return judged.told("diversity", *FEATURES, found, **facts), found


def _r_precision(judged: Judged, seed: int, splits: int) -> Measured:
    fake, real = judged.both("encoder", "features", 2, "captions to choose from")
    sentences, labels = judged.sentences, judged.labels
    found = r_precision(fake, sentences, labels, seed)
    others = shuffled(len(labels), seed)
    beside = {
        "ceiling": r_precision(real[judged.own], sentences, labels, seed),
        "floor": r_precision(fake, sentences[others], labels[others], seed),
    }
    facts = {"candidates": candidates(labels)} | _told_beside(beside)
    return judged.told("r_precision", "encoder", "features", found, **facts), found


def _attributes(judged: Judged, seed: int, splits: int) -> Measured:
    fake, real = judged.both("classifier", "attributes", 2, "captions to shuffle")
    found = attribute_accuracy(fake, judged.mentions, judged.attributes, real[judged.own], seed)
    facts = _told_beside({"ceiling": found.ceiling, "chance": found.chance})
    facts |= {"per_attribute": found.table, "left_out": found.left_out}
    return judged.told("attributes", "classifier", "attributes", found.value, **facts), found.value


def _told_beside(estimates: Mapping[str, Estimate]) -> dict:
    told = {}
    for name, estimate in estimates.items():
        told |= {name: estimate.value, f"{name}_interval": estimate.interval}
    return told


def _colour(judged: Judged, seed: int, splits: int) -> Measured:
    fake, real = judged.both("colour", "mean", 2, "a correlation")
    own = real[judged.own]

    def correlation(places):
        found = colour_correlation(fake[places], own[places])
        return 0.0 if found is None else found  # one colour for all: it follows no sentence

    found = bootstrap(correlation, len(fake), seed)
    others = colour_correlation(fake, own[shuffled(len(own), seed)]) or 0.0
    return judged.told("colour", "colour", "mean", found, shuffled=others), found


_MEASURES: dict[str, Callable[[Judged, int, int], Measured]] = {
    "is": _inception,
    "fid": _frechet,
    "kid": _kid,
    "pr": _precision_recall,
    "diversity": _diversity,
    "r_precision": _r_precision,
    "attributes": _attributes,
    "colour": _colour,
}
