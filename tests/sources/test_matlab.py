"""Matlab files: rows of numbers and names as SciPy writes them, and whatever else is refused."""

import numpy as np
import pytest
from scipy.io import savemat

from misc.config.errors import UserError
from misc.sources.matlab import MAT_BYTES, read_matlab


def test_rows_and_columns_of_numbers_and_names(tmp_path):
    names = np.array(["a/1.jpg", "b/22.jpg"], object)[:, None]
    values = {"ids": np.arange(1, 6, dtype=np.uint8)[None], "other": np.eye(3), "names": names}
    for compressed in (True, False):
        savemat(tmp_path / "x.mat", values, do_compression=compressed)
        ids, read = read_matlab(tmp_path / "x.mat", "ids", "names")
        assert ids.dtype == np.uint8 and ids.tolist() == [1, 2, 3, 4, 5]
        assert read.tolist() == ["a/1.jpg", "b/22.jpg"]


@pytest.mark.parametrize(
    "value, words",
    [
        (np.eye(3), r"holds double of shape \(3, 3\) as ids"),
        ("text", "holds char of shape"),
        ({"a": 1}, "holds struct of shape"),
        (np.array([1 + 2j, 3]), "its ids are no real numbers"),
        (np.array(["name", 3], object), "its ids holds other things than names"),
        (np.zeros((1, 1_000_001), np.uint8), r"\(1, 1000001\) as ids"),
    ],
)
def test_other_things_are_refused(tmp_path, value, words):
    savemat(tmp_path / "x.mat", {"ids": value}, do_compression=True)
    with pytest.raises(UserError, match=words):
        read_matlab(tmp_path / "x.mat", "ids")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "x.mat"
    with pytest.raises(UserError, match="x.mat"):
        read_matlab(path, "ids")
    savemat(path, {"other": [1]})
    with pytest.raises(UserError, match="0 arrays"):
        read_matlab(path, "ids")
    whole = path.read_bytes()
    for content in (b"", b"MATLAB 5.0", whole[:-9], b"\0" * 200):
        path.write_bytes(content)
        with pytest.raises(UserError, match="x.mat"):
            read_matlab(path, "other")
    path.write_bytes(b"\0" * (MAT_BYTES + 1))
    with pytest.raises(UserError, match="larger than"):
        read_matlab(path, "ids")


def test_a_reader_that_crashes_is_a_damaged_file(tmp_path):
    """The type of the numbers in the file is an index for SciPy, which it does not check."""
    path = tmp_path / "x.mat"
    savemat(path, {"ids": np.arange(5.0)})
    content = bytearray(path.read_bytes())
    at = content.index(np.arange(5.0).tobytes()) - 8
    content[at : at + 4] = (0x7FFF).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.mat"):
        read_matlab(path, "ids")
