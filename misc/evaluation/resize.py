"""Pictures to the size a network sees, in the two ways that published numbers were made.

The resize is part of a metric's definition: FID of the same pictures differs by points between
these two (Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", 2022).
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image


def clean(pictures: np.ndarray, size: int) -> np.ndarray:
    """Antialiased: Pillow's bicubic on each channel in float, unrounded, clipped to [0, 255].

    Args: pictures: uint8 (n, h, w, 3).
    Returns: float32 (n, size, size, 3).
    """

    def channel(place: tuple[int, int]) -> None:
        picture, colour = place
        plane = Image.fromarray(pictures[picture, :, :, colour].astype(np.float32))
        resized[picture, :, :, colour] = plane.resize((size, size), Image.Resampling.BICUBIC)

    resized = np.empty((len(pictures), size, size, 3), np.float32)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow works outside Python's lock
        list(pool.map(channel, np.ndindex(len(pictures), 3)))
    return np.clip(resized, 0, 255, out=resized)


def tf1(pictures: np.ndarray, size: int) -> np.ndarray:
    """As TensorFlow 1 did: bilinear between two rows and two columns, no half-pixel centres.

    Pixel i of the result lies at i * h / size of the picture, so the first pixels coincide and the
    last do not; a picture that shrinks is picked from, not averaged.
    Args, Returns: as `clean`.
    """
    import tensorflow as tf

    return tf.raw_ops.ResizeBilinear(
        images=pictures, size=(size, size), align_corners=False, half_pixel_centers=False
    ).numpy()


RESIZES = {"clean": clean, "tf1": tf1}
