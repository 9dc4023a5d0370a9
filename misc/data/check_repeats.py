"""Which pictures of a set repeat others: by any value they share, or by what is to be seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.data.check_alike import alike, grid_of, like_codes
from misc.data.check_facts import stored_picture
from misc.data.prepared import open_split

TASK = 256  # pairs that one process looks at before it reports


class Repeats(NamedTuple):
    """Places of pictures, and for each the place of the earlier one it repeats: int64 (n,)."""

    pictures: np.ndarray
    of: np.ndarray

    def where(self, mask: np.ndarray) -> "Repeats":
        """Those that `mask`, bool (n,), says."""
        return Repeats(self.pictures[mask], self.of[mask])


def repeats(values: np.ndarray, places: np.ndarray | None = None) -> Repeats:
    """All but the first of each group of pictures with the same value.

    Args: values: (n,); places: int64 (n,), rising; None: 0, 1, ...
    """
    places = np.arange(len(values)) if places is None else places
    _, firsts, groups = np.unique(values, return_index=True, return_inverse=True)
    first = places[firsts[groups]]
    return Repeats(places, first).where(first != places)


def near_repeats(facts: np.ndarray, places: np.ndarray, address, folder: Path, run) -> Repeats:
    """Pictures that show what an earlier one shows, perhaps mirrored; see `alike`.

    A picture that is like an earlier one that stays repeats it. One that is like repeats alone
    stays too: likeness adds up, and the ends of a row of pictures may show different things.

    Args:
      facts: `FACTS` of all pictures; places: int64 (n,), rising, of those to compare.
      address: function of a place: its split's name, and its row of index.npy.
      folder: of the set; run: as `processes` gives it.
    """
    waiting = _like_pairs(facts[places])
    of = np.full(len(places), -1)
    with tqdm(desc="compare", unit="pair") as bar:
        while len(waiting):
            # Of each picture the earliest that it may repeat, once it is known whether that one
            # stays: so of many copies each is compared with the first alone.
            undecided = np.zeros(len(places), bool)
            undecided[waiting[:, 1]] = True
            first = np.diff(waiting[:, 1], prepend=-1) != 0
            look = np.flatnonzero(first & ~undecided[waiting[:, 0]])
            sure = []
            for part in run(confirm, _tasks(waiting[look], places, address, folder)):
                sure += part.tolist()
                bar.update(len(part))
            found = waiting[look[np.array(sure, bool)]]
            of[found[:, 1]] = found[:, 0]
            waiting = np.delete(waiting, look, axis=0)
            waiting = waiting[(of[waiting[:, :2]] < 0).all(axis=1)]
    gone = np.flatnonzero(of >= 0)
    return Repeats(places[gone], places[of[gone]])


def _tasks(pairs: np.ndarray, places: np.ndarray, address, folder: Path) -> Iterator[tuple]:
    for at in range(0, len(pairs), TASK):
        part = pairs[at : at + TASK].tolist()
        yield folder, [(address(places[i]), address(places[j]), m) for i, j, m in part]


def _like_pairs(facts: np.ndarray) -> np.ndarray:
    """Pairs worth a closer look: int64 (n, 3), i < j, and 1 if one of them has to be mirrored.

    They are sorted by j, then by i.
    """
    n = len(facts)
    grids = np.concatenate([facts["grid"], facts["grid"][:, :, ::-1]])
    pairs = [np.empty((0, 3), np.int64)]
    for i, j in like_codes(np.concatenate([facts["code"], facts["mirrored"]])):
        some = ((i < n) | (j < n)) & (i % n != j % n)
        i, j = i[some], j[some]
        close = alike(grids[i], grids[j])
        i, j = i[close], j[close]
        ends = np.sort(np.stack([i % n, j % n], axis=1), axis=1)
        pairs.append(np.column_stack([ends, (i >= n) | (j >= n)]))
    pairs = np.unique(np.concatenate(pairs), axis=0)
    return pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]


def confirm(task: tuple[Path, list[tuple]]) -> np.ndarray:
    """Which pairs of pictures are alike, looked at closely: bool (pairs,).

    Args: task: folder of the set; pairs of addresses, and whether the second is to be mirrored.
    """
    folder, pairs = task
    splits, grids = {}, {}
    for split, row in {address for *ends, _ in pairs for address in ends}:
        if split not in splits:
            splits[split] = open_split(folder, split, whole=True)
        low = splits[split].sizes[0]
        grids[split, row] = grid_of(stored_picture(splits[split], row, low))
    a = np.stack([grids[a] for a, _, _ in pairs])
    b = np.stack([grids[b][:, ::-1] if mirrored else grids[b] for _, b, mirrored in pairs])
    return alike(a, b)
