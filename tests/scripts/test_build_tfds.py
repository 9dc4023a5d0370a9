"""misc/build_tfds.py: drawn sets as builders, which are read as what they were made of."""

import json
import shutil

import numpy as np
import pytest

from misc import build_tfds, draw_dataset, preprocess_birds, preprocess_faces, preprocess_flowers
from misc.data.prepared import open_split
from misc.sources.tfds_sets import tfds_set

SMALL = ("--imsizes", "16", "32", "--workers", "1")


@pytest.fixture
def packed(run_main, tmp_path):
    """`packed(kind)`: the raw set, drawn, and the folder of TensorFlow Datasets it is packed in."""

    def make(kind):
        raw, folder = tmp_path / "raw", tmp_path / "tfds"
        flags = ("--kind", kind, "--preset", "easy", "--count", 16, "--size", 48, "--workers", 1)
        assert run_main(draw_dataset.main, *flags, "--out", raw)[0] == 0
        flags = ("--builder", f"drawn_{kind}", "--source", raw, "--out", folder)
        code, out, _ = run_main(build_tfds.main, *flags)
        assert code == 0 and sum(json.loads(out.splitlines()[-1])["splits"].values()) == 16
        return raw, folder

    return make


def records(folder, part):
    split = open_split(folder, part)
    kinds = [split.class_names[label] for label in split.labels]
    return kinds, [split.record(i) for i in range(len(split))], split.attributes


@pytest.mark.parametrize(
    "kind, main, flags",
    [
        ("birds", preprocess_birds.main, ()),
        ("flowers", preprocess_flowers.main, ()),
        ("faces", preprocess_faces.main, ("--whole", "--add-validation")),
    ],
)
def test_both_ways_lead_to_the_same_prepared_set(packed, run_main, tmp_path, kind, main, flags):
    raw, folder = packed(kind)
    if kind == "faces":
        flags = (*flags, "--annotations", raw / "face2text.json")
    ways = {"raw": ("--source", raw, *flags), "packed": ("--tfds", f"drawn_{kind}")}
    ways["packed"] += ("--tfds-dir", folder)
    for name, way in ways.items():
        code, _, err = run_main(main, *way, "--out", tmp_path / name, *SMALL)
        assert code == 0, err
    for part in ("train", "test"):
        first, second = (records(tmp_path / name, part) for name in ways)
        assert first[:2] == second[:2] and len(first[0]) > 1
        assert first[2] is second[2] is None or np.array_equal(first[2], second[2])
        sets = [open_split(tmp_path / name, part) for name in ways]
        every = range(len(first[0]))
        assert sets[0].pictures(every, 38) == sets[1].pictures(every, 38)


def build(run_main, raw, folder):
    """Exit code and last line of stderr of a run that packs birds."""
    flags = ("--builder", "drawn_birds", "--source", raw, "--out", folder)
    code, _, err = run_main(build_tfds.main, *flags)
    return code, (err.splitlines() or [""])[-1]


def test_a_builder_is_not_overwritten_and_a_raw_set_must_be_whole(packed, run_main, tmp_path):
    raw, folder = packed("birds")
    code, line = build(run_main, raw, folder)
    assert code == 2 and "is there already; remove it" in line
    next(folder.rglob("dataset_info.json")).write_text("{")
    code, line = build(run_main, raw, folder)
    assert code == 2 and f"cannot prepare drawn_birds in {folder} (" in line and "remove" in line
    code, line = build(run_main, tmp_path / "nowhere", tmp_path / "other")
    assert code == 2 and "nowhere is no folder; expected a raw set" in line
    shutil.rmtree(raw / "CUB_200_2011" / "images")
    code, line = build(run_main, raw, tmp_path / "other")
    assert code == 2 and line.startswith("error: ") and ".jpg" in line
    assert not list((tmp_path / "other").rglob("dataset_info.json"))


def test_boxes_over_the_edge_are_cut_off_and_those_outside_are_refused(raw_cub, run_main, tmp_path):
    table = raw_cub / "CUB_200_2011" / "bounding_boxes.txt"
    rows = table.read_text().splitlines()
    table.write_text("\n".join(["1 -4.0 10.0 20.0 900.0", *rows[1:]]) + "\n")
    assert build(run_main, raw_cub, tmp_path / "tfds")[0] == 0
    source = tfds_set("birds", "drawn_birds", tmp_path / "tfds")
    boxes = {p.name: p.box for part in source.splits.values() for p in part}
    expected = [tuple(map(float, row.split()[1:])) for row in rows[1:]]
    assert [boxes[name] for name in sorted(boxes)] == [(0.0, 10.0, 16.0, 30.0), *expected]
    for box in ("-30.0 1.0 20.0 20.0", "9.0 9.0 0.0 5.0"):
        table.write_text("\n".join([f"1 {box}", *rows[1:]]) + "\n")
        code, line = build(run_main, raw_cub, tmp_path / "other")
        assert code == 2 and "_0000: nothing of the box (" in line
        assert "is inside the 48 x 40 picture; expected x, y" in line
