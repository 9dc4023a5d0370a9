"""How far a number may be trusted: its value, and what it is on pictures drawn again from these."""

from collections.abc import Callable, Iterator
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


def draws(n: int, seed: int, count: int = REPLICATES) -> Iterator[np.ndarray]:
    """`count` times n places of 0 to n - 1, with replacement; the same for the same n and seed."""
    random = np.random.default_rng([seed, n])
    return (random.integers(0, n, n) for _ in range(count))


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, seed: int, count: int = REPLICATES
) -> Estimate:
    """The estimate of `statistic`, which takes places (m,) of the n pictures it is about."""
    replicates = [statistic(places) for places in draws(n, seed, count)]
    return Estimate(float(statistic(np.arange(n))), np.array(replicates, np.float64))


def difference(one: Estimate, other: Estimate, paired: bool) -> Estimate:
    """one - other. Not `paired`, replicates are combined as of independent pictures."""
    replicates = other.replicates[: len(one.replicates)]
    if not paired:
        replicates = np.random.default_rng(0).permutation(replicates)
    return Estimate(one.value - other.value, one.replicates[: len(replicates)] - replicates)
