"""Reads rows of numbers from Matlab files (`.mat`) of version 5 to 7, and nothing else.

Not by SciPy: its reader uses a number of the file as an index unchecked, so that a single changed
byte can end the process.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from misc.data.untrusted import BOMB, Refused, opened, refusals

MOST_BYTES = 2**24  # of a file, and of what it unfolds to
# What an element is. Numbers may be stored in a smaller type than their array's.
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
_TYPES |= {12: "<i8", 13: "<u8"}
_NUMERIC = range(6, 16)  # kinds of arrays: from double to uint64
_COMPLEX = 8  # among the flags of an array


def read_rows(path: Path, *keys: str) -> list[np.ndarray]:
    """The rows or columns of real numbers that a Matlab file holds under these names.

    Returns: 1-d arrays of at least one number, of the types that they are stored in.
    Raises: UserError if the file is missing, damaged, of another version, larger than `MOST_BYTES`
      in itself or unfolded, or holds something else under a name, or two things.
    """
    expected = f"{', '.join(keys)}: rows of numbers in a Matlab file of version 5 to 7"
    with refusals(path, expected), opened(path) as file:
        if len(file) > MOST_BYTES:
            raise Refused(f"it has {len(file)} bytes")
        content = file[:]
        if content[124:128] != b"\0\1IM":
            raise Refused("it is no such file")
        held, left = {}, MOST_BYTES
        for kind, data in _elements(content[128:]):
            if kind == _COMPRESSED:
                data = _unfold(data, left)
                left -= len(data)
                ((kind, data),) = _elements(data)
            if kind != _MATRIX:
                raise Refused(f"it holds an element of type {kind} where an array should be")
            name, row = _array(data)
            if name in held:
                raise Refused(f"it holds {name[:60]!r} twice")
            held[name] = row
        for key in keys:
            if held.get(key) is None:
                found = "something else as" if key in held else "no"
                raise Refused(f"it holds {found} {key}")
        return [held[key] for key in keys]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, content) of the elements that follow each other in `data`."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        start, end = at + 8, at + 8 + size
        if kind >> 16:  # a short one, of at most four bytes, has them in place of its size
            kind, size, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if start + size > len(data):
            raise EOFError
        yield kind, data[start : start + size]
        at = end if kind == _COMPRESSED else at + 8 * math.ceil((end - at) / 8)


def _unfold(data: bytes, most: int) -> bytes:
    unfolder = zlib.decompressobj()
    content = unfolder.decompress(data, most + 1)
    if len(content) > most:
        raise Refused(BOMB)
    if not unfolder.eof:
        raise EOFError
    return content


def _array(data: bytes) -> tuple[str, np.ndarray | None]:
    """Name and numbers of an array; no numbers if it is no row or column of real ones."""
    (_, flags), (_, sizes), (_, name), *parts = islice(_elements(data), 5)
    shape = np.frombuffer(sizes, "<i4").tolist()
    if flags[0] in _NUMERIC and not flags[1] & _COMPLEX and len(shape) == 2 and min(shape) == 1:
        ((kind, numbers),) = parts
        row = np.frombuffer(numbers, _TYPES[kind])
        if len(row) == max(shape):
            return name.decode(), row
    return name.decode(), None
