"""Training steps of both stages in little memory: TRAIN.ACCUMULATE in four parts, TRAIN.RECOMPUTE,
and both (layout pytorch, published widths). Batches are so large that activations are most of it.
"""

from benchmarks.suites.training import step
from benchmarks.turns import Work

UNIT, ROUNDS = "images", 1
_WORKS = {"Stage-I step, batch 256": (1, 256), "Stage-II step, batch 16": (2, 16)}
_KEYS = ("", " accumulate", " recompute", " accumulate recompute")


def works(_args) -> dict[str, tuple[str, ...]]:
    """Names of works and variants."""
    return dict.fromkeys(_WORKS, tuple(f"float32{keys}" for keys in _KEYS))


def make(_args, work: str, variant: str, _folder: str) -> Work:
    """One training step."""
    return step(*_WORKS[work], variant)
