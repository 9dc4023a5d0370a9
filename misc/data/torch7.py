"""Reads Torch7's `.t7` files with torchfile, made safe for files from anywhere.

torchfile knows the format, but believes the file: sizes and strides that lead out of it, and files
cut short, give it arrays over foreign memory; a count is allocated before it is read. Here every
number is checked before torchfile sees it, and tensors are views that cannot leave their storage.
The format is that of `torch.save` on 64-bit Linux and macOS: binary, little-endian, 8-byte longs.
"""

import math
import struct
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torchfile

from misc.data.untrusted import (
    BOMB,
    MAX_DIMENSIONS,
    TORCH_TYPES,
    Refused,
    opened,
    refusals,
    strided_view,
)

# The published text encoder nests 644 levels, and its tensors, most of which share one storage,
# together have several times the size of the file.
MAX_DEPTH = 2000
GROWTH = 64
_FRAMES = 3 * MAX_DEPTH + 1000  # Python frames for so many levels, and for the program

_TABLE, _OBJECT, _FUNCTIONS = torchfile.TYPE_TABLE, torchfile.TYPE_TORCH, (6, 7, 8)
_TAGS = range(9)
_WHY = "it is damaged or cut short, or has 4-byte longs (Torch on Windows or 32 bits)"


def read_t7(path: str | Path):
    """Read what `torch.save` wrote.

    Returns: None, bool, int, float, str (UTF-8, else Latin-1); a read-only array for a tensor or
      storage (an empty tensor has shape (0,)); a list for a table with the keys 1 to n or none, a
      list of (key, value) for one with tables as keys, a dict for any other; for an object of a Lua
      class the dict of its fields, its class under "torch_typename". What was shared in Lua is
      shared here, so a network has cycles.
    Raises: UserError if the file is missing, damaged, of another format, holds a Lua function,
      nests deeper than `MAX_DEPTH`, or unfolds to more than `GROWTH` times its size.
    """
    path = Path(path)
    expected = "one value as torch.save writes it on 64-bit Linux or macOS"
    with refusals(path, expected), opened(path) as content:
        _check_start(content)
        reader = _Reader(content)
        with _recursion(_FRAMES):
            value = reader.read_obj()
        if reader.left():
            raise Refused(f"{reader.left()} bytes follow its value")
        return _plain(value)


def _check_start(content):
    """Name the other variants of the format by how they begin."""
    start = content[:4]
    if start[:1].isdigit() and start[1:2] in (b"\n", b"\r"):
        raise Refused("it is in Torch's ASCII format: save it again with torch.save(name, value)")
    if int.from_bytes(start, "big") in _TAGS and start != b"\0\0\0\0":
        raise Refused("it is big-endian")


