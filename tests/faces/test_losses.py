"""Losses on numbers small enough to work out by hand; penalties on judges whose slope is known."""

import math

import numpy as np
import pytest
import tensorflow as tf

from faces.losses import LOSSES, drift, gradient_penalty, r1_penalty

REAL, FAKE, WRONG = (np.array(x, np.float32) for x in ([2.0, 0.0], [-1.0, 3.0], [0.5, -2.5]))
# Means: real 1, fake 1, wrong -1.


def softplus(x):
    return math.log1p(math.exp(x))


# For each: what the discriminator pays for real, fake and wrong; for real against wrong, where that
# is not what it pays against fake; and what the generator pays. Means over the two.
BY_HAND = {
    "wgan": (-1.0, 1.0, -1.0, -1.0, -1.0),
    "wgan-gp": (-1.0, 1.0, -1.0, -1.0, -1.0),
    # (1 - 2)+ = 0, (1 - 0) = 1; (1 - 1)+ = 0, 1 + 3 = 4; 1.5 and (1 - 2.5)+ = 0; G: mean of 1, -3.
    "hinge": (0.5, 2.0, 0.75, 0.5, -1.0),
    # Real - mean fake: 1, -1 -> (1 - 1) = 0, 2; fake - mean real: -2, 2 -> 0, 3.
    # Wrong - mean real: -0.5, -3.5 -> 0.5, 0; real - mean wrong: 3, 1 -> 0, 0.
    # G: 1 + (real - mean fake): 2, 0; 1 - (fake - mean real): 3, 0.
    "relativistic-hinge": (1.0, 1.5, 0.25, 0.0, 1.0 + 1.5),
    # Halved squares: 1, 1; 1, 9; 0.25, 6.25; G: 4, 4.
    "lsgan": (0.5, 2.5, 1.625, 0.5, 2.0),
    "non-saturating": (
        (softplus(-2) + softplus(0)) / 2,
        (softplus(-1) + softplus(3)) / 2,
        (softplus(0.5) + softplus(-2.5)) / 2,
        (softplus(-2) + softplus(0)) / 2,
        (softplus(1) + softplus(-3)) / 2,
    ),
}


def test_there_is_one_by_hand_for_each():
    assert BY_HAND.keys() == LOSSES.keys()
    penalties = {name: loss.penalty for name, loss in LOSSES.items() if loss.penalty}
    assert penalties == {"wgan-gp": "gradient", "non-saturating": "r1"}


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_by_hand(name):
    loss = LOSSES[name]
    real, fake, wrong, beside_wrong, fooled = BY_HAND[name]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(real + fake, rel=1e-5)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(fooled, rel=1e-5)
    # Decision: mismatched and made weigh half each.
    half = 0.5 * (real + fake) + 0.5 * (beside_wrong + wrong)
    assert float(loss.discriminator(REAL, FAKE, WRONG)) == pytest.approx(half, rel=1e-5)
    summed = 0.5 * (real + beside_wrong) + fake + wrong
    got = loss.discriminator(REAL, FAKE, WRONG, summed=True)
    assert float(got) == pytest.approx(summed, rel=1e-5)


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_are_float32_and_stay_finite(name):
    far = tf.constant([1e3, -1e3], "bfloat16")
    for value in (LOSSES[name].discriminator(far, -far, far), LOSSES[name].generator(far, -far)):
        assert value.dtype == "float32" and np.isfinite(value)


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_pull_the_right_way(name):
    """The discriminator raises real logits and lowers others; the generator raises its own."""
    real, fake, wrong = (tf.zeros(4) for _ in range(3))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake, wrong])
        judged = LOSSES[name].discriminator(real, fake, wrong)
        made = LOSSES[name].generator(real, fake)
    real_slope, *others = tape.gradient(judged, [real, fake, wrong])
    assert (real_slope.numpy() < 0).all()
    if name != "lsgan":  # which wants just 0 of them
        assert all((slope.numpy() > 0).all() for slope in others)
    assert (tape.gradient(made, fake).numpy() < 0).all()


def test_gradient_penalty_by_hand():
    # The slope of 3 a + 4 b is 5 everywhere, whose distance from 1 is 4; of 0, it is 1.
    def judge(x):
        return 3 * x[:, 0, 0, 0] + 4 * x[:, 1, 0, 0]

    real, fake = tf.ones((2, 2, 1, 1)), tf.zeros((2, 2, 1, 1))
    mix = tf.constant([0.2, 0.9])
    np.testing.assert_allclose(gradient_penalty(judge, real, fake, mix), [16, 16], rtol=1e-5)
    flat = gradient_penalty(lambda x: 0 * judge(x), real, fake, mix)
    np.testing.assert_allclose(flat, [1, 1], rtol=1e-5)
    np.testing.assert_allclose(r1_penalty(judge, real), [25, 25], rtol=1e-5)


def test_gradient_penalty_is_taken_between_real_and_fake():
    # Of x^2 / 2 the slope is x: here 1 + 0.25 (3 - 1) = 1.5 and 3.
    def judge(x):
        return 0.5 * x[:, 0, 0, 0] ** 2

    real, fake = tf.ones((2, 1, 1, 1)), 3 * tf.ones((2, 1, 1, 1))
    got = gradient_penalty(judge, real, fake, tf.constant([0.25, 1.0]))
    np.testing.assert_allclose(got, [0.25, 4.0], rtol=1e-5)


def test_penalties_of_all_sizes_are_one_norm():
    def judge(pictures):
        small, large = pictures
        return 3 * small[:, 0, 0, 0] + 4 * large[:, 1, 1, 0]

    real = [tf.ones((2, 1, 1, 1)), tf.ones((2, 2, 2, 1))]
    fake = [0 * x for x in real]
    mix = tf.constant([0.2, 0.9])
    np.testing.assert_allclose(gradient_penalty(judge, real, fake, mix), [16, 16], rtol=1e-5)
    np.testing.assert_allclose(r1_penalty(judge, real), [25, 25], rtol=1e-5)


def test_flat_judge_does_not_spoil_the_weights():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(
            lambda x: weight * x[:, 0, 0, 0], tf.ones((1, 1, 1, 1)), tf.zeros((1, 1, 1, 1)), [0.5]
        )
    assert np.isfinite(tape.gradient(penalty, weight))


def test_drift_by_hand():
    np.testing.assert_allclose(drift(REAL), [4, 0])
