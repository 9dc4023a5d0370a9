"""LSUN's scenes: databases that LMDB itself wrote, as streams, and those that are not LSUN's."""

import hashlib
import shutil

import lmdb
import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.images import open_picture
from misc.data.picture import Pictures
from misc.preprocess_lsun import main
from misc.sources.class_captions import KINDS
from misc.sources.lsun import SCENES, lsun


def write(folder, entries):
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**22) as database, database.begin(write=True) as change:
        for key, value in entries.items():
            change.put(key, value)


@pytest.fixture
def raw(tmp_path, draw_picture):
    """`raw(scene, train=7, val=2)`: a scene as it is unpacked, JPEG and WebP; returns the root."""

    def make(scene, train=7, val=2):
        for part, count in (("train", train), ("val", val)):
            entries = {}
            for number in range(count):
                path = tmp_path / f"picture.{'webp' if number % 2 else 'jpg'}"
                draw_picture(path, "red" if part == "train" else "blue", "square", seed=number)
                key = hashlib.sha1(f"{scene} {part} {number}".encode()).hexdigest()
                entries[key.encode()] = path.read_bytes()
            write(tmp_path / "lsun" / f"{scene}_{part}_lmdb", entries)
        return tmp_path / "lsun"

    return make


def test_a_scene_is_a_stream_in_the_order_of_its_keys(raw):
    root = raw("church_outdoor")
    source = lsun(root, ("church_outdoor",))
    train, test = source.splits["train"], source.splits["test"]
    assert isinstance(train, Pictures) and (train.count, test.count) == (7, 2)
    pictures = list(train)
    assert pictures == list(train) and len(pictures) == 7
    names = [picture.name for picture in pictures]
    assert names == sorted(names) and names[0].startswith("church_outdoor/")
    for picture in pictures:
        assert np.asarray(open_picture(picture.image)).reshape(-1, 3).max(0).argmax() == 0
        assert picture.class_name == "church" and len(picture.captions) == 5
        assert "a church" in picture.captions[0]
    assert {picture.name for picture in test}.isdisjoint(names)
    assert source.card["left_out"] == 0 and source.card["split_by"] == "picture"
    assert source.name == "church_outdoor"


def test_several_scenes_and_a_limit(raw):
    raw("bridge", train=3)
    root = raw("living_room", train=4)
    source = lsun(root, ("living_room", "bridge"), limit=2)
    train = list(source.splits["train"])
    assert [picture.class_name for picture in train] == ["living room"] * 2 + ["bridge"] * 2
    assert source.splits["train"].count == 4 and source.splits["test"].count == 4
    assert source.card["left_out"] == 3 and "first 2" in source.card["split_rule"]
    assert len({picture.name for picture in train}) == 4 and source.name == ""


def test_the_original_archives(raw):
    root = raw("tower", train=2, val=1)
    for part in ("train", "val"):
        folder = root / f"tower_{part}_lmdb"
        shutil.make_archive(str(folder), "zip", root, folder.name)
        shutil.rmtree(folder)
    assert lsun(root, ("tower",)).splits["train"].count == 2


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "cfg"), [("church_outdoor", "church"), ("bedroom", "bedroom")])
def test_stage_one_trains_on_it(raw, scene, cfg, stage_one):
    stage_one(main, cfg, "--source", raw(scene), "--scene", scene)


def refusal(root, scene="kitchen"):
    with pytest.raises(UserError) as caught:
        for pictures in lsun(root, (scene,)).splits.values():
            list(pictures)
    return str(caught.value)


def test_what_is_missing(tmp_path, raw):
    assert "dl.yf.io/lsun/scenes/kitchen_train_lmdb.zip" in refusal(tmp_path)
    root = raw("kitchen", train=1)
    shutil.rmtree(root / "kitchen_val_lmdb")
    assert "kitchen_val_lmdb/data.mdb is missing" in refusal(root)
    with pytest.raises(UserError, match="limit of 0 pictures; expected 1 or more"):
        lsun(root, ("kitchen",), limit=0)


@pytest.mark.parametrize("damage", ["no database", "half", "a page"])
def test_a_damaged_database_ends_in_one_line(raw, damage):
    root = raw("kitchen", train=60, val=1)
    path = root / "kitchen_train_lmdb/data.mdb"
    content = path.read_bytes()
    if damage == "a page":
        # Every page that LMDB reads after its two first ones claims to be of no kind.
        content = bytearray(content)
        for page in range(2, len(content) // 4096):
            content[page * 4096 + 10 : page * 4096 + 12] = b"\0\0"
    half = content[: len(content) // 2]
    damaged = {"no database": b"text " * 9999, "half": half, "a page": content}
    path.write_bytes(damaged[damage])
    line = refusal(root)
    assert line.startswith(f"{path} is damaged") and "download it again" in line


@pytest.mark.parametrize(
    "entries, expected",
    [
        ({}, "it is empty"),
        ({b"00ff": b"a caption"}, "the value of '00ff' is no picture"),
        ({b"../../00ff": b"\xff\xd8"}, "after '' it holds no key"),
        ({b"00ff": b"\xff\xd8", b"\xff\xd8": b"\xff\xd8"}, "after '00ff' it holds no key"),
    ],
    ids=["empty", "captions", "a path", "bytes"],
)
def test_a_database_of_something_else(tmp_path, entries, expected):
    write(tmp_path / "kitchen_train_lmdb", entries)
    write(tmp_path / "kitchen_val_lmdb", {b"0a": b"\xff\xd8"})
    assert expected in refusal(tmp_path)


def test_every_scene_can_be_captioned():
    assert len(SCENES) == 10 and {kind for _, kind in SCENES.values()} <= KINDS.keys()
