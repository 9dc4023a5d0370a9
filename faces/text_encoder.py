"""From words to a condition: T2F's LSTM, and the small Gaussian that a text becomes.

Both compute in float32 whatever Keras' policy is: bfloat16 has too few digits for 100 steps.
"""

import keras
import tensorflow as tf
from keras import layers, ops

from faces.layers import Dense, kept

CA_FORMS = ("logvar", "linear", "relu")


class TextEncoder(keras.Model):
    """What an LSTM has understood after a caption's last word.

    Call argument: tokens int32 (n, length): ids of words, 0 behind the last one.
    Returns: float32 (n, hidden_size) in (-1, 1): the output of the top layer at the last token that
      is not 0 (of a caption of none, at its first); not `masked`: at the last step, after all of
      the padding, as T2F has it. `masked`, zeros behind the longest caption of a batch cost
      nothing.
    Parameters start as PyTorch's do. At a vocabulary of 2763 and the defaults: 353,664 of the
    words, of which word 0 is always 0, and 1,444,864 of the LSTM.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        embedding_size: int = 128,
        hidden_size: int = 256,
        num_layers: int = 3,
        masked: bool = True,
        name: str = "text_encoder",
    ):
        super().__init__(name=name, dtype="float32")
        self.masked = masked
        self.words = self.add_weight(
            shape=(vocab_size, embedding_size), initializer=_words, name="words"
        )
        uniform = keras.initializers.RandomUniform(-(hidden_size**-0.5), hidden_size**-0.5)
        lstm = [
            layers.LSTM(
                hidden_size,
                kernel_initializer=uniform,
                recurrent_initializer=uniform.clone(),
                bias_initializer=uniform.clone(),
                unit_forget_bias=False,
                return_sequences=True,
                dtype="float32",
            )
            for _ in range(num_layers)
        ]
        self.lstm = kept(self, "lstm", lstm)
        for i, layer in enumerate(self.lstm):
            layer.build((None, None, hidden_size if i else embedding_size))
        self.built = True

    def call(self, tokens):
        is_word = ops.cast(tokens != 0, "int32")
        if self.masked:
            # What comes later changes nothing of what came before: no layer needs the mask.
            lengths = tf.maximum(tf.reduce_sum(is_word, 1), 1)
            longest = tf.reduce_max(lengths)
            tokens, is_word = tokens[:, :longest], is_word[:, :longest]
        # Word 0 stays 0: so it has no gradient.
        x = tf.gather(self.words, tokens) * ops.cast(is_word, "float32")[..., None]
        for layer in self.lstm:
            x = layer(x)
        return tf.gather(x, lengths - 1, batch_dims=1) if self.masked else x[:, -1]


def _words(shape, dtype=None):
    """N(0, 1), but word 0 is 0."""
    words = keras.initializers.RandomNormal(stddev=1.0)(shape, dtype)
    return words * ops.cast(ops.arange(shape[0]) != 0, words.dtype)[:, None]


class Conditioning(keras.Model):
    """Conditioning augmentation: a text as a Gaussian, and a condition drawn from it.

    Call argument: [text (n, text_size), eps (n, ca_out_size), noise of deviation 1].
    Returns: dict of float32 (n, ca_out_size): `c` = mu + sigma eps; `mu`; `logvar`, the log of
      sigma squared.
    Args: form: what the second half of the projection is: "logvar" itself; "linear": sigma, which
      may be negative (T2F's first code); "relu": sigma, once below 0 never to come back (its last).
    Paper: StackGAN.  91,492 parameters at 256 -> 178.
    """

    def __init__(
        self,
        *,
        text_size: int,
        ca_out_size: int = 178,
        form: str = "logvar",
        equalised: bool = True,
        name: str = "conditioning",
    ):
        super().__init__(name=name, dtype="float32")
        if form not in CA_FORMS:
            raise ValueError(f"form is {form!r}, expected one of {CA_FORMS}")
        self.form = form
        self.project = Dense(2 * ca_out_size, equalised=equalised, dtype="float32")
        self.project.build((None, text_size))
        self.built = True

    def call(self, inputs):
        text, eps = inputs
        mu, spread = tf.split(self.project(text), 2, -1)
        if self.form == "logvar":
            return {"c": mu + tf.exp(0.5 * spread) * eps, "mu": mu, "logvar": spread}
        sigma = tf.nn.relu(spread) + 1e-12 if self.form == "relu" else spread
        logvar = 2.0 * tf.math.log(tf.maximum(tf.abs(sigma), 1e-12))
        return {"c": mu + sigma * eps, "mu": mu, "logvar": logvar}
