"""What two replicas share: batch statistics and texts, beside one device's; prints errors as JSON.

    python tests/networks/two_replicas.py

Errors are the largest differences, relative to the largest number, in float64.
"""

import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, os.getcwd())

from faces.trainer import gathered
from misc.networks.batch_norm import BatchNorm

SHAPE = (8, 4, 4, 3)
GAMMA, BETA = [1.0, 2.0, -0.5], [0.0, 0.3, 1.0]
given = np.random.default_rng(0)


def far(found, wanted):
    return [
        float(np.abs(np.asarray(a, np.float64) - b).max() / np.abs(b).max())
        for a, b in zip(found, wanted, strict=True)
    ]


def batch_norm(strategy, dtype):
    """Errors of y, of gradients by x, gamma and beta, and of the moving mean and variance."""
    policy = keras.DTypePolicy(dtype)
    x = given.normal(3.0, [1.0, 2.0, 0.5], SHAPE)
    x[4:] += 1.5  # the second replica's half is unlike the first's
    x = tf.cast(x, policy.compute_dtype)
    weights = given.normal(2.0, 1.0, SHAPE)
    with strategy.scope():
        layer = BatchNorm(True, dtype=policy)
        layer.build(SHAPE)
        layer.gamma.assign(GAMMA), layer.beta.assign(BETA)

    def loss_of(y, weights):
        return tf.reduce_sum(tf.cast(weights, y.dtype) * tf.sin(y))

    def replica():
        half = _own(x)
        with tf.GradientTape() as tape:
            tape.watch(half)
            y = tf.cast(layer(half, training=True), "float32")
            loss = loss_of(y, _own(weights))
        return y, tape.gradient(loss, [half, layer.gamma.value, layer.beta.value])

    y, (dx, *learned) = tf.function(lambda: strategy.run(replica))()
    found = [tf.concat(strategy.experimental_local_results(part), 0) for part in (y, dx)]
    # Optimizers sum over replicas.
    found += [sum(strategy.experimental_local_results(part)) for part in learned]
    found += [layer.moving_mean.numpy(), layer.moving_variance.numpy()]

    whole, gamma, beta = (tf.cast(part, tf.float64) for part in (x, GAMMA, BETA))
    with tf.GradientTape() as tape:
        tape.watch([whole, gamma, beta])
        mean, variance = tf.nn.moments(whole, [0, 1, 2])
        y = (whole - mean) * tf.math.rsqrt(variance + 1e-5) * gamma + beta
        loss = loss_of(y, weights)
    wanted = [y, *tape.gradient(loss, [whole, gamma, beta]), 0.1 * mean, 0.9 + 0.1 * variance]
    return far([tf.cast(part, tf.float64) for part in found], [part.numpy() for part in wanted])


def texts(strategy):
    """Errors of the global batch's texts, and of the gradient by each replica's own."""
    every, weights = np.split(given.normal(size=(18, 5)).astype(np.float32), [6])

    def replica():
        own = _own(every)
        with tf.GradientTape() as tape:
            tape.watch(own)
            all_of_them = gathered(own)
            loss = tf.reduce_sum(_own(weights) * all_of_them)
        return all_of_them, tape.gradient(loss, own)

    seen, gradients = tf.function(lambda: strategy.run(replica))()
    first, second = strategy.experimental_local_results(seen)
    own = tf.concat(strategy.experimental_local_results(gradients), 0)
    return [
        *far([first], [every]),
        *far([second], [every]),
        *far([own], [weights[:6] + weights[6:]]),
    ]


def _own(rows):
    """This replica's half of them."""
    halves = tf.split(rows, 2)
    return tf.stack(halves)[tf.distribute.get_replica_context().replica_id_in_sync_group]


def main():
    """Compare."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    found = {dtype: batch_norm(strategy, dtype) for dtype in ("float32", "mixed_bfloat16")}
    print(json.dumps(found | {"gathered": texts(strategy)}))


if __name__ == "__main__":
    main()
