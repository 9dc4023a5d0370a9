"""Every judge is asked once a picture, and answers lie in files."""

import numpy as np
import pytest

from misc.evaluation.judging import Judge, judge


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
