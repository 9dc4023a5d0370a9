"""What one pass keeps of each picture: damage is found as training would, limits are limits."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from misc.config.errors import UserError
from misc.data.check_facts import Limits, facts_of, look, stored_picture
from misc.data.images import encode_png
from misc.data.picture import Picture
from misc.data.prepared import open_split
from misc.data.processes import processes
from misc.data.writer import write_set

CARD = {"split_rule": "none", "source": "the tests", "licence": "ours", "left_out": 0}


def stored(png):
    """A split of one picture, 19 px."""
    return SimpleNamespace(folder=Path("set/train"), pictures=lambda indices, size: [png])


def test_what_training_cannot_read_is_refused(tiny_set):
    (png,) = open_split(tiny_set, "train").pictures([0], 19)
    whole = np.asarray(stored_picture(stored(png), 0, 19))
    random = np.random.default_rng(0)
    damaged = [png[:length] for length in range(0, len(png), 9)]
    for _ in range(150):
        content = bytearray(png)
        content[random.integers(len(png))] ^= 1 << random.integers(8)
        damaged.append(bytes(content))
    refused = 0
    for content in damaged:
        try:
            seen = np.asarray(stored_picture(stored(content), 0, 19))
        except UserError as error:
            assert "picture 0, 19 px" in str(error)
            refused += 1
        else:
            assert np.array_equal(seen, whole)
            assert np.array_equal(tf.io.decode_png(content, channels=3), whole)
    assert refused > 0.9 * len(damaged)


@pytest.mark.parametrize("size", [(18, 19), (38, 38), (1, 1)])
def test_another_size_is_refused(size):
    with pytest.raises(UserError, match=f"it is {size[0]} x {size[1]}"):
        stored_picture(stored(encode_png(Image.new("RGB", size))), 0, 19)


def facts(tmp_path, image, captions=("a bird",), limits=Limits(0, 0.9)):  # noqa: B008
    """What is known of a picture that is stored as it is, 19 and 38 px."""
    image = np.asarray(image, np.uint8)
    picture = Picture((image, image.repeat(2, axis=0).repeat(2, axis=1)), "x", "c", captions)
    splits = {"train": [picture], "test": [picture]}
    write_set(tmp_path, splits, name="x", imsizes=(16, 32), card=CARD, workers=1)
    with processes(1, "looked") as executor:
        (found,), said = facts_of(open_split(tmp_path, "train"), limits, executor)
    assert len(said) == found["captions"] == len(captions)
    return found


def noise(spread):
    """Colours about (120, 120, 120) that differ between channels by up to `spread`."""
    pixels = np.full((19, 19, 3), 120)
    pixels[:, :, 0] += np.linspace(0, spread, 361).reshape(19, 19).astype(int)
    return pixels


def test_grey_is_a_share_of_pixels_without_colour(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (19, 19, 1)).repeat(3, axis=2)
    assert facts(tmp_path, pixels)["grey"]
    pixels[:4] = (200, 20, 20)  # 4 rows of 19: more than a tenth
    found = facts(tmp_path, pixels)
    assert not found["grey"] and not found["flat"]
    assert facts(tmp_path, pixels, limits=Limits(0, 0.7))["grey"]


def test_flat_is_one_colour_but_for_what_compression_leaves(tmp_path):
    assert facts(tmp_path, noise(8))["flat"] and not facts(tmp_path, noise(8))["grey"]
    assert not facts(tmp_path, noise(9))["flat"]


def test_tiny_is_the_shorter_side_of_the_source(tmp_path):
    assert facts(tmp_path, noise(90), limits=Limits(39, 0.9))["tiny"]
    assert not facts(tmp_path, noise(90), limits=Limits(38, 0.9))["tiny"]


@pytest.mark.parametrize(
    ("captions", "wrong"),
    [
        (("a red bird", "a blue bird"), []),
        (("ein Vögelchen", "一只红色的鸟", "نمی\u200cشود", "a\u00a0bird", "\u00bd"), []),
        (("a bird", "  ", "x"), ["blank-caption"]),
        (("", "..."), ["blank-caption"]),
        (("A bird", "a  BIRD "), ["caption-twice"]),
        (("a\tbird",), ["control-character"]),
        (("a\x00bird", "\x00"), ["blank-caption", "control-character"]),
        (("a \ud800 bird",), ["control-character"]),
        (("a\u2028bird", "a bird"), ["caption-twice", "control-character"]),
    ],
)
def test_captions(tmp_path, captions, wrong):
    found = facts(tmp_path, noise(90), captions)
    kinds = ("blank-caption", "caption-twice", "control-character")
    assert [kind for kind in kinds if found[kind]] == wrong


def test_a_damaged_caption_file_is_named(tiny_set, tmp_path):
    folder = shutil.copytree(tiny_set, tmp_path / "own")
    path = folder / "train" / "captions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    record = json.loads(lines[-1])
    del record["side"]
    for line in (json.dumps(record), "[]", "7", "{"):
        path.write_text("".join([*lines[:-1], line + "\n"]))
        split = open_split(folder, "train")
        with processes(1, "looked") as executor, pytest.raises(UserError, match=r"captions\.jsonl"):
            facts_of(split, Limits(0, 1.0), executor)


def test_look_gives_rows_in_the_order_asked_for(tiny_set):
    split = open_split(tiny_set, "train")
    with processes(1, "looked") as executor:
        known, said = facts_of(split, Limits(0, 1.0), executor)
    assert len(np.unique(known["pixels"])) == len(np.unique(known["name"])) == 12
    task = SimpleNamespace(folder=tiny_set, split="train", limits=Limits(0, 1.0))
    task.rows = np.array([7, 2])
    rows, some = look(task)
    assert np.array_equal(rows, known[[7, 2]])
    assert np.array_equal(some, said.reshape(12, 3)[[7, 2]].ravel())
