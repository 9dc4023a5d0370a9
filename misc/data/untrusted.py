"""What the readers of foreign binary files share: how they refuse, and views that stay inside.

A refusal is one line that names the file. A tensor of Torch is a window onto a storage; shape,
strides and offset all come from the file, so each is checked before NumPy sees it.
"""

import mmap
import pickle
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from misc.config.errors import UserError

# What a file unfolds to, copies included, is at most this many times its size: an honest file is
# about as large as its content, a bomb is not.
GROWTH = 4
BOMB = "it unfolds to far more than its own size"
MAX_DIMENSIONS = 32
# No real tensor is longer along one axis; the product of 32 such numbers can still be printed.
_LONGEST = 2**48


# What Torch calls numbers, and how they lie in a file.
TORCH_TYPES = {
    "Byte": "u1",
    "Char": "i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Half": "<f2",
    "Float": "<f4",
    "Double": "<f8",
}


class Refused(Exception):
    """Why a file is not read, in words that follow `FILE is refused: `."""


@contextmanager
def opened(path: Path):
    """The bytes of a file, memory-mapped: a read past the end of a map allocates nothing.

    Raises: OSError; UserError if the file is empty.
    """
    with open(path, "rb") as file:
        if path.stat().st_size == 0:
            raise UserError(f"{path} is empty: download it again")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


@contextmanager
def refusals(path: Path, expected: str):
    """Turn whatever goes wrong while `path` is read into a UserError of one line.

    `expected`: what the file should hold, for the message.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except EOFError as error:
        raise UserError(f"{path} ends too early: download it again") from error
    except (Refused, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is refused: {error}; expected {expected}") from error
    except UserError:
        raise
    except Exception as error:  # a damaged file can fail anywhere, in any way
        raise UserError(
            f"{path} is damaged or not what its name says ({type(error).__name__}); expected "
            f"{expected}: download it again"
        ) from error


def strided_view(storage: np.ndarray, offset: int, shape: tuple, strides: tuple) -> np.ndarray:
    """A tensor as a view of `storage`, without a copy.

    Args: storage: 1-d and contiguous; offset, strides: in elements; a stride of 0 repeats.
    Raises: Refused unless all are whole numbers of at least 0 (a size: at least 1) and every
      element lies inside.
    """
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS:
        raise Refused(f"it holds a tensor of {len(shape)} sizes and {len(strides)} strides")
    if not all(type(n) is int and 0 <= n < _LONGEST for n in numbers):
        raise Refused("it holds a tensor whose sizes, strides and offset no tensor has")
    if 0 in shape:
        return np.empty(shape, storage.dtype)
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if last >= storage.size:
        raise Refused(
            f"it holds a tensor that reaches to element {last + 1} of a storage of {storage.size}"
        )
    size = storage.itemsize
    # This constructor measures shape and strides against the buffer once more; `as_strided` would
    # not. It also refuses a storage with gaps, as a tensor passed off for one can have.
    return np.ndarray(shape, storage.dtype, storage, offset * size, [n * size for n in strides])


def check_bools(array: np.ndarray) -> None:
    """Raises: Refused if `array` is of bools and one is neither 0 nor 1: NumPy miscounts those."""
    if array.dtype == bool and array.size and array.view(np.uint8).max() > 1:
        raise Refused("it holds bools that are neither 0 nor 1")
