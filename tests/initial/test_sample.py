"""Sampling a Stage-I run."""

import json

import numpy as np
import pytest
import tensorflow as tf

from initial.sample import Sampler, load
from misc.config.errors import UserError
from misc.training.text import Text

SEED = 3


@pytest.fixture(scope="module")
def sampler(trained):
    return load(trained)


@pytest.fixture(scope="module")
def embedding():
    return np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)


def test_pictures_are_bytes_of_the_right_size(sampler, embedding):
    pictures = sampler(embedding, SEED)
    assert pictures.shape == (5, 16, 16, 3) and pictures.dtype == np.uint8
    assert pictures.std() > 0
    assert (sampler.imsize, sampler.step) == (16, 3)


def test_a_seed_gives_the_same_pixels_and_another_others(sampler, trained, embedding):
    first = sampler(embedding, SEED)
    np.testing.assert_array_equal(load(trained)(embedding, SEED), first)
    assert (sampler(embedding, SEED + 1) != first).any()
    assert (sampler(embedding, SEED, start=1) != first).any()


def touchy(generator):
    """The generator, dimmed by the rows of its batch as a matrix product rounds by them: surely."""

    def generate(inputs, training):
        image = generator(inputs, training=training)["image"]
        return {"image": image / tf.cast(tf.shape(image)[0], image.dtype)}

    return generate


def test_a_row_does_not_depend_on_its_batch(sampler, embedding):
    sampler = Sampler(touchy(sampler._generator), sampler.cfg, sampler.text)
    whole = sampler(embedding, SEED)
    for i in range(len(embedding)):
        alone = sampler(embedding[i : i + 1], SEED, start=i)
        np.testing.assert_array_equal(alone[0], whole[i])


def test_a_walk_leads_from_one_noise_to_the_next(sampler, embedding):
    rows = np.repeat(embedding[:1], 5, axis=0)
    (walked,) = sampler.stages(rows, SEED, 4, np.linspace(0, 1, 5, dtype=np.float32))
    ends = sampler(rows[:2], SEED, start=4).astype(int)
    assert np.abs(walked[[0, -1]] - ends).max() <= 1  # computed in other places of the batch
    assert len(np.unique(walked.reshape(5, -1), axis=0)) == 5


def test_embeddings_are_scaled_as_in_training(sampler, trained, embedding):
    text = Text.load(trained)
    assert json.loads((trained / "text.json").read_text())["standardized"]
    raw = load(trained)
    raw.text = Text("", "text", "", 8)
    np.testing.assert_array_equal(raw(text.scaled(embedding), SEED), sampler(embedding, SEED))
    assert (raw(embedding, SEED) != sampler(embedding, SEED)).any()


def test_a_folder_that_is_no_trained_run(trained, tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        load(tmp_path)
    (tmp_path / "config.yml").write_bytes((trained / "config.yml").read_bytes())
    with pytest.raises(UserError, match="holds no checkpoint yet"):
        load(tmp_path)
