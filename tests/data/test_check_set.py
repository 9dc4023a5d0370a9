"""What is wrong with a prepared set: every planted defect is found, and nothing else is."""

import dataclasses
import io
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter
from PIL import Image, ImageOps

from misc.config.errors import UserError
from misc.data.check_facts import Limits
from misc.data.check_set import DEFAULT, CheckedSet, release
from misc.data.picture import Picture
from misc.data.prepared import open_split
from misc.data.writer import write_set
from misc.drawings import birds
from misc.drawings.birds_captions import captions
from misc.drawings.birds_draw import draw

LIMITS = Limits(tiny=38, grey=0.999)
CARD = {
    "split_rule": "by species",
    "split_by": "class",
    "source": "the tests",
    "licence": "ours",
    "left_out": 0,
}
TRAIN, TEST = 80, 20  # clean pictures, of 8 and of 2 classes
PLANTED = {  # name of the training picture -> (kind, what it repeats)
    "copy of test": ("copy-across", "test/bird 80"),
    "jpeg of test": ("near-across", "test/bird 81"),
    "mirror of test": ("near-across", "test/bird 82"),
    "test species": ("class-across", "test/bird 80"),
    "bird 83": ("name-across", "test/bird 83"),
    "cut": ("unreadable", None),
    "bad sum": ("unreadable", None),
    "wrong size": ("unreadable", None),
    "mute": ("no-caption", None),
    "copy": ("copy", "train/bird 0"),
    "second copy": ("copy", "train/bird 0"),
    "jpeg": ("near", "train/bird 1"),
    "half": ("near", "train/bird 2"),
    "mirror": ("near", "train/bird 3"),
    "flat": ("flat", None),
    "grey": ("grey", None),
    "tiny": ("tiny", None),
    "blank": ("blank-caption", None),
    "twice": ("caption-twice", None),
    "bell": ("control-character", None),
    "vague": ("captions-of-others", None),
    "vague too": ("captions-of-others", None),
}


