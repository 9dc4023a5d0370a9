"""Which devices this process computes on."""

import sys

from misc.config.errors import UserError


def gpu_indices(gpu_id: int | str) -> list[int]:
    """[] for -1 (the CPU), else the indices in GPU_ID: 0, "0" or "0,1".

    Raises: UserError if it is neither.
    """
    try:
        indices = [int(part) for part in str(gpu_id).split(",")]
    except ValueError:
        indices = [-2]
    if indices == [-1]:
        return []
    if min(indices) < 0 or len(set(indices)) < len(indices):
        raise UserError(
            f"GPU_ID is {gpu_id!r}, expected -1 (the CPU), a GPU's index such as 0, or several: 0,1"
        )
    return indices


def choose_devices(gpu_id: int | str) -> list:
    """Let TensorFlow see the GPUs that GPU_ID names and no other; returns them, [] for the CPU.

    No GPU in the machine: the CPU, said once on stderr. Call it before any TensorFlow operation.
    Raises: UserError if there are GPUs but not that one.
    """
    import tensorflow as tf

    wanted = gpu_indices(gpu_id)
    gpus = tf.config.list_physical_devices("GPU")
    if wanted and not gpus:
        print("no GPU in this machine: running on the CPU", file=sys.stderr)
        wanted = []
    missing = [i for i in wanted if i >= len(gpus)]
    if missing:
        raise UserError(
            f"GPU_ID {gpu_id}: no GPU {missing[0]}; this machine has {len(gpus)} (0 to "
            f"{len(gpus) - 1}); -1 is the CPU"
        )
    chosen = [gpus[i] for i in wanted]
    tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:
        tf.config.experimental.set_memory_growth(gpu, True)
    if chosen:
        tf.config.experimental.enable_op_determinism()
    return chosen
