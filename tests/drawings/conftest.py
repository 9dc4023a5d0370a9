from typing import NamedTuple

import numpy as np
import pytest

from misc.drawings.layouts.entry import Entry, Item

NAMES = ["5_o_Clock_Shadow", "Bald", "Young"]


class FakeClass(NamedTuple):
    name: str
    split: str


@pytest.fixture
def write_fake(tmp_path):
    """Write the tables of a made-up set without pictures: so many of each class.

    Every third class is for the test. Returns the folder, the entries and what the layout tells.
    """

    def write(layout, counts, seed=0):
        splits = ("train", "train", "test")
        classes = [FakeClass(f"Name_{n}", splits[n % 3]) for n in range(len(counts))]
        items = [
            Item(100 * n + copy, n, copy)
            for n, count in enumerate(counts)
            for copy in range(1, count + 1)
        ]
        entries = [
            Entry(
                path,
                item,
                (item.number, item.copy, 10, 20),
                np.array([1, 0, -1], np.int8),
                [f"caption {k} of {item.seed}" for k in range(layout.CAPTIONS)],
            )
            for path, item in layout.places(items, classes, seed).items()
        ]
        return tmp_path, entries, layout.write_tables(tmp_path, entries, classes, NAMES)

    return write
