"""Sampling a run of faces: what row r depends on, stages, scales, and what is refused."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from faces import sample
from faces.captions import Vocabulary
from faces.sample import Sampler, build_sampled, load
from faces.trainer import build_networks
from misc.config.errors import UserError
from misc.training.loop import Checkpoints

SENTENCES = ["a red square", "this is a blue circle", "there is one green square here"]


@pytest.fixture(scope="module")
def sampler(run):
    return load(run)


@pytest.fixture
def growing(run, tmp_path):
    """`growing(step)`: the run as it was, and its networks with it, after `step` of nine steps."""

    def make(step):
        folder = tmp_path / f"at-{step}"
        shutil.copytree(run, folder, ignore=shutil.ignore_patterns("checkpoints"))
        sampler = load(run)
        networks = {f"average_{name}": one for name, one in sampler._networks.items()}
        trainer = SimpleNamespace(networks=networks, optimizers={})
        Checkpoints(trainer, tf.Variable(step, dtype=tf.int64), folder, chief=True).save()
        return folder, sampler

    return make


@pytest.fixture
def multiscale(small_config, one_stage):
    """A sampler of untrained multi-scale networks."""
    cfg, vocabulary = small_config(*one_stage), Vocabulary.of(SENTENCES)
    networks = build_sampled(cfg, len(vocabulary.words))
    return Sampler(networks, cfg, vocabulary, (cfg.DEPTH - 1, 1.0))


def test_every_weight_is_in_a_checkpoint(small_config, one_stage, tmp_path):
    for name, overrides in (("growing", ()), ("multiscale", one_stage)):
        networks = build_networks(small_config(*overrides), 20)
        prefix = tf.train.Checkpoint(**networks).write(str(tmp_path / name))
        kept = [path for path, _ in tf.train.list_variables(prefix) if "VARIABLE_VALUE" in path]
        weights = [weight for network in networks.values() for weight in network.weights]
        assert len(kept) == len(weights)


def test_a_run_folder_alone_is_enough(run, sampler):
    embedding = sampler.embed(SENTENCES)
    assert embedding.dtype == np.float32 and embedding.shape == (3, sampler.cfg.HIDDEN_SIZE)
    faces = sampler(embedding, seed=1)
    assert faces.dtype == np.uint8 and faces.shape == (3, 16, 16, 3)
    assert (sampler.step, sampler.imsize, sampler.growth) == (9, 16, (2, 1.0))
    again = load(run)
    assert np.array_equal(again(again.embed(SENTENCES), seed=1), faces)
    assert again.digest == sampler.digest


def test_row_r_depends_on_its_words_and_on_the_seed_and_its_number_alone(sampler):
    captions = [SENTENCES[k % 3] for k in range(20)]
    embedding = sampler.embed(captions)
    assert np.array_equal(sampler.embed(captions[17:]), embedding[17:])
    faces = sampler(embedding, seed=3)
    for first, last in ((0, 1), (4, 20), (16, 19)):
        part = sampler(embedding[first:last], 3, first)
        assert np.array_equal(part, faces[first:last])
    assert len({face.tobytes() for face in faces}) == 20
    assert not np.array_equal(sampler(embedding, seed=4), faces)


def test_a_walk_goes_from_one_noise_to_the_next(sampler):
    embedding = np.repeat(sampler.embed(SENTENCES[:1]), 3, axis=0)
    (way,) = sampler.stages(embedding, 5, 2, np.array([0, 0.5, 1], np.float32))
    ends = sampler(embedding[:2], 5, 2)
    assert np.abs(way[[0, 2]].astype(int) - ends).max() <= 1
    assert not np.array_equal(way[1], way[0]) and not np.array_equal(way[1], way[2])


def test_what_is_sampled_is_the_average(run, sampler, monkeypatch):
    asked = {}

    def restored(folder, networks, checkpoint):
        asked.update(networks)
        return 9

    monkeypatch.setattr(sample, "restore_networks", restored)
    load(run)
    assert sorted(asked) == ["average_conditioning", "average_generator", "average_text_encoder"]
    kernel = "average_conditioning/project/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    average = tf.train.load_variable(str(run / "checkpoints/ckpt-9"), kernel)
    assert np.array_equal(sampler._networks["conditioning"].project.kernel, average)


@pytest.mark.parametrize(
    "step, growth", [(1, (0, 1.0)), (3, (0, 1.0)), (4, (1, 0.5)), (5, (1, 1.0)), (7, (2, 0.5))]
)
def test_a_growing_run_is_sampled_at_its_stage(growing, step, growth):
    folder, grown = growing(step)
    sampler = load(folder)
    assert (sampler.step, sampler.growth, sampler.imsize) == (step, growth, 4 << growth[0])
    faces = sampler(sampler.embed(SENTENCES), seed=1)
    assert faces.shape == (3, sampler.imsize, sampler.imsize, 3)
    assert sampler.digest == grown.digest


def test_alpha_blends_the_stage_with_the_one_before(growing):
    faces = {}
    for step in (3, 4, 5):
        sampler = load(growing(step)[0])
        embedding = sampler.embed(SENTENCES)
        (faces[step],) = sampler.stages(embedding, seed=1)
    small, half, whole = (faces[step].astype(float) for step in (3, 4, 5))
    enlarged = small.repeat(2, axis=1).repeat(2, axis=2)
    inside = (enlarged % 255 > 0) & (whole % 255 > 0)  # those that no clipping touched
    assert inside.any() and np.abs(half - (enlarged + whole) / 2)[inside].max() <= 1


def test_multiscale_networks_give_all_scales_and_the_largest_is_the_face(multiscale):
    embedding = multiscale.embed(SENTENCES)
    scales = multiscale.scales(embedding, seed=2)
    assert [scale.shape for scale in scales] == [(3, s, s, 3) for s in (4, 8, 16)]
    (face,) = multiscale.stages(embedding, seed=2)
    assert np.array_equal(face, scales[-1]) and multiscale.imsize == 16


def test_the_digest_is_of_all_that_makes_embeddings(multiscale):
    digest, cfg = multiscale.digest, multiscale.cfg
    assert len(digest) == 64 and multiscale.digest == digest
    conditioning = multiscale._networks["conditioning"].weights[0]
    conditioning.assign(conditioning + 1)
    assert multiscale.digest == digest
    words = multiscale._networks["text_encoder"].weights[0]
    words.assign(words + 1)
    changed = multiscale.digest
    multiscale.vocabulary = Vocabulary.of(["others"])
    renamed = multiscale.digest
    cfg.MASKED = not cfg.MASKED
    assert len({digest, changed, renamed, multiscale.digest}) == 4


def test_unknown_words_are_one_word(sampler):
    embedding = sampler.embed(["zorp blarg", "some others", "zorp red"])
    assert np.array_equal(embedding[0], embedding[1])
    assert not np.array_equal(embedding[0], embedding[2])


def test_what_is_no_run_of_faces_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="is not a run folder"):
        load(tmp_path)
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    Vocabulary.of(["words of another run"]).save(_emptied(folder))
    with pytest.raises(UserError, match="is the vocabulary of another run"):
        load(folder)
    shutil.copy(run / "vocabulary.json", folder)
    shutil.rmtree(folder / "checkpoints")
    with pytest.raises(UserError, match="holds no checkpoint yet"):
        load(folder)
    (folder / "growth.json").write_text(json.dumps({"steps_per_epoch": [3]}))
    with pytest.raises(UserError, match=r"growth\.json is missing or damaged \(1 stages, not 3\)"):
        load(folder)


def _emptied(folder):
    (folder / "vocabulary.json").unlink()
    return folder
