"""What edits do to held-out pictures, as an oracle reads them; see `benchmarks.editor`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from editor.attributes import count, question, usable
from editor.methods import correlations
from misc.evaluation.attributes import LEAST

SAME = 0.99  # correlation from which on two names are one label
SHIFTS = 20  # of real pictures against each other, for the mean distance of two
HIDDEN = 0.5  # share of unknown labels from which on an attribute's pictures hide another one


class Asked(NamedTuple):
    """An attribute that pictures are asked to change.

    column: of the attribute.  same: other names of its label in this set, `Big_Lips off` where the
      one is present when the other is absent.  columns: of all of these, and of what answers the
      same question.
    present: share of training pictures.  read: how often the oracle is right about real pictures,
      the mean of those with and those without it.
    others: columns of the attributes that it should leave alone.
    """

    name: str
    column: int
    same: tuple[str, ...]
    columns: tuple[int, ...]
    present: float
    read: float
    others: tuple[int, ...] = ()


def clearest(train, test, names: Sequence[str], readings) -> list[Asked]:
    """The different attributes of a set that an oracle can read, the best read first.

    Not among the others of an attribute, which it should leave alone: what answers the same
    question, as the colours of hair; what is the same label in the training set; and what cannot be
    seen in most pictures that have it, or have it not.

    Args: train, test: int8 (n, a) and (m, a), labels; readings: float (m, a), of real pictures.
    """
    counts = count(train, names)
    there = [names.index(name) for name in usable(counts)]
    together = correlations(train[:, there])
    found, taken = [], set()
    # The shortest name stands for a label: Male rather than Bushy_Eyebrows.
    for k in sorted(range(len(there)), key=lambda k: (len(names[there[k]]), names[there[k]])):
        if k in taken:
            continue
        alike = [j for j in range(len(there)) if j == k or abs(together[k, j]) >= SAME]
        taken |= set(alike)
        column, same = there[k], [j for j in alike if j != k]
        asks = {question(names[there[j]]) for j in alike}
        sides = [readings[test[:, column] == value, column] > 0.5 for value in (1, 0)]
        read = (np.mean(sides[0]) + 1 - np.mean(sides[1])) / 2 if all(map(len, sides)) else 0.0
        present, absent, _ = counts[names[column]]
        asked = Asked(
            name=names[column],
            column=column,
            same=tuple(names[there[j]] + " off" * bool(together[k, j] < 0) for j in same),
            columns=tuple(j for j, name in enumerate(names) if question(name) in asks),
            present=present / (present + absent),
            read=float(read),
        )
        found.append(asked)
    found = sorted((one for one in found if one.read >= LEAST), key=lambda one: -one.read)
    return [one._replace(others=_others(one, found, train, names)) for one in found]


def _others(one, found, train, names):
    shown = [train[train[:, one.column] == value] for value in (1, 0)]
    return tuple(
        other.column
        for other in found
        if not set(one.columns) & set(other.columns)
        and all(np.mean(side[:, other.column] < 0) < HIDDEN for side in shown)
    )


def similarity(wanted, readings) -> tuple[np.ndarray, np.ndarray]:
    """Cosine, and mean squared difference, of wanted attributes and read ones: float (n,) each.

    Both count from -1, absent, to 1; of what is not known nothing is wanted.

    Args: wanted: int8 (n, k), 1, 0 or -1 for unknown; readings: float (n, k), probabilities.
    """
    known = wanted >= 0
    target = np.where(known, 2.0 * wanted - 1, 0.0)
    read = np.where(known, 2.0 * readings - 1, 0.0)
    norms = np.linalg.norm(target, axis=1) * np.linalg.norm(read, axis=1)
    cosine = np.sum(target * read, axis=1) / np.maximum(norms, 1e-9)
    squares = np.sum(np.square(target - read), axis=1) / np.maximum(known.sum(axis=1), 1)
    return cosine, squares


def steps_to(wanted, labels, change) -> np.ndarray:
    """Steps from what pictures show to what is wanted: float (n, k), a column of each attribute.

    A step towards blond leads away from the other colours, as a step does on average, so that from
    black to blond it takes less than a step along both.

    Args:
      wanted, labels: int8 (n, k); what is unknown in either is to stay.
      change: float (k, k), what a step along each attribute, a row, changes of all.
    """
    apart = np.where((wanted >= 0) & (labels >= 0), wanted.astype(float) - labels, 0.0)
    return apart @ np.linalg.pinv(change)


class Recogniser:
    """How far apart two pictures are in an oracle's features, leaving one attribute out.

    The cosine distance of centred features, the directions by which the oracle's head weighs them
    for an attribute (and for those that answer the same question or are the same label) projected
    out; 1 is the mean distance of pictures of two classes, of different people.

    Args: features: float (n, d), of real pictures; labels: (n,), their classes; weights: (a, d).
    Attributes: same: that of two pictures of one class; NaN if there are none.
    """

    def __init__(self, features, labels, weights):
        order = np.random.default_rng(0).permutation(len(labels))
        self._mean, self._weights = features.mean(axis=0), weights
        self._real, self._labels = features[order], labels[order]
        self._units: dict[tuple[int, ...], tuple[np.ndarray, float]] = {}
        self.same = self._mean_distance((), alike=True) / self._unit(())[1]

    def __call__(self, first, second, columns: Sequence[int] = ()) -> np.ndarray:
        """Distances float (n,) of pictures with features (n, d), without those attributes."""
        basis, unit = self._unit(tuple(columns))
        return self._distance(first, second, basis) / unit

    def _unit(self, columns):
        if columns not in self._units:
            basis = np.linalg.qr(self._weights[list(columns)].T.astype(np.float64))[0]
            self._units[columns] = basis, self._mean_distance(columns, False, basis)
        return self._units[columns]

    def _mean_distance(self, columns, alike, basis=None):
        """Of pairs of real pictures that are, or are not, of one class."""
        if basis is None:
            basis = self._unit(columns)[0]
        found = []
        for shift in range(1, min(len(self._labels), SHIFTS)):
            pair = (self._labels == np.roll(self._labels, shift)) == alike
            if pair.any():
                rolled = np.roll(self._real, shift, axis=0)
                found.append(self._distance(self._real[pair], rolled[pair], basis))
        return float(np.mean(np.concatenate(found))) if found else float("nan")

    def _distance(self, first, second, basis):
        sides = []
        for side in (first, second):
            side = side.astype(np.float64) - self._mean
            sides.append(side - side @ basis @ basis.T)
        norms = np.linalg.norm(sides[0], axis=1) * np.linalg.norm(sides[1], axis=1)
        return 1.0 - np.sum(sides[0] * sides[1], axis=1) / np.maximum(norms, 1e-9)


class Outcome(NamedTuple):
    """What became of each picture that was asked to change one attribute, (n,) each.

    asked: bool, whether it was; added: bool, whether the attribute was to appear.
    success: bool; leakage: mean absolute change of the others' probabilities; identity: distance.
    """

    asked: np.ndarray
    added: np.ndarray
    success: np.ndarray
    leakage: np.ndarray
    identity: np.ndarray


def outcome(one: Asked, labels, before: dict, after: dict, distance: np.ndarray) -> Outcome:
    """Compare what an oracle reads before an edit and after it.

    Asked are pictures of which the attribute is known, to become what they are not read as.

    Args: labels: int8 (n, a); before, after: {"attributes": (n, a)}; distance: (n,).
    """
    first, last = before["attributes"], after["attributes"]
    added = first[:, one.column] <= 0.5
    success = (last[:, one.column] > 0.5) == added
    others = list(one.others)
    leakage = np.abs(last[:, others] - first[:, others]).sum(axis=1) / max(len(others), 1)
    return Outcome(labels[:, one.column] >= 0, added, success, leakage, distance)
