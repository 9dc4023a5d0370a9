"""Precision and recall: are the pictures among the real ones, and are the real ones among them?

Paper: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models"
(2019), section 2: a set's manifold is the union of balls around its pictures, each out to the k-th
nearest other picture of the set. Differs from it: nothing; all pictures, in float64.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from misc.evaluation.blocks import blocks, check
from misc.evaluation.bootstrap import Estimate, jackknife

STRIP = 2**22  # distances held at a time: 32 MiB
# Squared distances come as |x|^2 + |y|^2 - 2 x.y; what is equal up to its rounding counts as equal.
_ROUNDING = 1e-12


class _Manifold(NamedTuple):
    """A ball around each of m pictures, and what it is without one of the pictures it reaches."""

    features: np.ndarray  # (m, d)
    balls: np.ndarray  # (m,), squared radii
    wider: np.ndarray  # (m,), squared radii out to the next neighbour
    reached: np.ndarray  # int64 (m, k): the neighbours without which a ball is wider


def precision_recall(
    fake: np.ndarray, real: np.ndarray, seed: int, k: int = 3
) -> dict[str, Estimate]:
    """Shares of the fakes among the reals ("precision"), of the reals among the fakes ("recall").

    "f1" is their harmonic mean, 0 if both are. More pictures make smaller balls, so shares compare
    only between as many. Where no picture is near the edge of a ball, such as with a share of
    exactly 0 or 1, the interval has no width; elsewhere it is rather too wide.

    Args: fake, real: (n, d) and (m, d), perhaps memory-mapped; k: the neighbour a ball reaches to.
    Raises: ValueError for features that are not finite or of different width, or of fewer than
      k + 2 pictures, or k < 1.
    """
    if k < 1:
        raise ValueError(f"precision_recall: neighbour {k}, expected 1 or more")
    check("precision_recall", fake, real, k + 2)  # without one, each still has k others
    fakes, reals = _manifold(fake, k), _manifold(real, k)
    precision, without_fakes, without_reals = _share(fake, reals)
    recall, *rest = _share(real, fakes)
    lacking = {"precision": [without_fakes, without_reals], "recall": rest[::-1]}
    lacking["f1"] = [_f1(p, r) for p, r in zip(*lacking.values(), strict=True)]
    values = {"precision": precision, "recall": recall, "f1": _f1(precision, recall)}
    return {name: jackknife(values[name], lacking[name], seed) for name in values}


def _f1(precision, recall):
    return 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)


def _manifold(features: np.ndarray, k: int) -> _Manifold:
    nearest, squares = [], []
    start = 0
    for strip in _strips(features, features):
        rows = np.arange(len(strip))
        strip[rows, start + rows] = np.inf  # a picture is no neighbour of its own
        start += len(strip)
        found = np.argpartition(strip, k, axis=1)[:, : k + 1]
        found = np.take_along_axis(found, strip[rows[:, None], found].argsort(axis=1), axis=1)
        nearest.append(found)
        squares.append(strip[rows[:, None], found])
    nearest, squares = np.concatenate(nearest), np.concatenate(squares)
    slack = _ROUNDING * (squares + _lengths(features)[:, None])
    balls, wider = (squares + slack)[:, k - 1 :].T
    return _Manifold(features, balls, wider, nearest[:, :k])


def _share(features: np.ndarray, manifold: _Manifold) -> tuple[float, np.ndarray, np.ndarray]:
    """The share of n pictures in a manifold of m; without each of the n; without each of the m."""
    from scipy.sparse import csr_array

    m, k = manifold.reached.shape
    # Column j: the balls that are wider without picture j.
    places = (np.repeat(np.arange(m), k), manifold.reached.ravel())
    widened = csr_array((np.ones(m * k), places), (m, m))
    inside, changes = [], np.zeros(m)
    for strip in _strips(features, manifold.features):
        covers = strip <= manifold.balls
        counts = covers.sum(axis=1)
        inside.append(counts > 0)
        # Whoever lies in two balls stays inside whichever picture is left out.
        few = counts < 2
        gains = (strip[few] <= manifold.wider) & ~covers[few]
        gained = (csr_array(gains.astype(float)) @ widened).toarray()  # (few, m): without j
        after = counts[few, None] - covers[few] + gained
        changes += np.sum((after > 0).astype(float) - (counts[few, None] > 0), axis=0)
    inside = np.concatenate(inside)
    n, total = len(inside), inside.sum()
    return float(total / n), (total - inside) / (n - 1), (total + changes) / n


def _strips(features: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """Squared distances of some pictures to all others, float64 (rows, m) >= 0, in order."""
    lengths = _lengths(others)
    for block in blocks(features, max(1, STRIP // len(others))):
        own = np.sum(block**2, axis=1)
        products = [block @ part.T for part in blocks(others)]
        strip = np.concatenate(products, axis=1)
        strip *= -2
        strip += lengths
        strip += own[:, None]
        yield np.maximum(strip, 0, out=strip)


def _lengths(features: np.ndarray) -> np.ndarray:
    """The squared lengths of the rows, (n,)."""
    return np.concatenate([np.sum(block**2, axis=1) for block in blocks(features)])
