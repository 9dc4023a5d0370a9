"""Folders of pictures: which files count, what one is known by, and the program for two of them."""

import json
import os

import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.evaluation import features
from misc.evaluation.__main__ import main
from misc.evaluation.folders import PictureFolder


def save(folder, name, colour="red"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(folder / name, format="PNG")


def test_pictures_of_all_folders_count_and_links_do_not(tmp_path):
    save(tmp_path / "one" / "a", "2.PNG")
    save(tmp_path / "one", "1.png")
    (tmp_path / "one" / "notes.txt").write_text("no picture")
    save(tmp_path / "two", "3.png")
    (tmp_path / "one" / "link.png").symlink_to(tmp_path / "two" / "3.png")
    (tmp_path / "one" / "folder").symlink_to(tmp_path / "two")
    found = PictureFolder(tmp_path / "one")
    assert [file.name for file in found.files] == ["1.png", "2.PNG"] and len(found) == 2


def test_the_digest_is_of_names_and_contents(tmp_path):
    for folder, name, colour in (("a", "1", "red"), ("b", "1", "red"), ("c", "2", "red")):
        save(tmp_path / folder, f"{name}.png", colour)
    save(tmp_path / "d", "1.png", "blue")
    a, b, c, d = (PictureFolder(tmp_path / folder).digest for folder in "abcd")
    assert a == b and len({a, c, d}) == 3


def test_a_name_that_is_no_text_is_a_name(tmp_path):
    save(tmp_path, os.fsdecode(b"\xff.png"))
    other = tmp_path / "other"
    save(other, os.fsdecode(b"\xfe.png"))
    assert PictureFolder(other).digest != PictureFolder(tmp_path).digest


def test_nothing_to_look_at_is_one_line(tmp_path):
    for folder, words in ((tmp_path, "no pictures in it"), (tmp_path / "x", "no such folder")):
        with pytest.raises(UserError, match=words):
            PictureFolder(folder)


@pytest.fixture
def two(tmp_path):
    """Flags that name a folder of six red pictures, and one of as many red and blue ones."""
    for k in range(6):
        save(tmp_path / "real", f"{k}.png", (200 + k, 0, 5 * k))
        save(tmp_path / "fake", f"{k}.png", (200 + k, 0, 5 * k) if k % 2 else (0, 9 * k, 200))
    return "--real", tmp_path / "real", "--fake", tmp_path / "fake"


def looked_at(monkeypatch):
    """The list of all pictures that a network of two numbers a picture, red and blue, looks at."""
    seen = []

    def infer(pictures):
        seen.extend(pictures)
        means = pictures.mean(axis=(1, 2))[:, [0, 2]] / 255
        return means, (means + 1) / (means + 1).sum(axis=1, keepdims=True)

    network = features.Network("n", "0" * 64, "clean", "", infer, size=4, width=2, classes=2)
    monkeypatch.setattr(features, "load", lambda name, weights: network)
    return seen


def test_a_line_a_metric_and_real_pictures_are_looked_at_once(two, run_main, monkeypatch):
    seen = looked_at(monkeypatch)
    flags = ("--metrics", "kid", "is", "--splits", 1, "--gpu", -1)
    code, out, _ = run_main(main, *two, *flags)
    kid, score = map(json.loads, out.splitlines())
    assert code == 0 and (kid["metric"], score["metric"]) == ("kid", "is")
    assert kid["value"] > 0.1 and score["value"] > score["real"] >= 1
    assert kid["n"] == kid["n_real"] == 6 and kid["fake_folder"] == str(two[3])
    assert kid["real_digest"] == PictureFolder(two[1]).digest != kid["fake_digest"]
    first = len(seen)
    code, out, _ = run_main(main, *two, *flags)
    assert json.loads(out.splitlines()[0])["value"] == kid["value"]
    assert len(seen) - first == first / 2


@pytest.mark.parametrize(
    "flags, said",
    [
        (("--metrics", "fid", "attributes"), "--metrics attributes: expected some of is, fid"),
        (("--metrics", "fid", "fid"), "--metrics fid fid: name each once"),
        (("--splits", 0), "--splits 0: expected a whole number of at least 1"),
        (("--seed", -1), "--seed -1: expected"),
        (("--real", "nowhere"), "nowhere: no such folder"),
        (("--network", "vgg"), "network 'vgg' is not known"),
        (("--metrics", "pr", "is", "--splits", 7), "6 generated pictures are too few, expected"),
    ],
)
def test_a_mistake_is_one_line(two, run_main, monkeypatch, flags, said):
    if "--network" not in flags:
        looked_at(monkeypatch)
    code, _, err = run_main(main, *two, "--gpu", -1, *flags)
    assert code == 2 and err.splitlines()[-1].startswith("error: ") and said in err
