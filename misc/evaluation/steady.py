"""Sampling whose pixels do not depend on how many pictures are asked for at once."""

from collections.abc import Callable, Sequence

import numpy as np

# (embeddings float32 (n, width), seed, number of the first picture) -> uint8 (n, s, s, 3), one
# array a stage.
Stages = Callable[[np.ndarray, int, int], Sequence[np.ndarray]]
ROWS = 16


def steady(stages: Stages) -> Stages:
    """The same function, computing `ROWS` pictures at a time, number k always in place k % ROWS.

    A matrix product rounds differently with its number of rows, which flips the last bit of a pixel
    here and there; so each picture is computed in the same place of a batch of the same size, and
    the places of pictures that were not asked for are filled with zeros.
    """

    def sample(embedding: np.ndarray, seed: int, start: int) -> tuple[np.ndarray, ...]:
        before = start % ROWS
        after = -(before + len(embedding)) % ROWS
        padded = np.pad(embedding, ((before, after), (0, 0)))
        firsts = range(0, len(padded), ROWS)
        parts = [stages(padded[i : i + ROWS], seed, start - before + i) for i in firsts]
        wanted = slice(before, len(padded) - after)
        return tuple(np.concatenate(part)[wanted] for part in zip(*parts, strict=True))

    return sample
