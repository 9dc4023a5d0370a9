"""The diversity of the pictures of one caption, by hand."""

import numpy as np
import pytest

from misc.evaluation.diversity import diversity, mean_distance


def test_by_hand():
    # Distances of the first caption: 3, 4, 5, mean 4; of the second: 0, 6, 6, mean 4; of the third,
    # whose pictures are all one: 0. The mean of captions is 8 / 3.
    first = [[0, 0], [3, 0], [0, 4]]
    second = [[1, 1], [1, 1], [7, 1]]
    third = [[9, 9]] * 3
    found = diversity(np.array([first, second, third]), seed=0)
    assert found.value == pytest.approx(8 / 3)
    assert 0 <= found.interval[0] < found.value < found.interval[1] <= 5


def test_it_does_not_depend_on_how_many_pictures_there_are():
    features = np.random.default_rng(0).normal(size=(300, 8, 16))
    few, many = (diversity(features[:, :k], seed=1).value for k in (2, 8))
    assert few == pytest.approx(many, rel=0.02)
    # Two normal vectors of 16 numbers lie sqrt(2) times the mean of a chi of 16 apart: 5.57.
    assert many == pytest.approx(2**0.5 * 3.938, rel=0.01)


def test_the_seed_decides_the_interval_alone():
    features = np.random.default_rng(0).normal(size=(5, 3, 2))
    one, same, other = (diversity(features, seed) for seed in (1, 1, 2))
    assert one.value == same.value == other.value
    assert one.interval == same.interval != other.interval


@pytest.mark.parametrize(
    "features, message",
    [
        (np.zeros((3, 4)), r"\(3, 4\), expected \(captions, 2 or more, d\)"),
        (np.zeros((3, 1, 4)), r"\(3, 1, 4\)"),
        (np.zeros((0, 2, 4)), r"\(0, 2, 4\)"),
        (np.full((1, 2, 4), np.nan), "not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(features, message):
    with pytest.raises(ValueError, match=message):
        diversity(features, seed=0)


def test_the_mean_distance_is_of_pictures_of_one_label():
    features = np.array([[0.0], [2.0], [100.0], [104.0], [7.0]])
    # Two of a label are each other's partners: distances 2, 2, 4, 4; who is alone counts for none.
    assert mean_distance(features, np.array([5, 5, 8, 8, 9]), seed=3) == 3
    assert mean_distance(features, np.arange(5), seed=3) is None