def as_file(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def drawn():
    """124 drawn birds: of 8 species in turns, but of two others in the test split."""
    result = []
    for i in range(124):
        species = 8 + i % 2 if TRAIN <= i < TRAIN + TEST else i % 8
        bird = birds.attributes(i, "easy", species)
        image = as_file(draw(bird, 80).picture)
        result.append(Picture(image, f"bird {i}", f"species {species}", tuple(captions(bird, 5))))
    return result


def write(folder, train, test):
    splits = {"train": train, "test": test}
    write_set(folder, splits, name="x", imsizes=(32, 64), card=CARD, workers=1)
    return folder


@pytest.fixture(scope="module")
def clean(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "set"
    return write(folder, drawn[:TRAIN], drawn[TRAIN : TRAIN + TEST])


@pytest.fixture(scope="module")
def planted(drawn, tmp_path_factory):
    """The clean set, with `PLANTED` among its training pictures."""
    spare = iter(drawn[TRAIN + TEST :])

    def another(name, **changes):
        return dataclasses.replace(next(spare), name=name, **changes)

    def like(i, name, change):
        image = Image.open(io.BytesIO(drawn[i].image)).convert("RGB")
        return another(name, image=change(image))

    def jpeg(image):
        return as_file(image, "JPEG", quality=70)

    vague = ("a bird", "this is a bird")
    grey = ImageOps.grayscale(Image.open(io.BytesIO(drawn[123].image)))
    added = [
        like(80, "copy of test", lambda image: as_file(image, "WEBP", lossless=True)),
        like(81, "jpeg of test", jpeg),
        like(82, "mirror of test", lambda image: jpeg(ImageOps.mirror(image))),
        another("test species", class_name="species 8"),
        another("bird 83"),
        another("cut"),
        another("bad sum"),
        another("wrong size"),
        another("mute", captions=()),
        like(0, "copy", as_file),
        like(0, "second copy", as_file),
        like(1, "jpeg", jpeg),
        like(2, "half", lambda image: as_file(image.resize((40, 40)))),
        like(3, "mirror", lambda image: as_file(ImageOps.mirror(image))),
        another("flat", image=as_file(Image.new("RGB", (80, 80), (200, 30, 40)))),
        Picture(as_file(grey), "grey", "species 0", drawn[0].captions),
        like(122, "tiny", lambda image: as_file(image.resize((80, 30)))),
        another("blank", captions=("a red bird", " ...")),
        another("twice", captions=("a blue bird", "A  blue bird ")),
        another("bell", captions=("a green bird", "a red\x07 bird")),
        another("vague", captions=vague, class_name="species 1"),
        another("vague too", captions=vague[::-1], class_name="species 2"),
    ]
    folder = tmp_path_factory.mktemp("planted") / "set"
    write(folder, drawn[:TRAIN] + added, drawn[TRAIN : TRAIN + TEST])
    rows = {picture.name: row for row, picture in enumerate(added, TRAIN)}
    damage(folder / "train", 76, rows["cut"], lambda png: png[: len(png) // 2])
    damage(folder / "train", 76, rows["bad sum"], lambda png: png[:-20] + b"\0\0\0\0" + png[-16:])
    damage(folder / "train", 38, rows["wrong size"], lambda _: as_file(Image.new("RGB", (37, 38))))
    return folder


def damage(folder, size, picture, change):
    """Change the stored PNG of one picture."""
    shard, row = open_split(folder.parent, folder.name, whole=True).index[["shard", "row"]][picture]
    path = folder / f"pictures-{size}-{shard:05d}.array_record"
    reader = ArrayRecordReader(str(path))
    pngs = reader.read(range(reader.num_records()))
    reader.close()
    pngs[row] = change(pngs[row])
    writer = ArrayRecordWriter(str(path), "group_size:1,uncompressed")
    for png in pngs:
        writer.write(png)
    writer.close()


@pytest.fixture
def own_set(planted, tmp_path):
    return shutil.copytree(planted, tmp_path / "own")


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "check.jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_nothing_is_found_in_a_clean_set(clean):
    checked = CheckedSet(clean, LIMITS, 1)
    assert checked.report() == [] and len(checked) == 100
    assert checked.save().read_bytes() == b""


def test_what_is_planted_is_found_and_nothing_else(own_set):
    checked = CheckedSet(own_set, LIMITS, 1)
    lines = [json.loads(line) for line in checked.save().read_text().splitlines()]
    found = {line["name"]: (line["kind"], line["of"]) for line in lines}
    assert found == PLANTED and len(lines) == len(PLANTED)
    train = open_split(own_set, "train")
    assert all(line["split"] == "train" for line in lines)
    assert all(train.record(line["row"])["name"] == line["name"] for line in lines)
    report = checked.report()
    assert [line["kind"] for line in report] == list(dict.fromkeys(k for k, _ in PLANTED.values()))
    (near,) = (line for line in report if line["kind"] == "near-across")
    assert near["count"] == 2 and "quarantine" in near["what"]
    assert near["names"][0] == "train/jpeg of test (test/bird 81)"


def test_processes_change_nothing(planted):
    report = CheckedSet(planted, LIMITS, 1).report()
    assert CheckedSet(planted, LIMITS, 2).report() == report


def test_fix_shows_the_rest_and_release_brings_all_back(own_set):
    before = contents(own_set)
    assert CheckedSet(own_set, LIMITS, 1).quarantine(DEFAULT) == {"test": 0, "train": 14}
    assert before.items() <= contents(own_set).items()
    train = open_split(own_set, "train")
    left = {train.record(i)["name"] for i in range(len(train))}
    gone = {name for name, (kind, _) in PLANTED.items() if kind in DEFAULT}
    assert len(gone) == 14 and not left & gone and len(left) == TRAIN + len(PLANTED) - 14
    again = CheckedSet(own_set, LIMITS, 1)
    kinds = {finding.kind for finding in again.findings}
    assert kinds == {kind for kind, _ in PLANTED.values()} - set(DEFAULT)
    assert again.quarantine(("tiny", "near")) == {"test": 0, "train": 15}
    assert release(own_set, ("near", "tiny")) == {"train": 4, "test": 0}
    assert release(own_set) == {"train": 11, "test": 0}
    assert contents(own_set) == before


def test_a_split_is_never_left_empty(drawn, tmp_path):
    folder = write(tmp_path / "set", drawn[TRAIN : TRAIN + 3], drawn[TRAIN : TRAIN + TEST])
    before = contents(folder)
    checked = CheckedSet(folder, LIMITS, 1)
    assert {f.kind: len(f.pictures) for f in checked.findings}["copy-across"] == 3
    with pytest.raises(
        UserError, match="all 3 pictures would be in quarantine.*nothing is changed"
    ):
        checked.quarantine(DEFAULT)
    assert contents(folder) == before


def test_of_a_row_of_copies_the_first_in_the_test_split_stays(drawn, tmp_path):
    one, two = drawn[0], drawn[1]
    copies = [dataclasses.replace(one, name=f"copy {i}") for i in range(4)]
    others = [dataclasses.replace(p, class_name="other") for p in drawn[84:88]]
    folder = write(tmp_path / "set", [two, *copies[:2]], [*others, *copies[2:]])
    checked = CheckedSet(folder, LIMITS, 1)
    lines = [json.loads(line) for line in checked.save().read_text().splitlines()]
    found = {(k["kind"], k["split"], k["name"], k["of"]) for k in lines if "copy" in k["kind"]}
    assert found == {
        ("copy", "test", "copy 3", "test/copy 2"),
        ("copy-across", "train", "copy 0", "test/copy 2"),
        ("copy-across", "train", "copy 1", "test/copy 2"),
    }


def test_a_shard_that_is_cut_off_is_all_unreadable(own_set):
    path = own_set / "train" / "pictures-38-00001.array_record"
    path.write_bytes(path.read_bytes()[:5000])
    (first,) = (f for f in CheckedSet(own_set, LIMITS, 1).findings if f.kind == "unreadable")
    shards = open_split(own_set, "train").index["shard"]
    assert len(first.pictures) == (shards == 1).sum() == TRAIN + len(PLANTED) - 64


def test_a_set_without_captions_is_no_finding(drawn, tmp_path):
    mute = [dataclasses.replace(picture, captions=()) for picture in drawn[:6]]
    folder = write(tmp_path / "set", mute[:3], [dataclasses.replace(mute[3], class_name="z")])
    assert CheckedSet(folder, LIMITS, 1).findings == []


def test_of_three_splits_the_test_stays_whole(drawn, tmp_path):
    copies = {split: dataclasses.replace(drawn[80], name=split) for split in ("test", "validation")}
    splits = {
        "train": [*drawn[:8], dataclasses.replace(drawn[1], name="train")],
        "test": [copies["test"], drawn[81]],
        "validation": [copies["validation"], drawn[1]],
    }
    card = CARD | {"split_by": "picture"}
    write_set(tmp_path / "set", splits, name="x", imsizes=(32, 64), card=card, workers=1)
    (found, other) = CheckedSet(tmp_path / "set", LIMITS, 1).report()
    assert (found["kind"], other["kind"]) == ("copy-across", "name-across")
    assert found["names"] == [
        "validation/validation (test/test)",
        "train/bird 1 (validation/bird 1)",
        "train/train (validation/bird 1)",
    ]


def test_classes_may_be_in_both_splits_of_a_set_that_says_so(clean, tmp_path):
    folder = shutil.copytree(clean, tmp_path / "own")
    card = json.loads((folder / "set.json").read_text())
    labels = np.load(folder / "test" / "index.npy")
    labels["label"][:3] = 0
    np.save(folder / "test" / "index.npy", labels)
    (found,) = CheckedSet(folder, LIMITS, 1).findings
    assert found.kind == "class-across" and len(found.pictures) == 10
    (folder / "set.json").write_text(json.dumps(card | {"split_by": "picture"}))
    assert CheckedSet(folder, LIMITS, 1).findings == []


KILLED = """
import os, signal, sys
from pathlib import Path
from misc.data.check_facts import Limits
from misc.data.check_set import CheckedSet
folder, left = Path(sys.argv[1]), int(sys.argv[2])
checked = CheckedSet(folder, Limits(38, 0.999), 1)
replace = os.replace
def replace_or_die(*paths):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)
os.replace = replace_or_die
checked.quarantine(("copy", "tiny", "grey"))
"""


@pytest.mark.parametrize("left", [0, 1])
def test_a_killed_fix_leaves_a_whole_set(own_set, drawn, tmp_path, left):
    copies = [dataclasses.replace(p, name=f"again {p.name}") for p in (drawn[0], drawn[80])]
    folder = write(tmp_path / "set", [*drawn[:6], copies[0]], [*drawn[80:83], copies[1]])
    before = contents(folder)
    killed = subprocess.run([sys.executable, "-c", KILLED, folder, str(left)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert before.items() <= contents(folder).items()
    counts = {name: len(open_split(folder, name).quarantined) for name in ("test", "train")}
    assert counts == {"test": left, "train": 0}
    assert CheckedSet(folder, LIMITS, 1).quarantine(("copy",)) == {"test": 1, "train": 1}
    assert release(folder) == {"train": 1, "test": 1}
