"""Does a generator repeat its training pictures? The nearest ones to some of its pictures."""

from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.data.prepared import PreparedSplit
from misc.evaluation.caption_choice import CaptionChoice


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
    batch: int = 64,
) -> Nearest:
    """The `count` pictures of a split that are nearest to each of `pictures`.

    Training shows its pictures mirrored, too, so each of `pictures` is compared as it is and
    mirrored, and the smaller distance counts. Memory does not grow with the split.

    Args:
      network: a `misc.evaluation.features.Network`; Euclidean distances of its features.
      pictures: uint8 (n, imsize, imsize, 3).
      most: pictures of the split that are looked at, a seeded choice; count: at most as many.
    Raises: UserError if the set stores no pictures of this size.
    """
    from scipy.spatial.distance import cdist

    chosen = CaptionChoice(split, None, most, seed, distinct=True)
    looked_at = np.sort(chosen.pictures)  # the order of `reals`
    queries = [_features(network, way, batch) for way in (pictures, pictures[:, :, ::-1])]
    count = min(count, len(chosen.pictures))
    places = np.full((len(pictures), count), -1)
    distances = np.full((len(pictures), count), np.inf)
    with tqdm(total=len(chosen.pictures), desc="neighbours", unit="picture", disable=None) as bar:
        for group in chosen.reals(imsize, batch):
            features = network(group)[0]
            now = np.minimum(*(cdist(query, features) for query in queries))
            distances = np.concatenate([distances, now], axis=1)
            group_places = np.broadcast_to(looked_at[bar.n : bar.n + len(group)], now.shape)
            places = np.concatenate([places, group_places], axis=1)
            order = np.argsort(distances, axis=1, kind="stable")[:, :count]
            places, distances = (
                np.take_along_axis(kept, order, axis=1) for kept in (places, distances)
            )
            bar.update(len(group))
    return Nearest(places, distances, len(chosen.pictures))


def _features(network, pictures: np.ndarray, batch: int) -> np.ndarray:
    starts = range(0, len(pictures), batch)
    return np.concatenate([network(pictures[i : i + batch])[0] for i in starts])
