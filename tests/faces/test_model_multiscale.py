"""Published parameter counts of BMSG-GAN and ours with a text; all sizes in one pass."""

import numpy as np
import pytest
import tensorflow as tf

from faces.losses import gradient_penalty
from faces.model_multiscale import Discriminator, Generator
from faces.model_progressive import CONDITIONS
from faces.model_progressive import Generator as Progressive

SMALL = {"depth": 3, "latent_size": 8}


def normal(*shape, seed=1):
    return tf.random.stateless_normal(shape, (seed, 2))


def pyramid(seed=1):
    return [normal(4, 4 << i, 4 << i, 3, seed=seed + i) for i in range(3)]


@pytest.mark.parametrize(
    ("depth", "latent_size", "generator", "discriminator"),
    [
        (5, 256, 5_625_487, 4_594_561),
        (6, 512, 22_933_394, 18_659_329),
        (9, 512, 23_079_115, 18_756_321),
    ],
)
def test_published_parameter_counts(depth, latent_size, generator, discriminator, quick_weights):
    size = {"depth": depth, "latent_size": latent_size}
    assert Generator(**size).count_params() == generator
    assert Discriminator(**size, condition="none").count_params() == discriminator


def test_what_the_text_adds():
    # Compressor 256 * 128 + 128, and the 1x1 convolution from 256 + 128 to 256.
    assert Discriminator().count_params() == 4_594_561 + 32_896 + 98_560 == 4_726_017


def test_all_sizes_are_the_progressive_generators():
    generator, progressive = Generator(**SMALL), Progressive(**SMALL)
    progressive.set_weights(generator.get_weights())
    latent = normal(2, 8)
    pictures = generator(latent)
    assert [picture.shape for picture in pictures] == [(2, s, s, 3) for s in (4, 8, 16)]
    for stage, picture in enumerate(pictures):
        expected = progressive(latent, stage=stage, alpha=1.0)
        np.testing.assert_allclose(picture, expected, rtol=1e-4, atol=1e-5)


def test_every_size_and_the_text_are_judged():
    discriminator, text = Discriminator(**SMALL, text_size=6), normal(4, 6)
    pictures = pyramid()
    with tf.GradientTape() as tape:
        tape.watch([pictures, text])
        logits = discriminator(pictures, text)
    assert logits.shape == (4,) and logits.dtype == "float32"
    for gradient in tape.gradient(logits, [*pictures, text]):
        assert np.abs(gradient).max(tuple(range(1, len(gradient.shape)))).min() > 0


def test_colours_come_before_the_trunk():
    """In the block of 8x8, of 8 channels, the first 4 are the picture's."""
    discriminator = Discriminator(**SMALL, text_size=6)
    first = discriminator.blocks[1].first
    kernel = first.kernel.numpy()
    kernel[:, :, :4] = 0
    first.kernel.assign(kernel)
    pictures, other = pyramid(), pyramid(seed=7)
    mixed = [pictures[0], other[1], pictures[2]]
    text = normal(4, 6)
    np.testing.assert_array_equal(discriminator(pictures, text), discriminator(mixed, text))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_penalty_reaches_the_weights(condition):
    discriminator, text = Discriminator(**SMALL, text_size=6, condition=condition), normal(4, 6)

    def judge(pictures):
        return discriminator(pictures, text)

    with tf.GradientTape(persistent=True) as tape:
        mix = tf.constant([0.1, 0.4, 0.6, 0.9])
        penalty = gradient_penalty(judge, pyramid(), pyramid(seed=7), mix)
        loss = tf.reduce_mean(penalty) - tf.reduce_mean(judge(pyramid()))
    for gradient in tape.gradient(loss, [v.value for v in discriminator.trainable_variables]):
        assert np.isfinite(gradient).all()
    bent = (*discriminator.from_rgb, discriminator.blocks[2].first, discriminator.blocks[0].conv)
    for gradient in tape.gradient(penalty, [layer.kernel.value for layer in bent]):
        assert np.abs(gradient).max() > 0


def test_too_small_latent_vectors():
    with pytest.raises(ValueError, match="too small for depth 7: expected a multiple of 8"):
        Generator(depth=7, latent_size=4)
    with pytest.raises(ValueError, match="too small for depth 7: expected a multiple of 16"):
        Discriminator(depth=7, latent_size=8)


@pytest.mark.parametrize("make", [Generator, Discriminator])
def test_a_checkpoint_holds_all_of_it(make, check_checkpoint):
    check_checkpoint(lambda: make(**SMALL))
