"""Batch normalisation by TensorFlow's fused kernels, on one replica or on many."""

import keras
import tensorflow as tf
from keras import layers, ops


class BatchNorm(layers.BatchNormalization):
    """Batch normalisation as the StackGAN codes set it.

    Call arguments: x (n, h, w, c) or (n, c); training. Statistics: momentum 0.9, epsilon 1e-5,
    gamma ~ N(1, 0.02). TF1's zero-debiased start of the moving values is left out: after some 50
    updates the two agree. Keras computes the same in five passes over the data; the fused kernel
    needs one, which shows most in bfloat16. `synchronized`: statistics are those of the batches
    of all replicas, which are of one size; call it in a replica. The kernel is asked twice then,
    with a sum over the replicas in between.
    """

    def __init__(self, synchronized: bool = False, **options):
        options = {
            "momentum": 0.9,
            "epsilon": 1e-5,
            "gamma_initializer": keras.initializers.RandomNormal(1.0, 0.02),
        } | options
        super().__init__(synchronized=synchronized, **options)

    def call(self, inputs, training=None, mask=None):
        flat = len(inputs.shape) == 2
        x = inputs[:, None, None] if flat else inputs
        y = self._normalised(x, training)
        return y[:, 0, 0] if flat else y

    def _normalised(self, x, training):
        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        if not training:
            learned = self.moving_mean.value, self.moving_variance.value
            return _fused(x, gamma, beta, *learned, self.epsilon)[0]
        normalise = _of_all_replicas if self.synchronized else _of_this_replica
        y, mean, variance = normalise(x, gamma, beta, self.epsilon)
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1.0 - keep))
        return y


def _fused(x, gamma, beta, mean, variance, epsilon):
    """The kernel's outputs; empty `mean` and `variance`: those of x."""
    return tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=mean.shape[0] == 0,
    )


def _rows(x):
    """How many numbers there are of each channel."""
    shape = tf.shape(x)
    return tf.cast(shape[0] * shape[1] * shape[2], "float32")


def _of_this_replica(x, gamma, beta, epsilon):
    """x normalised by its own statistics, and these: mean, and biased variance."""
    empty = tf.zeros((0,))
    y, mean, variance, *_ = _fused(x, gamma, beta, empty, empty, epsilon)
    # The kernel reports the unbiased variance; TF1's and Keras' moving value is the biased one.
    count = _rows(x)
    return y, mean, variance * (count - 1.0) / count


def _of_all_replicas(x, gamma, beta, epsilon):
    """As `_of_this_replica`, by the statistics of all replicas' x."""
    context = tf.distribute.get_replica_context()

    def total(*numbers):
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack(numbers))
        return tf.unstack(summed, len(numbers))

    @tf.custom_gradient
    def normalise(x, gamma, beta):
        _, mean, variance = _of_this_replica(x, gamma, beta, epsilon)
        replicas = context.num_replicas_in_sync
        mean, square = (n / replicas for n in total(mean, variance + mean**2))
        variance = tf.maximum(square - mean**2, 0.0)
        y = _fused(x, gamma, beta, mean, variance, epsilon)[0]

        def gradient(dy, *_):
            # As if the statistics were constants; then what these owe to x, a line in x.
            dx, d_gamma, d_beta, *_ = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=dy,
                x=x,
                scale=gamma,
                reserve_space_1=mean,
                reserve_space_2=variance,
                reserve_space_3=tf.zeros((0,)),
                epsilon=epsilon,
                is_training=False,
            )
            inverse = tf.math.rsqrt(variance + epsilon)
            scale = gamma * inverse / (_rows(x) * replicas)
            by_gamma, by_beta = total(d_gamma, d_beta)
            slope = -scale * by_gamma * inverse
            start = -scale * by_beta - slope * mean
            line = slope * tf.cast(x, "float32") + start
            return dx + tf.cast(line, x.dtype), d_gamma, d_beta

        return (y, mean, variance), gradient

    return normalise(x, gamma, beta)
