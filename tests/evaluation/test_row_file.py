"""Files of rows: whole, or not there."""

import tracemalloc

import numpy as np
import pytest

from misc.evaluation.row_file import read_rows, write_rows


def blocks(count, width=3):
    return (np.full((2, width), i, np.float32) for i in range(count))


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "new" / "rows.f4"
    write_rows(path, blocks(4))
    rows = read_rows(path, 3)
    assert isinstance(rows, np.memmap) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.repeat(np.arange(4.0), 2)[:, None] * np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:32],
        lambda content: content[:-12],  # a row less
        lambda content: content[:-1],
        lambda content: content[:40] + b"\1" + content[41:],
        lambda content: b"\0" * 32 + content[32:],
    ],
)
def test_damaged_files_are_none(tmp_path, damage):
    path = tmp_path / "rows.f4"
    assert read_rows(path, 3) is None
    write_rows(path, blocks(4))
    assert read_rows(path, 5) is None
    path.write_bytes(damage(path.read_bytes()))
    assert read_rows(path, 3) is None


def test_what_breaks_off_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.f4"
    write_rows(path, blocks(4))

    def broken():
        yield from blocks(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(path, broken())
    assert len(read_rows(path, 3)) == 8
    assert [file.name for file in tmp_path.iterdir()] == ["rows.f4"]


def test_memory_does_not_grow_with_the_rows(tmp_path):
    def peak(count):
        tracemalloc.start()
        write_rows(tmp_path / "rows.f4", blocks(count, 1000))
        rows = read_rows(tmp_path / "rows.f4", 1000)
        assert rows.shape == (2 * count, 1000)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(1000) < peak(50) + 100_000  # the rows have 8 MB
