"""The colour correlation by hand."""

import numpy as np
import pytest

from misc.evaluation import colour_correlation as colour
from misc.evaluation.colour_correlation import central_colours, shuffled


def plain(colours, size=8):
    """Pictures of one colour each."""
    return np.tile(np.array(colours, np.uint8)[:, None, None, :], (1, size, size, 1))


def colour_correlation(fake, real):
    return colour.colour_correlation(central_colours(fake), central_colours(real))


def test_equal_colours_give_one_whatever_the_sizes():
    colours = [[10, 200, 30], [90, 20, 60], [200, 100, 5]]
    assert colour_correlation(plain(colours, 4), plain(colours, 16)) == pytest.approx(1)


def test_opposite_colours_give_minus_one():
    fake = np.array([[10, 200, 30], [90, 20, 60], [200, 100, 5]])
    assert colour_correlation(plain(fake), plain(255 - fake)) == pytest.approx(-1)


def test_by_hand():
    # Centred by channel, fake: (-10, 0, 0), (10, 0, 0); real: (-10, 10, 0), (10, -10, 0).
    # Sum of products 200; norms sqrt(200) and sqrt(400): 200 / sqrt(80000) = 0.70711.
    fake, real = plain([[0, 50, 50], [20, 50, 50]]), plain([[0, 120, 9], [20, 100, 9]])
    assert colour_correlation(fake, real) == pytest.approx(0.5**0.5)


def test_what_all_pictures_share_counts_for_nothing():
    # Both sets are far redder than blue; without centring each channel this would be near 1.
    fake = plain([[240, 100, 0], [244, 100, 0], [240, 100, 0], [244, 100, 0]])
    real = plain([[240, 100, 0], [240, 100, 0], [244, 100, 0], [244, 100, 0]])
    assert colour_correlation(fake, real) == pytest.approx(0)


def test_only_the_central_half_counts():
    colours = [[10, 200, 30], [90, 20, 60]]
    framed = plain([[0, 0, 0], [255, 255, 255]], 8)
    framed[:, 2:6, 2:6] = plain(colours, 4)
    assert colour_correlation(framed, plain(colours)) == pytest.approx(1)
    wider = framed.copy()
    wider[:, 1] = 77  # a row outside the middle half
    assert colour_correlation(wider, plain(colours)) == pytest.approx(1)


def test_shuffled_leaves_nobody_in_place_and_repeats():
    for n in (2, 3, 10, 501):
        order = shuffled(n, seed=3)
        assert sorted(order) == list(range(n)) and not np.any(order == np.arange(n))
    assert np.array_equal(shuffled(20, 1), shuffled(20, 1))
    assert not np.array_equal(shuffled(20, 1), shuffled(20, 2))


def test_shuffling_destroys_the_correlation():
    colours = np.random.default_rng(0).integers(0, 256, (400, 3))
    pictures = plain(colours, 4)
    assert abs(colour_correlation(pictures, pictures[shuffled(400, 0)])) < 0.1


@pytest.mark.parametrize(
    "fake, real",
    [
        (plain([[1, 2, 3]] * 2), plain([[1, 2, 3]] * 3)),
        (plain([[1, 2, 3]]), plain([[1, 2, 3]])),
        (plain([[1, 2, 3], [4, 5, 6]])[..., :2], plain([[1, 2, 3], [4, 5, 6]])),
    ],
)
def test_what_cannot_be_correlated_is_refused(fake, real):
    with pytest.raises(ValueError):
        colour_correlation(fake, real)


def test_pictures_that_are_all_alike_have_no_correlation():
    alike, varied = plain([[1, 2, 3]] * 3), plain([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert colour_correlation(alike, varied) is None
    assert colour_correlation(varied, alike) is None


def test_shuffled_of_one_is_refused():
    with pytest.raises(ValueError):
        shuffled(1, 0)
