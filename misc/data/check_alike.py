"""Pictures that are one picture: a 64-bit code of each, pairs of like codes, and a closer look."""

import itertools
from collections.abc import Iterator

import numpy as np
from PIL import Image

# Codes that differ in at most DIFFER bits agree in at least BANDS - DIFFER bands, whole. Looking
# for three at a time, about 21 bits, keeps apart most of a million pictures.
DIFFER, BANDS = 6, 9
AGREE = BANDS - DIFFER
CROWD = 256  # codes that agree in some bands, from more than which on not all pairs are made
# Every ninth bit, from all over the picture: neighbouring bits say much the same.
_MASKS = [np.uint64(sum(1 << bit for bit in range(band, 64, BANDS))) for band in range(BANDS)]
# Smaller steps of brightness are noise on a plain ground, which would fill the code with chance.
STEP = 2
CELLS = 16  # a side of the grid whose mean colours are compared
# Of 255. Measured on 38 px made from 152: a JPEG of quality 50 moves cells of drawn birds by at
# most 4.8, of emoji by 8.5, and the closest two of 2,000 birds are 17 apart.
MOVED = 8
# Of a mirrored picture it gives the mirrored result; BOX does not, at pixels half in two cells.
SMOOTH = Image.Resampling.BILINEAR
GAIN = 2.0  # copies are at most this many times brighter or darker


def code_of(image: Image.Image) -> tuple[int, int]:
    """64 bits, and those of the mirrored picture: where brightness rises from left to right.

    The difference hash. Scaling, recompression, brightness and contrast change few of the bits.
    """
    grey = image.convert("L").resize((9, 8), SMOOTH)
    levels = np.asarray(grey, np.int16)
    plain, mirrored = (
        np.packbits(np.diff(side, axis=1) >= STEP) for side in (levels, levels[:, ::-1])
    )
    return int.from_bytes(plain.tobytes()), int.from_bytes(mirrored.tobytes())


def like_codes(codes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every pair of codes that differ in at most DIFFER bits, once: arrays (i, j), in parts.

    But for some of two `crowded` codes: n that are alike make n^2 / 2 pairs.

    Args: codes: uint64 (n,).
    """
    for bands, order, keys, sizes in _groups(codes):
        # A pair is found by the first bands it agrees in: one before them would have found it.
        earlier = [_MASKS[band] for band in range(bands[-1]) if band not in bands]
        at, step = np.flatnonzero(sizes <= CROWD), 0
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


def crowded(codes: np.ndarray) -> np.ndarray:
    """Which codes share some AGREE bands with more than CROWD - 1 others: bool (n,)."""
    found = np.zeros(len(codes), bool)
    for _, order, _, sizes in _groups(codes):
        found[order[sizes > CROWD]] = True
    return found


def _groups(codes: np.ndarray) -> Iterator[tuple]:
    """For AGREE bands each: them, the order by these bits, which are keys, and groups' sizes."""
    for bands in itertools.combinations(range(BANDS), AGREE):
        keys = codes & np.bitwise_or.reduce([_MASKS[band] for band in bands])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
        sizes = np.diff(starts, append=len(keys))
        yield bands, order, keys, np.repeat(sizes, sizes)


def grid_of(image: Image.Image, cells: int = CELLS) -> np.ndarray:
    """Mean colours, uint8 (cells, cells, 3), of an RGB picture."""
    return np.asarray(image.resize((cells, cells), SMOOTH))


def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether grids are of one picture, but for one gain and one offset over all of it.

    No cell may differ in brightness, and no block of 2 x 2 cells in colour, which JPEG keeps more
    coarsely, by more than MOVED, or a quarter of the picture's own range if that is less. So a copy
    that is scaled, recompressed, brighter or darker is found; one that is cropped, or shifted by
    more than a hundredth or so, is not.

    Args: a, b: uint8 (n, cells, cells, 3), cells even; a may be one grid, (1, ...).
    Returns: bool (n,).
    """
    a, b = a.astype(np.float32), b.astype(np.float32)
    whole = (1, 2, 3)
    limit = np.minimum(MOVED, np.ptp(a, axis=whole) / 4)
    a -= a.mean(axis=whole, keepdims=True)
    b -= b.mean(axis=whole, keepdims=True)
    gain = (a * b).sum(axis=whole) / np.maximum((a * a).sum(axis=whole), 1e-6)
    apart = b - np.clip(gain, 1 / GAIN, GAIN)[:, None, None, None] * a
    rows = apart[:, ::2] + apart[:, 1::2]
    colour = np.abs(rows[:, :, ::2] + rows[:, :, 1::2]).max(axis=whole) / 4
    red, green, blue = np.moveaxis(apart, 3, 0)  # sums along an axis of three are slow
    brightness = np.abs(red + green + blue).max(axis=(1, 2)) / 3
    return np.maximum(brightness, colour) <= limit
