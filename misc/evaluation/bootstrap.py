"""How far a number may be trusted: its value, and what it is on pictures drawn again from these."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

REPLICATES = 200


class Estimate(NamedTuple):
    """A number with its bootstrap.

    value: the number on all n pictures.
    replicates: float64 (b,), the number on pictures drawn with replacement; a replicate of two
      estimates from the same n and seed draws the same places, so their differences are paired.
    """

    value: float
    replicates: np.ndarray

    @property
    def interval(self) -> tuple[float, float]:
        """Where 95 % of the replicates lie, moved so that their mean is the value.

        Drawing with replacement shifts distances such as FID upwards, as fewer pictures would;
        how widely the replicates scatter is what they tell.
        """
        low, high = np.quantile(self.replicates - self.replicates.mean(), (0.025, 0.975))
        return self.value + float(low), self.value + float(high)


def draws(n: int, seed: int, count: int = REPLICATES, group: int = 0) -> Iterator[np.ndarray]:
    """`count` times n places of 0 to n - 1, with replacement; the same for the same arguments.

    `group` tells apart sets of pictures that are drawn independently of each other.
    """
    random = np.random.default_rng([seed, n, group])
    return (random.integers(0, n, n) for _ in range(count))


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, seed: int, count: int = REPLICATES
) -> Estimate:
    """The estimate of `statistic`, which takes places (m,) of the n pictures it is about."""
    replicates = [statistic(places) for places in draws(n, seed, count)]
    return Estimate(float(statistic(np.arange(n))), np.array(replicates, np.float64))


def jackknife(
    value: float, without: Sequence[np.ndarray], seed: int, count: int = REPLICATES
) -> Estimate:
    """The estimate of a number from what it is without each single picture.

    For numbers that a picture drawn twice would spoil: it is its own nearest neighbour, it makes a
    pair with itself, and drawing leaves fewer directions for a covariance. So what is drawn with
    replacement is what each picture adds to the number, not the picture. The replicates scatter as
    the jackknife says, around the value itself; on average that is never too little (Efron and
    Stein, "The jackknife estimate of variance", 1981), and too much for distances of sets that are
    alike (up to 1.4 times, as simulated) and for shares by nearest neighbours (1.6 times).

    Args: without: (n,) for each of the independent sets behind the number: what the number is
      without picture i of that set.
    """
    replicates = np.full(count, float(value))
    for group, numbers in enumerate(without):
        n = len(numbers)
        adds = np.sqrt(n * (n - 1)) * (numbers.mean() - numbers)
        replicates += [adds[places].mean() for places in draws(n, seed, count, group)]
    return Estimate(float(value), replicates)


def difference(one: Estimate, other: Estimate, paired: bool) -> Estimate:
    """one - other. Not `paired`, replicates are combined as of independent pictures."""
    replicates = other.replicates[: len(one.replicates)]
    if not paired:
        replicates = np.random.default_rng(0).permutation(replicates)
    return Estimate(one.value - other.value, one.replicates[: len(replicates)] - replicates)
