"""Reads Hugging Face's `.safetensors`: tensors by name, behind a header of JSON, and nothing else.

The file: 8 bytes for the length of the header; the header, {name: {dtype, shape, data_offsets}};
the bytes of the tensors one after the other, without gaps.
"""

import json
import math
from pathlib import Path

import numpy as np

from misc.data.untrusted import MAX_DIMENSIONS, Refused, check_bools, opened, refusals

_TYPES = {"BOOL": "?", "U8": "u1", "I8": "i1", "F16": "<f2", "F32": "<f4", "F64": "<f8"}
_TYPES |= {f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "UI" for bits in (16, 32, 64)}
_MAX_HEADER = 1 << 24  # bytes; a network of 10,000 tensors has a header of 1 MiB


def read_safetensors(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a file, by name, in the order in which they lie there; read-only.

    Raises: UserError if the file is missing, cut or damaged, has a header of over 16 MiB, tensors
      that overlap or leave gaps, or one of a type that NumPy has not (bfloat16, 8-bit floats).
    """
    path = Path(path)
    with refusals(path, "tensors, as safetensors writes them"), opened(path) as content:
        length = int.from_bytes(content[:8], "little")
        if length > min(_MAX_HEADER, len(content) - 8):
            raise Refused(f"its header would have {length:,} bytes of {len(content):,}")
        header = json.loads(content[8 : 8 + length].decode())
        entries = {name: _checked(header[name]) for name in header.keys() - {"__metadata__"}}
        arrays, end = {}, 0
        for name in sorted(entries, key=lambda name: entries[name][2:]):
            dtype, shape, start, stop = entries[name]
            if start != end or stop - start != math.prod(shape) * dtype.itemsize:
                raise Refused(f"the bytes of {name!r} are not where its header says")
            data, end = content[8 + length + start : 8 + length + stop], stop
            arrays[name] = np.frombuffer(data, dtype, math.prod(shape)).reshape(shape)
            check_bools(arrays[name])
        if 8 + length + end != len(content):
            raise Refused(
                f"its tensors have {end:,} bytes, {len(content) - 8 - length:,} are there"
            )
        return arrays


def _checked(entry: dict) -> tuple[np.dtype, tuple[int, ...], int, int]:
    """Type, shape, first byte and the one behind the last, of what a header says of a tensor."""
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _TYPES:
        raise Refused(f"it holds a tensor of type {kind!r}; convert it to F32")
    numbers = [*shape, *offsets]
    if len(offsets) != 2 or len(shape) > MAX_DIMENSIONS:
        raise Refused(f"it holds a tensor of {len(shape)} sizes and {len(offsets)} offsets")
    if not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise Refused("it holds a tensor whose sizes and offsets no tensor has")
    return np.dtype(_TYPES[kind]), tuple(shape), *offsets
