"""Which devices a program runs on, and in which arithmetic."""

import contextlib
import os
import sys
from pathlib import Path

from misc.config.devices import choose_devices


def choose_strategy(gpu_id: int | str):
    """The tf.distribute strategy that GPU_ID, or TF_CONFIG in the environment, asks for.

    -1: the CPU. 0: one device. 0,1: mirrored over both. TF_CONFIG set: one worker of several.
    Otherwise as `choose_devices`.
    """
    import tensorflow as tf

    chosen = choose_devices(gpu_id)
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.MultiWorkerMirroredStrategy()
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

    if name == "bfloat16" and not _fast_bfloat16():
        print(
            "PRECISION bfloat16: this CPU has no bfloat16 arithmetic, using float32",
            file=sys.stderr,
        )
        name = "float32"
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _fast_bfloat16() -> bool:
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        return True
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
