"""Which pictures of a set repeat others: by any value they share, or by what is to be seen."""

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.data.check_alike import CELLS, DIFFER, alike, crowded, grid_of, like_codes
from misc.data.check_facts import stored_picture
from misc.data.prepared import open_split

TASK = 256  # pictures that are looked at, or compared with another, at once


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


def near_repeats(
    facts: np.ndarray, places: np.ndarray, address: Callable, folder: Path, executor: Executor
) -> Repeats:
    """Pictures that show what an earlier one shows, perhaps mirrored; see `alike`.

    A picture that is like an earlier one that stays repeats it. One that is like repeats alone
    stays too: likeness adds up, and the ends of a row of pictures may show different things.
    So n copies of one picture take n - 1 comparisons.

    Args:
      facts: `FACTS` of all pictures; places: int64 (n,), rising, of those to compare.
      address: function of a place: its split's name, and its row of index.npy.
      folder: of the set; executor: as `processes` gives it.
    """
    candidates = _Candidates(facts[places])
    pictures = candidates.pictures
    parts = [places[pictures[k : k + TASK]] for k in range(0, len(pictures), TASK)]
    tasks = ((folder, [address(place) for place in part]) for part in parts)
    grids, done = np.empty((len(pictures), CELLS, CELLS, 3), np.uint8), 0
    with tqdm(total=len(pictures), desc="look closer", unit="picture") as bar:
        for part in executor.map(closer, tasks):
            grids[done : done + len(part)] = part
            done += len(part)
            bar.update(len(part))
    of = np.arange(len(places))
    stays = np.ones(len(places), bool)
    for grid, i in zip(grids, tqdm(pictures, desc="compare", unit="picture"), strict=True):
        # Those before it have taken away all that they are like, so whether it stays is known.
        later = candidates.after(i, stays) if stays[i] else ()
        for k in range(0, len(later), TASK):
            j, mirrored = later[k : k + TASK].T
            others = grids[np.searchsorted(pictures, j)]
            others[mirrored == 1] = others[mirrored == 1, :, ::-1]
            same = j[alike(grid[None], others)]
            stays[same], of[same] = False, i
    return Repeats(places, places[of]).where(~stays)


class _Candidates:
    """Pairs of pictures worth a closer look; those of crowded ones are made when asked for.

    Args: facts: `FACTS` (n,).
    Attributes: pictures: int64, rising, those that may be in a pair.
    """

    def __init__(self, facts: np.ndarray):
        self._n = n = len(facts)
        self._codes = np.concatenate([facts["code"], facts["mirrored"]])
        self._grids = np.concatenate([facts["grid"], facts["grid"][:, :, ::-1]])
        self._crowded = crowded(self._codes).reshape(2, n).any(axis=0)
        self._crowd = np.flatnonzero(self._crowded)
        pairs = [np.empty((0, 3), np.int64)]
        for i, j in like_codes(self._codes):
            known = ~(self._crowded[i % n] & self._crowded[j % n])
            pairs.append(self._worth_a_look(i[known], j[known]))
        self._pairs = np.unique(np.concatenate(pairs), axis=0)
        self._starts = np.searchsorted(self._pairs[:, 0], np.arange(n + 1))
        self.pictures = np.union1d(self._pairs[:, :2], self._crowd)

    def after(self, i: int, stays: np.ndarray) -> np.ndarray:
        """Pictures after `i` that stay and to compare it with: int64 (m, 2), 1 for mirrored."""
        pairs = self._pairs[self._starts[i] : self._starts[i + 1]]
        if self._crowded[i]:
            crowd = self._crowd[np.searchsorted(self._crowd, i, "right") :]
            crowd = crowd[stays[crowd]]
            pairs = [pairs]
            for one, others in ((i, crowd), (i, crowd + self._n), (i + self._n, crowd)):
                like = np.bitwise_count(self._codes[others] ^ self._codes[one]) <= DIFFER
                pairs.append(self._worth_a_look(one, others[like]))
            pairs = np.unique(np.concatenate(pairs), axis=0)
        return pairs[stays[pairs[:, 1]], 1:]

    def _worth_a_look(self, i: np.ndarray | int, j: np.ndarray) -> np.ndarray:
        """Of pairs of codes those whose grids are alike: int64 (n, 3), i < j, 1 if mirrored."""
        n = self._n
        i, j = np.minimum(i, j), np.maximum(i, j)
        some = (i < n) & (i != j - n)
        i, j = i[some], j[some]
        close = alike(self._grids[i], self._grids[j])
        i, j = i[close], j[close]
        ends = np.sort(np.stack([i, j % n], axis=1), axis=1)
        return np.column_stack([ends, j >= n])


def closer(task: tuple[Path, list[tuple[str, int]]]) -> np.ndarray:
    """`grid_of` pictures: uint8 (pictures, CELLS, CELLS, 3).

    Args: task: folder of the set; splits and rows.
    """
    folder, addresses = task
    splits, grids = {}, []
    for split, row in addresses:
        if split not in splits:
            splits[split] = open_split(folder, split, whole=True)
        low = splits[split].sizes[0]
        grids.append(grid_of(stored_picture(splits[split], row, low)))
    return np.stack(grids)
