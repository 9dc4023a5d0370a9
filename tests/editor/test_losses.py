"""The losses by hand, the two conventions of sums and means, and who waits for whom."""

import math

import numpy as np
import pytest

from editor.losses import discriminator_costs, likeness_loss, prior_loss, who_moves

E, M = 0.68, 0.35


def test_the_prior_by_hand():
    zero = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(prior_loss(zero, zero), [0.0, 0.0])
    # 1/2 (mu^2 + e^logvar - 1 - logvar), summed: a mean of 2 costs 2 nats, a variance of e^2
    # (e^2 - 3) / 2, in each of three dimensions.
    np.testing.assert_allclose(prior_loss(zero + 2, zero), [6.0, 6.0], rtol=1e-6)
    wide = 3 * (math.exp(2) - 3) / 2
    np.testing.assert_allclose(prior_loss(zero, zero + 2), [wide, wide], rtol=1e-6)
    with pytest.raises(ValueError, match="must have one shape"):
        prior_loss(zero, zero[:, :2])


def test_likeness_by_hand():
    real = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], np.float32)
    np.testing.assert_array_equal(likeness_loss(real, real), [0.0, 0.0])
    # Half of 1 + 4 + 0, and half of 9.
    made = real + np.array([[1.0, -2.0, 0.0], [0.0, 0.0, 3.0]], np.float32)
    np.testing.assert_allclose(likeness_loss(made, real), [2.5, 4.5])
    pictures = np.zeros((2, 4, 4, 3), np.float32)
    np.testing.assert_allclose(likeness_loss(pictures + 1, pictures), [24.0, 24.0])


def test_weights_of_means_become_weights_of_sums():
    random = np.random.default_rng(0)
    made, real = random.normal(size=(2, 4, 16_384)).astype(np.float32)
    like = np.mean(likeness_loss(made, real))
    mean_square = np.mean((made - real) ** 2)
    # DEF-GAN's decoder, 15 times a mean over batch and features, and its encoder, the mean of KL
    # over batch and 128 dimensions and 5 such means: divided by 5 * 2 / 16,384 that is 12.8 KL.
    assert 15 * 2 / 16_384 == pytest.approx(1.83e-3, rel=1e-3)
    np.testing.assert_allclose(15 * 2 / 16_384 * like, 15 * mean_square, rtol=1e-5)
    kl = np.mean(prior_loss(*random.normal(size=(2, 4, 128)).astype(np.float32)))
    theirs = kl / 128 + 5 * mean_square
    np.testing.assert_allclose(theirs, 5 * 2 / 16_384 * (12.8 * kl + like), rtol=1e-5)


def test_costs_by_hand():
    # D = 1/2 costs ln 2 on either side; D = 3/4 is a logit of ln 3.
    real_cost, fake_cost = discriminator_costs(np.array([0.0, math.log(3)]), np.zeros(4))
    assert float(real_cost) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert float(fake_cost) == pytest.approx(math.log(2))
    sure, fooled = discriminator_costs(np.full(2, 50.0), np.full(2, 50.0))
    assert float(sure) == pytest.approx(0, abs=1e-6) and float(fooled) == pytest.approx(50)


@pytest.mark.parametrize(
    ("real", "fake", "decoder", "discriminator"),
    [
        (0.69, 0.69, True, True),  # in balance
        (0.32, 0.69, True, False),  # the discriminator knows the real ones: it waits
        (0.69, 0.32, True, False),  # or the made ones
        (0.20, 0.20, True, False),
        (1.04, 0.69, False, True),  # it is wrong about the real ones: the decoder waits
        (0.69, 1.04, False, True),  # or about the made ones
        (1.50, 1.50, False, True),
        (0.20, 1.50, True, True),  # both would wait
        (1.50, 0.20, True, True),
        (0.34, 1.02, True, True),  # just within
    ],
)
def test_the_one_ahead_waits(real, fake, decoder, discriminator):
    moves = who_moves(np.float32(real), np.float32(fake), E, M)
    assert tuple(map(bool, moves)) == (decoder, discriminator)


def test_what_is_no_number_stops_nobody():
    # So that it reaches the weights, where the loop finds it, and no run goes on without updates.
    assert all(map(bool, who_moves(np.float32("nan"), np.float32(0.7), E, M)))
