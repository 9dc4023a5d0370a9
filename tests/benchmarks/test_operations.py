"""Operations counted in graphs are those one counts by hand."""

import keras
import pytest
import tensorflow as tf

from benchmarks import stackgan
from benchmarks.operations import count
from misc.networks import layers

X = tf.zeros((2, 8, 8, 3))


def work(compute, *given):
    return count(tf.function(compute).get_concrete_function(*given).graph)


@pytest.mark.parametrize(
    ("stride", "padding", "places"), [(1, "SAME", 64), (1, "VALID", 36), (2, "SAME", 16)]
)
def test_a_convolution_forwards_and_back(stride, padding, places):
    kernel = tf.Variable(tf.zeros((3, 3, 3, 5)))
    once = 2 * 2 * places * 9 * 3 * 5  # two pictures; a multiplication and an addition

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.nn.conv2d(x, kernel, stride, padding) ** 2)
        return tape.gradient(y, [x, kernel])

    assert work(lambda x: tf.nn.conv2d(x, kernel, stride, padding), X).total == once
    kinds = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    assert work(step, X).flop == dict.fromkeys(kinds, once)


def test_a_transposed_convolution_works_at_the_places_that_go_in():
    kernel = tf.zeros((4, 4, 5, 3))
    found = work(lambda x: tf.nn.conv2d_transpose(x, kernel, (2, 16, 16, 5), 2), X)
    assert found.flop == {"Conv2DBackpropInput": 2 * 2 * 64 * 16 * 3 * 5}


def test_a_dense_layer_products_and_sums_over_labels():
    dense = keras.layers.Dense(7)
    a, b = tf.zeros((4, 2, 5)), tf.zeros((4, 3, 5))
    assert work(lambda: dense(tf.zeros((2, 3)))).total == 2 * 2 * 3 * 7
    assert work(lambda: tf.matmul(a, b, transpose_b=True)).total == 2 * 4 * 2 * 3 * 5
    assert work(lambda: tf.matmul(a, a, transpose_a=True)).total == 2 * 4 * 5 * 5 * 2
    assert work(lambda: tf.einsum("nij,nkj->nik", a, b)).total == 2 * 4 * 2 * 3 * 5
    kernel = tf.zeros((3, 3, 3, 2))
    assert work(lambda: tf.nn.depthwise_conv2d(X, kernel, (1, 1, 1, 1), "SAME")).total == (
        2 * (2 * 64 * 6) * 9
    )


def test_calls_and_loops_run_what_is_in_them():
    a = tf.zeros((4, 4))
    inner = tf.function(lambda x: x @ x)
    once = 2 * 4**3
    assert work(lambda: inner(inner(a))).total == 2 * once

    def loop(x, times):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda _: True, lambda y: [y @ x], [x], maximum_iterations=times)[0]
        return tape.gradient(y, x)

    assert work(lambda: loop(a, 5)).total == 5 * 3 * once  # once forwards, two ways back
    with pytest.raises(ValueError, match="how often the loop runs is not known"):
        work(lambda times: loop(a, times), tf.TensorSpec((), tf.int32))


def test_what_no_result_needs_is_not_counted():
    def compute(x):
        tf.matmul(x, x)
        return x + 1.0

    assert work(compute, tf.zeros((3, 3))).total == 0


def test_an_unknown_shape_is_not_guessed():
    with pytest.raises(ValueError, match="its shape .* is not known; trace with a fixed batch"):
        work(lambda x: x @ tf.zeros((3, 2)), tf.TensorSpec((None, 3)))
    with pytest.raises(ValueError, match="operations of Conv3D cannot be counted"):
        work(
            lambda: tf.nn.conv3d(
                tf.zeros((1, 4, 4, 4, 1)), tf.zeros((2, 2, 2, 1, 1)), [1] * 5, "SAME"
            )
        )


def test_bytes_moved_and_held():
    def compute(x):  # x, 1024 bytes, is given
        a = tf.exp(x)
        b = tf.exp(tf.reshape(a, (-1,)))  # the same buffer by another shape
        return tf.reduce_sum(b)

    found = work(compute, tf.zeros((16, 16)))
    assert found.held == 2 * 1024  # a until b is there, then b and its sum
    assert found.traffic == pytest.approx(5 * 1024, abs=16)


@pytest.mark.parametrize(
    ("stage", "form", "gflop"),
    [(1, "plain", 2.44), (1, "transposed", 1.10), (2, "plain", 25.6), (2, "transposed", 18.9)],
)
def test_generators_do_the_published_work(stage, form, gflop, monkeypatch):
    monkeypatch.setattr(layers, "fastest_form", lambda side: form)
    graph = stackgan.sampling(stage, "float32", 1).get_concrete_function().graph
    assert count(graph).total / 1e9 == pytest.approx(gflop, rel=0.005)


def test_a_step_is_three_times_its_generator_and_eleven_its_discriminator():
    # Forwards and two ways back through G. D: so for each of three pairs; and forwards, and back to
    # the picture, for G. Once less where pairs need no gradient by pictures, or z none at all.
    shapes = ((32, 3, 64), (16, 64, 128), (8, 128, 256), (4, 256, 512))
    trunk = sum(2 * side**2 * 16 * channels * filters for side, channels, filters in shapes)
    tail = 2 * 16 * (9 * 640 * 512 + 512)
    g, step = (
        count(make(1, "plain float32", 1).get_concrete_function().graph).total
        for make in (stackgan.sampling, stackgan.training)
    )
    assert step == pytest.approx(3 * g + 11 * (trunk + tail), rel=0.005)
    # StackGAN-Pytorch's has the real pictures' codes again for its wrong pairs: 9.9.
    assert (step - 3 * trunk) / 1e9 == pytest.approx(9.9, rel=0.015)
