"""How well embeddings of captions find pictures: the published measures, and what chance gives.

The score of a caption and a picture is the dot product of their embeddings. Of equal scores the
wrong picture comes first, so that an encoder which tells nothing apart finds nothing.

Source: reedscot/cvpr2016, retrieval_sje_tcnn.lua and util/util_retrieval.lua.
"""

import math

import numpy as np

from encoder.heldout import zero_shot_accuracy

PRECISION_AT, RECALL_AT = (1, 5, 10, 50), (1, 5, 10)
BLOCK = 512  # captions that are compared with all pictures at once


def measure(
    texts: np.ndarray, owners: np.ndarray, pictures: np.ndarray, labels: np.ndarray
) -> list[dict]:
    """Classification and retrieval by the captions of unseen classes, a dict a number.

    Chance is exact: pictures in a random order, or, of classification, class vectors that belong to
    random classes.

    Args: texts: float (m, d); owners: int (m,), the picture that each is about; pictures: float
      (n, d); labels: int (n,), their classes. Pictures of a class without captions are left out.
    Returns: dicts of `metric`, `value`, `chance`, `best` (what no encoder exceeds), and how many
      `pictures`, `captions` and `classes` there are.
    """
    kept = np.flatnonzero(np.isin(labels, labels[owners]))
    owners = np.searchsorted(kept, owners)
    pictures, (names, labels) = pictures[kept], np.unique(labels[kept], return_inverse=True)
    n, sizes, text_labels = len(labels), np.bincount(labels), labels[owners]
    classes = class_means(texts, text_labels)
    counts = {"pictures": n, "captions": len(texts), "classes": len(names)}

    def line(metric, value, chance, best=1.0):
        return {"metric": metric, "value": value, "chance": chance, "best": best, **counts}

    accuracy = zero_shot_accuracy(classes, np.arange(len(classes)), pictures, labels)
    lines = [line("zero_shot_top1", accuracy, 1 / len(classes))]
    for k in PRECISION_AT:
        value = float(precision_at(classes, pictures, labels, k).mean())
        best = float(best_precision(labels, k).mean())
        lines.append(line(f"ap@{k}", value, float(np.mean(sizes / n)), best))
    own, first = ranks(texts, owners, text_labels, pictures, labels)
    for metric, places, right in (
        ("caption_r", own, np.ones(len(texts), int)),
        ("caption_class_r", first, sizes[text_labels]),
    ):
        for k in RECALL_AT:
            chance = recall_by_chance(right, n, k)
            lines.append(line(f"{metric}@{k}", recall(places, k), chance))
    return lines


def class_means(texts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Classes as they are published: the mean of their captions' embeddings.

    Args: texts: float (m, d); labels: int (m,), each class 0, 1, ... has a text.
    Returns: float64 (classes, d).
    """
    order, sizes = np.argsort(labels, kind="stable"), np.bincount(labels)
    sums = np.add.reduceat(texts[order], np.cumsum(sizes) - sizes, axis=0, dtype=np.float64)
    return sums / sizes[:, None]


def precision_at(
    classes: np.ndarray, pictures: np.ndarray, labels: np.ndarray, k: int
) -> np.ndarray:
    """AP@K of each class: the share of its own among the `k` pictures that fit it best.

    Args: classes: float (c, d); pictures: float (n, d); labels: int (n,), of the pictures.
    Returns: float64 (c,). Of fewer than `k` pictures all are taken.
    """
    shares = []
    for label, scores in enumerate(classes @ pictures.T):
        own = labels == label
        shares.append(own[np.lexsort((own, -scores))[:k]].mean())
    return np.array(shares)


def best_precision(labels: np.ndarray, k: int) -> np.ndarray:
    """What `precision_at` gives if each class finds its own first: below 1 where they are few."""
    k = min(k, len(labels))
    return np.minimum(np.bincount(labels), k) / k


def ranks(
    texts: np.ndarray,
    owners: np.ndarray,
    text_labels: np.ndarray,
    pictures: np.ndarray,
    picture_labels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Where each caption's picture comes among all, and the first one of its class.

    Args:
      texts: float (m, d); owners: int (m,), the picture that each caption is about.
      pictures: float (n, d); labels: int (m,) and (n,), their classes.
    Returns: two int64 (m,), 1 is the first place.
    """
    own, first = np.empty(len(texts), np.int64), np.empty(len(texts), np.int64)
    for start in range(0, len(texts), BLOCK):
        some = slice(start, start + BLOCK)
        scores = texts[some] @ pictures.T
        mine = scores[np.arange(len(scores)), owners[some]][:, None]
        own[some] = np.count_nonzero(scores >= mine, axis=1)
        alike = text_labels[some, None] == picture_labels
        best = np.where(alike, scores, -np.inf).max(axis=1, keepdims=True)
        first[some] = 1 + np.count_nonzero((scores >= best) & ~alike, axis=1)
    return own, first


def recall(places: np.ndarray, k: int) -> float:
    """R@K: the share of `ranks` that are at most `k`."""
    return float(np.mean(places <= k))


def recall_by_chance(right: np.ndarray, n: int, k: int) -> float:
    """R@K of pictures in a random order: the chance that one of the first `k` is a right one.

    Args: right: int (m,), how many of the `n` pictures are right for each caption.
    """
    k = min(k, n)
    orders = math.comb(n, k)
    hits = {r: (orders - math.comb(n - r, k)) / orders for r in set(right.tolist())}
    return float(np.mean([hits[r] for r in right.tolist()]))


def nearest(queries: np.ndarray, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` rows with the largest dot product, the largest first.

    Args: queries: float (q, d); rows: float (n, d).
    Returns: int64 (q, at most count), indices of rows, of equal ones the first; their products.
    """
    scores = queries @ rows.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(scores, order, axis=1)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows divided by their lengths, so that dot products are cosines; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
