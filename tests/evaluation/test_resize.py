"""The two resizes: by hand, against the libraries they stand for, and where they differ."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from misc.evaluation.resize import RESIZES, clean, tf1


def grey(rows):
    """One picture whose three channels are `rows`."""
    return np.repeat(np.array(rows, np.uint8)[None, ..., None], 3, axis=-1)


@pytest.mark.parametrize(
    "row, resized",
    [
        # Pixel i lies at i * width / new width; there is nothing right of the last pixel.
        ([0, 100], [0, 50, 100, 100]),  # at 0, 0.5, 1, 1.5
        ([0, 30, 90, 60], [0, 90]),  # at 0, 2: picked, not averaged
        ([0, 30, 90], [0, 60]),  # at 0, 1.5
        ([10, 40], [10, 30, 40]),  # at 0, 2/3, 4/3
    ],
)
def test_tf1_by_hand(row, resized):
    size = len(resized)
    across = tf1(grey([row] * len(row)), size)
    down = tf1(grey([[value] * len(row) for value in row]), size)
    np.testing.assert_allclose(across[0, 0, :, 1], resized, rtol=1e-6)
    np.testing.assert_allclose(down[0, :, 0, 2], resized, rtol=1e-6)


def test_tf1_in_both_directions_by_hand():
    corners = tf1(grey([[0, 100], [200, 60]]), 4)[0, ..., 0]
    expected = [[0, 50, 100, 100], [100, 90, 80, 80], [200, 130, 60, 60], [200, 130, 60, 60]]
    np.testing.assert_array_equal(corners, expected)


@pytest.mark.parametrize("size", [17, 64, 299])
def test_tf1_is_tensorflow_1(size):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    found = tf1(pictures, size)
    old = tf.compat.v1.image.resize_bilinear(pictures, (size, size), align_corners=False)
    np.testing.assert_array_equal(found, old)
    assert found.dtype == np.float32
    if size != 64:
        for new in (False, True):
            other = tf.image.resize(pictures, (size, size), antialias=new)
            assert np.abs(found - other).mean() > 5


@pytest.mark.parametrize("shape", [(40, 40), (30, 50)])
@pytest.mark.parametrize("size", [16, 24, 64])
def test_clean_is_pillow_in_float(shape, size):
    pictures = np.random.default_rng(0).integers(0, 256, (5, *shape, 3), np.uint8)
    found = clean(pictures, size)
    for picture, resized in zip(pictures, found, strict=True):
        for colour in range(3):
            plane = Image.fromarray(picture[..., colour].astype(np.float32), mode="F")
            plane = plane.resize((size, size), Image.Resampling.BICUBIC)
            np.testing.assert_array_equal(resized[..., colour], np.asarray(plane).clip(0, 255))
    assert found.shape == (5, size, size, 3) and found.dtype == np.float32
    assert (found % 1).any() and found.min() >= 0 and found.max() <= 255


def test_a_fine_pattern_is_averaged_by_one_and_picked_by_the_other():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    assert np.abs(clean(grey(board), 16)[0, 2:-2, 2:-2] - 127.5).max() < 3
    assert set(np.unique(tf1(grey(board), 16))) == {0}


@pytest.mark.parametrize("name", RESIZES)
def test_pictures_of_the_right_size_stay_as_they_are(name):
    pictures = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(RESIZES[name](pictures, 32), pictures)
