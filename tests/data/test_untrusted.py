"""Views that stay in their storage, and refusals of one line."""

import pickle

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.untrusted import Refused, check_bools, opened, refusals, strided_view

STORAGE = np.arange(12, dtype=np.float32)


@pytest.mark.parametrize(
    "offset, shape, strides, expected",
    [
        (0, (3, 4), (4, 1), STORAGE.reshape(3, 4)),
        (0, (4, 3), (1, 4), STORAGE.reshape(3, 4).T),
        (1, (3,), (4,), [1, 5, 9]),
        (11, (), (), 11),
        (11, (2, 2), (0, 0), [[11, 11], [11, 11]]),
        (12, (0, 5), (5, 1), np.empty((0, 5))),
    ],
)
def test_a_view_is_what_torch_means(offset, shape, strides, expected):
    view = strided_view(STORAGE, offset, shape, strides)
    assert np.array_equal(view, expected) and view.dtype == np.float32
    assert not view.size or np.shares_memory(view, STORAGE)


@pytest.mark.parametrize(
    "offset, shape, strides",
    [
        (0, (13,), (1,)),
        (1, (12,), (1,)),
        (12, (), ()),
        (0, (3, 4), (5, 1)),
        (0, (2,), (2**40,)),
        (0, (2**60,), (1,)),
        (0, (2**60,), (0,)),
        (0, (2,), (2**63,)),
        (-1, (2,), (1,)),
        (3, (2,), (-1,)),
        (0, (-2, -2), (1, 1)),
        (0, (3,), (4, 1)),
        (0, (1,) * 33, (1,) * 33),
        (0, (2.0,), (1,)),
        (0, (True,), (1,)),
        (None, (1,), (1,)),
    ],
)
def test_a_view_that_would_leave_its_storage_is_refused(offset, shape, strides):
    with pytest.raises(Refused):
        strided_view(STORAGE, offset, shape, strides)


def test_a_tensor_with_gaps_cannot_be_a_storage():
    repeated = strided_view(STORAGE[:1], 0, (100,), (0,))
    with pytest.raises(ValueError, match="contiguous"):
        strided_view(repeated, 50, (50,), (1,))


def test_bools_are_0_or_1():
    check_bools(np.array([True, False]))
    check_bools(np.array([7.5]))
    with pytest.raises(Refused, match="bools"):
        check_bools(np.frombuffer(b"\0\1\2\1", bool)[::2])


@pytest.mark.parametrize(
    "error, message",
    [
        (EOFError(), "f.bin ends too early: download it again"),
        (Refused("it is big-endian"), "f.bin is refused: it is big-endian; expected a map"),
        (pickle.UnpicklingError("no"), "f.bin is refused: no; expected a map"),
        (MemoryError(), "f.bin is damaged .* (MemoryError); expected a map"),
        (RecursionError(), "f.bin is damaged .* (RecursionError)"),
        (PermissionError(13, "Permission denied"), "f.bin cannot be read: Permission denied"),
        (UserError("my own words"), "my own words"),
    ],
)
def test_whatever_goes_wrong_becomes_one_line(error, message):
    with pytest.raises(UserError) as caught, refusals("f.bin", "a map"):
        raise error
    start, *rest = message.split(".*")
    assert str(caught.value).startswith(start) and all(part in str(caught.value) for part in rest)


def test_ctrl_c_is_no_damage():
    with pytest.raises(KeyboardInterrupt), refusals("f.bin", "a map"):
        raise KeyboardInterrupt


def test_a_file_is_opened_without_being_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is empty"), opened(path):
        pass
    path.write_bytes(b"abc")
    with opened(path) as content:
        # A read of more than is there gives what is there; it does not first make room for it.
        assert len(content) == 3 and content.read(2**62) == b"abc"
