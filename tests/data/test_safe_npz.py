"""The reader of .npz: what np.savez wrote, and nothing else."""

import io
import zipfile

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.safe_npz import read_npz

LAYOUT = {"rows": ("<f4", 2), "note": ("|u1", 1)}
ROWS, NOTE = np.arange(6, dtype=np.float32).reshape(2, 3), np.frombuffer(b"hello", np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.npz"


def test_what_was_saved_comes_back(path):
    np.savez(path, rows=ROWS, note=NOTE)
    arrays = read_npz(path, LAYOUT, 10_000)
    np.testing.assert_array_equal(arrays["rows"], ROWS)
    assert arrays["note"].tobytes() == b"hello" and not arrays["rows"].flags.writeable


def npy(array, **header):
    """An .npy file, with other facts in its header."""
    file = io.BytesIO()
    facts = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue() + array.tobytes()


def pack(path, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"shape": (2, 10**12)}, "another size than its header says"),
        ({"shape": (-2, -3)}, "damaged"),
        ({"shape": (6,)}, "rows is float32 of shape"),
        ({"shape": (3, 1)}, "another size"),
        ({"fortran_order": True}, "rows is float32"),
        ({"descr": "<f8"}, "rows is float64"),
        ({"descr": "|O"}, "rows is object"),
        ({"descr": "V" + "9" * 30}, "damaged"),
    ],
)
def test_a_header_that_claims_something_else(path, header, why):
    pack(path, rows=npy(ROWS, **header), note=npy(NOTE))
    with pytest.raises(UserError, match=why):
        read_npz(path, LAYOUT, 10_000)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_none(path, bad):
    np.savez(path, rows=np.full((1, 2), bad, np.float32), note=NOTE)
    with pytest.raises(UserError, match="rows holds a NaN or an infinite number"):
        read_npz(path, LAYOUT, 10_000)


def test_other_arrays_compression_size(path):
    pack(path, rows=npy(ROWS))
    with pytest.raises(UserError, match="it holds other arrays; expected the arrays rows, note"):
        read_npz(path, LAYOUT, 10_000)
    pack(path, zipfile.ZIP_DEFLATED, rows=npy(np.zeros((1000, 99), np.float32)), note=npy(NOTE))
    assert path.stat().st_size < 10_000
    with pytest.raises(UserError, match="it is compressed"):
        read_npz(path, LAYOUT, 10_000)
    np.savez(path, rows=np.zeros((1000, 99), np.float32), note=NOTE)
    with pytest.raises(UserError, match="more than 10,000 bytes"):
        read_npz(path, LAYOUT, 10_000)


def test_a_damaged_file(path):
    np.savez(path, rows=ROWS, note=NOTE)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError):
            read_npz(path, LAYOUT, 10_000)
    flipped = bytearray(whole)
    flipped[whole.index(ROWS.tobytes()) + 5] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(UserError, match="damaged"):
        read_npz(path, LAYOUT, 10_000)


def test_a_missing_file(path):
    with pytest.raises(UserError, match="no such file"):
        read_npz(path, LAYOUT, 10_000)
