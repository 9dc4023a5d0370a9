"""Saving, loading and calling classifiers, and their mistakes."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation import classifier

FACTS = {"name": "tiny", "classes": ["a", "b", "c"], "attributes": ["x"], "accuracy": 0.75}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    keras.utils.set_random_seed(1)
    folder = tmp_path_factory.mktemp("runs") / "classifier"
    classifier.save(folder, classifier.build(3, 1), FACTS)
    return folder


def pictures(size, count=5):
    return np.random.default_rng(size).integers(0, 256, (count, size, size, 3), np.uint8)


def test_probabilities_of_pictures_of_any_size(saved):
    judge = classifier.load(saved)
    assert judge.accuracy == 0.75 and judge.classes == ["a", "b", "c"] and judge.attributes == ["x"]
    assert judge.network == "3 classes of tiny, 64 px" and len(judge.digest) == 64
    assert judge.judge == f"tiny-{judge.digest[:8]}"
    for size in (16, 64, 100):
        found = judge(pictures(size))
        assert found["species"].shape == (5, 3) and found["attributes"].shape == (5, 1)
        assert np.allclose(found["species"].sum(axis=1), 1, atol=1e-6)
        assert found["attributes"].min() >= 0 and found["attributes"].max() <= 1


def test_the_batch_size_changes_nothing(saved):
    judge = classifier.load(saved)
    whole, parts = judge(pictures(64), batch=64), judge(pictures(64), batch=2)
    assert np.allclose(whole["species"], parts["species"], atol=1e-6)


def test_what_is_loaded_is_what_was_saved(tmp_path):
    keras.utils.set_random_seed(2)
    model = classifier.build(3, 1)
    classifier.save(tmp_path / "new" / "folder", model, FACTS)
    shown = pictures(64)
    logits = model(shown / np.float32(127.5) - 1, training=False)["species"]
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    assert np.allclose(
        classifier.load(tmp_path / "new" / "folder")(shown)["species"], expected, atol=1e-5
    )


def test_small_pictures_are_averaged_not_picked(saved):
    # A fine chequerboard seen at 64 px is grey; picking every fourth pixel would make it black.
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    board = np.repeat(board[None, ..., None], 3, axis=-1).astype(np.uint8)
    grey = np.full((1, 64, 64, 3), 128, np.uint8)
    judge = classifier.load(saved)
    assert np.allclose(judge(board)["species"], judge(grey)["species"], atol=0.01)
    assert not np.allclose(judge(board[:, ::4, ::4])["species"], judge(grey)["species"], atol=0.001)


def test_a_set_without_attributes(tmp_path):
    classifier.save(
        tmp_path, classifier.build(2, 0), FACTS | {"classes": ["a", "b"], "attributes": []}
    )
    assert classifier.load(tmp_path)(pictures(64))["attributes"].shape == (5, 0)


def test_floats_are_refused(saved):
    with pytest.raises(ValueError, match="uint8"):
        classifier.load(saved)(np.zeros((2, 64, 64, 3), np.float32))


def test_a_missing_classifier_says_how_to_train_one(tmp_path):
    with pytest.raises(UserError, match="train_classifier --data data/NAME"):
        classifier.load(tmp_path / "nothing")


def test_a_kill_while_one_is_replaced_leaves_none_or_the_old_one(tmp_path, monkeypatch):
    model = classifier.build(3, 1)
    classifier.save(tmp_path, model, FACTS)

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_bytes", kill)  # while the weights are written
        classifier.save(tmp_path, model, FACTS)
    assert classifier.load(tmp_path).accuracy == 0.75
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(classifier, "write_atomic", kill)  # before the card is
        classifier.save(tmp_path, model, FACTS)
    with pytest.raises(UserError, match="no classifier here"):
        classifier.load(tmp_path)


def test_a_half_written_classifier_is_refused(saved, tmp_path):
    for name in ("classifier.json", "classifier.weights.h5"):
        (tmp_path / name).write_bytes((saved / name).read_bytes())
    with open(tmp_path / "classifier.weights.h5", "ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match=r"does not belong to classifier\.json"):
        classifier.load(tmp_path)


def test_another_architecture_is_refused(saved, tmp_path):
    (tmp_path / "classifier.weights.h5").write_bytes((saved / "classifier.weights.h5").read_bytes())
    card = json.loads((saved / "classifier.json").read_text())
    (tmp_path / "classifier.json").write_text(json.dumps(card | {"classes": ["a", "b"]}))
    with pytest.raises(UserError, match="not weights of"):
        classifier.load(tmp_path)


def test_a_classifier_of_an_older_format_says_to_train_it_again(saved, tmp_path):
    (tmp_path / "classifier.weights.h5").write_bytes((saved / "classifier.weights.h5").read_bytes())
    card = json.loads((saved / "classifier.json").read_text())
    (tmp_path / "classifier.json").write_text(json.dumps(card | {"format": 1}))
    with pytest.raises(UserError, match=r"format 1, expected 2; train one: python -m"):
        classifier.load(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "[" * 100_000])
def test_a_card_that_is_none_is_refused(saved, tmp_path, content):
    (tmp_path / "classifier.weights.h5").write_bytes((saved / "classifier.weights.h5").read_bytes())
    (tmp_path / "classifier.json").write_text(content)
    with pytest.raises(UserError, match="not the card of|no classifier here"):
        classifier.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 10**6},
        {"size": 64.0},
        {"classes": 3},
        {"classes": []},
        {"one_of": ["colour"]},
        {"accuracy": float("nan")},
    ],
)
def test_a_card_that_says_something_else_is_refused(saved, tmp_path, change):
    (tmp_path / "classifier.weights.h5").write_bytes((saved / "classifier.weights.h5").read_bytes())
    card = json.loads((saved / "classifier.json").read_text())
    (tmp_path / "classifier.json").write_text(json.dumps(card | change))
    with pytest.raises(UserError, match=r"classifier\.json is not the card .* train one: python"):
        classifier.load(tmp_path)


def test_values_of_one_attribute_sum_to_one():
    logits = np.array([[0.0, 2.0, -1.0, 0.0, 2.0]], np.float32)
    found = classifier.probabilities(logits, [[1, 3, 4]]).numpy()
    e = np.exp(2)
    assert np.allclose(
        found, [[0.5, e / (2 * e + 1), 1 / (1 + np.e), 1 / (2 * e + 1), e / (2 * e + 1)]]
    )
    assert np.allclose(classifier.probabilities(logits, []), 1 / (1 + np.exp(-logits)))


def test_a_saved_classifier_knows_its_size_and_what_excludes_what(tmp_path):
    names = ["has_wing_color::red", "has_wing_color::blue", "has_crest::yes"]
    keras.utils.set_random_seed(3)
    facts = FACTS | {"attributes": names, "one_of": ["wing_color"]}
    classifier.save(tmp_path, classifier.build(3, 3, size=32), facts)
    judge = classifier.load(tmp_path)
    assert judge.network == "3 classes of tiny, 32 px"
    found = judge(pictures(64))["attributes"]
    assert np.allclose(found[:, :2].sum(axis=1), 1) and not np.allclose(found.sum(axis=1), 1.5)
