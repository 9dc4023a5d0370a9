"""A sentence encoder of BERT's family, as all-MiniLM-L6-v2 is one.

Devlin et al., "BERT" (NAACL 2019); Wang et al., "MiniLM" (NeurIPS 2020); Reimers and Gurevych,
"Sentence-BERT" (EMNLP 2019), for the mean over the words. It is imported, not trained here.
"""

from functools import partial

import keras
from keras import layers, ops

gelu = partial(keras.activations.gelu, approximate=False)


class Embeddings(layers.Layer):
    """Vectors of word pieces, each plus that of its place; LayerNorm is not in here.

    Args: pieces, places: how many there are; width: of a vector.
    Call: int ids (n, t), t <= places -> float (n, t, width).
    """

    def __init__(self, pieces, places, width, **kwargs):
        super().__init__(**kwargs)
        self.pieces, self.places, self.width = pieces, places, width

    def build(self, input_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.piece = self.add_weight((self.pieces, self.width), start, name="piece")
        self.place = self.add_weight((self.places, self.width), start, name="place")

    def call(self, ids):
        return ops.take(self.piece, ids, axis=0) + self.place[: ops.shape(ids)[1]]

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.width)


class SentenceVector(layers.Layer):
    """Mean of the vectors of a sentence's pieces, of length 1.

    Call: float (n, t, width), int ids (n, t) of which 0 is padding -> float32 (n, width).
    """

    def call(self, x, ids):
        real = ops.cast(ids != 0, "float32")[..., None]
        mean = ops.sum(ops.cast(x, "float32") * real, axis=1) / ops.maximum(
            ops.sum(real, axis=1), 1
        )
        return ops.normalize(mean, axis=-1, epsilon=1e-12)

    def compute_output_shape(self, x_shape, ids_shape):
        return (x_shape[0], x_shape[2])


class MiniLM(keras.Model):
    """int ids (n, t) of `encoder.word_pieces`, 0 for padding -> float32 (n, dimension), length 1.

    Args:
      dimension: width, a multiple of `heads`; the inner layers are four times as wide.
      pieces: size of the vocabulary.
      depth, heads: layers, and attention heads of each.
      places: the most ids a sentence may have.
    all-MiniLM-L6-v2 has 22,466,304 parameters here: 256 places, and no pooler, which it never used.
    """

    def __init__(self, dimension=384, pieces=30522, depth=6, heads=12, places=256):
        ids = keras.Input((None,), dtype="int32", name="ids")
        seen = ops.not_equal(ids, 0)[:, None]  # (n, 1, t): padding is not attended to
        x = Embeddings(pieces, places, dimension, name="embeddings")(ids)
        x = _normalized("embeddings.LayerNorm")(x)
        for i in range(depth):
            attend = layers.MultiHeadAttention(heads, dimension // heads, name=f"attention.{i}")
            x = layers.Add()([x, attend(x, x, attention_mask=seen)])
            x = _normalized(f"attention.{i}.LayerNorm")(x)
            inner = layers.Dense(4 * dimension, gelu, name=f"intermediate.{i}")(x)
            x = layers.Add()([x, layers.Dense(dimension, name=f"output.{i}")(inner)])
            x = _normalized(f"output.{i}.LayerNorm")(x)
        sentence = SentenceVector(dtype="float32")(x, ids)
        super().__init__(ids, sentence, name="text_encoder")


def _normalized(name):
    return layers.LayerNormalization(epsilon=1e-12, name=name)
