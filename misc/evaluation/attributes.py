"""Do pictures show what their captions name? An oracle that reads attributes from pictures tells.

The oracle's ceiling is what it reads from the real pictures that the same captions were written
about, its chance what it reads when each caption is held against another picture.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.evaluation.bootstrap import Estimate, bootstrap
from misc.evaluation.colour_correlation import shuffled

# An attribute that the oracle reads more rarely from real pictures says nothing about fakes.
LEAST = 0.8
NO_ATTRIBUTES = "was trained on a set without attributes, so it reads none; take another"


class AttributeAccuracy(NamedTuple):
    """What `attribute_accuracy` finds.

    value, ceiling, chance: shares of what the captions name that is read: from their fakes, from
      their own real pictures, and from the fakes of other captions.
    table: for each attribute that a caption names, {"value", "ceiling", "chance", "n": captions}.
    left_out: those of `table` whose ceiling is below `LEAST`, which the three shares leave out.
    """

    value: Estimate
    ceiling: Estimate
    chance: Estimate
    table: dict[str, dict]
    left_out: list[str]


def questions(names: Sequence[str]) -> dict[str, list[int]]:
    """The attributes that columns belong to, each with its columns, in their order.

    As in CUB, `has_wing_color::blue` and `has_wing_color::red` are values of one, `wing_color`; as
    in CelebA, `Eyeglasses` is one by itself.
    """
    found: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        found.setdefault(name.partition("::")[0].removeprefix("has_"), []).append(column)
    return found


def attribute_accuracy(
    readings: np.ndarray, mentions: np.ndarray, names: Sequence[str], ceiling: np.ndarray, seed: int
) -> AttributeAccuracy:
    """The share of what captions name that is read from the pictures generated for them.

    What a caption says of one attribute counts once: of an attribute of several values, such as a
    colour, it is read if the most probable value is one that the caption names (or, if it only
    denies some, none that it denies); of a single column, if it is on the right side of 0.5.
    Intervals are of captions drawn again.

    Args:
      readings: (n, a) probabilities that the oracle reads from the fakes of n captions.
      mentions: int8 (n, a): 1 the caption names it, 0 it denies it, -1 it does not say.
      names: of the a columns; `questions` says which belong together.
      ceiling: (n, a) as `readings`, of the real pictures that the captions are about.
      seed: of the shuffling and of the bootstrap.
    Raises: UserError if fewer than two captions name anything, or nothing that the oracle can read;
      ValueError for other shapes.
    """
    if not readings.shape == mentions.shape == ceiling.shape == (len(readings), len(names)):
        raise ValueError(
            f"attribute_accuracy: {readings.shape} readings, {ceiling.shape} of real pictures, "
            f"{mentions.shape} mentions of {len(names)} attributes"
        )
    asked = questions(names)
    named = np.stack([(mentions[:, k] >= 0).any(axis=1) for k in asked.values()], axis=1)
    rows = np.flatnonzero(named.any(axis=1))
    if len(rows) < 2:
        raise UserError(
            f"accuracy of attributes: {len(rows)} of {len(mentions)} captions name an attribute "
            f"of the classifier ({', '.join(list(asked)[:4])} ...), expected 2 or more; take "
            "another set's captions or classifier, or leave attributes out"
        )
    readings, mentions, ceiling, named = (a[rows] for a in (readings, mentions, ceiling, named))
    others = readings[shuffled(len(rows), seed)]
    rights = {"value": readings, "ceiling": ceiling, "chance": others}
    rights = {name: named & _right(read, mentions, asked) for name, read in rights.items()}
    table = {
        question: {name: float(right[:, k].sum() / n) for name, right in rights.items()} | {"n": n}
        for k, question in enumerate(asked)
        if (n := int(named[:, k].sum()))
    }
    left_out = [question for question, row in table.items() if row["ceiling"] < LEAST]
    if len(left_out) == len(table):
        best = max(table, key=lambda question: table[question]["ceiling"])
        raise UserError(
            f"accuracy of attributes: of real pictures the classifier reads {best} best, "
            f"{table[best]['ceiling']:.2f} of the time, expected {LEAST}; train it with "
            "--independent, for longer or on more pictures"
        )
    kept = np.array([question in table and question not in left_out for question in asked])
    rows = np.flatnonzero(named[:, kept].any(axis=1))
    counts = named[np.ix_(rows, kept)].sum(axis=1)
    shares = (
        _share(right[np.ix_(rows, kept)].sum(axis=1), counts, seed) for right in rights.values()
    )
    return AttributeAccuracy(*shares, table, left_out)


def _right(readings, mentions, asked):
    """bool (n, questions): whether what is read agrees with what is said, if anything is."""
    columns = []
    for k in asked.values():
        read, said = readings[:, k], mentions[:, k]
        if len(k) == 1:
            columns.append((read[:, 0] > 0.5) == (said[:, 0] == 1))
            continue
        of_highest = np.take_along_axis(said, read.argmax(axis=1)[:, None], axis=1)[:, 0]
        columns.append(np.where((said == 1).any(axis=1), of_highest == 1, of_highest != 0))
    return np.stack(columns, axis=1)


def _share(right, counts, seed):
    """The estimate of the sum of `right` over that of `counts`, both (captions,)."""
    return bootstrap(lambda i: right[i].sum() / counts[i].sum(), len(counts), seed)
