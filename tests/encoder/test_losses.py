"""The joint embedding loss by hand, against a triple loop, and in both directions."""

import numpy as np
import pytest

from encoder.losses import joint_embedding_loss


def by_loops(pictures, texts, margin, symmetric):
    b = len(pictures)
    scores = np.zeros((b, b))
    for i in range(b):
        for j in range(b):
            for k in range(pictures.shape[1]):
                scores[i, j] += float(pictures[i, k]) * float(texts[j, k])
    total = 0.0
    for i in range(b):
        for j in range(b):
            if i != j:
                total += max(0.0, margin + scores[i, j] - scores[i, i])
                if symmetric:
                    total += max(0.0, margin + scores[j, i] - scores[i, i])
    return total / b**2


def test_two_pairs_by_hand():
    pictures = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    texts = np.array([[1.0, 0.5], [0.0, 1.0]], np.float32)
    # Scores S = [[1, 0], [1, 2]]. Against other texts: 1 + 0 - 1 = 0 and 1 + 1 - 2 = 0.
    assert float(joint_embedding_loss(pictures, texts, symmetric=False)) == 0
    # Against other pictures: 1 + S10 - S00 = 1, and 1 + S01 - S11 = -1: a quarter of 1.
    assert float(joint_embedding_loss(pictures, texts)) == pytest.approx(0.25)


@pytest.mark.parametrize("symmetric", [True, False])
def test_it_equals_the_loops(symmetric):
    rng = np.random.default_rng(0)
    pictures, texts = rng.normal(size=(2, 5, 7)).astype(np.float32)
    for margin in (1.0, 0.3):
        loss = float(joint_embedding_loss(pictures, texts, margin, symmetric))
        assert loss == pytest.approx(by_loops(pictures, texts, margin, symmetric), rel=1e-5)


def test_a_wrong_pair_beyond_the_margin_costs_nothing():
    pairs = np.eye(4, dtype=np.float32)
    assert float(joint_embedding_loss(pairs, pairs)) == 0
    # Just inside the margin each of the 2 * 12 wrong pairs costs 0.19.
    near = 0.9 * pairs
    assert float(joint_embedding_loss(near, near)) == pytest.approx(24 * 0.19 / 16, rel=1e-5)


def test_the_gradient_is_the_published_one():
    import tensorflow as tf

    rng = np.random.default_rng(1)
    pictures, texts = rng.normal(size=(2, 4, 3)).astype(np.float32)
    variable = tf.Variable(texts)
    with tf.GradientTape() as tape:
        loss = joint_embedding_loss(tf.constant(pictures), variable)
    gradient = tape.gradient(loss, variable).numpy()
    scores = pictures @ texts.T
    expected = np.zeros_like(texts)
    for i in range(4):
        for j in range(4):
            if i != j and 1 + scores[i, j] > scores[i, i]:  # text j against text i
                expected[j] += pictures[i]
                expected[i] -= pictures[i]
            if i != j and 1 + scores[j, i] > scores[i, i]:  # picture j against picture i
                expected[i] += pictures[j] - pictures[i]
    np.testing.assert_allclose(gradient, expected / 16, rtol=1e-4, atol=1e-6)
