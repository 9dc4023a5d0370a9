"""Which embeddings a GAN uses, and their scaling."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.prepared import open_split
from misc.data.writer import write_embeddings
from misc.training.text import Text


def config(*overrides):
    return load_config("initial", None, ["TEXT.DIMENSION=8", *overrides])


def test_the_only_embeddings_are_found_and_standardised(tiny_set, tmp_path):
    split = open_split(tiny_set, "train")
    text = Text.of_training_set(config("TEXT.STANDARDIZE=True"), split)
    assert (text.embeddings, text.encoder, text.digest, text.width) == ("text", "", "", 8)
    scaled = text.scaled(split.embeddings("text"))
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-5)
    text.save(tmp_path)
    np.testing.assert_array_equal(Text.load(tmp_path).deviation, text.deviation)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    text.save(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before and len(
        before
    ) == 2


def test_raw_embeddings_pass_unchanged(tiny_set, tmp_path):
    split = open_split(tiny_set, "train")
    text = Text.of_training_set(config(), split)
    text.save(tmp_path)
    rows = np.array(split.embeddings("text")[:3])
    np.testing.assert_array_equal(Text.load(tmp_path).scaled(rows), rows)


def test_a_dimension_that_never_varies_stays_small(make_set):
    folder = make_set(width=None)
    split = open_split(folder, "train")
    rows = np.random.default_rng(0).normal(size=(36, 8)).astype(np.float32)
    rows[:, 0] = 5.0
    write_embeddings(folder / "train", "text", [rows])
    text = Text.of_training_set(config("TEXT.STANDARDIZE=True"), split)
    assert np.abs(text.scaled(rows)[:, 0]).max() < 1e-3


def test_mistakes_are_named(tiny_set, make_set, tmp_path):
    split = open_split(tiny_set, "train")
    with pytest.raises(UserError, match="width 8, but TEXT.DIMENSION is 9"):
        Text.of_training_set(config("TEXT.DIMENSION=9"), split)
    with pytest.raises(UserError, match="no embeddings of this encoder"):
        Text.of_training_set(config("TEXT.ENCODER=runs/other"), split)
    with pytest.raises(UserError, match="has no text embeddings: train an encoder"):
        Text.of_training_set(config(), open_split(make_set(width=None), "train"))
    with pytest.raises(UserError, match="text.json"):
        Text.load(tmp_path)


def test_several_embeddings_need_a_name_and_bring_their_digest(tiny_set, tmp_path):
    shutil.copytree(tiny_set, tmp_path / "tiny")
    train = tmp_path / "tiny" / "train"
    write_embeddings(train, "mine", [np.ones((36, 8), np.float32)])
    (train / "embeddings" / "mine.json").write_text(json.dumps({"run": "runs/mine", "digest": "d"}))
    split = open_split(tmp_path / "tiny", "train")
    with pytest.raises(UserError, match="has embeddings of mine, text: say which"):
        Text.of_training_set(config(), split)
    text = Text.of_training_set(config("TEXT.ENCODER=runs/mine"), split)
    assert (text.encoder, text.digest) == ("runs/mine", "d")
    assert Text.of_training_set(config(f"TEXT.ENCODER={Path.cwd()}/runs/mine"), split) == text
    assert Text.of_training_set(config("TEXT.ENCODER=mine"), split) == text
    # Another encoder whose folder has the same name did not make them.
    with pytest.raises(UserError, match="mine.npy was made by runs/mine: name that one"):
        Text.of_training_set(config("TEXT.ENCODER=elsewhere/mine"), split)
