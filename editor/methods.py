"""Which way in the space of codes an attribute lies, by three methods.

A direction is scaled so that one step along it leads from pictures without the attribute to
pictures with it, on average. Attributes are int8: 1 present, 0 absent, -1 unknown, which counts for
nothing.

  difference  mean code with the attribute less the mean without, as published. Whatever goes
              along with it goes along with its direction too: a mustache makes a man.
  balanced    the same difference among pictures that agree in what goes along with it, averaged
              over the groups of such pictures.
  regression  what each attribute adds to a code, all of them fitted jointly; what excludes it, as
              one colour of hair the others, gives way as it does on average, and what no picture
              tells from it comes along.

Paper: Larsen et al., "Autoencoding beyond pixels using a learned similarity metric" (ICML 2016).
Differs from it: unknown is not absent; the published vectors are means of sampled codes, here the
codes are given, and `editor.directions` gives means (mu).
"""

from collections.abc import Sequence

import numpy as np

from editor.attributes import question

ASSOCIATED = 0.1  # correlation from which on an attribute goes along with another
MOST_ASSOCIATED = 8  # of which as many as possible are balanced over
COVERED = 0.5  # share of the rarer side that balancing must leave to compare
PENALTIES = 10.0 ** np.arange(-8, 1)  # of columns of variance 1; the best by cross-validation
NOTHING = 1e-9  # variance of a mixture of attributes of which no picture tells anything


def find(
    codes: np.ndarray, attributes: np.ndarray, names: Sequence[str], method: str
) -> np.ndarray:
    """The direction of each attribute, from codes of pictures that are known to have it or not.

    Args:
      codes: float (n, d); attributes: int8 (n, a), each column with both 1 and 0.
      names: (a,), by which `question` tells what excludes each other; method: one of `METHODS`.
    Returns: float64 (a, d).
    """
    codes = np.asarray(codes, np.float64)
    # Differences do not change by it, but sums of large numbers would lose digits.
    codes = codes - codes.mean(axis=0)
    return METHODS[method](codes, attributes, list(names))


def _difference(codes, attributes, names):
    present, absent = ((attributes == value).astype(np.float64) for value in (1, 0))
    return (present / present.sum(0) - absent / absent.sum(0)).T @ codes


def _balanced(codes, attributes, names):
    together = np.abs(correlations(attributes))
    out = []
    for k, name in enumerate(names):
        answers = attributes[:, k]
        others = [
            j
            for j, other in enumerate(names)
            if question(other) != question(name) and together[k, j] >= ASSOCIATED
        ]
        # By name where equal: the order of the columns shall not matter.
        others.sort(key=lambda j: (-round(together[k, j], 9), names[j]))
        rarer = answers == min((1, 0), key=lambda value: np.sum(answers == value))
        groups = np.zeros(len(answers), np.int64)
        weights = _weights(answers, groups)
        for j in others[:MOST_ASSOCIATED]:
            known = np.where(attributes[:, j] >= 0, answers, -1)
            finer = np.unique(groups * 3 + attributes[:, j], return_inverse=True)[1]
            tried = _weights(known, finer)
            if np.mean(tried[rarer] != 0) >= COVERED:
                answers, groups, weights = known, finer, tried
        out.append(weights @ codes)
    return np.array(out)


def _weights(answers, groups):
    """What each code counts in the average of the differences within groups: float64 (n,).

    A group's difference weighs p q / (p + q), p pictures with and q without: the inverse of its
    variance. Codes of groups of one kind alone count nothing.
    """
    present, absent = (np.bincount(groups, answers == value) for value in (1, 0))
    weight = present * absent / np.maximum(present + absent, 1)
    weight /= max(weight.sum(), 1e-300)
    with_it, without = (weight / np.maximum(side, 1) for side in (present, absent))
    counted = np.where(answers == 0, -without[groups], 0.0)
    return np.where(answers == 1, with_it[groups], counted)


def correlations(attributes: np.ndarray) -> np.ndarray:
    """Of each two attributes, over the pictures in which both are known; 0 where that is none.

    Args: attributes: int8 (n, a).   Returns: float64 (a, a), from -1 to 1.
    """
    present, absent = ((attributes == value).astype(np.float64) for value in (1, 0))
    both, neither = present.T @ present, absent.T @ absent
    first, second = present.T @ absent, absent.T @ present
    product = (both + first) * (second + neither) * (both + second) * (first + neither)
    return (both * neither - first * second) / np.sqrt(np.where(product > 0, product, np.inf))


def _regression(codes, attributes, names):
    """Ridge regression of codes on attributes; the penalty by generalised cross-validation."""
    known = (attributes >= 0).astype(np.float64)
    frequency = np.sum(attributes == 1, axis=0) / known.sum(0)
    columns = np.where(known, attributes - frequency, 0.0)
    scale = np.sqrt(np.square(columns).sum(0) / known.sum(0))
    columns /= scale
    # Each product over the pictures in which both factors are known.
    values, axes = np.linalg.eigh(columns.T @ columns / np.maximum(known.T @ known, 1))
    moments = axes.T @ (columns.T @ codes / known.sum(0)[:, None])
    told = values > NOTHING

    def fitted(penalty):
        inverse = np.divide(1.0, values + penalty, where=told, out=np.zeros_like(values))
        return axes @ (moments * inverse[:, None]), inverse

    def score(penalty):
        added, inverse = fitted(penalty)
        left = np.square(codes - columns @ added).sum()
        return left / max(1 - (1 + np.sum(values * inverse)) / len(codes), 1e-9) ** 2

    added, inverse = fitted(min(PENALTIES, key=score))
    # What the fit makes of effects of 1: less than all of one's own, and something of those that
    # come and go with it. Divided by the first, a step is a whole step, taken by all of these.
    seen = (axes * (values * inverse)) @ axes.T * scale / scale[:, None]
    change = np.eye(len(names)) + giving_way(attributes, names)
    return change @ (added / scale[:, None]) / np.diag(change @ seen)[:, None]


def giving_way(attributes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """How much rarer each attribute is where another is present that answers the same question.

    Of four colours, equally frequent, each takes a third from the others. In a regression this also
    makes the sum independent of how a fit that cannot tell it shares a constant among the colours.

    Args: attributes: int8 (n, a); names: (a,).
    Returns: float64 (a, a), from -1 to 0: row the other's, column its own.
    """
    present, absent = ((attributes == value).astype(np.float64) for value in (1, 0))
    known = present + absent
    where, elsewhere = (
        side.T @ present / np.maximum(side.T @ known, 1) for side in (present, absent)
    )
    asked = np.array([question(name) for name in names])
    rivals = (asked[:, None] == asked) & ~np.eye(len(names), dtype=bool)
    return np.where(rivals, np.minimum(where - elsewhere, 0.0), 0.0)


METHODS = {"difference": _difference, "balanced": _balanced, "regression": _regression}
