"""From what judges say of pictures to the lines that are told: one a metric, each by a protocol."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from misc.config.errors import UserError
from misc.evaluation.bootstrap import Estimate, bootstrap
from misc.evaluation.colour_correlation import colour_correlation, shuffled
from misc.evaluation.frechet import LEAST, fid
from misc.evaluation.inception_score import inception_score
from misc.evaluation.kid import SUBSET, kid
from misc.evaluation.precision_recall import precision_recall
from misc.evaluation.protocols import line

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
    """

    fake: Mapping[str, np.ndarray]
    real: Mapping[str, np.ndarray]
    facts: Mapping[str, dict]
    own: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sentences: np.ndarray | None = None
    mentions: np.ndarray | None = None
    attributes: Sequence[str] = ()

    def both(self, judge: str, what: str, least: int, why: str) -> tuple[np.ndarray, np.ndarray]:
        """What a judge says of the fakes and of the reals. Raises: UserError if too few."""
        fake, real = self.fake[f"{judge}/{what}"], self.real[f"{judge}/{what}"]
        for kind, rows in (("generated", fake), ("real", real)):
            if len(rows) < least:
                raise UserError(
                    f"{len(rows)} {kind} pictures are too few, expected at least {least}: {why}"
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
        "r_precision": "encoder",
        "attributes": "classifier",
        "colour": "colour",
    }
    return {judges[metric] for metric in metrics}


def _inception(judged: Judged, seed: int, splits: int) -> Measured:
    judge, what = "classifier", "species"
    if "classifier/species" not in judged.fake:
        judge, what = "network", "probabilities"
    fake, real = judged.both(judge, what, splits, f"{splits} splits; lower EVAL.SPLITS (--splits)")
    # Splits are consecutive rows, and pictures in a folder come class by class.
    fake, real = (
        inception_score(rows[np.random.default_rng(seed).permutation(len(rows))], splits, seed)
        for rows in (fake, real)
    )
    facts = {"real": real.value, "real_interval": real.interval, "splits": splits}
    return judged.told("is", judge, what, fake, **facts), fake


def _frechet(judged: Judged, seed: int, splits: int) -> Measured:
    found = fid(*judged.both(*FEATURES, LEAST, "the Frechet distance"), seed)
    limit = found.extrapolated
    facts = {"extrapolated": limit.value, "extrapolated_interval": limit.interval}
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
    for part in ("precision", "recall"):
        facts |= {part: found[part].value, f"{part}_interval": found[part].interval}
    return judged.told("pr", *FEATURES, found["f1"], **facts), found["f1"]


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
    "colour": _colour,
}
