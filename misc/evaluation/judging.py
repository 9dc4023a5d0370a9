"""One pass over pictures, through everything that judges them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from misc.data.atomic import disk_errors

# uint8 (n, h, w, 3) -> what it says of each picture, by name: arrays (n, ...).
Judge = Callable[[np.ndarray], Mapping[str, np.ndarray]]


def judge(
    batches: Iterator[np.ndarray], count: int, judges: Mapping[str, Judge], folder: Path
) -> dict[str, np.ndarray]:
    """What each judge says of each picture: {"judge/name": (count, ...)}.

    The arrays are memory-mapped files in `folder`, which must outlive them, so that memory does not
    grow with `count`.

    Args: batches: uint8 (n, h, w, 3), `count` pictures in all, each batch of one size.
    Raises: ValueError for another number of pictures; UserError if the disk is full.
    """
    said, done = {}, 0
    for pictures in batches:
        end = done + len(pictures)
        if end > count:
            break
        for name, ask in judges.items():
            for what, values in ask(pictures).items():
                key = f"{name}/{what}"
                if key not in said:
                    said[key] = _mapped(folder / key.replace("/", "_"), count, values)
                said[key][done:end] = values
        done = end
    if done != count:
        raise ValueError(f"judge: expected {count} pictures, got {end if end > done else done}")
    return said


def _mapped(path: Path, count: int, values: np.ndarray) -> np.ndarray:
    path = path.with_suffix(".npy")
    shape = (count, *values.shape[1:])
    with disk_errors(path):
        return np.lib.format.open_memmap(path, "w+", dtype=values.dtype, shape=shape)
