"""Torch's RMSProp, by hand and beside the formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.training.rmsprop import TorchRMSprop


def steps(gradients, rate=0.01):
    """Where a variable of ones goes."""
    variable = keras.Variable(np.ones(len(gradients[0]), np.float32))
    optimizer = TorchRMSprop(rate)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    return np.asarray(variable, np.float64) - 1


def test_a_step_by_hand():
    # v = 0.01 g^2, root(v) = 0.1 |g|: at 2 the step is 0.01 * 2 / 0.2; where 0.1 |g| is the epsilon
    # of 1e-8 itself, half of that; an epsilon within the root would leave 1 / root(1 + 1e8).
    moves = steps([[2.0, 1e-7, -1e-7, 0.0]])
    assert moves == pytest.approx([-0.1, -0.05, 0.05, 0.0], rel=1e-5)


def test_the_mean_runs_on():
    random = np.random.default_rng(0)
    gradients = random.normal(size=(5, 40)) * 10.0 ** random.integers(-10, 2, 40)
    expected, v = np.zeros(40), np.zeros(40)
    for g in gradients:
        v = 0.99 * v + 0.01 * g**2
        expected -= 0.01 * g / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(steps(gradients), expected, rtol=1e-4, atol=1e-6)


def test_rows_of_a_table_are_a_gradient_like_any_other():
    rows = tf.IndexedSlices(tf.constant([2.0, 1.0, 1.0]), tf.constant([0, 2, 2]), (4,))
    variable = keras.Variable(np.ones(4, np.float32))
    optimizer = TorchRMSprop(0.01)
    optimizer.build([variable])
    optimizer.apply([rows], [variable])
    assert np.array_equal(np.asarray(variable, np.float64) - 1, steps([[2.0, 0.0, 2.0, 0.0]]))


def test_a_rate_of_0_is_no_update():
    variable = keras.Variable(np.ones(2, np.float32))
    optimizer = TorchRMSprop(0.01)
    optimizer.build([variable])
    memory = []
    for rate in (0.01, 0.0, 0.01):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor([2.0, -1.0])], [variable])
        memory.append([np.array(v) for v in (variable, *optimizer.variables[2:])])
    first, second, third = memory
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert all((a != b).all() for a, b in zip(second, third, strict=True))
