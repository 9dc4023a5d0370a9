"""The Frechet distance of two sets of pictures: FID, and what it is without its bias.

Paper: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (2017), section 4: the distance
of two Gaussians, |m - m'|^2 + tr S + tr S' - 2 tr (S S')^(1/2). Differs from it: no square root of
a matrix. With S = R^T R and S' = R'^T R', the last trace is the nuclear norm of R R'^T, which has
no complex part, and is as exact with fewer pictures than features as with more.
"""

from typing import NamedTuple

import numpy as np

from misc.evaluation.blocks import blocks, check
from misc.evaluation.bootstrap import Estimate, jackknife

LEAST = 3  # pictures: without one of them there is still a covariance
# Where the integral of `_without` is summed: the integrand falls as exp(-|u|) on both sides, and
# steps of 1/2 leave an error of exp(-20).
_NODES = np.arange(-24, 24.25, 0.5)


class Fid(NamedTuple):
    """Both distances, each with its interval.

    estimate: the distance, >= 0. It falls as pictures become more, so it compares only between
      equally many; the interval is about what equally many pictures would give.
    extrapolated: the limit of a line in 1 / N, drawn through the distance and through its mean
      without one picture, in both sets: the jackknife's removal of bias. Unbiased where pictures
      are several times as many as features, so also below zero; still too large where they are
      fewer.
    """

    estimate: Estimate
    extrapolated: Estimate


class _Gaussian(NamedTuple):
    n: int
    mean: np.ndarray  # (d,)
    root: np.ndarray  # (min(n, d), d): root^T root is the covariance, over n - 1


def fid(fake: np.ndarray, real: np.ndarray, seed: int) -> Fid:
    """The Frechet distance of generated from real pictures, by their features.

    Args: fake, real: (n, d) and (m, d), perhaps memory-mapped.
    Raises: ValueError for features that are not finite, of different width, or of fewer than
      three pictures.
    """
    check("fid", fake, real, LEAST)
    one, other = _gaussian(fake), _gaussian(real)
    left, singular, right = np.linalg.svd(one.root @ other.root.T, full_matrices=False)
    gap = one.mean - other.mean
    squares = np.sum(one.root**2) + np.sum(other.root**2)
    value = max(float(gap @ gap + squares - 2 * singular.sum()), 0.0)  # below only by rounding
    without = [
        _without(fake, one, other, singular, other.root.T @ right.T),
        _without(real, other, one, singular, one.root.T @ left),
    ]
    estimate = jackknife(value, without, seed)
    bias = sum((len(numbers) - 1) * (numbers.mean() - value) for numbers in without)
    extrapolated = Estimate(value - float(bias), estimate.replicates - bias)
    return Fid(estimate, extrapolated)


def _gaussian(features: np.ndarray) -> _Gaussian:
    """Mean, and covariance as a triangular root: squaring nothing keeps small directions exact."""
    n, width = features.shape
    mean = sum(block.sum(axis=0) for block in blocks(features)) / n
    root = np.empty((0, width))
    for block in blocks(features):
        root = np.linalg.qr(np.concatenate([root, block - mean]), mode="r")
    return _Gaussian(n, mean, root / np.sqrt(n - 1))


def _without(
    features: np.ndarray,
    own: _Gaussian,
    other: _Gaussian,
    singular: np.ndarray,
    axes: np.ndarray,
) -> np.ndarray:
    """The distance without each of the pictures whose Gaussian is `own`, exact: float64 (n,).

    Leaving out a picture takes z z^T from a matrix C with eigenvalues singular^2, in whose axes
    z is given by `axes` (d, r). As tr C^(1/2) is the integral over t > 0 of
    log det(1 + C / t) / (2 pi t^(1/2)), it changes by that of log(1 - z^T (C + t)^-1 z): one
    decomposition serves all pictures. It is summed over u, t = scale exp(2 u).
    """
    n = own.n
    scale = singular[0] ** 2 or 1.0
    resolvents = 1 / (singular[:, None] ** 2 + scale * np.exp(2 * _NODES))  # (r, nodes)
    weights = np.sqrt(scale) * np.exp(_NODES) * (_NODES[1] - _NODES[0]) / np.pi
    gap = own.mean - other.mean
    own_trace, other_trace = np.sum(own.root**2), np.sum(other.root**2)
    grown = (n - 1) / (n - 2)  # dividing by one less
    numbers = []
    for block in blocks(features):
        centred = block - own.mean
        lengths = np.sum(centred**2, axis=1)
        taken = (centred @ axes) ** 2 * (n / (n - 1) ** 2)
        left_over = 1 - taken @ resolvents
        # Without it, fewer pictures than features span one direction less: 0 up to rounding.
        change = np.log(np.maximum(left_over, np.finfo(float).eps)) @ weights
        means = gap @ gap - 2 * centred @ gap / (n - 1) + lengths / (n - 1) ** 2
        traces = grown * (own_trace - lengths * n / (n - 1) ** 2) + other_trace
        numbers.append(means + traces - 2 * np.sqrt(grown) * (singular.sum() + change))
    return np.concatenate(numbers)
