"""One pass over pictures, through all that judges them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.data.atomic import disk_errors


class Judge(NamedTuple):
    """Something that judges pictures.

    Attributes:
      ask: uint8 (n, h, w, 3) -> what it says of each picture, by name: arrays (n, ...).
      facts: what the lines of its numbers tell: `judge`, its name in protocols, and more.
    """

    ask: Callable[[np.ndarray], Mapping[str, np.ndarray]]
    facts: dict


Said = dict[str, np.ndarray]


def judge(
    batches: Iterator[np.ndarray], count: int, judges: Mapping[str, Judge], folder: Path
) -> Said:
    """What each judge says of each picture: {"judge/what": (count, ...)}.

    The arrays are memory-mapped files in `folder`, so that memory does not grow with `count`.

    Args: batches: uint8 (n, h, w, 3), `count` pictures in all, each batch of one size.
    Raises: ValueError for another number of pictures; UserError if the disk is full.
    """
    said, done = {}, 0
    for pictures in batches:
        end = done + len(pictures)
        if end > count:
            raise ValueError(f"judge: expected {count} pictures, got more")
        for name, one in judges.items():
            for what, values in one.ask(pictures).items():
                key = f"{name}/{what}"
                if key not in said:
                    said[key] = _mapped(folder, key, (count, *values.shape[1:]), values.dtype)
                said[key][done:end] = values
        done = end
    if done != count:
        raise ValueError(f"judge: expected {count} pictures, got {done}")
    return said


def _mapped(folder: Path, key: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    path = folder / f"{key.replace('/', '_')}.npy"
    with disk_errors(path):
        return np.lib.format.open_memmap(path, "w+", dtype=dtype, shape=shape)
