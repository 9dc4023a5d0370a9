"""The Frechet distance against scipy, by hand, with few pictures, and how far it may be trusted."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from misc.evaluation.bootstrap import difference
from misc.evaluation.frechet import fid


def features(n, d, seed, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    spread = scale * np.linspace(0.3, 2, d)
    mix = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))[0] if scale != 1 else np.eye(d)
    return random.normal(size=(n, d)) * spread @ mix + shift


def value(fake, real):
    return fid(fake, real, seed=0).estimate.value


def by_scipy(x, y):
    gap = x.mean(axis=0) - y.mean(axis=0)
    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return gap @ gap + np.trace(one + other) - 2 * np.trace(sqrtm(one @ other).real)


@pytest.mark.parametrize("n, m, d", [(40, 25, 6), (25, 300, 20), (5000, 30, 4)])
def test_it_is_the_formula(n, m, d):
    x, y = features(n, d, 0, scale=1.3, shift=0.2), features(m, d, 1)
    assert value(x, y) == pytest.approx(by_scipy(x, y), rel=1e-9)
    assert value(y, x) == pytest.approx(value(x, y), rel=1e-9)


def test_one_feature_by_hand():
    # Means 2 and 5, deviations (over n - 1) 2 and 1: 3^2 + (2 - 1)^2.
    assert value(np.array([[0.0], [2], [4]]), np.array([[4.0], [5], [5], [6]]) * 1.0) == (
        pytest.approx(9 + (2 - np.sqrt(2 / 3)) ** 2)
    )
    assert value(np.array([[0], [2], [4]]), np.array([[4], [5], [6]])) == pytest.approx(10)


def test_fewer_pictures_than_features_by_hand():
    # Each set varies along one axis of its own: nothing in common, so the variances add up.
    x, y = np.zeros((3, 50)), np.zeros((4, 50))
    x[:, 7], y[:, 30] = (-1, 0, 1), (-3, -3, 3, 3)
    assert value(x, y) == pytest.approx(1 + 12)
    y[:, 7] = y[:, 30]  # half of its variance along the first's axis: tr (S S')^(1/2) = 12^(1/2)
    assert value(x, y) == pytest.approx(1 + 24 - 2 * np.sqrt(12))


def test_fewer_pictures_than_features_are_exact():
    # Three features turned into a hundred: singular there, and the same distance.
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(100, 100)))[0][:3]
    x, y = features(12, 3, 0, scale=1.5), features(9, 3, 1, shift=0.5)
    assert value(x @ turn, y @ turn) == pytest.approx(by_scipy(x, y), rel=1e-9)


@pytest.mark.parametrize("d", [3, 40])
def test_a_set_is_at_no_distance_from_itself_in_any_order(d):
    x = features(20, d, 0)
    assert 0 <= value(x, x) < 1e-10
    assert 0 <= value(x, x[np.random.default_rng(0).permutation(20)]) < 1e-10


@pytest.mark.parametrize("d", [5, 60])
def test_turning_moving_and_shuffling_both_change_nothing(d):
    x, y = features(30, d, 0, scale=1.2), features(17, d, 1)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(d, d)))[0]
    expected = pytest.approx(value(x, y), rel=1e-9)
    assert value(x @ turn + 5, y @ turn + 5) == expected
    assert value(x[::-1], y[np.random.default_rng(4).permutation(17)]) == expected
    assert value(3 * x, 3 * y) == pytest.approx(9 * value(x, y), rel=1e-9)


def test_pictures_that_are_all_alike_have_no_variance():
    x, y = np.ones((4, 3)), features(50, 3, 0)
    assert value(x, x + 2) == pytest.approx(12)
    gap = y.mean(axis=0) - 1
    variance = y.var(axis=0, ddof=1).sum()
    found = fid(x, y, seed=0)
    assert found.estimate.value == pytest.approx(gap @ gap + variance)
    # The square of a mean of m is too large by their variance over m.
    assert found.extrapolated.value == pytest.approx(gap @ gap + variance * (1 - 1 / 50))


def test_more_noise_is_further_away():
    x, noise = features(200, 8, 0), features(200, 8, 1)
    distances = [value(x + amount * noise, x) for amount in (0, 0.2, 0.5, 1, 2)]
    assert distances == sorted(distances) and distances[1] > 1e-4


def test_a_file_is_read_as_an_array_is(tmp_path):
    x, y = features(4500, 6, 0).astype(np.float32), features(70, 6, 1).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = fid(np.load(tmp_path / "x.npy", mmap_mode="r"), y, seed=1)
    assert np.array_equal(mapped.estimate.replicates, fid(x, y, seed=1).estimate.replicates)


@pytest.mark.parametrize("n, m, d", [(14, 10, 4), (9, 12, 30), (9, 40, 20)])
def test_leaving_each_picture_out_is_exact(n, m, d, left_out):
    x, y = features(n, d, 0, scale=1.4, shift=0.1), features(m, d, 1)
    found, slow = fid(x, y, seed=5), left_out(value, x, y, seed=5)
    assert np.allclose(found.estimate.replicates, slow.replicates, rtol=1e-5)
    bias = (n - 1) * (np.mean([value(np.delete(x, i, 0), y) for i in range(n)]) - slow.value)
    bias += (m - 1) * (np.mean([value(x, np.delete(y, j, 0)) for j in range(m)]) - slow.value)
    assert found.extrapolated.value == pytest.approx(slow.value - bias, rel=1e-5)
    moved = found.extrapolated.replicates - found.estimate.replicates
    assert np.allclose(moved, found.extrapolated.value - slow.value)


def test_intervals_hold_what_they_say(coverage):
    # Means 0 and 0.4 in each of 5 features, deviations 1.3 and 1: 5 (0.16 + 0.09).
    random, found = np.random.default_rng(0), []
    for repeat in range(100):
        x, y = 1.3 * random.normal(size=(60, 5)) + 0.4, random.normal(size=(80, 5))
        found.append(fid(x, y, repeat))
    estimates, limits = zip(*found, strict=True)
    assert 0.88 <= coverage(estimates) <= 0.99
    assert 0.88 <= coverage(limits, truth=1.25) <= 0.99
    error = np.std([one.value for one in limits]) / np.sqrt(100)
    assert np.mean([one.value for one in limits]) == pytest.approx(1.25, abs=3 * error)
    assert np.mean([one.value for one in estimates]) > 1.25 + 8 * error  # what was biased before


def test_replicates_come_from_the_seed_and_are_paired():
    x, y = features(40, 6, 0), features(30, 6, 1)
    one, again, other = (fid(x, y, seed).estimate for seed in (1, 1, 2))
    assert np.array_equal(one.replicates, again.replicates)
    assert not np.array_equal(one.replicates, other.replicates)
    nearly = fid(1.01 * x, y, seed=1).estimate
    low, high = difference(nearly, one, paired=True).interval
    assert high - low < 0.2 * (one.interval[1] - one.interval[0])
