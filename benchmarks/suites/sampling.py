"""Sampling of both stages, text to picture, and what a first picture takes from a cold start.

`main.py` samples by `initial.sample` and `final.sample`, whose two stages are one graph.
Their noise is drawn row by row, so that a picture does not depend on its batch; uint8 comes out.
"""

import subprocess
import sys
from types import SimpleNamespace

from benchmarks.turns import Work

UNIT, ROUNDS = "images", 5
COLD = "first picture, cold start"
_OURS = ("plain float32", "float32", "bfloat16", "sampler float32", "sampler bfloat16")
_WORKS = {"Stage-I, batch 16": (1, 16), "Stage-II, batch 4": (2, 4), "Stage-II, batch 16": (2, 16)}


def works(_args) -> dict[str, tuple[str, ...]]:
    """Names of works and variants."""
    started = ("TensorFlow alone", "Stage-I", "Stage-II")
    return dict.fromkeys(_WORKS, _OURS) | {COLD: started}


def make(_args, work: str, variant: str, _folder: str) -> Work:
    """One batch of pictures, or one start of a process."""
    if work == COLD:
        program = [sys.executable, "-c", _started(variant)]
        return Work(lambda: subprocess.run(program, check=True))
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from benchmarks import stackgan

    stage, batch = _WORKS[work]

    if not variant.startswith("sampler"):
        run = stackgan.sampling(stage, variant, batch)
        return Work(lambda: run().numpy(), batch)
    sample = sampler(stage, variant.split()[1])
    embedding = _embedding(batch)
    return Work(lambda: sample(embedding, 0), batch)


def _embedding(rows: int):
    import numpy as np

    from benchmarks.stackgan import TEXT

    return np.random.default_rng(0).normal(size=(rows, TEXT)).astype(np.float32)


def sampler(stage: int, dtype: str):
    """The sampler of an untrained run of published widths, as `load` of its room builds it."""
    from final.sample import Sampler as Sampler2
    from final.sample import build_generator as build2
    from initial.sample import Sampler, build_generator
    from misc.config.load import load_config
    from misc.training.distribute import precision

    overrides = [f"PRECISION={dtype}", "GAN.NETWORK_TYPE=pytorch"]
    text = SimpleNamespace(scaled=lambda embedding: embedding)
    first = load_config("initial", None, overrides)
    with precision(dtype):
        generator = build_generator(first)
        if stage == 1:
            return Sampler(generator, first, text)
        cfg = load_config("final", None, overrides)
        return Sampler2(generator, first, build2(cfg), cfg, text)


def _started(variant: str) -> str:
    """A program that ends when it has a picture."""
    lines = ["from misc.config.quiet import import_tensorflow", "import_tensorflow()"]
    if variant.startswith("Stage"):
        stage = 1 if variant == "Stage-I" else 2
        lines += ["from benchmarks.suites import sampling"]
        lines += [f"sampling.sampler({stage}, 'float32')(sampling._embedding(1), 0)"]
    return "; ".join(lines)
