"""The char-CNN-RNN text encoder, and the image tower that is trained along with it.

Reed, Akata, Lee, Schiele, "Learning Deep Representations of Fine-Grained Visual Descriptions"
(CVPR 2016). Keras' own recurrent layers are not the paper's: those use the recurrent bias, and the
gates, at the first step too, and mix the GRU's state the other way round.
"""

import keras
from keras import ops

from encoder.alphabet import ALPHABET, LENGTH


def threshold(x):
    """x where x > 1e-6, else 0: the published non-linearity."""
    return ops.where(x > 1e-6, x, ops.zeros_like(x))


def _uniform(spread):
    return keras.initializers.RandomUniform(-spread, spread)


class _Uniform(keras.layers.Layer):
    """A layer of `units` channels whose every parameter starts uniform in [-spread, spread]."""

    def __init__(self, units, spread=0.08, **kwargs):
        super().__init__(**kwargs)
        self.units, self.spread = units, spread

    def _weight(self, name, *shape):
        return self.add_weight(shape=shape, initializer=_uniform(self.spread), name=name)


class CharacterConvolution(_Uniform):
    """The first convolution: 4 neighbouring characters at a time, valid padding.

    Call: int indices (n, t) of `encoder.alphabet` -> float (n, t - 3, units).
    The characters are one-hot rows, and all-zero rows for index 0, so the convolution only adds up
    kernel rows. It does so by two look-ups in tables of all pairs of neighbours, which takes two
    thirds of the time of the convolution, forwards and backwards.
    """

    def build(self, input_shape):
        self.kernel = self._weight("kernel", 4, len(ALPHABET), self.units)
        self.bias = self._weight("bias", self.units)

    def call(self, indices):
        symbols = len(ALPHABET) + 1
        rows = ops.pad(self.kernel, [[0, 0], [1, 0], [0, 0]])  # (4, 71, units)
        first = ops.reshape(rows[0][:, None] + rows[1][None], (symbols**2, self.units))
        last = ops.reshape(rows[2][:, None] + rows[3][None] + self.bias, (symbols**2, self.units))
        indices = ops.cast(indices, "int32")
        pairs = indices[:, :-1] * symbols + indices[:, 1:]
        return ops.take(first, pairs[:, :-2], axis=0) + ops.take(last, pairs[:, 2:], axis=0)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] - 3, self.units)


class FixedRNN(_Uniform):
    """The published ReLU recurrence; output is the mean of its states.

    h1 = relu(W x1 + b); ht = relu(W xt + b + U h(t-1) + c).

    Call: float (n, steps, d) -> float (n, units).
    """

    def build(self, input_shape):
        u = self.units
        self.kernel = self._weight("kernel", input_shape[-1], u)
        self.bias = self._weight("bias", u)
        self.recurrent_kernel = self._weight("recurrent_kernel", u, u)
        self.recurrent_bias = self._weight("recurrent_bias", u)

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


class FixedGRU(_Uniform):
    """The published GRU; output is the mean of its states.

    h1 = tanh(W x1 + b); then z, r = sigmoid(Wzr xt + bzr + Uzr h + czr),
    g = tanh(W xt + b + U (r h) + c), ht = z g + (1 - z) h.

    Call: float (n, steps, d) -> float (n, units). Kernels hold z, r and g in this order.
    """

    def build(self, input_shape):
        u = self.units
        self.kernel = self._weight("kernel", input_shape[-1], 3 * u)
        self.bias = self._weight("bias", 3 * u)
        self.gate_kernel = self._weight("gate_kernel", u, 2 * u)
        self.gate_bias = self._weight("gate_bias", 2 * u)
        self.candidate_kernel = self._weight("candidate_kernel", u, u)
        self.candidate_bias = self._weight("candidate_bias", u)

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
      spread: every parameter starts uniform in [-spread, spread]. The published 0.08 suits the
        published widths; a narrow network needs more, or nothing of the caption comes through.
    Published sizes: 1,814,144 (256, rnn, 8), 2,994,560 (512, rnn, 8), 4,045,184 (512, gru, 18).
    """

    def __init__(
        self,
        dimension=1024,
        cnn_dim=512,
        recurrence="gru",
        steps=18,
        widths=(384, 512),
        spread=0.08,
    ):
        def uniform():
            return {
                "kernel_initializer": _uniform(spread),
                "bias_initializer": _uniform(spread),
            }

        indices = keras.Input((LENGTH,), dtype="int32", name="indices")
        x = CharacterConvolution(widths[0], spread)(indices)  # (n, 198, widths[0])
        x = _pooled(x, 3)  # (n, 66, widths[0])
        x = keras.layers.Conv1D(widths[1], 4, **uniform())(x)  # (n, 63, widths[1])
        x = _pooled(x, 3)  # (n, 21, widths[1])
        x = keras.layers.Conv1D(cnn_dim, 4, **uniform())(x)  # (n, 18, cnn_dim)
        x = keras.layers.Activation(threshold)(x) if steps == 18 else _pooled(x, 2)  # 18 or 8
        x = RECURRENT_LAYERS[recurrence](cnn_dim, spread)(x)  # (n, cnn_dim)
        x = keras.layers.Dense(dimension, dtype="float32", **uniform())(x)
        super().__init__(indices, x, name="text_encoder")


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
      grid: side of the last feature map, before the linear layer, a power of two. The larger it is,
        the less the convolutions see of the other parts when they look at one.
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
        x = keras.layers.Flatten()(x)  # (n, grid * grid * channels)
        features = keras.layers.Dense(dimension, dtype="float32")(x)
        super().__init__(picture, features, name="image_tower")
