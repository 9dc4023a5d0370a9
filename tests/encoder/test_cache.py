"""Embeddings kept on disk: found by content, never believed when damaged, bounded."""

import os

import numpy as np
import pytest

from encoder.cache import Cache

CAPTIONS = ["a red bird", "a blue bird"]


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def test_what_is_found_depends_on_encoder_captions_and_width(tmp_path, rows):
    cache = Cache(tmp_path / "cache", "a" * 64)
    assert cache.read(CAPTIONS, 3) is None
    cache.write(CAPTIONS, rows)
    np.testing.assert_array_equal(Cache(tmp_path / "cache", "a" * 64).read(CAPTIONS, 3), rows)
    assert cache.read(CAPTIONS[::-1], 3) is None
    assert cache.read(["a red bird a blue bird"], 6) is None
    assert cache.read(CAPTIONS, 4) is None
    assert Cache(tmp_path / "cache", "b" * 64).read(CAPTIONS, 3) is None


@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "longer", "folder", "nan"])
def test_a_damaged_file_is_none_and_is_made_again(damage, tmp_path, rows):
    cache = Cache(tmp_path, "a" * 64)
    given = rows * np.nan if damage == "nan" else rows
    cache.write(CAPTIONS, given)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert len(content) == 32 + rows.nbytes
    changed = {
        "bit": content[:40] + bytes([content[40] ^ 1]) + content[41:],
        "cut": content[:-1],
        "empty": b"",
        "longer": content + b"\0",
    }
    if damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage != "nan":
        path.write_bytes(changed[damage])
    assert cache.read(CAPTIONS, 3) is None
    cache.write(CAPTIONS, rows)
    assert (cache.read(CAPTIONS, 3) is None) == (damage == "folder")


def test_the_oldest_files_make_room_and_what_is_too_large_is_not_kept(tmp_path, rows):
    size = 32 + rows.nbytes
    cache = Cache(tmp_path, "a" * 64, limit=3 * size)
    for number in range(5):
        cache.write([f"caption {number}", ""], rows)
        (path,) = tmp_path.glob(cache._path([f"caption {number}", ""]).name)
        os.utime(path, (number, number))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 3 * size
    kept = [cache.read([f"caption {number}", ""], 3) is not None for number in range(5)]
    assert kept == [False, False, True, True, True]
    cache.write(["many"] * 20, np.zeros((20, 3), np.float32))
    assert cache.read(["many"] * 20, 3) is None
    assert len(list(tmp_path.iterdir())) == 3


def test_where_nothing_can_be_written_nothing_fails(tmp_path, rows):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file", "a" * 64)
    cache.write(CAPTIONS, rows)
    assert cache.read(CAPTIONS, 3) is None
