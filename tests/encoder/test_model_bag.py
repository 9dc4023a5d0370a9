"""The bag of words: which words count, and that it is their mean vector and nothing else."""

import re

import keras
import numpy as np
import pytest

from encoder.alphabet import LENGTH, encode
from encoder.model_bag import LONGEST, BagOfWords, WordVectors, most_frequent

WORDS = ["bird", "a", "red", "2", "x" * LONGEST, "white"]


@pytest.fixture
def layer():
    keras.utils.set_random_seed(0)
    bag = BagOfWords(dimension=4, vocabulary=9, word_dim=5)
    bag.learn_words(WORDS)
    return bag.get_layer("word_vectors")


def mean_vector(layer, caption):
    """The same in Python: whole words of the first 201 characters."""
    found = re.findall("[a-z0-9]+", caption.lower()[:LENGTH])
    rows = [WORDS.index(word[:LONGEST]) for word in found if word[:LONGEST] in WORDS]
    vectors = np.asarray(layer.vectors)
    return vectors[rows].mean(0) if rows else np.zeros(vectors.shape[1])


@pytest.mark.parametrize(
    "caption",
    [
        "A red bird.",
        "bird",
        "red red bird, a",
        "black-and-white; redbird birds ared",  # "white" alone is known
        "2 (two) caf\u00e9 a\u00e9 bird's",
        "nothing known",
        "",
        "x" * 30 + " " + "x" * 23,  # the first 24 letters count, and 23 are another word
        "y " * 98 + "bird red",  # "red" is cut to "re"
        "word " * 40 + "a white",  # cut behind the 201st character, which is "a"
    ],
)
def test_a_caption_is_the_mean_of_its_known_words(layer, caption):
    (found,) = np.asarray(layer(encode([caption])))
    np.testing.assert_allclose(found, mean_vector(layer, caption), atol=1e-6)


def test_a_batch_is_its_captions_and_order_does_not_count(layer):
    captions = ["a red bird", "bird red a", "white", ""]
    together = np.asarray(layer(encode(captions)))
    alone = np.concatenate([layer(encode([caption])) for caption in captions])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together[0], together[1], atol=1e-6)
    assert np.abs(together[0] - together[2]).max() > 0.1 and not together[3].any()


def test_every_word_of_a_large_vocabulary_is_found_and_no_other():
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))
    words = {"".join(random.choice(letters, random.integers(1, 25))) for _ in range(3000)}
    words = sorted(words)
    known, unknown = words[::2], words[1::2]
    layer = WordVectors(len(known), 1)
    layer.build((None, LENGTH))
    layer.words.assign(encode(known)[:, :LONGEST].astype(np.float32))
    layer.vectors.assign(np.arange(1.0, len(known) + 1)[:, None])
    found = np.asarray(layer(encode(known)))
    np.testing.assert_allclose(found[:, 0], np.arange(1.0, len(known) + 1))
    assert not np.asarray(layer(encode(unknown))).any()


def test_the_vocabulary_is_of_the_most_frequent_words():
    captions = ["A red bird; a RED cap", "the bird", "z" * 40, "long " * 41 + "unread"]
    frequent = most_frequent(captions, 100)
    assert frequent[:4] == ["long", "a", "bird", "red"]  # 40 times, then twice each
    assert "z" * LONGEST in frequent and "unread" not in frequent
    assert most_frequent(captions, 2) == ["long", "a"]


def test_sizes_and_what_is_trained():
    bag = BagOfWords(dimension=4, vocabulary=9, word_dim=5)
    assert bag.output_shape == (None, 4)
    trained = 9 * 5 + (5 * 5 + 5) + (5 * 4 + 4)
    assert bag.count_params() == trained + 9 * LONGEST
    assert sum(int(np.prod(w.shape)) for w in bag.trainable_weights) == trained
    assert not np.asarray(bag.get_layer("word_vectors")(encode(["a bird"]))).any()
