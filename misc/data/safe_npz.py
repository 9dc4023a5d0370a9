"""Reads NumPy's `.npz` of a known layout: arrays by name, no pickles, nothing that unfolds."""

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.untrusted import Refused, refusals

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    path: str | Path, layout: Mapping[str, tuple[str, int]], most: int
) -> dict[str, np.ndarray]:
    """The arrays of a file that `np.savez` wrote; read-only.

    Args:
      layout: of each array the type, as NumPy spells it ("<f4"), and the number of dimensions.
      most: bytes that the file may have.
    Raises: UserError if it is missing, larger, compressed, damaged, or holds other arrays, or
      floats that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with refusals(path, f"the arrays {', '.join(layout)}, as np.savez writes them"):
        if path.stat().st_size > most:
            raise Refused(f"it has more than {most:,} bytes")
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if sorted(members) != sorted(f"{name}.npy" for name in layout):
                raise Refused("it holds other arrays")
            # What is not compressed is no larger than the file, whatever its header claims.
            if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
                raise Refused("it is compressed")
            return {
                name: _array(archive.read(members[f"{name}.npy"]), name, *wanted)
                for name, wanted in layout.items()
            }


def _array(content: bytes, name: str, dtype: str, dimensions: int) -> np.ndarray:
    file = io.BytesIO(content)
    shape, column_major, found = _HEADERS[np.lib.format.read_magic(file)](file)
    if found != np.dtype(dtype) or len(shape) != dimensions or column_major:
        raise Refused(f"{name} is {found} of shape {shape}")
    # `shape` is as the file says: Python's own integers do not overflow.
    if math.prod(shape) * found.itemsize != len(content) - file.tell():
        raise Refused(f"{name} has another size than its header says")
    array = np.frombuffer(content, found, offset=file.tell()).reshape(shape)
    if found.kind == "f" and not np.isfinite(array).all():
        raise Refused(f"{name} holds a NaN or an infinite number")
    return array
