"""How long the steps of trained runs take when they take turns: see `benchmarks.faces`.

The wall time of a training tells of the machine's other work, too. Here the steps of every run, and
of every stage of it, are timed in one interleaved run, on pictures and texts of noise.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.turns import Work, serve, take_turns
from misc.training.runs import load_run


def seconds(runs: Sequence[tuple[Path, Sequence[int]]], rounds: int) -> list[float]:
    """What all steps of each run take on equal terms, its grids and graphs left out.

    Args: runs: folders of runs of faces or of Stage-I, with the number of steps of each stage.
    """
    parts = [
        (place, str(run), str(stage), steps)
        for place, (run, stages) in enumerate(runs)
        for stage, steps in enumerate(stages)
        if steps
    ]
    code = "import sys; from benchmarks import faces_time; faces_time.serve_stage(*sys.argv[1:])"
    program = [sys.executable, "-c", code]
    turns = take_turns([[*program, run, stage] for _, run, stage, _ in parts], rounds)
    found = [0.0] * len(runs)
    for (place, *_, steps), turn in zip(parts, turns, strict=True):
        # Not by its own rate: the median of ratios leaves out what met one round alone.
        found[place] += steps / (turn["ratio"] * turns[0]["per_second"])
    return found


def serve_stage(run: str, stage: str) -> None:
    """Be the process of one stage's steps."""
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    room, cfg = load_run(run, "faces", "initial")
    choose_devices(cfg.GPU_ID)
    if room == "faces":
        from benchmarks.faces_variants import make_step

        return serve(Work(make_step(cfg, int(stage), False, cfg.PRECISION).step))
    return serve(Work(_stage1_step(cfg)))


def _stage1_step(cfg):
    import tensorflow as tf

    from initial.trainer import build
    from misc.training.distribute import precision

    with precision(cfg.PRECISION):
        trainer = build(cfg, 1, 100)
    size, side = cfg.TRAIN.BATCH_SIZE, cfg.TEST.LR_IMSIZE
    pictures = tf.random.stateless_uniform((2, size, side, side, 3), (0, 0), -1.0, 1.0)
    embedding = tf.random.stateless_normal((size, cfg.TEXT.DIMENSION), (0, 0))
    batch = {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
    number = tf.constant(0, tf.int64)

    @tf.function
    def run():
        losses = trainer.train_step(batch, number)
        trainer.average.update(number)
        return losses["d_loss"]

    return lambda: float(run())
