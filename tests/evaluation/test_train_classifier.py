"""The program that trains a classifier, end to end on a few pictures."""

import json
import subprocess
import sys

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation import classifier, train_classifier


def test_it_learns_colours_and_saves_what_it_learned(make_set, tmp_path, capsys):
    folder = make_set(per_class=10, width=None)
    out = tmp_path / "runs" / "classifier"
    train_classifier.main(["--data", str(folder), "--out", str(out), "--epochs", "15"])
    printed, err = capsys.readouterr()
    summary = json.loads(printed.splitlines()[-1])
    assert "no GPU in this machine" in err
    assert summary["tested_on"] == 10 and summary["trained_on"] == 40 and summary["classes"] == 5
    assert summary["accuracy"] >= 0.8  # chance is 0.2
    assert summary["attribute_accuracy"] == summary["attribute_ceiling"] >= 0.8
    judge = classifier.load(out)
    assert judge.accuracy == pytest.approx(summary["accuracy"], abs=1e-4)
    pictures, labels, attributes = train_classifier.read_set(folder, 76, seed=0)
    assert attributes.shape == (50, 2) and set(np.unique(attributes)) == {-1, 0, 1}
    found = judge(pictures)["species"].argmax(axis=1)
    assert np.mean(found == labels) >= 0.8
    card = json.loads((out / "classifier.json").read_text())
    assert card["classes"] == ["blue", "green", "red", "white", "yellow"] and card["seed"] == 0


def test_attributes_are_learned_from_the_independent_set_alone(make_set, tmp_path, capsys):
    folder, independent = (make_set(per_class=10, width=None) for _ in range(2))
    for split in ("train", "test"):  # the set itself says the opposite of what is true
        path = folder / split / "attributes.npy"
        known = np.load(path)
        np.save(path, np.where(known < 0, known, 1 - known))
    flags = ["--data", folder, "--independent", independent, "--out", tmp_path / "c"]
    train_classifier.main([*map(str, flags), "--epochs", "15", "--size", "32"])
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["accuracy"] >= 0.8 and summary["trained_on"] == 80
    card = json.loads((tmp_path / "c" / "classifier.json").read_text())
    assert card["attribute_accuracy"]["is_red"] >= 0.8
    assert card["attribute_ceiling"]["is_red"] <= 0.2
    assert len(card["independent"]) == 64 and card["size"] == 32


@pytest.mark.parametrize(
    "change, message",
    [
        ({"attributes": ["is_red", "is_flat"]}, r"its attribute 2 is is_flat, that of .* is_round"),
        ({"attributes": ["is_red"]}, "its attribute 2 is nothing"),
    ],
)
def test_sets_of_other_attributes_are_refused(tiny_set, tmp_path, change, message):
    card = json.loads((tiny_set / "set.json").read_text())
    (tmp_path / "set.json").write_text(json.dumps(card | change))
    with pytest.raises(UserError, match=message):
        train_classifier.train(tiny_set, tmp_path / "c", 1, 0, independent=tmp_path)
    (tmp_path / "set.json").write_text(json.dumps(card | {"attributes": []}))
    with pytest.raises(UserError, match="its attribute 1 is nothing"):
        train_classifier.train(tmp_path, tmp_path / "c", 1, 0, independent=tmp_path)


def test_of_a_large_set_a_seeded_choice_is_read(tiny_set, monkeypatch):
    monkeypatch.setattr(train_classifier, "MOST_BYTES", 7.5 * 3 * 32**2)
    (one, labels, _), (same, _, _) = (train_classifier.read_set(tiny_set, 32, 0) for _ in range(2))
    assert len(one) == len(labels) == 7 and np.array_equal(one, same)
    assert not np.array_equal(one, train_classifier.read_set(tiny_set, 32, 1)[0])


def test_labels_and_pictures_belong_together(tiny_set):
    pictures, labels, attributes = train_classifier.read_set(tiny_set, 76, seed=0)
    assert pictures.shape == (20, 76, 76, 3) and len(labels) == 20
    # Classes in alphabetical order: blue 0, green 1, red 2, white 3, yellow 4.
    assert np.bincount(labels).tolist() == [4, 4, 4, 4, 4]
    reddest = (pictures[..., 0].astype(int) - pictures[..., 2]).mean(axis=(1, 2))
    assert reddest[labels == 2].min() > reddest[labels == 0].max()
    known = attributes[:, 0] >= 0
    assert np.array_equal(attributes[known, 0] == 1, labels[known] == 2)


def test_a_set_with_nothing_to_test_on_is_refused(make_set, tmp_path):
    folder = make_set(per_class=1, width=None)
    with pytest.raises(UserError, match="5 classes and 0 pictures to hold out"):
        train_classifier.train(folder, tmp_path / "c", epochs=1, seed=0)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--data", "nowhere"], "no prepared set here"),
        (["--epochs", "0"], "--epochs 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--size", "100"], "--size 100"),
        (["--gpu", "two"], "GPU_ID is 'two'"),
        (["--gpu", "0,0"], "GPU_ID is '0,0'"),
    ],
)
def test_mistakes_are_named(tiny_set, tmp_path, flags, message):
    argv = ["--data", str(tiny_set), "--out", str(tmp_path / "c"), *flags]
    with pytest.raises(UserError, match=message):
        train_classifier.main(argv)


def test_an_output_below_a_regular_file_is_refused(tiny_set, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file"):
        train_classifier.main(["--data", str(tiny_set), "--out", str(tmp_path / "file" / "c")])


def test_help_needs_no_tensorflow():
    code = (
        "import sys\n"
        "from misc.evaluation import train_classifier\n"
        "try: train_classifier.main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--data" in done.stdout
