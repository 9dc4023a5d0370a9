"""The kernel distance of two sets of pictures, which few pictures do not bias.

Paper: Binkowski et al., "Demystifying MMD GANs" (2018), section 4: the unbiased estimator of the
squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, mean over random subsets. A pair
is always of two different pictures, so values slightly below 0 are valid.
"""

import numpy as np

from misc.evaluation.blocks import check
from misc.evaluation.bootstrap import Estimate, jackknife

SUBSET = 1000
LEAST = 3  # pictures: without one of them there is still a pair


def kid(fake: np.ndarray, real: np.ndarray, seed: int, subsets: int = 100) -> Estimate:
    """The unbiased squared MMD of generated and real pictures, by their features.

    A subset is min(1000, n, m) pictures of each, without repetition; if that is all of both, one
    subset is all there is. The interval is the jackknife's: a picture that is drawn twice would be
    compared with itself, and pictures in many subsets weigh more.

    Args: fake, real: (n, d) and (m, d), perhaps memory-mapped.
    Raises: ValueError for features that are not finite, of different width, or of fewer than
      three pictures, or without subsets.
    """
    check("kid", fake, real, LEAST)
    if subsets < 1:
        raise ValueError(f"kid: {subsets} subsets")
    n, m = len(fake), len(real)
    size = min(SUBSET, n, m)
    subsets = 1 if n == m == size else subsets
    random = np.random.default_rng([seed, n, m])
    values, changes = [], [np.zeros(n), np.zeros(m)]
    for _ in range(subsets):
        chosen = [np.sort(random.choice(total, size, replace=False)) for total in (n, m)]
        value, *without = _discrepancy(fake[chosen[0]], real[chosen[1]])
        values.append(value)
        for change, rows, numbers in zip(changes, chosen, without, strict=True):
            change[rows] += (numbers - value) / subsets
    value = float(np.mean(values))
    return jackknife(value, [value + change for change in changes], seed)


def _discrepancy(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The squared MMD of s and s pictures, and what it is without each of x and each of y (s,)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    s = len(x)
    own = [_kernel(one, one) for one in (x, y)]
    for kernel in own:
        np.fill_diagonal(kernel, 0)
    sums = [kernel.sum(axis=1) for kernel in own]
    between = _kernel(x, y)
    crossing = [between.sum(axis=1), between.sum(axis=0)]
    total, pairs = between.sum(), s * (s - 1)
    terms = [one.sum() / pairs for one in sums]
    without = [
        (sums[k].sum() - 2 * sums[k]) / ((s - 1) * (s - 2))
        + terms[1 - k]
        - 2 * (total - crossing[k]) / pairs
        for k in (0, 1)
    ]
    return float(sum(terms) - 2 * total / s**2), *without


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    base = x @ y.T / x.shape[1] + 1
    return base * base * base  # ** 3 would take a logarithm each
