"""misc/collect_emoji.py on two tiny packages laid out as npm unpacks the real ones."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from misc.collect_emoji import main
from misc.config.errors import run_program
from misc.preprocess_folder import main as preprocess

LION = {"label": "lion", "hexcode": "1F981", "tags": ["alpha", "animal", "face", "Lion", "mane"]}
HEART = {"label": "red heart", "hexcode": "2764-FE0F", "tags": ["heart"]}
TIGER = {"label": "big cat", "hexcode": "1F405", "tags": []}
UNPICTURED = {"label": "regional indicator A", "hexcode": "1F1E6"}
WAVE = {
    "label": "waving hand",
    "hexcode": "1F44B",
    "tags": ["hello"],
    "skins": [
        {"label": f"waving hand: {tone}", "hexcode": f"1F44B-1F3F{digit}"}
        for tone, digit in (("medium-light skin tone", "C"), ("medium skin tone", "D"))
    ],
}
BIKER = {"label": "biker", "hexcode": "1F6B5", "skins": [{"label": "x", "hexcode": "1F6B5-1F3FB"}]}


@pytest.fixture
def packages(tmp_path):
    """`packages(medium_light, medium)`: with these grey levels in the two files of the hand."""

    def make(medium_light=90, medium=180):
        assets = tmp_path / "node_modules/@lobehub/fluent-emoji-3d/assets"
        assets.mkdir(parents=True, exist_ok=True)
        levels = {"1f981": 10, "1f405": 10, "2764-fe0f": 30, "1f44b": 40, "1f47e": 50}
        levels |= {"1f44b-1f3fc": medium_light, "1f44b-1f3fd": medium, "1f6b5-1f3fb": 70}
        for code, level in levels.items():
            picture = np.full((8, 8, 4), level, np.uint8)
            picture[..., 3] = 255
            Image.fromarray(picture).save(assets / f"{code}.webp", lossless=True)
        (tmp_path / "node_modules/emojibase-data/en").mkdir(parents=True, exist_ok=True)
        emojis = [UNPICTURED, LION, HEART, WAVE, TIGER, BIKER]
        path = tmp_path / "node_modules/emojibase-data/en/data.json"
        path.write_text(json.dumps(emojis))
        return tmp_path / "node_modules"

    return make


@pytest.fixture
def collect(packages, tmp_path, capsys):
    """`collect(...)`: the JSON line, and {file: captions}, {file: class} of the CSV file."""

    def run(**levels):
        main([f"--packages={packages(**levels)}", f"--out={tmp_path / 'emoji'}"])
        result = json.loads(capsys.readouterr().out.splitlines()[-1])
        captions, classes = {}, {}
        with open(tmp_path / "emoji/captions.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                captions.setdefault(row["file"], []).append(row["caption"])
                classes[row["file"]] = row["class"]
        assert set(captions) == {path.name for path in (tmp_path / "emoji/images").iterdir()}
        return result, captions, classes

    return run


def test_labels_and_tags_become_captions(collect):
    result, captions, classes = collect()
    assert captions["1f981.webp"] == ["lion", "lion, alpha, animal, face", "lion, mane"]
    assert captions["2764.webp"] == ["red heart"]
    assert captions["1f44b-1f3fd.webp"] == [
        "waving hand: medium skin tone",
        "waving hand: medium skin tone, hello",
    ]
    # One class with all skin tones; and one for two emoji that are the same picture.
    assert {classes[f"1f44b{tone}.webp"] for tone in ("", "-1f3fc", "-1f3fd")} == {"waving hand"}
    assert classes["1f405.webp"] == classes["1f981.webp"] == "lion"
    # Left out: a picture without a label, and the one whose tones are mixed up.
    assert result["pictures"] == 6 and result["left_out"] == 2 and result["classes"] == 3
    assert result["captions"] == sum(map(len, captions.values())) == 11


@pytest.mark.parametrize("levels", [(90, 180), (180, 90)], ids=["swapped", "right"])
def test_medium_light_is_the_brighter_one(collect, tmp_path, levels):
    collect(medium_light=levels[0], medium=levels[1])
    light, medium = (
        np.asarray(Image.open(tmp_path / f"emoji/images/1f44b-1f3f{digit}.webp").convert("L"))
        for digit in "cd"
    )
    assert light.mean() == 180 and medium.mean() == 90


def test_the_result_can_be_prepared(collect, tmp_path, capsys):
    collect()
    folder = tmp_path / "emoji"
    flags = [f"--images={folder / 'images'}", f"--captions={folder / 'captions.csv'}"]
    flags += ["--class-column=class", f"--out={tmp_path / 'set'}", "--imsizes", "16", "32"]
    preprocess([*flags, "--workers=1"])
    splits = json.loads(capsys.readouterr().out.splitlines()[-1])["splits"]
    assert splits["train"]["pictures"] + splits["test"]["pictures"] == 6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("[", "is not emojibase-data"),
        ("{}", "names none of the pictures"),
        ('[{"label": "lion"}]', "is not emojibase-data"),
        ("[1]", "is not emojibase-data"),
    ],
)
def test_bad_labels(packages, tmp_path, capsys, content, words):
    root = packages()
    path = root / "emojibase-data/en/data.json"
    path.unlink() if content is None else path.write_text(content)
    flags = [f"--packages={root}", f"--out={tmp_path / 'emoji'}"]
    assert run_program(lambda _: main(flags)) == 2
    line = capsys.readouterr().err
    assert words in line and "npm install" in line and line.count("\n") == 1
    assert not (tmp_path / "emoji/captions.csv").exists()


def test_without_the_packages(tmp_path, capsys):
    assert run_program(lambda _: main([f"--packages={tmp_path}"])) == 2
    line = capsys.readouterr().err
    assert "npm install --ignore-scripts" in line and line.count("\n") == 1
