"""Do generated pictures have the colours of the pictures their sentences were written about?

A number of this project for the demo, where every sentence names colours; it needs no network.
"""

import numpy as np


def colour_correlation(fake: np.ndarray, real: np.ndarray) -> float | None:
    """Pearson correlation of the `central_colours` of fake and real pictures.

    Each channel is centred by its own mean over the pictures, then the three are pooled: otherwise
    "birds are redder than blue", which needs no sentence, would already correlate.

    Args:
      fake: float64 (n, 3), of pictures generated from captions.
      real: float64 (n, 3); row i is of the picture that caption i describes.
    Returns: float in [-1, 1], near 0 if the sentences are ignored; None, for it is undefined, if
      all fakes or all reals have the same colour.
    Raises: ValueError for other shapes, or fewer than two pictures.
    """
    from scipy.stats import pearsonr

    if np.shape(fake) != np.shape(real) or len(fake) < 2:
        raise ValueError(f"colour_correlation: {np.shape(fake)} fake, {np.shape(real)} real")
    centred = [(c - c.mean(axis=0)).ravel() for c in (fake, real)]
    if not all(np.any(np.abs(c) > 1e-9) for c in centred):
        return None
    return float(pearsonr(*centred).statistic)


def shuffled(n: int, seed: int) -> np.ndarray:
    """A seeded order of n >= 2 rows that leaves none in its place, for the chance level."""
    if n < 2:
        raise ValueError(f"shuffled: {n} rows cannot all change places")
    order = np.random.default_rng(seed).permutation(n)
    partners = np.empty(n, np.int64)
    partners[order] = np.roll(order, 1)  # one cycle through all rows: nobody stays
    return partners


def central_colours(pictures: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w, 3) -> float64 (n, 3): means over the middle half of rows and of columns."""
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or min(pictures.shape[1:3]) < 2:
        raise ValueError(f"central_colours: expected (n, h, w, 3), got {pictures.shape}")
    h, w = pictures.shape[1:3]
    middle = pictures[:, h // 4 : h - h // 4, w // 4 : w - w // 4]
    return middle.mean(axis=(1, 2), dtype=np.float64)
