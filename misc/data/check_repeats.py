"""Which pictures of a set repeat others: by any value they share, or by what is to be seen."""

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
    pairs = _like_pairs(facts[places])
    parts = np.split(pairs, range(TASK, len(pairs), TASK)) if len(pairs) else []
    tasks = [
        (folder, [(address(places[i]), address(places[j]), m) for i, j, m in part.tolist()])
        for part in parts
    ]
    sure = []
    with tqdm(total=len(pairs), desc="compare", unit="pair") as bar:
        for part in run(confirm, tasks):
            sure += part.tolist()
            bar.update(len(part))
    gone, of = [], []
    stays = np.ones(len(facts), bool)
    # By the later one: whether the earlier one stays is known by then.
    chosen = pairs[np.array(sure, bool)]
    for i, j in places[chosen[np.lexsort((chosen[:, 0], chosen[:, 1])), :2]].tolist():
        if stays[i] and stays[j]:
            stays[j] = False
            gone.append(j)
            of.append(i)
    return Repeats(np.array(gone, np.int64), np.array(of, np.int64))


def _like_pairs(facts: np.ndarray) -> np.ndarray:
    """Pairs worth a closer look: int64 (n, 3), i < j, and 1 if one of them has to be mirrored."""
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
    return np.unique(np.concatenate(pairs), axis=0)


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
