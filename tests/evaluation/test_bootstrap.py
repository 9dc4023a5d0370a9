"""How far numbers may be trusted: replicates by drawing pictures, and by leaving each out."""

import numpy as np
import pytest

from misc.evaluation.bootstrap import bootstrap, difference, draws, jackknife

X = np.random.default_rng(5).normal(size=60) ** 2


def without_each(statistic, x):
    return np.array([statistic(np.delete(x, i)) for i in range(len(x))])


def test_both_ways_agree_on_a_mean_to_the_last_replicate():
    drawn = bootstrap(lambda places: X[places].mean(), len(X), seed=3)
    left_out = jackknife(X.mean(), [without_each(np.mean, X)], seed=3)
    scale = np.sqrt(60 / 59)  # of n - 1, which the jackknife divides by
    assert left_out.value == pytest.approx(drawn.value)
    moved = (drawn.replicates - drawn.value) * scale
    assert np.allclose(left_out.replicates - left_out.value, moved)


def test_the_jackknife_has_the_textbook_error_of_a_mean():
    estimate = jackknife(X.mean(), [without_each(np.mean, X)], seed=0, count=4000)
    assert estimate.replicates.std() == pytest.approx(X.std(ddof=1) / np.sqrt(60), rel=0.05)
    low, high = estimate.interval
    assert high - low == pytest.approx(2 * 1.96 * estimate.replicates.std(), rel=0.05)


def test_independent_sets_add_their_variances():
    numbers = without_each(np.mean, X)
    one = jackknife(0.0, [numbers], seed=1, count=4000).replicates
    two = jackknife(0.0, [numbers, numbers], seed=1, count=4000).replicates
    # Drawn from the same places, the second set would double every replicate: a variance of 4.
    assert two.var() == pytest.approx(2 * one.var(), rel=0.1)
    assert np.corrcoef(one, two - one)[0, 1] == pytest.approx(0, abs=0.06)


def test_draws_are_fixed_by_number_seed_and_group():
    def places(*arguments):
        return np.array(list(draws(*arguments)))

    assert np.array_equal(places(7, 1, 3), places(7, 1, 3))
    assert not np.array_equal(places(7, 1, 3), places(7, 2, 3))
    assert not np.array_equal(places(7, 1, 3), places(7, 1, 3, 1))
    assert places(7, 1, 3).shape == (3, 7) and set(places(7, 1, 40).ravel()) == set(range(7))


def test_a_difference_of_what_moves_together_is_sharper_when_paired():
    one, other = (jackknife(k, [without_each(np.mean, X)], seed=2) for k in (3.0, 1.0))
    assert difference(one, other, paired=True).interval == (pytest.approx(2), pytest.approx(2))
    low, high = difference(one, other, paired=False).interval
    assert high - low > one.replicates.std()
