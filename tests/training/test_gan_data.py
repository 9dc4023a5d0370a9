"""What a GAN is trained on and shown on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.images import centre_of
from misc.data.quarantine import Quarantined, write_quarantine
from misc.data.writer import write_set
from misc.sources.source import card
from misc.training.gan_data import GanData, data_folder, set_digest, with_width


class Recorder:
    """A sampler that notes what it is asked for and returns grey pictures."""

    def __init__(self, side=16):
        self.side, self.asked = side, []

    def __call__(self, embedding, seed):
        self.asked.append((embedding, seed))
        return np.full((len(embedding), self.side, self.side, 3), 128, np.uint8)


@pytest.fixture
def make_data(gan_yml):
    def make(*overrides, **keys):
        return GanData(load_config("initial", gan_yml(**keys), list(overrides)), 16)

    return make


def test_the_folder_is_the_one_named_or_the_one_of_the_set():
    cfg = load_config("initial", None, ["DATASET_NAME=cub"])
    assert data_folder(cfg) == Path("data/cub")
    assert data_folder(load_config("initial", None, ["DATA_DIR=x/y"])) == Path("x/y")


def test_a_width_of_0_is_that_of_the_embeddings(gan_yml):
    asked = load_config("initial", gan_yml(TEXT__DIMENSION=0))
    found = with_width(asked)
    assert found.TEXT.DIMENSION == 8 and asked.TEXT.DIMENSION == 0
    assert found | {"TEXT": asked.TEXT} == asked
    given = load_config("initial", None, ["DATA_DIR=nowhere"])
    assert with_width(given) is given  # no set is needed to know it
    with pytest.raises(UserError, match="other.npy: no embeddings of this encoder"):
        with_width(load_config("initial", gan_yml(TEXT__DIMENSION=0, TEXT__ENCODER="other")))


def test_batches_have_the_configured_size_and_scale(make_data):
    raw, scaled = make_data(), make_data("TEXT.STANDARDIZE=True")
    assert raw.steps_per_epoch == 3 and raw.dataset == raw.batches.dataset
    captions = raw.batches.plan(0).captions
    assert captions.shape == (4, 4)
    expected = (raw.batches.embed(captions) - scaled.text.mean) / scaled.text.deviation
    np.testing.assert_allclose(scaled.batches.embed(captions), expected, rtol=1e-5, atol=1e-6)


def test_a_grid_shows_each_split_beside_its_fakes(make_data):
    data, sampler = make_data("TRAIN.NUM_COPY=3"), Recorder()
    sheet = data.grid(sampler)
    ((embeddings, seed),) = sampler.asked
    assert embeddings.shape == (18, 8) and seed == 0  # of three captions of each split
    for number, embedding in enumerate(np.split(embeddings, 6)):
        assert (embedding == embedding[0]).all()
        split = data.splits["train" if number < 3 else "test"]
        assert (split.embeddings("text") == embedding[0]).all(axis=1).any()
    # The first tile is the real picture, the three beside it are the fakes; 64 px a tile.
    pixels = np.asarray(sheet)
    grey = (pixels == 128).all(axis=2)
    assert grey.sum() >= 6 * 3 * 64 * 64
    pick = np.random.default_rng(0).permutation(12)[0]
    real = centre_of(data.splits["train"].pictures([pick], data.batches.size)[0], 16)
    shown = pixels[8 : 8 + 64, 8 : 8 + 64].mean(axis=(0, 1))
    np.testing.assert_allclose(shown, real.mean(axis=(0, 1)), atol=3)


def test_a_grid_is_the_same_each_time_and_another_for_another_seed(make_data):
    first, again, other = Recorder(), Recorder(), Recorder()
    data = make_data()
    assert data.grid(first).tobytes() == data.grid(again).tobytes()
    make_data("SEED=1").grid(other)
    for (a, *numbers), (b, *same) in zip(first.asked, again.asked, strict=True):
        np.testing.assert_array_equal(a, b)
        assert numbers == same
    assert any((a != b).any() for (a, *_), (b, *_) in zip(first.asked, other.asked, strict=True))


def test_embeddings_without_sentences_do(make_data, make_pictures, tmp_path):
    splits = {
        "train": make_pictures(tmp_path / "raw", ("red", "green"), captions=0),
        "test": make_pictures(tmp_path / "raw", ("blue",), captions=0),
    }
    rows = {
        name: np.random.default_rng(0).normal(size=(len(pictures), 2, 8)).astype(np.float32)
        for name, pictures in splits.items()
    }
    facts = card("the tests", "by colour", "class", "ours")
    folder = tmp_path / "mute"
    sizes = {"imsizes": (16, 32), "embeddings": {"imported": rows}, "workers": 1}
    write_set(folder, splits, name="mute", card=facts, attribute_names=("a", "b"), **sizes)
    data = make_data(DATA_DIR=str(folder))
    assert data.text.embeddings == "imported"
    assert data.grid(Recorder()).size[0] > 0


def test_mistakes_are_named(make_data, make_set, tmp_path):
    with pytest.raises(UserError, match="no prepared set here"):
        make_data(DATA_DIR=str(tmp_path))
    with pytest.raises(UserError, match="has no text embeddings"):
        make_data(DATA_DIR=str(make_set(width=None)))


def test_the_test_splits_embeddings_are_asked_for_at_once(make_data, tiny_set, tmp_path):
    shutil.copytree(tiny_set, tmp_path / "tiny")
    embeddings = tmp_path / "tiny" / "test" / "embeddings"
    (embeddings / "text.json").write_text(json.dumps({"digest": "d"}))
    with pytest.raises(UserError, match="test: the embeddings text are not by the encoder that"):
        make_data(DATA_DIR=str(tmp_path / "tiny"))
    (embeddings / "text.npy").unlink()
    with pytest.raises(UserError, match="test/embeddings/text.npy: no embeddings of this encoder"):
        make_data(DATA_DIR=str(tmp_path / "tiny"))


def test_data_are_known_by_their_digests(make_data, tiny_set, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_set, copy)
    cfg = load_config("initial", None, [f"DATA_DIR={tiny_set}"])
    other = load_config("initial", None, [f"DATA_DIR={copy}"])
    facts = make_data().facts
    assert make_data(DATA_DIR=str(copy)).facts == facts and set_digest(cfg) == set_digest(other)
    (copy / "set.json").write_text((copy / "set.json").read_text() + " ")
    assert set_digest(cfg) != set_digest(other)
    path = copy / "train" / "embeddings" / "text.npy"
    np.save(path, np.load(path) + 1)
    assert make_data(DATA_DIR=str(copy)).facts["embeddings"] != facts["embeddings"]


def test_a_quarantine_makes_other_data_until_it_is_lifted(tiny_set, tmp_path):
    copy = shutil.copytree(tiny_set, tmp_path / "copy")
    cfg = load_config("initial", None, [f"DATA_DIR={copy}"])
    digests = [set_digest(cfg)]
    first = {1: Quarantined("red/red_01", "near")}
    for split, entries in (
        ("train", first),
        ("train", first | {2: Quarantined("red/red_02", "near")}),
        ("train", {2: Quarantined("red/red_02", "near")}),
        ("test", first),
    ):
        write_quarantine(copy / split, entries)
        digests.append(set_digest(cfg))
    assert len(set(digests)) == 5
    write_quarantine(copy / "train", {})
    write_quarantine(copy / "test", {})
    assert set_digest(cfg) == digests[0]
