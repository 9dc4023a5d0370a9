"""Rows out of Matlab files as SciPy writes them, and files made to harm."""

import random
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from misc.config.errors import UserError
from misc.data import matlab
from misc.data.matlab import read_rows

ROWS = {
    "labels": np.arange(1, 8, dtype="u1")[None],
    "long_name_of_a_column": np.array([[1.5], [-2.25], [np.inf]]),
    "one": np.array([[300]], "i8"),
    "singles": np.array([[1, 2]], "f4"),
    **{f"u{size}": np.array([[0, 2 ** (8 * size) - 1]], f"u{size}") for size in (1, 2, 4, 8)},
    **{f"i{size}": np.array([[-(2 ** (8 * size - 1)), 5, 7]], f"i{size}") for size in (1, 2, 4)},
}
OTHERS = {
    "text": "a text",
    "cells": np.array([["a", 1]], object),
    "fields": {"a": 1, "b": "x"},
    "square": np.ones((2, 2)),
    "empty": np.zeros((1, 0)),
    "cube": np.ones((1, 1, 2)),
    "complex": np.array([[1, 2j]]),
}


@pytest.fixture(params=[True, False], ids=["compressed", "plain"])
def saved(tmp_path, request):
    """A file of `ROWS`, between `OTHERS`."""
    path = tmp_path / "rows.mat"
    savemat(path, {**OTHERS, **ROWS, "last": "x"}, do_compression=request.param)
    return path


@pytest.fixture
def refusal(tmp_path):
    """`refusal(content, key)`: the line that refuses a file."""

    def read(content, key="labels"):
        (tmp_path / "bad.mat").write_bytes(content)
        with pytest.raises(UserError) as caught:
            read_rows(tmp_path / "bad.mat", key)
        message = str(caught.value)
        assert str(tmp_path / "bad.mat") in message and "\n" not in message
        return message

    return read


def element(kind, data):
    return kind.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def test_rows_of_every_type(saved):
    reference = loadmat(saved)
    for key, row in zip(ROWS, read_rows(saved, *ROWS), strict=True):
        assert row.ndim == 1 and np.array_equal(row, reference[key].ravel()), key
    assert read_rows(saved, "one", "labels")[1].tolist() == list(range(1, 8))


@pytest.mark.parametrize("key", [*OTHERS, "nothing"])
def test_what_is_no_row(saved, refusal, key):
    found = "no nothing" if key == "nothing" else f"something else as {key}"
    assert f"it holds {found}" in refusal(saved.read_bytes(), key)


def test_other_files(saved, refusal, tmp_path):
    whole = saved.read_bytes()
    assert "is empty" in refusal(b"")
    assert "no such file" in refusal(b"no Matlab" * 99)
    assert "no such file" in refusal(whole[:100])
    assert "no such file" in refusal(whole[:124] + b"\0\2IM" + whole[128:])  # 7.3, which is HDF5
    assert "no such file" in refusal(whole[:124] + b"\1\0MI" + whole[128:])  # big-endian
    assert "holds no labels" in refusal(whole[:128])
    with pytest.raises(UserError, match="cannot be read"):
        read_rows(tmp_path / "nowhere.mat", "labels")


def test_one_name_twice(saved, refusal):
    whole = saved.read_bytes()
    assert "'text' twice" in refusal(whole + whole[128:])


def test_bombs(refusal, monkeypatch):
    head = bytes(124) + b"\0\1IM"
    assert "unfolds to far more" in refusal(head + element(15, zlib.compress(bytes(2**25))))
    half = element(15, zlib.compress(element(14, bytes(9 * 2**20))))
    assert "unfolds to far more" not in refusal(head + half)
    monkeypatch.setattr(matlab, "MOST_BYTES", 200)
    assert "it has 207 bytes" in refusal(head + bytes(79))


def test_an_element_that_is_none(saved, refusal):
    head = saved.read_bytes()[:128]
    assert "an element of type 9 where" in refusal(head + element(9, bytes(8)))
    assert "ends too early" in refusal(head + element(14, bytes(8))[:-1])
    assert "ends too early" in refusal(head + element(15, zlib.compress(bytes(99))[:-5]))


def test_damage_of_any_kind_is_read_or_refused(saved, tmp_path):
    whole, rng, path = saved.read_bytes(), random.Random(0), tmp_path / "damaged.mat"
    outcomes = set()
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 2, 5])):
            content[rng.randrange(128, len(content))] = rng.randrange(256)
        path.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
        try:
            (row,) = read_rows(path, "labels")
            outcomes.add(row.ndim)
        except UserError:
            outcomes.add("refused")
    # What is compressed has a checksum.
    assert outcomes == ({"refused"} if b"labels" not in whole else {1, "refused"})
