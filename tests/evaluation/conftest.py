"""What the tests of numbers share: leaving pictures out, and counting how often intervals hold."""

import numpy as np
import pytest

from misc.evaluation.bootstrap import jackknife


@pytest.fixture
def left_out():
    """`left_out(function, *sets, seed=0)`: the jackknife of function(*sets), the slow way."""

    def estimate(function, *sets, seed=0):
        def without(k, i):
            return function(*sets[:k], np.delete(sets[k], i, axis=0), *sets[k + 1 :])

        numbers = [np.array([without(k, i) for i in range(len(s))]) for k, s in enumerate(sets)]
        return jackknife(function(*sets), numbers, seed)

    return estimate


@pytest.fixture
def coverage():
    """`coverage(estimates, truth=None)`: how often the interval holds the truth, or their mean."""

    def share(estimates, truth=None):
        truth = np.mean([one.value for one in estimates]) if truth is None else truth
        held = [low <= truth <= high for low, high in (one.interval for one in estimates)]
        return np.mean(held)

    return share
