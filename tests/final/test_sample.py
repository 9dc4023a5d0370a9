"""Sampling a Stage-II run, whose folder needs nothing but itself."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from final.sample import Sampler, load
from initial.sample import Sampler as Stage1Sampler
from initial.sample import build_generator
from initial.sample import load as load_stage1
from misc.config.errors import UserError
from misc.training.runs import load_run, restore_networks

SEED = 3


@pytest.fixture(scope="module")
def sampler(stage2_run):
    return load(stage2_run)


@pytest.fixture(scope="module")
def embedding():
    return np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)


def test_pictures_of_both_stages(sampler, embedding):
    small, large = sampler.stages(embedding, SEED)
    assert small.shape == (5, 16, 16, 3) and small.dtype == np.uint8
    assert large.shape == (5, 32, 32, 3) and large.dtype == np.uint8
    assert large.std() > 0
    assert (sampler.imsize, sampler.step) == (32, 3)
    np.testing.assert_array_equal(sampler(embedding, SEED), large)


def test_a_seed_gives_the_same_pixels_and_another_others(sampler, stage2_run, embedding):
    first = sampler(embedding, SEED)
    np.testing.assert_array_equal(load(stage2_run)(embedding, SEED), first)
    assert (sampler(embedding, SEED + 1) != first).any()


def touchy(generator):
    """The generator, dimmed by the rows of its batch as a matrix product rounds by them: surely."""

    def generate(inputs, training):
        image = generator(inputs, training=training)["image"]
        return {"image": image / tf.cast(tf.shape(image)[0], image.dtype)}

    return generate


def test_a_row_does_not_depend_on_its_batch(sampler, embedding):
    small, large = (touchy(g) for g in (sampler._stage1_generator, sampler._generator))
    sampler = Sampler(small, sampler._stage1, large, sampler.cfg, sampler.text)
    whole = sampler.stages(embedding, SEED)
    for i in range(len(embedding)):
        alone = sampler.stages(embedding[i : i + 1], SEED, start=i)
        for a, b in zip(alone, whole, strict=True):
            np.testing.assert_array_equal(a[0], b[i])


def painted(inputs, training):
    """A generator whose pictures are of the colour of their noise alone."""
    noise = tf.clip_by_value(inputs[-1][:, None, None, :3] / 4, -1, 1)
    return {"image": tf.tile(noise, (1, 2, 2, 1))}


def test_a_walk_leads_the_noise_of_both_stages_from_one_to_the_next(sampler, embedding):
    sampler = Sampler(painted, sampler._stage1, painted, sampler.cfg, sampler.text)
    rows = np.repeat(embedding[:1], 5, axis=0)
    walked = sampler.stages(rows, SEED, 4, np.linspace(0, 1, 5, dtype=np.float32))
    assert (walked[0] != walked[1]).any()
    for way, ends in zip(walked, sampler.stages(rows[:2], SEED, start=4), strict=True):
        assert np.abs(way[[0, -1]] - ends.astype(int)).max() <= 1
        assert len(np.unique(way.reshape(5, -1), axis=0)) == 5


def test_it_stands_alone(sampler, stage1_run, stage2_run, embedding):
    elsewhere = stage1_run.rename(stage1_run.with_name("elsewhere"))
    try:
        pictures = load(stage2_run)(embedding, SEED)
    finally:
        elsewhere.rename(stage1_run)
    np.testing.assert_array_equal(pictures, sampler(embedding, SEED))


def test_the_small_pictures_are_those_of_stage1_with_its_statistics_of_now(
    sampler, stage1_run, stage2_run, embedding
):
    stage1 = load_stage1(stage1_run)
    small, _ = sampler.stages(embedding, SEED)
    # Frozen, but normalised by its batches in training: only the moving statistics differ.
    assert (small != stage1(embedding, SEED)).any()
    _, cfg = load_run(stage1_run)
    generator = build_generator(cfg)
    restore_networks(stage2_run, {"stage1_generator": generator})
    again = Stage1Sampler(generator, cfg, stage1.text)
    np.testing.assert_array_equal(small, again(embedding, SEED))


def test_other_folders_are_refused(stage1_run, stage2_run, tmp_path):
    with pytest.raises(UserError, match="a run of initial, expected one of final"):
        load(stage1_run)
    with pytest.raises(UserError, match="not a run folder"):
        load(tmp_path)
    shutil.copytree(stage2_run, tmp_path / "run")
    (tmp_path / "run" / "stage1.yml").unlink()
    with pytest.raises(UserError, match="stage1.yml: no such"):
        load(tmp_path / "run")
