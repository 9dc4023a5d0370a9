"""The char-CNN-RNN text encoder, and the image tower that is trained along with it.

Reed, Akata, Lee, Schiele, "Learning Deep Representations of Fine-Grained Visual Descriptions"
(CVPR 2016). Keras' own recurrent layers are not the paper's: those use the recurrent bias, and the
gates, at the first step too, and mix the GRU's state the other way round.
"""

import keras
from keras import ops

from encoder.alphabet import ALPHABET, LENGTH


def _uniform():
    """A fresh draw from the published initial range of every parameter."""
    return keras.initializers.RandomUniform(-0.08, 0.08)


def threshold(x):
    """x where x > 1e-6, else 0: the published non-linearity."""
    return ops.where(x > 1e-6, x, ops.zeros_like(x))


class CharacterConvolution(keras.layers.Layer):
    """The first convolution: 4 neighbouring characters at a time, valid padding.

    Call: int indices (n, t) of `encoder.alphabet` -> float (n, t - 3, filters).
    The characters are one-hot rows, and all-zero rows for index 0, so the convolution only adds up
    kernel rows. It does so by two look-ups in tables of all pairs of neighbours, which takes two
    thirds of the time of the convolution, forwards and backwards.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        shape = (4, len(ALPHABET), self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=_uniform(), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer=_uniform(), name="bias")

    def call(self, indices):
        symbols = len(ALPHABET) + 1
        rows = ops.pad(self.kernel, [[0, 0], [1, 0], [0, 0]])  # (4, 71, filters)
        first = ops.reshape(rows[0][:, None] + rows[1][None], (symbols**2, self.filters))
        last = ops.reshape(rows[2][:, None] + rows[3][None] + self.bias, (symbols**2, self.filters))
        indices = ops.cast(indices, "int32")
        pairs = indices[:, :-1] * symbols + indices[:, 1:]
        return ops.take(first, pairs[:, :-2], axis=0) + ops.take(last, pairs[:, 2:], axis=0)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] - 3, self.filters)


class FixedRNN(keras.layers.Layer):
    """The published ReLU recurrence; output is the mean of its states.

    h1 = relu(W x1 + b); ht = relu(W xt + b + U h(t-1) + c).

    Call: float (n, steps, d) -> float (n, units).
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        u = self.units
        self.kernel = self._weight((input_shape[-1], u), "kernel")
        self.bias = self._weight((u,), "bias")
        self.recurrent_kernel = self._weight((u, u), "recurrent_kernel")
        self.recurrent_bias = self._weight((u,), "recurrent_bias")

    def _weight(self, shape, name):
        return self.add_weight(shape=shape, initializer=_uniform(), name=name)

    def call(self, x):
        # One matrix product for all steps: (n, steps, units).
        x = ops.unstack(ops.matmul(x, self.kernel) + self.bias, axis=1)
        state = ops.relu(x[0])
        total = state
        for step in x[1:]:
            hidden = ops.matmul(state, self.recurrent_kernel) + self.recurrent_bias
            state = ops.relu(step + hidden)
            total = total + state
        return total / len(x)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


