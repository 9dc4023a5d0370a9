"""Pictures that are one picture: a 64-bit code of each, pairs of like codes, and a closer look."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

# Codes that differ in at most DIFFER bits agree in at least BANDS - DIFFER bands, whole. Looking
# for three at a time, about 21 bits, keeps apart most of a million pictures.
DIFFER, BANDS = 6, 9
AGREE = BANDS - DIFFER
# Every ninth bit, from all over the picture: neighbouring bits say much the same.
_MASKS = [np.uint64(sum(1 << bit for bit in range(band, 64, BANDS))) for band in range(BANDS)]
# Smaller steps of brightness are noise on a plain ground, which would fill the code with chance.
STEP = 2
CELLS = 16  # a side of the grid whose mean colours are compared
# Of 255. Measured on drawn birds and emoji at 38 px: a JPEG of quality 50 moves a cell by at most
# 17, and the closest two of 2,000 birds are 35 apart.
MOVED = 16
GAIN = 2.0  # copies are at most this many times brighter or darker


def code_of(image: Image.Image) -> tuple[int, int]:
    """64 bits, and those of the mirrored picture: where brightness rises from left to right.

    The difference hash. Scaling, recompression, brightness and contrast change few of the bits.
    """
    grey = image.convert("L").resize((9, 8), Image.Resampling.BOX)
    levels = np.asarray(grey, np.int16)
    plain, mirrored = (
        np.packbits(np.diff(side, axis=1) >= STEP) for side in (levels, levels[:, ::-1])
    )
    return int.from_bytes(plain.tobytes()), int.from_bytes(mirrored.tobytes())


def like_codes(codes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every pair of codes that differ in at most DIFFER bits, once: arrays (i, j), in parts.

    Args: codes: uint64 (n,).
    """
    for bands in itertools.combinations(range(BANDS), AGREE):
        # A pair is found by the first bands it agrees in: one before them would have found it.
        earlier = [_MASKS[band] for band in range(bands[-1]) if band not in bands]
        keys = codes & np.bitwise_or.reduce([_MASKS[band] for band in bands])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        at, step = np.arange(len(keys)), 0
        while len(at):
            step += 1
            at = at[at + step < len(keys)]
            at = at[keys[at] == keys[at + step]]
            i, j = order[at], order[at + step]
            differing = codes[i] ^ codes[j]
            found = np.bitwise_count(differing) <= DIFFER
            for mask in earlier:
                found &= (differing & mask) != 0
            if found.any():
                yield i[found], j[found]


def grid_of(image: Image.Image, cells: int = CELLS) -> np.ndarray:
    """Mean colours, uint8 (cells, cells, 3), of an RGB picture."""
    return np.asarray(image.resize((cells, cells), Image.Resampling.BOX))


def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether grids are of one picture, but for one gain and one offset over all of it.

    No cell may differ by more than MOVED, or a quarter of the picture's own range if that is less.
    So a copy that is scaled, recompressed, brighter or darker is found; one that is cropped or
    shifted by more than a hundredth or so is not.

    Args: a, b: uint8 (n, cells, cells, 3).
    Returns: bool (n,).
    """
    a, b = (x.reshape(-1, math.prod(x.shape[1:])).astype(np.float32) for x in (a, b))
    limit = np.minimum(MOVED, np.ptp(a, axis=1) / 4)
    a, b = (grids - grids.mean(axis=1, keepdims=True) for grids in (a, b))
    gain = (a * b).sum(axis=1) / np.maximum((a * a).sum(axis=1), 1e-6)
    gain = np.clip(gain, 1 / GAIN, GAIN)[:, None]
    return np.abs(b - gain * a).max(axis=1) <= limit
