"""Files of safetensors, made byte by byte: whole ones are read, all others refused."""

import json

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.safe_tensors import read_safetensors


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), start=0, stop=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


def test_tensors_come_by_name_in_the_order_of_their_bytes(tmp_path):
    numbers, halves = np.array([[1, -2], [3, 4]], "<i8"), np.array([0.5, 2], "<f2")
    header = {
        "__metadata__": {"format": "pt"},
        "empty": entry("F32", (0, 3), 36, 36),
        "halves": entry("F16", (2,), 32, 36),
        "numbers": entry("I64", (2, 2), 0, 32),
        "one": entry("BOOL", (), 36, 37),
    }
    path = write(tmp_path / "a", header, numbers.tobytes() + halves.tobytes() + b"\1")
    found = read_safetensors(path)
    assert list(found) == ["numbers", "halves", "empty", "one"]
    np.testing.assert_array_equal(found["numbers"], numbers)
    np.testing.assert_array_equal(found["halves"], halves)
    assert found["empty"].shape == (0, 3) and found["one"].shape == () and found["one"]
    assert not any(array.flags.writeable for array in found.values())


@pytest.mark.parametrize(
    ("header", "size", "message"),
    [
        ({"a": entry(stop=4)}, 4, "bytes of 'a' are not where"),
        ({"a": entry(start=4, stop=12)}, 12, "bytes of 'a' are not where"),
        ({"a": entry(), "b": entry(start=4, stop=12)}, 12, "bytes of 'b' are not where"),
        ({"a": entry()}, 9, "tensors have 8 bytes, 9 are there"),
        ({"a": entry()}, 7, "is damaged|tensors have 8 bytes, 7 are there"),
        ({"a": entry("BF16", (4,))}, 8, "type 'BF16'"),
        ({"a": entry(shape=(2**50,))}, 8, "sizes and offsets no tensor has"),
        ({"a": entry(shape=(-2,))}, 8, "sizes and offsets no tensor has"),
        ({"a": entry(shape=(2.0,))}, 8, "sizes and offsets no tensor has"),
        ({"a": entry(shape=(True, 2))}, 8, "sizes and offsets no tensor has"),
        ({"a": entry(shape=(2,) + (1,) * 40)}, 8, "41 sizes"),
        ({"a": {"dtype": "F32", "shape": [2]}}, 8, "is damaged"),
        ({"a": entry("BOOL", (8,))}, b"\7" * 8, "neither 0 nor 1"),
        ([1], 0, "is damaged"),
        (b'{"a"', 0, "is damaged"),
        (b"[" * 100_000, 0, "is damaged"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(header, size, message, tmp_path):
    data = size if isinstance(size, bytes) else bytes(size)
    path = write(tmp_path / "a.safetensors", header, data)
    with pytest.raises(UserError, match=message) as caught:
        read_safetensors(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [9999, 2**24 + 1, 2**64 - 1])
def test_a_header_longer_than_the_file_is_refused(length, tmp_path):
    path = write(tmp_path / "a", {"a": entry()}, bytes(8), length)
    with pytest.raises(UserError, match="its header would have"):
        read_safetensors(path)


def test_a_missing_empty_or_short_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_safetensors(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match="is empty"):
        read_safetensors(tmp_path / "empty")
    (tmp_path / "short").write_bytes(b"\1\0\0")
    with pytest.raises(UserError, match="its header would have"):
        read_safetensors(tmp_path / "short")
