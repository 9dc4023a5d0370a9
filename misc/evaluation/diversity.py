"""How much the pictures of one sentence differ: what the noise adds to the words.

A generator that has learned to ignore its noise draws one picture for each sentence, which neither
FID nor the attributes need to notice.
"""

import numpy as np

from misc.evaluation.bootstrap import Estimate, bootstrap
from misc.evaluation.colour_correlation import shuffled

CAPTIONS, COPIES = 64, 8  # at most so many sentences, and pictures of each


def diversity(features: np.ndarray, seed: int) -> Estimate:
    """The mean Euclidean distance of two pictures of one caption, averaged over captions.

    It does not depend on how many pictures or captions there are. Intervals are of captions drawn
    again.

    Args: features: (captions, copies, d), of two copies or more.
    Raises: ValueError for another shape, or features that are not finite.
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 3 or min(features.shape) < 1 or features.shape[1] < 2:
        raise ValueError(f"diversity: {features.shape}, expected (captions, 2 or more, d)")
    if not np.isfinite(features).all():
        raise ValueError("diversity: features that are not finite")
    first, second = np.triu_indices(features.shape[1], k=1)
    means = np.array([_distances(own[first], own[second]).mean() for own in features])
    return bootstrap(lambda places: means[places].mean(), len(means), seed)


def mean_distance(features: np.ndarray, labels: np.ndarray, seed: int) -> float | None:
    """The mean distance of each picture from one other of its label, chosen by the seed.

    Args: features: (n, d), perhaps memory-mapped.   labels: (n,).
    Returns: None if no label has two pictures.
    """
    found = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) > 1:
            own = np.asarray(features[members], np.float64)
            found.append(_distances(own, own[shuffled(len(own), seed)]))
    return float(np.concatenate(found).mean()) if found else None


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x - y, axis=-1)
