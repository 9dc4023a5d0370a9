"""Reads PyTorch checkpoints (`.pth`): tensors by name, without PyTorch, and nothing else.

`torch.save` writes a pickle that names the tensors, and beside it their storages: since PyTorch 1.6
as entries of a zip archive, before that one after the other behind the pickle.
"""

import io
import re
import stat
import zipfile
from pathlib import Path
from pickle import BINPERSID, BUILD
from typing import NamedTuple

import numpy as np

from misc.data.safe_pickle import ArrayUnpickler, Opcodes, fill
from misc.data.untrusted import (
    BOMB,
    GROWTH,
    TORCH_TYPES,
    Refused,
    check_bools,
    opened,
    refusals,
    strided_view,
)

# NumPy has no bfloat16: see `_array`.
_TYPES = TORCH_TYPES | {"Bool": "?", "BFloat16": "<u2"}
_MAGIC = 0x1950A86A20F9469CFC6C  # opens the older format
_LOCAL_HEADER = 30  # bytes before each entry of a zip archive, at least


class _Storage(NamedTuple):
    """A run of numbers, known by its key until its bytes are read."""

    kind: str
    key: str
    count: int

    @property
    def size(self):
        return self.count * np.dtype(_TYPES[self.kind]).itemsize


class _Tensor(NamedTuple):
    """A window onto a storage, not yet checked."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


def read_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """Read a flat `state_dict`, in the zip format (PyTorch 1.6 and later) or the older one.

    Returns: {name: array} in the file's order; read-only, bfloat16 as float32. Arrays may share
      memory, as the tensors did.
    Raises: UserError if the file is missing, damaged, holds anything but tensors by name, asks for
      any function but the four that make tensors and dicts, is compressed, or big-endian. Nothing
      of it has run by then.
    """
    path = Path(path)
    with refusals(path, "a state_dict of tensors as torch.save writes it"), opened(path) as content:
        read = _read_zip if content[:4] == b"PK\3\4" else _read_legacy
        tensors, storages = read(content, path)
        arrays, budget = {}, GROWTH * len(content)
        for name, tensor in tensors.items():
            view = _view(tensor, storages[tensor.storage.key])
            budget -= view.nbytes
            if budget < 0:
                raise Refused(BOMB)
            arrays[name] = _array(tensor, view)
        return arrays


def _view(tensor, content):
    storage = np.frombuffer(content, _TYPES[tensor.storage.kind])
    return strided_view(storage, tensor.offset, tensor.shape, tensor.strides)


def _array(tensor, view):
    check_bools(view)
    if tensor.storage.kind == "BFloat16":  # the upper half of a float32
        view = (view.astype("<u4") << 16).view("<f4")
    return view


def _kind(value):
    return type(value).__name__.strip("_")


class _TensorUnpickler(ArrayUnpickler):
    """Gives `_Tensor`s by name; `storages`: the `_Storage`s they lie in, by key."""

    def __init__(self, file, budget):
        super().__init__(file, budget)
        self.storages = {}

    def tensors(self) -> dict:
        value = self.load()
        if type(value) is not dict:
            raise Refused(f"it holds a {_kind(value)}")
        for name, tensor in value.items():
            if type(name) is not str or type(tensor) is not _Tensor:
                raise Refused(f"it holds a {_kind(tensor)} under {str(name)[:60]!r}")
        return value

    def functions(self):
        return {
            "collections.OrderedDict": self.ordered_dict,
            "torch._utils._rebuild_tensor": self.tensor,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_parameter": self.parameter,
            **{f"torch.{kind}Storage": kind for kind in _TYPES},
        }

    def persistent_load(self, pid):
        """The storage that ("storage", type, key, device, count) names."""
        tag, kind, key, _device, count, *view = pid  # the oldest PyTorch adds a view, or None
        # Type before anything else: the hash of a tuple that nests deep overflows the stack of C.
        known = tag == "storage" and type(kind) is str and kind in _TYPES and view in ([], [None])
        if not known or type(key) is not str or not re.fullmatch("[0-9]{1,20}", key):
            raise Refused("it holds a storage described in an unknown way")
        if type(count) is not int or not 0 <= count < 2**48:
            raise Refused("it holds a storage of an impossible size")
        storage = _Storage(kind, key, count)
        if self.storages.setdefault(key, storage) != storage:
            raise Refused(f"it describes storage {key} in two ways")
        return storage

    # What the functions give. Gradients, hooks and attributes are left out.

    def ordered_dict(self, pairs=()):
        if type(pairs) not in (list, tuple):
            raise Refused("it holds a dict of an unknown form")
        self.spend(16 * len(pairs))
        found = {}
        for key, value in pairs:  # so did Python 2
            fill(found, [key, value])
        return found

    def tensor(self, storage, offset, shape, strides, *_gradient_and_hooks):
        if type(storage) is not _Storage or type(shape) is not tuple or type(strides) is not tuple:
            raise Refused("it holds a tensor described in an unknown way")
        return _Tensor(storage, offset, shape, strides)

    def parameter(self, tensor, *_gradient_and_hooks):
        return tensor

    def load_build(self):
        self.stack.pop()
        if type(self.stack[-1]) is not dict:  # of which PyTorch sets `_metadata`
            raise Refused(f"it sets the state of a {_kind(self.stack[-1])}")

    dispatch = Opcodes(
        {
            **ArrayUnpickler.dispatch,
            BINPERSID[0]: ArrayUnpickler.load_binpersid,
            BUILD[0]: load_build,
        }
    )


def _read_zip(content, path):
    """The `_Tensor`s by name, and {key: bytes} of their storages."""
    with zipfile.ZipFile(path) as archive:
        members = _members(archive)
        if "data.pkl" not in members:
            raise Refused("it is a zip archive without data.pkl")
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise Refused("it is big-endian")
        pickle = io.BytesIO(archive.read(members["data.pkl"]))
        unpickler = _TensorUnpickler(pickle, GROWTH * len(content))
        tensors, storages = unpickler.tensors(), {}
        for storage in unpickler.storages.values():
            info = members.get(f"data/{storage.key}")
            if info is None or info.file_size != storage.size:
                found = "is not there" if info is None else f"has {info.file_size} bytes"
                raise Refused(f"its storage {storage.key} of {storage.size} bytes {found}")
            storages[storage.key] = archive.read(info)
    return tensors, storages


def _members(archive):
    """The entries by their name below the archive's one folder; none is read before this."""
    members, folders, end = {}, set(), 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        folder, *parts = info.filename.split("/")
        shown, name = repr(info.filename[:60]), "/".join(parts)
        # Nothing is ever unpacked, but such an archive was made to harm.
        if {"", ".", ".."} & {folder, *parts} or set(info.filename) & {"\\", ":"} or not parts:
            raise Refused(f"it has an entry named {shown}")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Refused(f"its entry {shown} is a link")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise Refused(f"its entry {shown} is compressed or encrypted, as torch.save never does")
        folders.add(folder)
        if name in members or len(folders) > 1:
            raise Refused(f"it has two entries or two folders for {shown}")
        if info.header_offset < end or info.file_size != info.compress_size:
            raise Refused(f"its entry {shown} overlaps another or has two sizes")
        end = info.header_offset + _LOCAL_HEADER + info.file_size
        if end > archive.start_dir:
            raise Refused(f"its entry {shown} of {info.file_size} bytes is longer than the file")
        members[name] = info
    return members


def _read_legacy(content, _path):
    """The same of the older format: five pickles, then for each storage its count and bytes."""

    def unpickler():
        return _TensorUnpickler(content, GROWTH * len(content))

    if unpickler().load() != _MAGIC:
        raise Refused("it does not begin like a checkpoint")
    _version, system = unpickler().load(), unpickler().load()
    if type(system) is not dict or system.get("little_endian") is not True:
        raise Refused("it is big-endian")
    main = unpickler()
    tensors, keys = main.tensors(), unpickler().load()
    texts = type(keys) is list and all(type(key) is str for key in keys)
    if not texts or set(keys) != main.storages.keys() or len(keys) != len(main.storages):
        raise Refused("it lists other storages than its tensors use")
    storages = {}
    for key in keys:
        storage = main.storages[key]
        count = int.from_bytes(content.read(8), "little")
        if count != storage.count:
            raise Refused(f"its storage {key} has {count} elements, not {storage.count}")
        storages[key] = content.read(storage.size)
        if len(storages[key]) != storage.size:
            raise EOFError
    if content.tell() != len(content):
        raise Refused(f"{len(content) - content.tell()} bytes follow its last storage")
    return tensors, storages
