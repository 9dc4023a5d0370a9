"""misc/preprocess_{cats,dogs,lsun}.py: sets without captions, from raw to prepared."""

import io
import json
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from misc.data.prepared import open_split
from misc.preprocess_cats import main as cats
from misc.preprocess_dogs import main as dogs
from misc.preprocess_lsun import main as lsun

SCRIPTS = Path(__file__).parents[2] / "misc"
SMALL = ["--imsizes", "16", "32", "--workers", "1"]


@pytest.fixture
def raw_cats(tmp_path, draw_picture):
    """Twenty pictures in PetImages/Cat; number 7 is empty, as some are in the original."""
    for number in range(20):
        draw_picture(tmp_path / f"PetImages/Cat/{number}.jpg", "red", "circle", seed=number)
    (tmp_path / "PetImages/Cat/7.jpg").write_bytes(b"")
    return tmp_path


def test_cats_of_one_class_and_a_broken_picture(raw_cats, run_main, tmp_path):
    out = tmp_path / "out/cats"
    flags = ["--source", raw_cats, "--out", out, *SMALL]
    code, printed, told = run_main(cats, *flags)
    assert (code, printed) == (2, "") and "7.jpg: the file is empty" in told.splitlines()[-1]
    assert not (out / "set.json").exists()
    code, printed, told = run_main(cats, *flags, "--skip-broken")
    assert code == 0 and "TRAIN.B_WRONG=False" in told.splitlines()[-1]
    splits = json.loads(printed.splitlines()[-1])["splits"]
    assert [splits[part]["classes"] for part in ("train", "test")] == [1, 1]
    assert splits["train"]["pictures"] + splits["test"]["pictures"] == 19
    assert splits["train"]["captions"] == 5 * splits["train"]["pictures"]
    assert open_split(out, "train").class_names == ["cat"]


@pytest.mark.slow
def test_stage_one_trains_on_it(raw_cats, stage_one):
    one_class = ("TRAIN.B_WRONG=False",)
    stage_one(cats, "cats", "--source", raw_cats, "--skip-broken", keys=one_class)


def test_dogs_are_cropped_to_their_boxes(run_main, draw_picture, tmp_path):
    box = "<a><object><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
    for breed, colour in (("n01-Saint_Bernard", "red"), ("n02-pug", "blue")):
        (tmp_path / "Annotation" / breed).mkdir(parents=True)
        for number in range(10):
            path = tmp_path / f"Images/{breed}/{number}.jpg"
            x, y, width, height = map(int, draw_picture(path, colour, "square", seed=number))
            text = box.format(x, y, x + width, y + height) + "</object></a>"
            (tmp_path / "Annotation" / breed / str(number)).write_text(text)
    code, printed, told = run_main(dogs, "--source", tmp_path, "--out", tmp_path / "dogs", *SMALL)
    assert code == 0 and "B_WRONG" not in told
    assert json.loads(printed.splitlines()[-1])["splits"]["test"]["pictures"] == 2
    train = open_split(tmp_path / "dogs", "train")
    assert train.class_names == ["pug", "saint bernard"]
    for i, label in enumerate(train.labels):
        picture = np.asarray(Image.open(io.BytesIO(train.pictures([i], 38)[0])))
        assert picture[14:24, 14:24].mean((0, 1)).argmax() == {0: 2, 1: 0}[label]
        assert train.class_names[label] in train.record(i)["captions"][0]


def test_a_scene_as_a_newcomer_types_it(draw_picture, tmp_path):
    for part, count in (("train", 5), ("val", 2)):
        folder = tmp_path / f"data/lsun/church_outdoor_{part}_lmdb"
        folder.mkdir(parents=True)
        with lmdb.open(str(folder), map_size=2**20) as database, database.begin(write=True) as add:
            for number in range(count):
                draw_picture(tmp_path / "one.webp", "blue", "square", seed=number)
                add.put(f"{number:040x}".encode(), (tmp_path / "one.webp").read_bytes())
    command = [sys.executable, SCRIPTS / "preprocess_lsun.py", "--limit", "4", *SMALL]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["out"] == str(Path("data/church")) and result["left_out"] == 1
    assert result["splits"]["train"] == {"pictures": 4, "captions": 20, "classes": 1}
    assert "TRAIN.B_WRONG=False" in done.stderr.splitlines()[-1]
    train = open_split(tmp_path / "data/church", "train")
    assert train.card["name"] == "church" and train.record(3)["name"] == f"church_outdoor/{3:040x}"


def test_without_the_sets(run_main, tmp_path):
    flags = ["--source", tmp_path, "--out", tmp_path / "out"]
    homes = {cats: "robots.ox.ac.uk", dogs: "vision.stanford.edu", lsun: "dl.yf.io"}
    for main, home in homes.items():
        code, printed, told = run_main(main, *flags)
        assert (code, printed) == (2, "") and told.count("\n") == 1 and home in told
    assert list(tmp_path.iterdir()) == []
