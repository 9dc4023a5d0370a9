"""Reads rows of numbers and of names from Matlab files, by SciPy in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from misc.data.untrusted import Refused, refusals
from misc.sources.apart import apart

# No list of the sets we read has more than 481 kB. They are compressed, which a hostile one is a
# thousandfold: this is 512 MB then.
MAT_BYTES = 2**19
MOST = 1_000_000  # items of a row
_NUMBERS = {"double", "single"} | {f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)}


def read_matlab(path: Path, *keys: str) -> list[np.ndarray]:
    """The rows or columns that a Matlab file holds under these names, as 1-d arrays.

    SciPy's reader uses numbers of the file unchecked, so that a changed byte can end its process.

    Returns: numbers of the types that they are stored in; of a cell array its strings.
    Raises: UserError if the file is missing, damaged, too large, or holds something else.
    """
    return list(apart(_rows, path, keys, where=path))


def _rows(path: Path, keys: tuple[str, ...]) -> Iterator[np.ndarray]:
    from scipy.io import loadmat, whosmat

    with refusals(path, f"{', '.join(keys)}: rows of numbers or names, in a Matlab file"):
        if path.stat().st_size > MAT_BYTES:
            raise Refused(f"it is larger than {MAT_BYTES} bytes")
        # First what it holds, from the headers: of other things nothing is made then.
        held = whosmat(path)
        for key in keys:
            found = [(shape, kind) for name, shape, kind in held if name == key]
            shape, kind = found[0] if len(found) == 1 else ((), f"{len(found)} arrays")
            row = len(shape) == 2 and min(shape) == 1 and max(shape) <= MOST
            if not row or kind not in _NUMBERS | {"cell"}:
                raise Refused(f"it holds {kind} of shape {shape} as {key}")
        values = loadmat(path, variable_names=keys)
        for key in keys:
            row = np.ravel(values[key])
            if row.dtype == object:
                names = [cell.item() for cell in row]
                if not all(type(name) is str for name in names):
                    raise Refused(f"its {key} holds other things than names")
                row = np.array(names)
            elif row.dtype.kind not in "iuf":
                raise Refused(f"its {key} are no real numbers")
            yield row
