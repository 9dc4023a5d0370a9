"""The Inception score: are pictures sharp (one class each) and varied (all classes together)?

Paper: Salimans et al., "Improved Techniques for Training GANs" (2016), section 4; protocol of the
StackGAN authors: softmax over the classes without a background class, mean over 10 splits, no
epsilon inside the logarithms.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from misc.evaluation.blocks import blocks
from misc.evaluation.bootstrap import Estimate, jackknife

# Softmax in float32 sums to 1 within 1e-6; more than this means logits or another mistake.
_SUM_TOLERANCE = 1e-3


class _Split(NamedTuple):
    rows: np.ndarray  # (s, classes), as they were given
    total: np.ndarray  # float64 (classes,): their sum
    entropies: np.ndarray  # float64 (s,)
    score: float


def inception_score(probabilities: np.ndarray, splits: int = 10, seed: int = 0) -> Estimate:
    """Mean over the splits of exp(mean KL(p(class | picture), p(class))), in [1, classes].

    The splits are consecutive parts of the rows, of equal size within one row, so the caller
    shuffles the pictures first (with a seed, if the number is to come again). The score grows with
    the pictures of a split; the interval is about equally many others.

    Args:
      probabilities: (n, classes), perhaps memory-mapped, each row a distribution. The network
        behind it and n belong beside every score, which compares only under the same.
      splits: parts of the rows, from 1 to n.
    Raises: ValueError if a row is no distribution (NaN, negative, sum not 1), or n < splits.
    """
    parts = _splits(probabilities, splits)
    value = np.mean([part.score for part in parts])
    # A picture changes the score of its split alone, and the mean by that over the splits.
    without = [value + (_without(part) - part.score) / splits for part in parts]
    return jackknife(value, without, seed)


def _splits(probabilities: np.ndarray, splits: int) -> list[_Split]:
    from scipy.special import entr

    if probabilities.ndim != 2 or not probabilities.size:
        shape = probabilities.shape
        raise ValueError(f"inception_score: expected (n, classes), got shape {shape}")
    n = len(probabilities)
    if not 1 <= splits <= n:
        raise ValueError(f"inception_score: {splits} splits of {n} pictures")
    parts = []
    for low, high in itertools.pairwise(np.arange(splits + 1) * n // splits):
        rows = probabilities[low:high]
        total = sum(block.sum(axis=0) for block in _distributions(rows))
        # x ln(1 / x), and 0 where x is 0, which is the limit.
        entropies = np.concatenate([entr(block).sum(axis=1) for block in _distributions(rows)])
        # The mean KL from the mean is the entropy of the mean less the mean of the entropies.
        score = np.exp(entr(total / len(rows)).sum() - entropies.mean())
        parts.append(_Split(rows, total, entropies, float(score)))
    return parts


def _without(part: _Split) -> np.ndarray:
    """What a split of s pictures scores without each of them: float64 (s,)."""
    from scipy.special import entr

    s = len(part.rows)
    if s == 1:
        return np.ones(1)  # whichever the picture, one alone scores 1
    # A class of that picture alone is left with 0, or a little less by rounding.
    means = (np.maximum(part.total - block, 0) / (s - 1) for block in _distributions(part.rows))
    of_means = np.concatenate([entr(mean).sum(axis=1) for mean in means])
    return np.exp(of_means - (part.entropies.sum() - part.entropies) / (s - 1))


def _distributions(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows by blocks, float64, checked and made to sum to 1."""
    for block in blocks(rows):
        sums = block.sum(axis=1)
        if not (block.min() >= 0 and np.abs(sums - 1).max() <= _SUM_TOLERANCE):  # also catches NaN
            raise ValueError("inception_score: a row is not a probability distribution")
        yield block / sums[:, None]
