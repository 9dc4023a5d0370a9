"""Losses on numbers small enough to work out by hand."""

import math

import keras
import numpy as np
import pytest

from misc.networks.losses import (
    discriminator_loss,
    generator_loss,
    kl_divergence,
    sigmoid_loss,
    stage1_distance,
)


def ce(x, target):
    """Cross entropy of sigmoid(x) with the target, as one writes it down."""
    return math.log1p(math.exp(x)) - target * x


def logits(conditional, unconditional=None):
    def as_array(x):
        return None if x is None else np.array([x], np.float32)

    return {"conditional": as_array(conditional), "unconditional": as_array(unconditional)}


def test_sigmoid_loss_by_hand():
    # -log sigmoid(0) = log 2; -log sigmoid(2) = log(1 + e^-2); -log(1 - sigmoid(2)) = log(1 + e^2)
    x = np.array([0.0, 2.0], np.float32)
    np.testing.assert_allclose(
        sigmoid_loss(x, 1.0), [math.log(2), math.log(1 + math.exp(-2))], rtol=1e-6
    )
    np.testing.assert_allclose(
        sigmoid_loss(x, 0.0), [math.log(2), math.log(1 + math.exp(2))], rtol=1e-6
    )


def test_sigmoid_loss_stays_finite_far_out():
    far = sigmoid_loss(np.array([-1e4, 1e4], np.float32), 1.0)
    np.testing.assert_allclose(far, [1e4, 0.0], atol=1e-3)


def test_kl_by_hand():
    # N(1, e^0): 0.5 (1 + 1 - 1 - 0) = 0.5; N(0, 4): 0.5 (4 + 0 - 1 - log 4); mean over the two.
    mu = np.array([[1.0, 0.0]], np.float32)
    logvar = np.array([[0.0, math.log(4)]], np.float32)
    by_hand = (0.5 + 0.5 * (3 - math.log(4))) / 2
    np.testing.assert_allclose(kl_divergence(mu, logvar), [by_hand], rtol=1e-6)
    np.testing.assert_allclose(kl_divergence(0 * mu, 0 * mu), [0.0], atol=1e-7)


def test_kl_equals_tf1s_form_in_log_sigma():
    random = np.random.default_rng(0)
    mu, log_sigma = random.normal(size=(2, 4, 5)).astype(np.float32)
    tf1 = -log_sigma + 0.5 * (-1 + np.exp(2 * log_sigma) + mu**2)
    np.testing.assert_allclose(kl_divergence(mu, 2 * log_sigma), tf1.mean(1), rtol=1e-5)


def test_kl_refuses_two_shapes():
    with pytest.raises(ValueError, match="one shape"):
        kl_divergence(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))


def test_discriminator_weights_of_stackgan():
    real, wrong, fake = 1.0, -0.5, 0.3
    got = discriminator_loss(logits(real), logits(wrong), logits(fake))
    assert float(got["d_loss"]) == pytest.approx(
        ce(real, 1) + (ce(wrong, 0) + ce(fake, 0)) / 2, rel=1e-6
    )
    without = discriminator_loss(logits(real), None, logits(fake))
    assert float(without["d_loss"]) == pytest.approx(ce(real, 1) + ce(fake, 0), rel=1e-6)


def test_discriminator_weights_of_stackgan_pytorch():
    got = discriminator_loss(logits(1.0, 2.0), logits(-0.5, 9.0), logits(0.3, 0.7))
    positives = (ce(1.0, 1) + ce(2.0, 1)) / 2
    negatives = (ce(0.3, 0) + ce(-0.5, 0) + ce(0.7, 0)) / 3
    assert float(got["d_loss"]) == pytest.approx(positives + negatives, rel=1e-6)


def test_generator_loss_adds_the_weighted_kl():
    mu = np.array([[1.0]], np.float32)
    got = generator_loss(logits(0.0), mu, 0 * mu, kl_weight=2.0)
    assert float(got["g_total"]) == pytest.approx(math.log(2) + 2 * 0.5, rel=1e-6)
    both = generator_loss(logits(0.0, 0.0), mu, 0 * mu, kl_weight=0.0)
    assert float(both["g_total"]) == pytest.approx(2 * math.log(2), rel=1e-6)


def test_stage1_distance_is_of_the_enlarged_picture():
    small = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 3)).astype("float32")
    large = keras.ops.image.resize(small, (16, 16), "bilinear")
    np.testing.assert_allclose(stage1_distance(large, small), [0, 0], atol=1e-10)
    np.testing.assert_allclose(stage1_distance(large + 0.5, small), [0.25, 0.25], rtol=1e-5)
