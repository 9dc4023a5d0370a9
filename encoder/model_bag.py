"""A bag of words: the mean of a caption's word vectors, and two layers on top.

The word-level baseline beside the char-CNN-RNN (Reed et al., CVPR 2016, table 1). It reads the same
characters, so batches, loss and loop need not know which of the two they train: a word is a run of
letters and digits, and is looked up where it stands. Words have no order here.
"""

import re
from collections import Counter
from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from encoder.alphabet import ALPHABET, LENGTH, encode

LONGEST = 24  # letters of a word that count; two words that begin with the same 24 are one
_SYMBOLS = len(ALPHABET) + 1
_LAST_LETTER = ALPHABET.index("9") + 1  # the alphabet begins with its letters and digits


def most_frequent(captions: Iterable[str], count: int) -> list[str]:
    """The most frequent words of captions, at most `count`; of equally frequent ones by the letter.

    Of a caption the first 201 characters count, as the network reads no more.
    """
    times = Counter()
    for caption in captions:
        words = re.findall("[a-z0-9]+", caption.lower()[:LENGTH])
        times.update(word[:LONGEST] for word in words)
    return sorted(times, key=lambda word: (-times[word], word))[:count]


def _letters(indices):
    return ops.logical_and(indices >= 1, indices <= _LAST_LETTER)


class WordVectors(keras.layers.Layer):
    """Mean of the vectors of the words that a caption has of a vocabulary, 0 if it has none.

    The vocabulary is a weight that no gradient reaches: its words, spelled out. So it is saved,
    restored and digested with the others. A word is found by its code, the sum of one random 58-bit
    number for each letter at its place; that two of 8,192 words share one has a chance of 1e-10.

    Args: vocabulary: words at most; units: width of a vector.
    Call: int indices (n, t) of `encoder.alphabet` -> float (n, units).
    """

    def __init__(self, vocabulary, units, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary, self.units = vocabulary, units
        numbers = np.random.default_rng(0).integers(1, 2**58, (LONGEST, _SYMBOLS))
        numbers[:, 0] = 0  # behind the end of a word
        self._numbers = numbers.ravel()  # sums of 24 of them stay below 2^63

    def build(self, input_shape):
        # float32, as checkpoints and digests treat every weight as one; indices are exact in it.
        self.words = self.add_weight(
            shape=(self.vocabulary, LONGEST),
            initializer="zeros",
            dtype="float32",
            autocast=False,
            trainable=False,
            name="words",
        )
        self.vectors = self.add_weight(
            shape=(self.vocabulary, self.units),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="vectors",
        )

    def call(self, indices):
        codes = self._codes_in(ops.cast(indices, "int32"))  # (n, t)
        known = self._code(ops.cast(self.words, "int32"))  # (vocabulary,)
        order = ops.argsort(known)
        known = ops.take(known, order)
        place = ops.searchsorted(known, ops.reshape(codes, (-1,)))
        place = ops.reshape(ops.minimum(place, self.vocabulary - 1), ops.shape(codes))
        found = ops.logical_and(ops.take(known, place) == codes, codes > 0)
        vectors = ops.take(self.vectors, ops.take(order, place), axis=0)  # (n, t, units)
        weights = ops.cast(found, vectors.dtype)
        total = ops.einsum("nt,ntu->nu", weights, vectors)
        return total / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1)

    def _codes_in(self, indices):
        """int64 (n, t): codes of the words of captions where they begin, 0 elsewhere."""
        length = indices.shape[1]
        padded = ops.pad(indices, [[0, 0], [1, LONGEST]])
        # (n, t, LONGEST): what stands at each place and behind it.
        ahead = ops.stack([padded[:, 1 + j : 1 + j + length] for j in range(LONGEST)], axis=-1)
        within = ops.cumprod(ops.cast(_letters(ahead), "int32"), axis=-1)
        begins = ops.logical_not(_letters(padded[:, :length]))
        return self._code(ahead * within) * ops.cast(begins, "int64")

    def _code(self, words):
        """int64 (...) codes of words (..., LONGEST), spelled in indices and padded with 0."""
        places = np.arange(LONGEST, dtype=np.int32) * _SYMBOLS
        return ops.sum(ops.take(ops.convert_to_tensor(self._numbers), words + places), axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


class BagOfWords(keras.Model):
    """int indices (n, 201) of `encoder.alphabet` -> float32 (n, dimension), unbounded.

    Args:
      dimension: width of the embedding.
      vocabulary: words at most; it is empty until `learn_words`.
      word_dim: width of the word vectors and of the hidden layer.
    """

    def __init__(self, dimension=1024, vocabulary=8192, word_dim=512):
        indices = keras.Input((LENGTH,), dtype="int32", name="indices")
        word_vectors = WordVectors(vocabulary, word_dim, name="word_vectors")
        x = keras.layers.Dense(word_dim, "relu")(word_vectors(indices))
        x = keras.layers.Dense(dimension, dtype="float32")(x)
        super().__init__(indices, x, name="text_encoder")

    def learn_words(self, words: list[str]) -> None:
        """Make these words the vocabulary: lower-case letters and digits, no more than there is."""
        layer = self.get_layer("word_vectors")
        spelled = np.zeros((layer.vocabulary, LONGEST), np.float32)
        spelled[: len(words)] = encode(words)[:, :LONGEST]
        layer.words.assign(spelled)
