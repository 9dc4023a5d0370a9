"""Judges are asked once a picture; what they say of real ones is kept, or made again if damaged."""

import numpy as np
import pytest

from misc.evaluation import judging
from misc.evaluation.judging import Judge, cache_folder, judge, judge_kept


class Counting:
    """Says the first pixel of each picture, and counts how many it was shown."""

    def __init__(self):
        self.shown = 0

    def __call__(self, pictures):
        self.shown += len(pictures)
        pixel = pictures[:, 0, 0].astype(np.float32)
        return {"pixel": pixel, "sum": pixel.sum(axis=1)}


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)


def in_batches(pictures, size=3):
    return (pictures[i : i + size] for i in range(0, len(pictures), size))


def test_every_judge_sees_every_picture_once(tmp_path, pictures):
    one, other = Counting(), Counting()
    judges = {"one": Judge(one, {}), "other": Judge(other, {})}
    said = judge(in_batches(pictures), 7, judges, tmp_path)
    assert set(said) == {"one/pixel", "one/sum", "other/pixel", "other/sum"}
    np.testing.assert_array_equal(said["other/pixel"], pictures[:, 0, 0])
    assert (one.shown, other.shown) == (7, 7) and isinstance(said["one/sum"], np.memmap)


@pytest.mark.parametrize("count", [6, 8])
def test_another_number_of_pictures_is_a_mistake(tmp_path, pictures, count):
    with pytest.raises(ValueError, match=f"expected {count} pictures"):
        judge(in_batches(pictures), count, {"one": Judge(Counting(), {})}, tmp_path)


def kept(ask, pictures, content="c", **facts):
    judges = {"one": Judge(ask, facts)}
    return judge_kept(lambda: in_batches(pictures), len(pictures), judges, content)["one/pixel"]


def test_what_is_kept_is_not_asked_again(pictures):
    ask = Counting()
    first = np.array(kept(ask, pictures, digest="d"))
    np.testing.assert_array_equal(kept(ask, pictures, digest="d"), first)
    assert ask.shown == 7
    kept(ask, pictures, content="other pictures", digest="d")
    kept(ask, pictures, digest="other weights")
    assert ask.shown == 21


def test_only_the_judge_that_was_not_there_is_asked(pictures):
    one, other = Counting(), Counting()
    kept(one, pictures)
    judges = {"one": Judge(one, {}), "other": Judge(other, {"other": 1})}
    said = judge_kept(lambda: in_batches(pictures), 7, judges, "c")
    assert (one.shown, other.shown) == (7, 7) and len(said) == 4


def test_damaged_files_are_made_again(pictures):
    ask = Counting()
    kept(ask, pictures)
    (file,) = cache_folder().rglob("one_pixel.npy")
    file.write_bytes(file.read_bytes()[:50])
    np.testing.assert_array_equal(kept(ask, pictures), pictures[:, 0, 0])
    assert ask.shown == 14


def test_a_judge_that_fails_leaves_nothing(pictures):
    def failing(pictures):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        kept(failing, pictures)
    assert not list((cache_folder() / "judged").iterdir())


def test_the_longest_unused_are_forgotten(pictures, monkeypatch):
    monkeypatch.setattr(judging, "KEPT", 2)
    for content in "abc":
        kept(Counting(), pictures, content)
    assert len(list((cache_folder() / "judged").iterdir())) == 2
