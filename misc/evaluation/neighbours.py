"""Does a generator repeat its training pictures? The nearest ones to some of its pictures."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.data.prepared import PreparedSplit
from misc.evaluation.measures import CaptionChoice

BATCH = 64


class Nearest(NamedTuple):
    """What lies nearest to n pictures, the nearest first.

    places: int (n, count), pictures of the split; distances: float64 (n, count), between features.
    looked_at: how many pictures of the split were compared.
    """

    places: np.ndarray
    distances: np.ndarray
    looked_at: int


def nearest(
    network,
    pictures: np.ndarray,
    split: PreparedSplit,
    imsize: int,
    *,
    count: int,
    most: int,
    seed: int,
    cache: Path | None = None,
) -> Nearest:
    """The `count` pictures of a split that are nearest to each of `pictures`.

    Training shows its pictures mirrored, too, so each of `pictures` is compared as it is and
    mirrored, and the smaller distance counts.

    Args:
      network: a `misc.evaluation.features.Network`; Euclidean distances of its features.
      pictures: uint8 (n, imsize, imsize, 3).
      most: pictures of the split that are looked at, a seeded choice; count: at most as many.
      cache: a folder in which the split's features are kept for the next time.
    Raises: UserError if the set stores no pictures of this size, or `cache` cannot be written.
    """
    from scipy.spatial.distance import cdist

    chosen = CaptionChoice(split, None, most, seed, distinct=True)
    total = len(chosen.pictures)
    reals = chosen.reals(imsize, BATCH)
    digest = _digest(split, chosen.pictures, imsize)
    features = network.features_of(reals, cache, digest, total).features
    ways = (pictures, pictures[:, :, ::-1])
    distances = np.minimum(*(cdist(network(way).features, features) for way in ways))
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return Nearest(chosen.pictures[order], np.take_along_axis(distances, order, axis=1), total)


def _digest(split: PreparedSplit, pictures: np.ndarray, imsize: int) -> str:
    """Of what the pictures are: the set by its card, which pictures of it, and how large."""
    digest = hashlib.sha256((split.folder.parent / "set.json").read_bytes())
    digest.update(f"{split.split} {imsize}".encode() + split.rows[pictures].tobytes())
    return digest.hexdigest()
