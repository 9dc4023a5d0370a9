"""Batch normalisation is Keras', and what replicas share of it is what one device does."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.networks.batch_norm import BatchNorm


@pytest.mark.parametrize("shape", [(6, 4, 4, 3), (6, 5)])
def test_batch_norm_is_keras_batch_norm(shape):
    x = 3 + 2 * tf.random.stateless_normal(shape, (3, 4))
    ours = BatchNorm()
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    ours.build(shape), theirs.build(shape)
    ours.gamma.assign(theirs.gamma)
    for training in (True, True, False):
        np.testing.assert_allclose(
            ours(x, training=training), theirs(x, training=training), rtol=1e-4, atol=1e-4
        )
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-4)


def test_batch_norm_starts_as_published():
    layer = BatchNorm()
    layer.build((1, 4, 4, 20000))
    gamma = layer.gamma.numpy()
    assert abs(gamma.mean() - 1) < 1e-3 and abs(gamma.std() - 0.02) < 1e-3
    assert not layer.beta.numpy().any()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 2e-2)])
def test_of_one_replica_the_synchronised_form_is_the_same(dtype, tolerance):
    policy = keras.DTypePolicy(dtype)
    x = tf.cast(3 + 2 * tf.random.stateless_normal((6, 4, 4, 3), (3, 4)), policy.compute_dtype)
    found = []
    for synchronized in (False, True):
        layer = BatchNorm(synchronized, dtype=policy)
        layer.build(x.shape)
        layer.gamma.assign([1.0, 2.0, -0.5]), layer.beta.assign([0.0, 0.3, 1.0])

        @tf.function
        def run(layer=layer):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
                loss = tf.reduce_sum(tf.sin(tf.cast(y, "float32")))
            wanted = [x, layer.gamma.value, layer.beta.value]
            return [y, *tape.gradient(loss, wanted)]

        found.append([*run(), layer.moving_mean, layer.moving_variance])
    for one, other in zip(*found, strict=True):
        one, other = (tf.cast(tf.convert_to_tensor(value), "float32") for value in (one, other))
        np.testing.assert_allclose(one, other, atol=tolerance * float(tf.reduce_max(abs(one))))


def test_what_two_replicas_do_with_unlike_halves():
    program = [sys.executable, str(Path(__file__).with_name("two_replicas.py"))]
    root = Path(__file__).parents[2]
    done = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    # y, gradients by x, gamma and beta, moving mean and variance.
    assert len(found["float32"]) == 6 and max(found["float32"]) < 2e-6
    assert max(found["mixed_bfloat16"]) < 2e-2
    assert found["gathered"] == [0.0, 0.0, 0.0]
