"""The kernel distance by hand, against its definition, and how far it may be trusted."""

import itertools

import numpy as np
import pytest

from misc.evaluation import kid as module
from misc.evaluation.bootstrap import difference
from misc.evaluation.kid import kid


def features(n, d, seed, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale + shift


def by_definition(x, y):
    def mean(pairs):
        return np.mean([(a @ b / len(a) + 1) ** 3 for a, b in pairs])

    own = mean(itertools.permutations(x, 2)) + mean(itertools.permutations(y, 2))
    return own - 2 * mean(itertools.product(x, y))


def test_three_pictures_each_by_hand():
    # Pairs of x are all 1, of y all 8; six of the nine mixed ones are 1 and three are 8.
    x, y = np.array([[0], [0], [1]]), np.array([[1], [1], [1]])
    assert kid(x, y, seed=0).value == pytest.approx(1 + 8 - 2 * 30 / 9)


def test_it_is_its_definition_and_symmetric():
    x, y = features(12, 5, 0, scale=1.3), features(12, 5, 1)
    assert kid(x, y, seed=0).value == pytest.approx(by_definition(x, y))
    assert kid(y, x, seed=0).value == pytest.approx(by_definition(x, y))


@pytest.mark.parametrize("n, m", [(8, 30), (30, 8)])
def test_sets_of_unequal_size_are_compared_by_the_smaller(n, m):
    x, y = features(n, 4, 0, shift=1), features(m, 4, 1)
    found = kid(x, y, seed=0, subsets=2500).value
    assert found == pytest.approx(by_definition(x, y), rel=0.02)
    # One subset: the smaller set whole, as many of the larger.
    assert kid(x, y, seed=0, subsets=1).value != pytest.approx(found, rel=1e-3)


def test_no_subset_has_more_than_a_thousand_pictures(monkeypatch):
    monkeypatch.setattr(module, "SUBSET", 10)
    x, y = features(25, 4, 0, shift=1), features(25, 4, 1)
    sizes = []
    discrepancy = module._discrepancy

    def watched(one, other):
        sizes.append((len(np.unique(one, axis=0)), len(np.unique(other, axis=0))))
        return discrepancy(one, other)

    monkeypatch.setattr(module, "_discrepancy", watched)
    found = kid(x, y, seed=0, subsets=500).value
    assert sizes == [(10, 10)] * 500
    assert found == pytest.approx(by_definition(x, y), rel=0.1)


def test_two_halves_are_at_no_distance_on_average_and_also_below_zero():
    found = [kid(*features(40, 6, seed).reshape(2, 20, 6), seed=0).value for seed in range(120)]
    assert np.mean(found) == pytest.approx(0, abs=3 * np.std(found) / np.sqrt(120))
    assert 0.3 < np.mean(np.array(found) < 0) < 0.8


def test_turning_and_shuffling_change_nothing():
    x, y = features(20, 5, 0, shift=0.5), features(20, 5, 1)
    turn = np.linalg.qr(features(5, 5, 2))[0]
    expected = pytest.approx(kid(x, y, seed=0).value)
    assert kid(x @ turn, y @ turn, seed=0).value == expected
    assert kid(x[::-1], y[np.random.default_rng(4).permutation(20)], seed=0).value == expected


def test_more_noise_is_further_away():
    x, noise, y = (features(150, 6, seed) for seed in range(3))
    distances = [kid(x + amount * noise, y, seed=0).value for amount in (0.2, 0.7, 1.5, 3)]
    assert distances == sorted(distances)


def test_a_file_is_read_as_an_array_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SUBSET", 15)
    x, y = features(40, 6, 0).astype(np.float32), features(20, 6, 1).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = kid(np.load(tmp_path / "x.npy", mmap_mode="r"), y, seed=1)
    assert np.array_equal(mapped.replicates, kid(x, y, seed=1).replicates)


def test_leaving_each_picture_out_is_exact(left_out):
    x, y = features(9, 4, 0, shift=0.5), features(9, 4, 1)
    slow = left_out(by_definition, x, y, seed=5)
    assert np.allclose(kid(x, y, seed=5).replicates, slow.replicates, rtol=1e-9)


@pytest.mark.parametrize("subset", [1000, 40])
def test_intervals_hold_what_they_say(subset, coverage, monkeypatch):
    monkeypatch.setattr(module, "SUBSET", subset)
    random = np.random.default_rng(1)
    estimates, duplicated = [], []
    for repeat in range(100):
        x, y = 1.3 * random.normal(size=(60, 5)) + 0.2, random.normal(size=(60, 5))
        estimates.append(kid(x, y, repeat, subsets=20))
        duplicated.append(np.mean(estimates[-1].replicates))
    assert 0.88 <= coverage(estimates) <= 0.99
    # Pictures drawn twice and compared with themselves would move the replicates up.
    values = np.array([one.value for one in estimates])
    assert np.mean(duplicated - values) == pytest.approx(0, abs=0.1 * values.std())


def test_replicates_come_from_the_seed_and_are_paired():
    x, y = features(40, 6, 0, shift=0.3), features(40, 6, 1)
    one, again, other = (kid(x, y, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.replicates, again.replicates)
    assert not np.array_equal(one.replicates, other.replicates)
    low, high = difference(kid(1.01 * x, y, seed=1), one, paired=True).interval
    assert high - low < 0.2 * (one.interval[1] - one.interval[0])


def test_no_subsets_are_refused():
    with pytest.raises(ValueError, match="kid: 0 subsets"):
        kid(np.eye(4), np.eye(4), seed=0, subsets=0)
