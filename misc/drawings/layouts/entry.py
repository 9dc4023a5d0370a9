"""What every raw layout is given: the pictures to place, and what is known of those drawn.

A layout is a module with four names:

    CAPTIONS    how many captions it has for a picture
    MOST        how many pictures it can number
    places(items, classes, seed)
                {path below the set's folder: item}, in the order of its tables
    write_tables(out, entries, classes, attribute_names)
                writes everything beside the pictures; returns what else drawn.json should say

`classes` are all that a preset has, each with a `name` and a `split`, "train" or "test"; `entries`
come in the order of `places`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Item(NamedTuple):
    """One picture to draw: the `copy`-th, from 1, of class `number`, from 0."""

    seed: int
    number: int
    copy: int


class Entry(NamedTuple):
    """One drawn picture: where it is below the set's folder, and what it shows.

    `box` is x, y, width, height in pixels; `labels` int8, one for each attribute name: 1 yes, 0 no,
    -1 where it cannot be seen.
    """

    path: str
    item: Item
    box: tuple[int, int, int, int]
    labels: np.ndarray
    captions: list[str]


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Lines of text, with Unix line ends on every system; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_class_lists(out: Path, entries: Sequence[Entry], classes, folders: Sequence[str]) -> None:
    """Reed's split, no class in both: trainvalclasses.txt and testclasses.txt, a folder a line."""
    used = sorted({entry.item.number for entry in entries})
    for split, file in (("train", "trainvalclasses.txt"), ("test", "testclasses.txt")):
        write_lines(out / file, (folders[n] for n in used if classes[n].split == split))
