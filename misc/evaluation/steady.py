"""Sampling whose pixels do not depend on how many pictures are asked for at once."""

import sys
from collections.abc import Callable, Sequence

import numpy as np

from misc.config.errors import UserError

# (embeddings float32 (n, width), seed, number of the first picture) -> uint8 (n, s, s, 3), one
# array a stage. With a fourth, `walk` float32 (n,) from 0 to 1, row r has the noise so far on the
# way from that of the number to that of the next.
Stages = Callable[..., Sequence[np.ndarray]]
ROWS = 16


def steady(stages: Stages) -> Stages:
    """The same function, computing `ROWS` pictures at a time, number k always in place k % ROWS.

    A matrix product rounds differently with its number of rows, which flips the last bit of a pixel
    here and there; so each picture is computed in the same place of a batch of the same size, and
    the places of pictures that were not asked for are filled with zeros. On a walk place k is that
    of its k-th picture. If the device's memory does not hold so many, half as many are computed at
    a time from then on, as often as it takes, and stderr says so.

    Raises (when called): UserError if a single picture does not fit into memory.
    """
    import tensorflow as tf  # here, as this module is also read by programs without it

    rows = ROWS

    def sample(
        embedding: np.ndarray, seed: int, start: int, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        nonlocal rows
        while True:
            try:
                return _in_places(stages, rows, embedding, seed, start, walk)
            except tf.errors.ResourceExhaustedError as error:
                if rows == 1:
                    raise UserError(
                        "the device's memory does not hold one picture of this run; free some, or "
                        "take another device: --gpu"
                    ) from error
            rows //= 2
            print(
                f"out of memory: from here on {rows} pictures at a time, which may differ from "
                f"those of {ROWS} in the last bit",
                file=sys.stderr,
            )

    return sample


def _in_places(stages: Stages, rows: int, embedding, seed, start, walk) -> tuple[np.ndarray, ...]:
    before = start % rows if walk is None else 0
    after = -(before + len(embedding)) % rows
    padded = np.pad(embedding, ((before, after), (0, 0)))
    firsts = range(0, len(padded), rows)
    if walk is None:
        parts = [stages(padded[i : i + rows], seed, start - before + i) for i in firsts]
    else:
        way = np.pad(np.asarray(walk, np.float32), (0, after))
        parts = [stages(padded[i : i + rows], seed, start, way[i : i + rows]) for i in firsts]
    wanted = slice(before, len(padded) - after)
    return tuple(np.concatenate(part)[wanted] for part in zip(*parts, strict=True))
