"""Published parameter counts, shapes at every stage, and whether the text meets the picture."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from faces.layers import doubled, half
from faces.losses import gradient_penalty
from faces.model_progressive import CONDITIONS, Discriminator, End, Generator

SMALL = {"depth": 3, "latent_size": 8}


def normal(*shape, seed=1):
    return tf.random.stateless_normal(shape, (seed, 2))


def test_published_parameter_counts(quick_weights):
    assert Generator().count_params() == 5_625_487
    assert Generator(rgb="tanh", equalised=False).count_params() == 5_625_472
    assert Generator(depth=7, latent_size=512).count_params() == 23_044_309
    assert Discriminator().count_params() == 5_760_769
    assert Discriminator(compressed_size=32).count_params() == 5_711_521
    assert Discriminator(condition="readme").count_params() == 5_628_417


def test_parameters_of_each_stage():
    # Section 4 of T2F's networks, with the biases of the colours that its first version lacked.
    generator = Generator()
    sizes = [sum(int(np.prod(v.shape)) for v in generator.grown(i)) for i in range(5)]
    assert sizes == [1_638_912 + 771, *[1_180_160 + 771] * 3, 442_624 + 387]
    discriminator = Discriminator(condition="readme")
    sizes = [sum(int(np.prod(v.shape)) for v in discriminator.grown(i)) for i in range(5)]
    assert sizes == [1_641_729 + 768, *[1_180_160 + 768] * 3, 442_752 + 384]


@pytest.mark.parametrize("make", [Generator, Discriminator])
def test_stages_share_all_variables_out(make):
    network = make(**SMALL)
    grown = [v for stage in range(3) for v in network.grown(stage)]
    assert len({id(v) for v in grown}) == len(grown)
    assert {id(v) for v in grown} == {id(v) for v in network.trainable_variables}


@pytest.mark.parametrize("depth", [2, 5, 9])
def test_every_size_can_be_made_and_judged(depth, quick_weights):
    generator = Generator(depth=depth, latent_size=32)
    discriminator = Discriminator(depth=depth, latent_size=32, text_size=3)
    for stage in {0, 1, depth - 1}:
        picture = generator(normal(1, 32), stage=stage, alpha=tf.constant(0.5))
        assert picture.shape == (1, 4 << stage, 4 << stage, 3) and picture.dtype == "float32"
        assert discriminator(picture, normal(1, 3), stage=stage, alpha=0.5).shape == (1,)


def test_too_small_latent_vectors():
    for network in (Generator, Discriminator):
        with pytest.raises(ValueError, match="too small for depth 7: expected a multiple of 8"):
            network(depth=7, latent_size=4)


def test_refused_words():
    with pytest.raises(ValueError, match="'text', expected one of"):
        Discriminator(**SMALL, condition="text")
    with pytest.raises(ValueError, match="expected linear or tanh"):
        Generator(**SMALL, rgb="sigmoid")


def test_generator_fades_in():
    generator, latent = Generator(**SMALL), normal(4, 8)
    before, after = (generator(latent, stage=stage, alpha=1.0) for stage in (1, 2))
    mixed = generator(latent, stage=2, alpha=tf.constant(0.25))
    np.testing.assert_allclose(mixed, 0.25 * after + 0.75 * doubled(before), rtol=1e-4, atol=1e-5)
    # The number 1 leaves a branch out; a tensor cannot.
    same = generator(latent, stage=2, alpha=tf.constant(1.0))
    np.testing.assert_allclose(same, after, rtol=1e-4, atol=1e-5)


def test_tanh_comes_before_the_blending():
    generator, latent = Generator(**SMALL, rgb="tanh"), normal(4, 8)
    for to_rgb, far in zip(generator.to_rgb, (1e6, -1e6, 1e6), strict=True):
        to_rgb.kernel.assign(far * tf.ones_like(to_rgb.kernel))
    picture = generator(latent, stage=1, alpha=0.25)
    levels = np.unique(np.round(picture, 3))
    assert set(levels) <= {-1.0, -0.5, 0.5, 1.0} and np.abs(levels).min() == 0.5


def test_discriminator_fades_in():
    discriminator, text = Discriminator(**SMALL, text_size=6), normal(4, 6)
    picture = normal(4, 16, 16, 3)
    small = discriminator(picture, text, stage=2, alpha=tf.constant(0.0))
    np.testing.assert_allclose(
        small, discriminator(half(picture), text, stage=1), rtol=1e-4, atol=1e-5
    )
    grown = discriminator(picture, text, stage=2, alpha=tf.constant(1.0))
    np.testing.assert_allclose(grown, discriminator(picture, text, stage=2), rtol=1e-4, atol=1e-5)
    assert np.abs(grown - small).max() > 0.01


@pytest.mark.parametrize(
    ("condition", "policy"),
    [*((condition, "float32") for condition in CONDITIONS), ("concat", "mixed_bfloat16")],
)
def test_the_penalty_reaches_the_weights(condition, policy):
    """Second derivatives: a weight that has none is silently left where it is."""
    keras.config.set_dtype_policy(policy)
    try:
        discriminator = Discriminator(**SMALL, text_size=6, condition=condition)
    finally:
        keras.config.set_dtype_policy("float32")
    text, real, fake = normal(4, 6), normal(4, 16, 16, 3), normal(4, 16, 16, 3, seed=5)

    def judge(x):
        return discriminator(x, text, stage=2, alpha=tf.constant(0.5))

    with tf.GradientTape(persistent=True) as tape:
        penalty = gradient_penalty(judge, real, fake, tf.constant([0.1, 0.4, 0.6, 0.9]))
        loss = tf.reduce_mean(penalty) - tf.reduce_mean(judge(real) - judge(fake))
    # Stage 2 has grown out of the colours of stage 0.
    outgrown = {id(v) for v in discriminator.from_rgb[0].trainable_variables}
    used = [v for v in discriminator.trainable_variables if id(v) not in outgrown]
    for gradient in tape.gradient(loss, [v.value for v in used]):
        assert np.isfinite(gradient).all()
    # A shift changes no slope, nor does a text that is added.
    bent = [v for v in used if "kernel" in v.path and not _compresses(discriminator, v)]
    for gradient in tape.gradient(penalty, [v.value for v in bent]):
        assert np.abs(gradient).max() > 0


def _compresses(discriminator, variable):
    end = discriminator.blocks[0]
    return end.condition == "concat" and variable is end.compress.kernel


def judged(condition, text):
    """Logits of pictures, each judged alone, and their gradients by the pictures."""
    keras.utils.set_random_seed(3)
    discriminator = Discriminator(**SMALL, text_size=6, condition=condition)
    pictures = normal(6, 16, 16, 3)
    logits, slopes = [], []
    for i in range(6):
        picture = pictures[i : i + 1]
        with tf.GradientTape() as tape:
            tape.watch(picture)
            logit = discriminator(picture, text[i : i + 1], stage=2)
        logits.append(float(logit[0]))
        slopes.append(tape.gradient(logit, picture).numpy().ravel())
    return np.array(logits), np.array(slopes)


def test_the_readme_condition_cannot_tell_whether_text_and_picture_match():
    """The logit is a sum of what the picture says and what the text says: they never meet."""
    (first, slope), (second, other_slope) = (
        judged("readme", normal(6, 6, seed=seed)) for seed in (3, 4)
    )
    assert np.abs(first - second).min() > 1e-3  # the text does move the logit,
    alike = (first > 0) == (second > 0)
    assert 0 < alike.sum() < 6
    # but how the picture should change is the same for any text,
    np.testing.assert_array_equal(slope[alike], other_slope[alike])
    # but for the slope of the last leaky ReLU, which is one number a picture.
    ratio = np.where(first > 0, 5.0, 0.2)[~alike, None]
    np.testing.assert_allclose(slope[~alike], ratio * other_slope[~alike], rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("condition", ["concat", "projection"])
def test_elsewhere_text_and_picture_meet(condition):
    (_, slope), (_, other) = (judged(condition, normal(6, 6, seed=seed)) for seed in (3, 4))
    norms = np.linalg.norm(slope, axis=1) * np.linalg.norm(other, axis=1)
    cosine = (slope * other).sum(1) / norms
    assert cosine.max() < 0.9999 and np.median(cosine) < 0.98


def test_without_a_condition_the_text_changes_nothing():
    discriminator, picture = (
        Discriminator(**SMALL, text_size=6, condition="none"),
        normal(4, 8, 8, 3),
    )
    one, other = (discriminator(picture, normal(4, 6, seed=seed), stage=1) for seed in (3, 4))
    np.testing.assert_array_equal(one, other)


def test_projection_by_hand():
    end = End(
        text_size=2, compressed_size=9, condition="projection", statistic="batch", equalised=True
    )
    end.build((None, 4, 4, 4))
    end.logit.kernel.assign(0 * end.logit.kernel)
    maps = normal(2, 4, 4, 4)
    np.testing.assert_array_equal(end(maps, tf.zeros((2, 2))), [0, 0])
    # The same text for both, and twice it: an inner product is linear in it.
    text = tf.constant([[1.0, 2.0]] * 2)
    once, twice = end(maps, text), end(maps, 2 * text)
    assert np.abs(once).min() > 1e-4
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)
    x = tf.nn.leaky_relu(end.conv(tf.concat([maps, _deviation(maps)], -1)), 0.2)
    features = tf.nn.leaky_relu(end.flat(x), 0.2)[:, 0, 0]
    expected = np.sum(features * (text @ end.compress.used()), -1) / 2  # the root of 4 channels
    np.testing.assert_allclose(once, expected, rtol=1e-4)


def _deviation(maps):
    return np.full((2, 4, 4, 1), np.sqrt(np.var(maps, 0) + 1e-8).mean(), np.float32)


def test_mixed_precision_keeps_pictures_and_logits_in_float32():
    generator, latent = Generator(**SMALL), normal(4, 8)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        coarse = Generator(**SMALL)
        discriminator = Discriminator(**SMALL, text_size=6)
    finally:
        keras.config.set_dtype_policy("float32")
    coarse.set_weights(generator.get_weights())
    fine, picture = (g(latent, stage=2, alpha=tf.constant(0.3)) for g in (generator, coarse))
    assert coarse.blocks[1](coarse.blocks[0](latent)).dtype == "bfloat16"
    assert picture.dtype == "float32"
    error = np.abs(picture - fine)
    assert 0 < error.mean() < 0.02 * np.abs(fine).mean() + 0.01
    assert discriminator(picture, normal(4, 6), stage=2).dtype == "float32"


@pytest.mark.parametrize("make", [Generator, Discriminator])
def test_a_checkpoint_holds_all_of_it(make, check_checkpoint):
    check_checkpoint(lambda: make(**SMALL))
