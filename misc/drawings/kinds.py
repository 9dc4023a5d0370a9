"""What the drawn sets of every kind share: streams of random numbers, species, attribute files."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Species(NamedTuple):
    """A class of a set: its name (`Blue_winged_Finch`), its split and what all of it share."""

    name: str
    split: str
    shared: dict[str, str]


def stream(seed: int, role: str) -> np.random.Generator:
    """Random numbers for one purpose of one drawing, whatever its other purposes have used up."""
    return np.random.default_rng([seed, *role.encode()])


def pick(rng: np.random.Generator, options: Sequence[str], weights=None) -> str:
    """One of `options`, each equally likely or with the probabilities `weights`."""
    return options[int(rng.choice(len(options), p=weights))]


def binary_names(values: Mapping[str, Sequence[str]]) -> list[str]:
    """Attributes and their possible values as CUB names them: `has_wing_color::blue`."""
    return [
        f"has_{name}::{value.replace(' ', '_')}"
        for name, options in values.items()
        for value in options
    ]


def binary_labels(
    values: Mapping[str, Sequence[str]], one: Mapping, hidden: Collection[str]
) -> np.ndarray:
    """int8, one for each of `binary_names`: 1 yes, 0 no, -1 where the attribute is `hidden`."""
    out = []
    for name, options in values.items():
        out += [-1 if name in hidden else int(one[name] == value) for value in options]
    return np.array(out, np.int8)
