"""R-precision: is a picture's own caption nearer to it than captions of other classes are?

Features of pictures and of captions come from a text encoder that the GAN was not trained with.
Paper: Xu et al., "AttnGAN: Fine-Grained Text to Image Generation with Attentional Generative
Adversarial Networks" (CVPR 2018), section 4.1.  Differs from it: candidates are of other classes
than the picture, not any captions, among which some fit as well as its own; all n pictures are
measured once, with an interval, instead of ten folds.
"""

import numpy as np

from misc.config.errors import UserError
from misc.evaluation.bootstrap import Estimate, bootstrap

_BLOCK = 64  # pictures at a time: 64 x 100 candidates of 1,024 features are 26 MB


def candidates(classes: np.ndarray, among: int = 100) -> int:
    """How many captions each picture chooses from: `among`, or fewer where a set is small.

    It is one number for all pictures, their own caption included, and so belongs beside the value,
    whose chance is 1 / candidates.

    Raises: UserError if all captions are of one class; ValueError if `among` is below 2.
    """
    if among < 2:
        raise ValueError(f"r_precision: one of {among} candidates")
    others = len(classes) - np.unique(classes, return_counts=True)[1].max(initial=0)
    if not others:
        raise UserError(
            f"EVAL.METRICS r_precision: the {len(classes)} captions are all of one class, expected "
            "two classes or more; take another set, or leave r_precision out"
        )
    return min(among, 1 + int(others))


def r_precision(
    picture_features: np.ndarray,
    caption_features: np.ndarray,
    classes: np.ndarray,
    seed: int,
    among: int = 100,
) -> Estimate:
    """The share of pictures of whose `candidates` their own caption is the nearest by cosine.

    Of captions that are equally near, one is right with equal chance. With features of real
    pictures it is the ceiling, with the captions and `classes` shuffled the floor; see
    `colour_correlation.shuffled`. That is about 1 / candidates of many classes, and more of few:
    the caption may then be another of the picture's own class, of which no other is a candidate.
    One seed gives all of them the same candidates.

    Args:
      picture_features: float (n, d), row i of the picture generated for caption i.
      caption_features: float (n, d).
      classes: (n,), of the captions; the others to choose from are of other classes.
      among: how many to choose from, the own one included.
    Raises: as `candidates`; ValueError for other shapes.
    """
    n = len(classes)
    if picture_features.shape != caption_features.shape or len(picture_features) != n:
        raise ValueError(
            f"r_precision: {picture_features.shape} features of pictures, "
            f"{caption_features.shape} of captions, {n} classes"
        )
    wrong = candidates(classes, among) - 1
    random = np.random.default_rng(seed)
    captions, hits = _unit(caption_features), np.empty(n)
    others = {one: np.flatnonzero(classes != one) for one in np.unique(classes)}
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        chosen = [random.choice(others[classes[i]], wrong, replace=False) for i in rows]
        places = np.concatenate([rows[:, None], chosen], axis=1)  # (block, candidates), own first
        pictures = _unit(picture_features[rows])
        near = np.einsum("id,ijd->ij", pictures, captions[places])
        best = near >= near.max(axis=1, keepdims=True) - 1e-6  # one sum rounds not as another
        hits[rows] = best[:, 0] / best.sum(axis=1)
    return bootstrap(lambda i: hits[i].mean(), n, seed)


def _unit(rows):
    """Rows of length 1, whose products are cosines; a row of zeros is equally far from all."""
    rows = np.asarray(rows, np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
