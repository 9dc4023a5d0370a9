"""Sampling whose pixels do not depend on how many pictures are asked for at once."""

from collections.abc import Callable, Sequence

import numpy as np

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
    of its k-th picture.
    """

    def sample(
        embedding: np.ndarray, seed: int, start: int, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        before = start % ROWS if walk is None else 0
        after = -(before + len(embedding)) % ROWS
        padded = np.pad(embedding, ((before, after), (0, 0)))
        firsts = range(0, len(padded), ROWS)
        if walk is None:
            parts = [stages(padded[i : i + ROWS], seed, start - before + i) for i in firsts]
        else:
            way = np.pad(np.asarray(walk, np.float32), (0, after))
            parts = [stages(padded[i : i + ROWS], seed, start, way[i : i + ROWS]) for i in firsts]
        wanted = slice(before, len(padded) - after)
        return tuple(np.concatenate(part)[wanted] for part in zip(*parts, strict=True))

    return sample
