"""Layers against their plain forms: values, gradients, statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.networks import layers
from misc.networks.layers import (
    ConditioningAugmentation,
    UpConv,
    conv2d,
    tile_condition,
)


def gradients(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(tf.sin(y))
    return y, *tape.gradient(loss, [x, layer.kernel.value])


@pytest.mark.parametrize("size", [(4, 4), (8, 6)])
def test_upconv_forms_agree_in_values_and_gradients(size):
    x = tf.random.stateless_normal((2, *size, 5), (1, 2))
    plain, transposed = UpConv(7, form="plain"), UpConv(7, form="transposed")
    plain(x), transposed(x)
    kernel = np.random.default_rng(0).normal(size=(3, 3, 5, 7))
    plain.kernel.assign(kernel), transposed.kernel.assign(kernel)
    for a, b in zip(gradients(plain, x), gradients(transposed, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_upconv_equals_upsampling_then_convolution():
    x = tf.random.stateless_normal((1, 8, 8, 3), (1, 2))
    layer = UpConv(4)
    y = layer(x)
    assert layer.form == "transposed"
    wide = keras.layers.UpSampling2D(2)(x)
    np.testing.assert_allclose(
        y, tf.nn.conv2d(wide, layer.kernel.value, 1, "SAME"), rtol=1e-4, atol=1e-5
    )


def test_upconv_refuses_an_unknown_form():
    with pytest.raises(ValueError, match="expected fastest"):
        UpConv(3, form="quick")


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [(1, 1, "SAME", (4, 4)), (3, 1, "SAME", (4, 4)), (3, 1, "SAME", (3, 2)), (4, 2, "SAME", (8, 7))]
    + [(1, 2, "SAME", (8, 8)), (5, 3, "SAME", (7, 9)), (4, 1, "VALID", (4, 4))]
    + [(4, 4, "VALID", (9, 6)), (3, 1, "VALID", (5, 6)), (3, 1, "SAME", (5, 4))],
)
def test_small_maps_are_convolved_too(kernel, stride, padding, size, monkeypatch):
    """By a product of matrices, but for the last, which is too large."""
    monkeypatch.setattr(layers, "_WEIGHTS", 0)
    x = tf.random.stateless_normal((2, *size, 5), (1, 2))
    weights = tf.random.stateless_normal((kernel, kernel, 5, 7), (3, 4))

    def values_and_gradients(convolve):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = convolve(x, weights, stride, padding)
            total = tf.reduce_sum(tf.sin(y))
        return y, *tape.gradient(total, [x, weights])

    convolved = values_and_gradients(tf.nn.conv2d)
    for a, b in zip(values_and_gradients(conv2d), convolved, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    graph = tf.function(conv2d).get_concrete_function(x, weights, stride, padding).graph
    products = [op.type for op in graph.get_operations() if op.type in ("MatMul", "Conv2D")]
    assert products == (["Conv2D"] if size == (5, 4) else ["MatMul"])


@pytest.mark.parametrize(("batch", "kind"), [(2, "MatMul"), (3, "Conv2D"), (None, "Conv2D")])
def test_a_product_takes_many_weights_for_few_places(batch, kind):
    x = tf.TensorSpec((batch, 4, 4, 8 * 8))  # 32 places of two pictures, and 294,912 weights
    graph = tf.function(conv2d).get_concrete_function(x, tf.zeros((3, 3, 8 * 8, 8 * 64))).graph
    assert {op.type for op in graph.get_operations()} & {"MatMul", "Conv2D"} == {kind}


@pytest.mark.parametrize("layout", ["default", "pytorch"])
def test_conditioning_augmentation_by_hand(layout):
    layer = ConditioningAugmentation(2, network_type=layout)
    embedding, eps = np.array([[1.0, -1.0]], np.float32), np.array([[1.0, -2.0]], np.float32)
    layer(embedding, eps)
    # Projections: 3, -2 (mu) and -1, 1 (spread); the bias is 0.
    layer.project.kernel.assign([[3.0, -2.0, -1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    c, mu, logvar = layer(embedding, eps)
    if layout == "default":  # leaky 0.2; spread is log sigma
        np.testing.assert_allclose(mu, [[3.0, -0.4]], rtol=1e-6)
        np.testing.assert_allclose(logvar, [[-0.4, 2.0]], rtol=1e-6)
    else:  # ReLU; spread is the log of the variance
        np.testing.assert_allclose(mu, [[3.0, 0.0]], rtol=1e-6)
        np.testing.assert_allclose(logvar, [[0.0, 1.0]], rtol=1e-6)
    np.testing.assert_allclose(c, mu + np.exp(logvar.numpy() / 2) * eps, rtol=1e-6)


def test_without_augmentation_c_is_mu():
    layer = ConditioningAugmentation(2, sample=False)
    c, mu, _ = layer(np.ones((1, 3), np.float32), np.full((1, 2), 9.0, np.float32))
    np.testing.assert_array_equal(c, mu)


def test_tiled_condition_is_the_same_everywhere():
    c = np.array([[1.0, 2.0]], np.float32)
    tiled = tile_condition(c, 4)
    assert tiled.shape == (1, 4, 4, 2)
    np.testing.assert_array_equal(np.asarray(tiled).reshape(16, 2), np.tile(c, (16, 1)))
