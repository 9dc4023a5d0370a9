"""From what judges say of pictures to the lines that are told: one a metric, each by a protocol."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, write_atomic
from misc.evaluation import colour_correlation, frechet, inception_score, kid, precision_recall
from misc.evaluation.attributes import attribute_accuracy
from misc.evaluation.bootstrap import Estimate
from misc.evaluation.protocols import line
from misc.evaluation.r_precision import r_precision

NEIGHBOURS = 3  # of precision and recall


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

    def told(self, metric: str, judge: str, estimate: Estimate, what: str, **facts) -> dict:
        """The line of a number that came from "judge/what"."""
        counts = {
            "n": len(self.fake[f"{judge}/{what}"]),
            "n_real": len(self.real[f"{judge}/{what}"]),
        }
        known = {k: v for k, v in self.facts[judge].items() if k != "judge"}
        return line(metric, self.facts[judge]["judge"], estimate, **facts, **counts, **known)


Measured = tuple[dict, Estimate]


def measure(
    metrics: Iterable[str], judged: Judged, seed: int, splits: int
) -> Iterator[tuple[dict, np.ndarray]]:
    """The line of each metric, with the replicates of its value.

    Args: splits: of the Inception score.
    Raises: UserError if there are too few pictures for a metric.
    """
    for metric in metrics:
        start = time.monotonic()
        told, estimate = _MEASURES[metric](judged, seed, splits)
        seconds = round(time.monotonic() - start, 3)
        yield told | {"seed": seed, "seconds": seconds}, estimate.replicates


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
    judge, what = (
        ("classifier", "species")
        if "classifier/species" in judged.fake
        else (
            "network",
            "probabilities",
        )
    )
    for name, rows in (("generated", judged.fake), ("real", judged.real)):
        if len(rows[f"{judge}/{what}"]) < splits:
            raise UserError(
                f"the Inception score takes {splits} splits, but there are only "
                f"{len(rows[f'{judge}/{what}'])} {name} pictures; lower EVAL.SPLITS (--splits)"
            )
    fake, real = (
        inception_score.inception_score(_shuffled(rows[f"{judge}/{what}"], seed), splits, seed)
        for rows in (judged.fake, judged.real)
    )
    facts = {"real": real.value, "real_interval": list(real.interval), "splits": splits}
    return judged.told("is", judge, fake, what, **facts), fake


def _shuffled(rows: np.ndarray, seed: int) -> np.ndarray:
    # Splits are consecutive rows, and files in a folder come class by class.
    return rows[np.random.default_rng(seed).permutation(len(rows))]


def _frechet(judged: Judged, seed: int, splits: int) -> Measured:
    found = frechet.fid(judged.fake[FEATURES], judged.real[FEATURES], seed)
    facts = {
        "extrapolated": found.extrapolated.value,
        "extrapolated_interval": list(found.extrapolated.interval),
    }
    return judged.told("fid", "network", found.estimate, "features", **facts), found.estimate


def _kid(judged: Judged, seed: int, splits: int) -> Measured:
    found = kid.kid(judged.fake[FEATURES], judged.real[FEATURES], seed)
    facts = {"subset_size": kid.subset_size(judged.fake[FEATURES], judged.real[FEATURES])}
    return judged.told("kid", "network", found, "features", **facts), found


def _precision_recall(judged: Judged, seed: int, splits: int) -> Measured:
    found = precision_recall.precision_recall(
        judged.fake[FEATURES], judged.real[FEATURES], seed, NEIGHBOURS
    )
    facts = {"k": NEIGHBOURS}
    for part in ("precision", "recall"):
        facts |= {part: found[part].value, f"{part}_interval": list(found[part].interval)}
    return judged.told("pr", "network", found["f1"], "features", **facts), found["f1"]


FEATURES = "network/features"
_MEASURES: dict[str, Callable[[Judged, int, int], Measured]] = {
    "is": _inception,
    "fid": _frechet,
    "kid": _kid,
    "pr": _precision_recall,
}
