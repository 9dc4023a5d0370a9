"""Which attributes a sentence names, and which it denies, in the names of CUB and of CelebA."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from misc.words import birds, faces, flowers
from misc.words.lexicon import Lexicon
from misc.words.phrases import read

LEXICONS = (birds.lexicon, flowers.lexicon, faces.lexicon)


def mentions(caption: str, names: Sequence[str]) -> np.ndarray:
    """What one sentence says of each attribute.

    A part has one colour, so `blue wings` denies all others; `blue and white wings` names two. What
    is not clear is not said: a name that nobody has words for, `black wing tips`, the hat of
    `without glasses and a hat`.

    Args: names: as CUB has them, `has_wing_color::blue`, or CelebA, `Eyeglasses`.
    Returns: int8 (names,): 1 named, 0 denied, -1 not mentioned.
    """
    known = _columns(tuple(names))
    told: dict[str, tuple[set[str], set[str]]] = {}  # of each attribute what it is and is not
    for lexicon in known.lexicons:
        for fact in read(caption, lexicon):
            told.setdefault(fact.attribute, (set(), set()))[not fact.holds].add(fact.value)
    said = np.full(len(names), -1, np.int8)
    for attribute, (named, denied) in told.items():
        others = 0 if named & known.values.get(attribute, set()) else -1
        for k, value in known.columns.get(attribute, ()):
            if value in named:
                said[k] = -1 if value in denied else 1  # a sentence that contradicts itself
            else:
                said[k] = 0 if value in denied else others
    return said


def mentions_of(captions: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """`mentions` of each sentence: int8 (captions, names)."""
    names = tuple(names)
    rows = [mentions(caption, names) for caption in captions]
    return np.stack(rows) if rows else np.empty((0, len(names)), np.int8)


class _Columns(NamedTuple):
    """Of each attribute the columns and the values that names stand for, and all its values."""

    columns: dict[str, list[tuple[int, str]]]
    values: dict[str, set[str]]
    lexicons: tuple[Lexicon, ...]


@lru_cache(maxsize=8)
def _columns(names: tuple[str, ...]) -> _Columns:
    columns: dict[str, list[tuple[int, str]]] = {}
    for k, name in enumerate(names):
        if known := _column(name):
            columns.setdefault(known[0], []).append((k, known[1]))
    values = {}
    for attribute, those in columns.items():
        values[attribute] = {value for _, value in those} | faces.HAIR.get(attribute, set())
        if values[attribute] & {"yes", "no"}:
            values[attribute] |= {"yes", "no"}
    used = tuple(make() for make in LEXICONS)
    return _Columns(columns, values, tuple(lex for lex in used if lex.attributes & columns.keys()))


def _column(name: str) -> tuple[str, str] | None:
    """The attribute and the value of a name, if it is of CelebA's forty or has CUB's form."""
    if known := faces.column(name) or birds.NAMES.get(name):
        return known
    found = re.fullmatch(r"has_(\w+)::(.+)", name)
    if not found:
        return None
    # CUB adds measures: large_(16_-_32_in).
    return found[1], re.sub(r"_\(.*\)$", "", found[2]).replace("_", " ")
