"""The sentence encoder's form: sizes, unit length, and what does not change a sentence."""

import keras
import numpy as np
import pytest

from encoder.model_minilm import MiniLM


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return MiniLM(dimension=8, pieces=20, depth=2, heads=2, places=16)


def test_sentences_have_length_one_whatever_is_padded(network):
    ids = np.array([[2, 5, 6, 3, 0, 0], [2, 7, 8, 9, 11, 3]], np.int32)
    rows = np.asarray(network(ids))
    assert rows.shape == (2, 8) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(network(ids[:1, :4])[0], rows[0], atol=1e-6)
    np.testing.assert_allclose(network(np.pad(ids, [(0, 0), (0, 9)])), rows, atol=1e-6)


def test_order_counts(network):
    rows = np.asarray(network(np.array([[2, 5, 6, 3], [2, 6, 5, 3]], np.int32)))
    assert np.abs(rows[0] - rows[1]).max() > 1e-4


def test_the_published_size():
    with keras.device("cpu"):
        network = MiniLM()
    tables = (30522 + 256) * 384 + 2 * 384
    layer = 4 * (384 * 384 + 384) + 2 * 384 * 1536 + 1536 + 384 + 4 * 384
    assert network.count_params() == tables + 6 * layer == 22_466_304
