"""Which devices a program runs on, and in which arithmetic."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from misc.config.devices import choose_devices
from misc.training.team import Team


def choose_strategy(gpu_id: int | str, team: Team, facts: dict[str, Any]):
    """The tf.distribute strategy that GPU_ID asks for, in one worker or in several.

    -1: the CPU. 0: one device. 0,1: mirrored over both. Several workers meet first, and must agree
    on the `facts`, PRECISION among them, and on what their devices are and compute in. Otherwise as
    `choose_devices`. Call it before any TensorFlow operation.
    Raises: UserError as `choose_devices` and `Team.meet`.
    """
    import tensorflow as tf

    chosen = choose_devices(gpu_id)
    if team.several:
        own = {"devices": f"{len(chosen)} GPU" if chosen else "CPU", "tensorflow": tf.__version__}
        own["arithmetic of the devices"] = arithmetic(facts["PRECISION"])
        team.meet(facts | own)
        return team.start(tf.distribute.MultiWorkerMirroredStrategy)
    if len(chosen) > 1:
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(len(chosen))])
    return tf.distribute.OneDeviceStrategy("GPU:0" if chosen else "CPU:0")


def is_chief(strategy) -> bool:
    """True for the one worker that writes; always true on one machine.

    It is the cluster's `chief`, or worker 0 of a cluster that has none.
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type or resolver.task_type == "chief":
        return True
    return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


@contextlib.contextmanager
def precision(name: str):
    """Layers made in this block compute in `name` ("float32" or "bfloat16"); weights stay float32.

    bfloat16 on a CPU without bfloat16 instructions is some twenty times slower than float32, so
    there the block computes in float32 and says so.
    """
    import keras

    if name != (name := arithmetic(name)):
        print(
            "PRECISION bfloat16: this CPU has no bfloat16 arithmetic, using float32",
            file=sys.stderr,
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def arithmetic(name: str) -> str:
    """What `precision(name)` computes in on this machine."""
    return "float32" if name == "bfloat16" and not _fast_bfloat16() else name


def _fast_bfloat16() -> bool:
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        return True
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
