"""The Inception score: are pictures sharp (one class each) and varied (all classes together)?

Paper: Salimans et al., "Improved Techniques for Training GANs" (2016), section 4; protocol of the
StackGAN authors: softmax over the classes without a background class, 10 splits, mean and standard
deviation over the splits, no epsilon inside the logarithms.
"""

import itertools

import numpy as np

# Softmax in float32 sums to 1 within 1e-6; more than this means logits or another mistake.
_SUM_TOLERANCE = 1e-3


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation over the splits of exp(mean KL(p(class | picture), p(class))).

    The splits are consecutive parts of the rows, of equal size within one row, so the caller
    shuffles the pictures first (with a seed, if the number is to come again).

    Args:
      probabilities: (n, classes), each row a distribution. The network behind it and n belong
        beside every score: the score grows with n and compares only under the same network.
      splits: parts of the rows, from 1 to n.
    Returns: (mean, std), float64; each split's score lies in [1, classes]; std divides by `splits`.
    Raises: ValueError if a row is no distribution (NaN, negative, sum not 1), or n < splits.
    """
    from scipy.special import rel_entr

    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or not p.size:
        raise ValueError(f"inception_score: expected (n, classes), got shape {p.shape}")
    if not 1 <= splits <= len(p):
        raise ValueError(f"inception_score: {splits} splits of {len(p)} pictures")
    sums = p.sum(axis=1)
    if not (p.min() >= 0 and np.abs(sums - 1).max() <= _SUM_TOLERANCE):  # also catches NaN
        raise ValueError("inception_score: a row is not a probability distribution")
    p = p / sums[:, None]
    scores = []
    bounds = np.arange(splits + 1) * len(p) // splits
    for low, high in itertools.pairwise(bounds):
        part = p[low:high]
        # rel_entr(x, y) = x ln(x / y), and 0 where x is 0, which is the limit.
        divergence = rel_entr(part, part.mean(axis=0)).sum(axis=1)
        scores.append(np.exp(divergence.mean()))
    return float(np.mean(scores)), float(np.std(scores))
