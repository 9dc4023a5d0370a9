"""Layers against their plain forms and by hand; and that they can be differentiated twice."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from faces.layers import (
    BATCH_STATISTICS,
    Conv,
    Dense,
    Seed,
    batch_statistic,
    blend,
    doubled,
    half,
    leaky,
    pixel_norm,
    progressive_real,
    widths,
)


def normal(*shape, seed=1):
    return tf.random.stateless_normal(shape, (seed, 2))


@pytest.mark.parametrize(
    ("make", "shape", "fan_in", "torch_fan_in"),
    [
        (partial(Dense, 300), (2, 50), 50, 50),
        (partial(Conv, 64), (2, 4, 4, 32), 9 * 32, 9 * 32),
        (partial(Conv, 64, up=True), (2, 4, 4, 32), 9 * 32, 9 * 32),
        (partial(Conv, 3000, 1), (2, 4, 4, 3), 3, 3),
        # The one that goes by another number in PyTorch: a transposed convolution.
        (partial(Seed, 64), (2, 32), 32, 64 * 16),
    ],
)
def test_equalised_weights_and_plain_ones(make, shape, fan_in, torch_fan_in):
    keras.utils.set_random_seed(1)
    layer, plain = make(), make(equalised=False)
    layer.build(shape), plain.build(shape)
    kernel = layer.kernel.numpy()
    assert abs(kernel.std() - 1) < 0.05 and abs(kernel.mean()) < 0.05
    assert not layer.bias.numpy().any()
    np.testing.assert_allclose(layer.used(), kernel * np.sqrt(2 / fan_in), rtol=1e-5)

    bound = torch_fan_in**-0.5
    for array in (plain.kernel.numpy(), plain.bias.numpy()):
        assert 0.9 * bound < np.abs(array).max() <= bound
    np.testing.assert_array_equal(plain.used(), plain.kernel)


def test_layers_are_the_plain_operations():
    x = normal(2, 5, 7, 3)
    conv = Conv(4)
    conv.build(x.shape)
    conv.bias.assign([1.0, 2.0, 3.0, 4.0])
    expected = tf.nn.conv2d(x, conv.used(), 1, "SAME") + conv.bias.value
    np.testing.assert_allclose(conv(x), expected, rtol=1e-5, atol=1e-6)
    dense = Dense(4)
    dense.build((2, 3))
    np.testing.assert_allclose(dense(x[:, 0, 0]), x[:, 0, 0] @ dense.used(), rtol=1e-5, atol=1e-6)
    seed = Seed(4)
    seed.build((2, 3))
    expected = tf.einsum("ni,ihwo->nhwo", x[:, 0, 0], seed.used())
    np.testing.assert_allclose(seed(x[:, 0, 0]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(4, 4), (8, 6)])
def test_doubling_convolution_equals_its_plain_form(size):
    """In values and gradients, on both sides of where its form changes."""
    x, layer = normal(2, *size, 5), Conv(7, up=True)
    layer.build(x.shape)

    def values_and_gradients(apply):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = apply(x)
            loss = tf.reduce_sum(tf.sin(y))
        return y, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])

    plain = values_and_gradients(
        lambda x: tf.nn.conv2d(doubled(x), layer.used(), 1, "SAME") + layer.bias.value
    )
    for a, b in zip(values_and_gradients(layer), plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("ours", "plain"),
    [
        (leaky, lambda x: tf.maximum(x, 0.2 * x)),
        (pixel_norm, lambda x: x / tf.sqrt(tf.reduce_mean(x**2, -1, keepdims=True) + 1e-8)),
    ],
)
def test_written_gradients_are_those_of_the_plain_forms(ours, plain):
    """And can be taken once more; in a graph, where training takes them."""
    x = normal(3, 4, 4, 5)

    def gradients(apply):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.reduce_sum(tf.sin(apply(x)))
            slope = inner.gradient(total, x)
            again = tf.reduce_sum(tf.square(slope))
        return slope, outer.gradient(again, x)

    for a, b in zip(tf.function(lambda: gradients(ours))(), gradients(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_pixel_norm_by_hand():
    # 3 and 4: mean square 12.5; and of zeros it is not NaN.
    x = tf.constant([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(pixel_norm(x), [[3 / 12.5**0.5, 4 / 12.5**0.5], [0, 0]], rtol=1e-6)


def test_norms_are_of_float32_in_bfloat16():
    x = tf.cast(3e3 + normal(4, 4, 4, 256), "bfloat16")
    wide = pixel_norm(tf.cast(x, "float32"))
    assert pixel_norm(x).dtype == "bfloat16"
    np.testing.assert_allclose(pixel_norm(x), tf.cast(wide, "bfloat16"), rtol=1e-2)
    statistic = batch_statistic(tf.cast(x, "float32"))
    np.testing.assert_allclose(batch_statistic(x), statistic, rtol=1e-2)


def test_layers_compute_in_the_policy():
    layer = Conv(4, up=True, dtype="mixed_bfloat16")
    layer.build((2, 8, 8, 3))
    assert layer(normal(2, 8, 8, 3)).dtype == "bfloat16" and layer.kernel.dtype == "float32"


def test_batch_statistic_by_hand():
    # Two channels, 1 x 2 places; the deviations of (0, 2) are 1 and of (0, 6) are 3.
    x = np.zeros((2, 1, 2, 2), np.float32)
    x[1] = [[[2, 2], [6, 6]]]
    for kind in ("group", "batch"):
        np.testing.assert_allclose(batch_statistic(x, kind), np.full((2, 1, 2, 1), 2), rtol=1e-6)
    np.testing.assert_allclose(
        batch_statistic(x, "map"), np.tile(np.float32([[[1], [3]]]), (2, 1, 1, 1)), rtol=1e-6
    )
    np.testing.assert_allclose(
        batch_statistic(x, "unbiased"), np.full((2, 1, 2, 1), 2 * 2**0.5), rtol=1e-6
    )


def test_groups_are_of_four_neighbours():
    # Eight pictures; the first four are all alike.
    x = np.zeros((8, 4, 4, 3), np.float32)
    x[4:] = np.float32([0, 2, 0, 2]).reshape(4, 1, 1, 1)
    expected = np.tile(np.float32([1e-4, 1]).repeat(4).reshape(8, 1, 1, 1), (1, 4, 4, 1))
    np.testing.assert_allclose(batch_statistic(x), expected, rtol=1e-5)
    unknown = tf.function(batch_statistic, input_signature=[tf.TensorSpec((None, 4, 4, 3))])
    np.testing.assert_allclose(unknown(x), expected, rtol=1e-5)
    np.testing.assert_allclose(unknown(x[1:4]), batch_statistic(x[1:4], "batch"), rtol=1e-5)


def test_a_single_picture_has_a_statistic():
    for kind in BATCH_STATISTICS:
        np.testing.assert_allclose(
            batch_statistic(normal(1, 4, 4, 3), kind), np.full((1, 4, 4, 1), 1e-4), rtol=1e-5
        )


def test_refused_batches_and_kinds():
    with pytest.raises(ValueError, match="6 pictures cannot be parted into groups of 4"):
        batch_statistic(np.zeros((6, 4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="'quarter', expected one of"):
        batch_statistic(np.zeros((6, 4, 4, 3), np.float32), "quarter")


@pytest.mark.parametrize("kind", BATCH_STATISTICS)
def test_slopes_have_gradients(kind):
    """The gradient penalty goes through all that a discriminator has: it must move each weight."""
    conv, mix, logit = Conv(6), Conv(5, 1), Dense(1)
    conv.build((None, 8, 8, 3)), mix.build((None, 4, 4, 7)), logit.build((None, 80))
    x = normal(4, 8, 8, 3)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            maps = half(leaky(conv(x)))
            maps = leaky(mix(tf.concat([maps, batch_statistic(maps, kind)], -1)))
            y = logit(tf.reshape(maps, (4, -1)))
        slope = tf.reduce_sum(tf.square(inner.gradient(y, x)))
    kernels = [layer.kernel.value for layer in (conv, mix, logit)]
    for gradient in outer.gradient(slope, kernels):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_half_and_doubled_by_hand():
    x = np.float32([[[[1], [3]], [[5], [7]]]])
    np.testing.assert_array_equal(half(x), [[[[4]]]])
    np.testing.assert_array_equal(
        np.squeeze(doubled(x)), [[1, 1, 3, 3], [1, 1, 3, 3], [5, 5, 7, 7], [5, 5, 7, 7]]
    )


def test_blend_keeps_a_fine_alpha_in_bfloat16():
    one = tf.ones((1,), "bfloat16")
    # 1 - 1/512 is no bfloat16 number, but what is left of it is.
    assert float(blend(0 * one, one, tf.constant(1 - 1 / 512))[0]) == 1 / 512


def test_real_pictures_fade_in_too():
    x = normal(2, 32, 32, 3)
    eight, sixteen = half(half(x)), half(x)
    np.testing.assert_allclose(progressive_real(x, 0, 0.25), half(eight), rtol=1e-5)
    np.testing.assert_allclose(
        progressive_real(x, 2, tf.constant(0.25)),
        0.25 * sixteen + 0.75 * doubled(eight),
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_array_equal(progressive_real(x, 3, 1.0), x)
    with pytest.raises(ValueError, match="pictures of 32 px, but stage 4 has 64 px"):
        progressive_real(x, 4, 1.0)


def test_widths():
    assert widths(5, 256) == [256, 256, 256, 256, 128]
    assert widths(9, 512) == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert widths(2, 3) == [3, 3]
    with pytest.raises(ValueError, match="latent vector of 8 is too small for depth 8.* of 16"):
        widths(8, 8)
    with pytest.raises(ValueError, match="a multiple of 2"):
        widths(5, 33)
    for depth in (1, 10):
        with pytest.raises(ValueError, match="expected 2"):
            widths(depth, 512)


def test_a_kernel_that_is_scaled_survives_a_save(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 3)), Conv(2)])
    model.save_weights(tmp_path / "a.weights.h5")
    other = keras.Sequential([keras.Input((4, 4, 3)), Conv(2)])
    other.load_weights(tmp_path / "a.weights.h5")
    x = normal(1, 4, 4, 3)
    np.testing.assert_array_equal(model(x), other(x))
