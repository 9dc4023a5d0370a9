"""RMSProp as Torch and DeepPy have it, with which the encoder and the editor were published."""

import keras
import tensorflow as tf
from keras import ops


class TorchRMSprop(keras.optimizers.RMSprop):
    """Steps of rate * g / (root(v) + epsilon), v being the running mean of g^2.

    Keras divides by root(v + epsilon). The encoder's gradients are divided by the batch size
    squared, so that an epsilon of 1e-8 within the root would outweigh many of them. Momentum and
    centring are not supported. An update at a rate of 0 changes nothing, v neither.

    Source: torch/optim, rmsprop.lua.
    """

    def __init__(self, learning_rate, rho=0.99, epsilon=1e-8, name="torch_rmsprop"):
        super().__init__(learning_rate, rho=rho, epsilon=epsilon, name=name)

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable."""
        rate = ops.cast(learning_rate, variable.dtype)
        # Of a table of words TensorFlow gives the rows that were looked up, some of them twice.
        gradient = ops.cast(tf.convert_to_tensor(gradient), variable.dtype)
        velocity = self._velocities[self._get_variable_index(variable)]
        kept = ops.where(rate > 0, self.rho, 1.0)
        self.assign(velocity, kept * velocity + (1 - kept) * ops.square(gradient))
        self.assign_sub(variable, rate * gradient / (ops.sqrt(velocity) + self.epsilon))
