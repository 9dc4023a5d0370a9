"""Training steps of both stages: see `benchmarks.stackgan`. Reals are noise, made beforehand.

Operations are those of products and convolutions alone; attainable is the rate of a 3x3 convolution
of 256 channels, in the same turns. Ours do less work than the plain form for the same step.
"""

from benchmarks.suites.attainable import LIMITS, facts, limit
from benchmarks.turns import Work

UNIT, ROUNDS = "images", 5
_OURS = ("plain float32", "float32", "bfloat16")
_WORKS = {
    "Stage-I step, batch 64": (
        1,
        64,
        (*_OURS, "float32 XLA", "published float32", "published bfloat16", *LIMITS),
    ),
    "Stage-II step, batch 4": (2, 4, (*_OURS, *LIMITS)),
}


def works(_args) -> dict[str, tuple[str, ...]]:
    """Names of works and variants."""
    return {work: variants for work, (_, _, variants) in _WORKS.items()}


def make(_args, work: str, variant: str, _folder: str) -> Work:
    """One training step, or what it is compared with."""
    if variant in LIMITS:
        return limit(variant)
    stage, batch, _ = _WORKS[work]
    return step(stage, batch, variant)


def step(stage: int, batch: int, variant: str) -> Work:
    """One training step of a stage: see `benchmarks.stackgan`."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from benchmarks import stackgan

    run = stackgan.training(stage, variant, batch)
    return Work(lambda: float(run()["d_loss"]), batch, facts(run, batch))
