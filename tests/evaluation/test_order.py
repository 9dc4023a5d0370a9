"""With the network that every installation has: real pictures come first, spoilt ones in order."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.degradations import blur, jpeg, noise
from misc.drawings import birds, birds_draw
from misc.evaluation.features import load
from misc.evaluation.frechet import fid
from misc.evaluation.kid import kid

COUNT = 36


@pytest.fixture(scope="module")
def network():
    return load("efficientnet-lite0")


@pytest.fixture(scope="module")
def halves(network):
    """Pictures of drawn birds, and the features of others."""
    drawn = [
        birds_draw.draw(birds.attributes(seed, "easy"), 64).picture for seed in range(2 * COUNT)
    ]
    others = network(np.stack([np.asarray(one) for one in drawn[COUNT:]])).features
    return drawn[:COUNT], others


@pytest.mark.parametrize(
    "spoil, degrees", [(blur, (0.7, 1.5, 3)), (noise, (8, 20, 50)), (jpeg, (60, 20, 5))]
)
def test_numbers_fall_in_order(network, halves, spoil, degrees):
    pictures, others = halves
    found = []
    for spoilt in [pictures] + [[spoil(degree, one) for one in pictures] for degree in degrees]:
        features = network(np.stack([np.asarray(one) for one in spoilt])).features
        found.append((fid(features, others, 0).estimate.value, kid(features, others, 0).value))
    distances, kernels = zip(*found, strict=True)
    assert list(distances) == sorted(distances) and list(kernels) == sorted(kernels)
    assert kernels[1] > kernels[0] + 0.003 and abs(kernels[0]) < 0.02


def test_noise_is_the_same_for_the_same_picture():
    picture = Image.fromarray(np.full((8, 8, 3), 99, np.uint8))
    assert np.array_equal(noise(9, picture), noise(9, picture))
