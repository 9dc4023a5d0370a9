"""misc/preprocess_birds.py: from CUB's layout to a prepared set, and what stops it."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import run_program
from misc.data.prepared import open_split
from misc.preprocess_birds import main

SCRIPT = Path(__file__).parents[2] / "misc" / "preprocess_birds.py"
SMALL = ["--imsizes", "16", "32", "--workers", "1"]


@pytest.fixture
def run(raw_cub, capsys):
    """`run(*flags)`: last stdout line as JSON, and stderr, of a run on `raw_cub` into itself."""

    def start(*flags):
        main(["--source", str(raw_cub), "--out", str(raw_cub), *SMALL, *flags])
        captured = capsys.readouterr()
        return json.loads(captured.out.splitlines()[-1]), captured.err

    return start


@pytest.fixture
def refusal(raw_cub, capsys):
    """`refusal(*flags)`: the line with which a run on `raw_cub` ends in exit code 2."""

    def start(*flags):
        flags = ["--source", str(raw_cub), "--out", str(raw_cub), *SMALL, *flags]
        assert run_program(lambda _: main(flags)) == 2
        captured = capsys.readouterr()
        line = captured.err.splitlines()[-1]
        assert line.startswith("error: ") and captured.out == ""
        return line

    return start


def test_a_whole_set_beside_its_source(run, raw_cub):
    result, progress = run()
    assert result["splits"] == {
        "train": {"pictures": 9, "captions": 27, "classes": 3},
        "test": {"pictures": 3, "captions": 9, "classes": 1},
    }
    assert result["attributes"] == 2 and result["embeddings"] == [] and result["left_out"] == 0
    assert f"split: {result['split_rule']}" in progress
    train = open_split(raw_cub, "train")
    assert train.card["name"] == "birds" and train.card["split_rule"] == result["split_rule"]
    assert train.sizes == (19, 38) and train.attribute_names[0] == "is_blue"
    assert (raw_cub / "text_c10").is_dir() and (raw_cub / "CUB_200_2011/images.txt").is_file()

    # Cropped about the coloured circle: its colour fills the middle of the picture.
    colours = {"Blue": 2, "Green": 1, "Red": 0}
    for i in range(len(train)):
        name = train.record(i)["name"]
        kind = name.split(".")[1].split("_")[0]
        if kind in colours:
            picture = np.asarray(Image.open(io.BytesIO(train.pictures([i], 38)[0])))
            assert picture.shape == (38, 38, 3)
            assert picture[14:24, 14:24].mean((0, 1)).argmax() == colours[kind]
        assert train.record(i)["captions"][0].startswith(f"a {kind.lower()} bird")
    labels = [train.class_names[label] for label in train.labels]
    assert [train.record(i)["name"].split("/")[0] for i in range(len(train))] == labels


def test_published_embeddings_become_the_set_s(run, raw_cub):
    listed = {
        "train": ["002.Green_Bird/green_0001", "001.Blue_Bird/blue_0002"],
        "test": ["004.White_Bird/white_0000"],
    }
    for part, names in listed.items():
        (raw_cub / part).mkdir()
        array = np.arange(len(names) * 3 * 4, dtype=np.float32).reshape(len(names), 3, 4)
        (raw_cub / part / "filenames.pickle").write_bytes(pickle.dumps(names, 2))
        (raw_cub / part / "char-CNN-RNN-embeddings.pickle").write_bytes(pickle.dumps(array, 2))
    result, _ = run()
    assert result["embeddings"] == ["char-CNN-RNN"] and result["left_out"] == 9
    train = open_split(raw_cub, "train")
    assert [train.record(i)["name"] for i in range(2)] == listed["train"]
    rows = train.embeddings("char-CNN-RNN")
    assert np.array_equal(rows, np.arange(24).reshape(6, 4))
    # The same command runs on its own output.
    assert run()[0] == result and (raw_cub / "train/filenames.pickle").is_file()


def test_the_official_split(run, raw_cub):
    result, _ = run("--split", "official")
    assert result["splits"]["test"] == {"pictures": 4, "captions": 12, "classes": 4}


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_validation_split_comes_and_goes(run, raw_cub):
    plain, _ = run()
    before = files(raw_cub)
    result, said = run("--validation", "0.3")
    assert {split: n["classes"] for split, n in result["splits"].items()} == {
        "train": 2,
        "test": 1,
        "validation": 1,
    }
    assert "0.3 of train is validation, by class, seed 0" in said
    assert "| validation | 3 | 9 | 1 |" in (raw_cub / "card.md").read_text()
    train, held = (open_split(raw_cub, split) for split in ("train", "validation"))
    assert not set(train.labels) & set(held.labels) and len(held) == 3
    # Without it the set is what it was, to the last byte.
    assert run("--validation", "0")[0] == plain
    assert files(raw_cub) == before


@pytest.mark.parametrize("share", ["1", "-0.1", "nan"])
def test_a_validation_split_of_all_or_less_than_nothing(share, refusal):
    assert "expected more than 0 and less than 1" in refusal(f"--validation={share}")


def test_without_the_set(tmp_path):
    """As a newcomer types it, from an empty folder: exit 2 and one line that says what to do."""
    done = subprocess.run(
        [sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
    assert str(Path("data/birds/CUB_200_2011/images.txt")) in done.stderr
    assert "https://www.vision.caltech.edu/datasets/cub_200_2011/" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_pickle_does_not_run(refusal, raw_cub):
    (raw_cub / "train").mkdir()
    (raw_cub / "test").mkdir()
    (raw_cub / "test/filenames.pickle").write_bytes(pickle.dumps(["004.White_Bird/white_0000"]))
    witness = raw_cub / "witness"
    content = b"cos\nsystem\n(S'touch " + os.fsencode(witness) + b"'\ntR."
    (raw_cub / "train/filenames.pickle").write_bytes(content)
    assert "filenames.pickle is refused: it asks for 'os.system'" in refusal()
    assert not witness.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", None], ids=["empty", "not a picture", "missing"]
)
def test_a_bad_picture_is_named_and_the_prepared_set_stays(run, refusal, raw_cub, content):
    run()
    before = (raw_cub / "set.json").read_bytes()
    path = raw_cub / "CUB_200_2011/images/001.Blue_Bird/blue_0001.jpg"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert "blue_0001.jpg" in refusal()
    assert (raw_cub / "set.json").read_bytes() == before
    assert len(open_split(raw_cub, "train").pictures([0, 1], 19)) == 2


def test_missing_captions_and_a_strange_value(refusal, raw_cub):
    assert "--workers 0" in refusal("--workers", "0")
    assert "two sizes" in refusal("--imsizes", "32", "16")
    shutil.rmtree(raw_cub / "text_c10/001.Blue_Bird")
    assert str(Path("text_c10/001.Blue_Bird/blue_0000.txt")) in refusal()


def test_an_output_path_below_a_file(refusal, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in refusal("--out", str(tmp_path / "file/birds"))


@pytest.mark.slow
def test_stage_one_trains_on_it(raw_cub, stage_one):
    stage_one(main, "birds", "--source", raw_cub)