@contextmanager
def _recursion(limit):
    """torchfile recurses; since Python 3.11 its frames lie on the heap, so deep is no danger."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, limit))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Reader(torchfile.T7Reader):
    """torchfile's reader; lists stay dicts, because it cannot make one that holds an array.

    `content`: the file, memory-mapped; `budget`: bytes that its tensors may have together.
    """

    def __init__(self, content):
        super().__init__(content, use_list_heuristic=False)
        self.depth, self.budget = 0, GROWTH * len(content)

    def left(self) -> int:
        """Bytes not yet read."""
        return len(self.f) - self.f.tell()

    def take(self, count: int, size: int = 1) -> bytes:
        """The next `count` items of `size` bytes."""
        if not 0 <= count <= self.left() // size:
            raise Refused(
                f"it announces {count} items of {size} bytes where {self.left()} bytes are left; "
                + _WHY
            )
        return self.f.read(count * size)

    # torchfile's own methods on the bytes of the file: native order and sizes become fixed ones.

    def _read(self, fmt):
        fmt = "<" + fmt
        return struct.unpack(fmt, self.take(1, struct.calcsize(fmt)))

    def read_long(self):
        return self._read("q")[0]

    def read_long_array(self, n):
        return np.frombuffer(self.take(n, 8), "<i8").tolist()

    def read_string(self, disable_utf8=False):
        return self.take(self.read_int())

    def _ahead(self):
        """Type, index and count of the next value; the last two only mean something in a table."""
        here = self.f.tell()
        return struct.unpack("<iii", self.f[here : here + 12].ljust(12, b"\0"))

    def read_obj(self):
        tag, index, count = self._ahead()
        if tag in _FUNCTIONS:
            raise Refused("it holds a Lua function, which is a program")
        if tag not in _TAGS:
            raise Refused(f"it holds a value of unknown type {tag}")
        new = tag in (_TABLE, _OBJECT) and index not in self.objects
        # A key and a value have at least four bytes each, these three numbers twelve.
        if new and tag == _TABLE and not 0 <= count <= (self.left() - 12) // 8:
            raise Refused(f"it announces a table of {count} in {self.left()} bytes")
        if self.depth > MAX_DEPTH:
            raise Refused(f"it nests deeper than {MAX_DEPTH} levels")
        self.depth += 1
        value = super().read_obj()
        self.depth -= 1
        return value


def _tensor_reader(dtype):
    def read(reader, _version):
        dimensions = reader.read_int()
        if not 0 <= dimensions <= MAX_DIMENSIONS:
            raise Refused(f"it holds a tensor of {dimensions} dimensions")
        shape = tuple(reader.read_long_array(dimensions))
        strides = tuple(reader.read_long_array(dimensions))
        # Before the storage is looked for, because with 4-byte longs it is not where it should be.
        if not all(0 < n <= reader.budget for n in shape):
            raise Refused(f"it holds a tensor of the sizes {shape[:8]}; {_WHY}")
        offset = reader.read_long() - 1  # Lua counts from 1
        storage = reader.read_obj()
        if not shape:
            return np.empty(0, dtype)
        if type(storage) is not np.ndarray or storage.dtype != dtype or storage.ndim != 1:
            raise Refused("it holds a tensor without a storage of its type")
        reader.budget -= math.prod(shape) * storage.itemsize
        if reader.budget < 0:
            raise Refused(BOMB)
        return strided_view(storage, offset, shape, strides)

    return read


def _storage_reader(dtype):
    def read(reader, _version):
        content = reader.take(reader.read_long(), np.dtype(dtype).itemsize)
        return np.frombuffer(content, dtype)

    return read


# torchfile's way to teach it a class, here also those that it knows, but reads unchecked.
for _kind, _dtype in TORCH_TYPES.items():
    for _prefix in ("torch." + _kind, "torch.Cuda" + _kind.replace("Float", "")):
        torchfile.register_handler(f"{_prefix}Tensor".encode())(_tensor_reader(_dtype))
        torchfile.register_handler(f"{_prefix}Storage".encode())(_storage_reader(_dtype))


def _plain(root):
    """torchfile's value as `read_t7` gives it; without recursion, because it may nest deep."""
    made, queue = {}, []

    def plain(value):
        if type(value) is bytes:
            return _text(value)
        if not isinstance(value, dict | list | torchfile.TorchObject):
            return value
        if id(value) not in made:
            made[id(value)] = {} if _is_named(value) else []
            queue.append(value)
        return made[id(value)]

    result = plain(root)
    for value in queue:  # which grows meanwhile
        target, table = made[id(value)], value
        if isinstance(value, torchfile.TorchObject):
            target["torch_typename"], table = _text(value._typename), value._obj
            if not isinstance(table, dict) or not _has_names(table):
                raise Refused(f"it holds a {target['torch_typename'][:60]!r} without named fields")
        if type(table) is list:  # a tds.Vec
            target += map(plain, table)
        elif type(target) is dict:
            target.update((plain(key), plain(item)) for key, item in table.items())
        elif _is_list(table):
            target += (plain(table[number]) for number in range(1, len(table) + 1))
        else:
            target += ((plain(key), plain(item)) for key, item in table.items())
    return result


def _is_list(table):
    """Whether the keys are 1 to n; of an empty table Lua does not say what it is."""
    return all(type(key) is int and 0 < key <= len(table) for key in table)


def _is_named(value):
    """Whether it becomes a dict."""
    if isinstance(value, dict):
        return _has_names(value) and not _is_list(value)
    return isinstance(value, torchfile.TorchObject)


def _has_names(table):
    return all(type(key) in (bytes, bool, int, float) for key in table)


def _text(content):
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin1")