class FixedGRU(keras.layers.Layer):
    """The published GRU; output is the mean of its states.

    h1 = tanh(W x1 + b); then z, r = sigmoid(Wzr xt + bzr + Uzr h + czr),
    g = tanh(W xt + b + U (r h) + c), ht = z g + (1 - z) h.

    Call: float (n, steps, d) -> float (n, units). Kernels hold z, r and g in this order.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        u = self.units
        self.kernel = self._weight((input_shape[-1], 3 * u), "kernel")
        self.bias = self._weight((3 * u,), "bias")
        self.gate_kernel = self._weight((u, 2 * u), "gate_kernel")
        self.gate_bias = self._weight((2 * u,), "gate_bias")
        self.candidate_kernel = self._weight((u, u), "candidate_kernel")
        self.candidate_bias = self._weight((u,), "candidate_bias")

    def _weight(self, shape, name):
        return self.add_weight(shape=shape, initializer=_uniform(), name=name)

    def call(self, x):
        u = self.units
        x = ops.unstack(ops.matmul(x, self.kernel) + self.bias, axis=1)
        state = ops.tanh(x[0][:, 2 * u :])
        total = state
        for step in x[1:]:
            hidden = ops.matmul(state, self.gate_kernel) + self.gate_bias
            gates = ops.sigmoid(step[:, : 2 * u] + hidden)
            z, r = gates[:, :u], gates[:, u:]
            hidden = ops.matmul(r * state, self.candidate_kernel) + self.candidate_bias
            candidate = ops.tanh(step[:, 2 * u :] + hidden)
            state = state + z * (candidate - state)
            total = total + state
        return total / len(x)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


RECURRENT_LAYERS = {"rnn": FixedRNN, "gru": FixedGRU}


class TextEncoder(keras.Model):
    """char-CNN-RNN: int indices (n, 201) of `encoder.alphabet` -> float32 (n, dimension).

    Args:
      dimension: width of the embedding, which is unbounded and not normalised.
      cnn_dim: width of the last convolution and of the recurrence.
      recurrence: "rnn" (published for birds 2016 at 256 and flowers at 512) or "gru" (birds, 512).
      steps: recurrent steps, 18 after two poolings or 8 after three.
      widths: channels of the first two convolutions.
    Published sizes: 1,814,144 (256, rnn, 8), 2,994,560 (512, rnn, 8), 4,045,184 (512, gru, 18).
    """

    def __init__(self, dimension=1024, cnn_dim=512, recurrence="gru", steps=18, widths=(384, 512)):
        indices = keras.Input((LENGTH,), dtype="int32", name="indices")
        x = _pooled(CharacterConvolution(widths[0])(indices), 3)  # (n, 66, widths[0])
        x = _pooled(_convolved(x, widths[1]), 3)  # (n, 21, widths[1])
        x = _convolved(x, cnn_dim)  # (n, 18, cnn_dim)
        x = keras.layers.Activation(threshold)(x) if steps == 18 else _pooled(x, 2)  # 8 steps
        x = RECURRENT_LAYERS[recurrence](cnn_dim)(x)  # (n, cnn_dim)
        linear = keras.layers.Dense(
            dimension,
            kernel_initializer=_uniform(),
            bias_initializer=_uniform(),
            dtype="float32",
        )
        super().__init__(indices, linear(x), name="text_encoder")


def _convolved(x, channels):
    conv = keras.layers.Conv1D(
        channels, 4, kernel_initializer=_uniform(), bias_initializer=_uniform()
    )
    return conv(x)


def _pooled(x, stride):
    # Pooling first gives the same and leaves a third of the numbers to threshold.
    return keras.layers.Activation(threshold)(keras.layers.MaxPooling1D(3, stride)(x))


class ImageTower(keras.Model):
    """A small CNN for picture features: float (n, size, size, 3) in [-1, 1] -> float32 (n, d).

    It stands in for the published GoogLeNet features and is trained along with the text encoder.
    Its last layer sees where things are: a caption names the colour of a part.

    Args:
      size: pictures, px, a power of two of at least 16.
      width: channels of the first convolution; doubled at each halving, up to eightfold.
      dimension: width d of the features, the text encoder's.
    """

    def __init__(self, size=64, width=32, dimension=1024, grid=4):
        picture = x = keras.Input((size, size, 3), name="picture")
        for level in range((size // grid).bit_length() - 1):
            channels = width * min(2**level, 8)
            x = keras.layers.Conv2D(
                channels,
                4,
                strides=2,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
            )(x)
        x = keras.layers.Flatten()(x)  # (n, 4 * 4 * channels)
        features = keras.layers.Dense(dimension, dtype="float32")(x)
        super().__init__(picture, features, name="image_tower")
