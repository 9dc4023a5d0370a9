"""Shards: the same bytes whatever the processes, kept when they are right, redone when not."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader

from misc.config.errors import UserError
from misc.data import shards as module
from misc.data.picture import Picture, Pictures
from misc.data.shards import deal, write_shards

SIZES = (19, 38)


@pytest.fixture
def pictures(make_pictures, tmp_path):
    """140 small pictures with boxes: three shards of at most 64."""
    return make_pictures(tmp_path / "raw", ("red", "green"), per_class=70)


def read(shards):
    return [
        ArrayRecordReader(str(shard.file(size))).read_all()
        for shard in shards
        for size in shard.sizes
    ]


def records(shards):
    return [json.loads(line) for shard in shards for line in shard.records.open()]


def test_pictures_are_dealt_in_order_to_shards_that_grow(tmp_path):
    one = Picture(b"x", "name", None, ())
    many = Pictures(lambda: (dataclasses.replace(one, name=str(i)) for i in range(3000)), 3000)
    plan = list(deal(tmp_path, many, SIZES, False))
    assert [len(shard.pictures) for shard in plan] == [64] * 16 + [128] * 15 + [56]
    assert [picture for shard in plan for picture in shard.pictures] == list(many)
    assert [shard.folder.name[:6] for shard in plan[:2]] == ["00000-", "00001-"]


def test_pictures_in_memory_fill_a_shard_by_their_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    array = np.zeros((10, 10, 3), np.uint8)
    some = [Picture(b"x" * 400, f"b{i}", None, ()) for i in range(4)]
    some += [Picture((array, array), f"a{i}", None, ()) for i in range(3)]
    plan = deal(tmp_path, some, SIZES, False)
    assert [len(shard.pictures) for shard in plan] == [3, 2, 2]


def test_processes_do_not_matter(pictures, tmp_path):
    alone = write_shards(deal(tmp_path / "alone", pictures, SIZES, False), "alone", 140, workers=1)
    together = write_shards(
        deal(tmp_path / "more", pictures, SIZES, False), "more", None, workers=2
    )
    assert [len(content) for content in read(alone)] == [64, 64, 64, 64, 12, 12]
    assert read(alone) == read(together) and records(alone) == records(together)
    assert [s.folder.name for s in alone] == [s.folder.name for s in together]
    first = records(alone)[0]
    assert first["name"] == pictures[0].name and first["class"] == pictures[0].class_name
    assert first["captions"] == list(pictures[0].captions) and len(first["sha256"]) == 64


def test_no_more_than_some_shards_are_held(tmp_path, monkeypatch):
    """A stream is read as it is packed, not ahead of it."""
    read_ahead, packed = [], []

    def stream():
        for i in range(64 * 6):
            read_ahead.append(i // 64 - len(packed))
            yield Picture(b"x", str(i), None, ())

    monkeypatch.setattr(module, "_write_shard", lambda shard: packed.append(shard.folder))
    write_shards(deal(tmp_path, stream(), SIZES, False), "stream", None, workers=1)
    assert len(packed) == 6 and max(read_ahead) <= 1


def test_bytes_and_arrays_are_stored_like_files(pictures, tmp_path):
    (whole,) = write_shards(deal(tmp_path / "f", pictures[:2], SIZES, False), "files", 2, workers=1)
    content = [dataclasses.replace(p, image=p.image.read_bytes()) for p in pictures[:2]]
    (again,) = write_shards(deal(tmp_path / "b", content, SIZES, False), "bytes", 2, workers=1)
    assert read([again]) == read([whole]) and records([again]) == records([whole])
    arrays = tuple(np.full((size, size, 3), 7, np.uint8) for size in SIZES)
    ready = [dataclasses.replace(pictures[0], image=arrays, box=None)]
    (stored,) = write_shards(deal(tmp_path / "a", ready, SIZES, False), "arrays", 1, workers=1)
    assert records([stored])[0]["side"] == [38, 38]


def test_finished_shards_are_kept_and_others_redone(pictures, tmp_path):
    def run():
        return write_shards(deal(tmp_path / "s", pictures, SIZES, False), "run", 140, workers=1)

    shards = run()
    times = [shard.file(19).stat().st_mtime_ns for shard in shards]
    shards[1].file(38).unlink()  # as if the run was broken off while files were moved
    run()
    again = [shard.file(19).stat().st_mtime_ns for shard in shards]
    assert again[0] == times[0] and again[2] == times[2] and again[1] > times[1]
    assert shards[1].is_done()


def test_a_changed_picture_or_rule_makes_another_shard(pictures, tmp_path):
    def names(*arguments):
        return [shard.folder.name for shard in deal(tmp_path, *arguments)]

    before = names(pictures, SIZES, False)
    assert names(pictures, SIZES, False) == before
    for rule in [((19, 76), False), (SIZES, True), (SIZES, False, True)]:
        assert not set(names(pictures, *rule)) & set(before)
    changes = {"box": (0.0, 0.0, 9.0, 9.0), "captions": ("other",), "class_name": "x"}
    for key, value in {**changes, "attributes": (0, 0), "name": "other"}.items():
        moved = [*pictures[:-1], dataclasses.replace(pictures[-1], **{key: value})]
        assert names(moved, SIZES, False)[:2] == before[:2]
        assert names(moved, SIZES, False)[2] != before[2]
    os.utime(pictures[0].image, (1, 1))
    assert names(pictures, SIZES, False)[1:] == before[1:]
    assert names(pictures, SIZES, False)[0] != before[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_picture_is_named_and_the_rest_kept(pictures, tmp_path, workers):
    bad = pictures[139].image
    bad.write_bytes(b"no picture")
    plan = list(deal(tmp_path / "shards", pictures, SIZES, False))
    with pytest.raises(UserError, match=rf"{bad.name}: not a readable picture"):
        write_shards(plan, "bad", 140, workers=workers)
    assert [shard.is_done() for shard in plan] == [True, True, False]


def test_bad_pictures_can_be_left_out(pictures, tmp_path):
    pictures[3].image.write_bytes(b"")
    pictures[70] = dataclasses.replace(pictures[70], box=(500.0, 0.0, 9.0, 9.0))
    plan = deal(tmp_path / "shards", pictures, SIZES, False, skip_broken=True)
    shards = write_shards(plan, "bad", 140, workers=1)
    assert [len(content) for content in read(shards)] == [63, 63, 63, 63, 12, 12]
    known = records(shards)
    assert len(known) == 140 and "the file is empty" in known[3]["broken"]
    assert "the box" in known[70]["broken"] and "sha256" not in known[70]


def test_a_picture_of_an_archive_is_named(tmp_path):
    plan = deal(tmp_path, [Picture(b"no picture", "key 17", None, ())], SIZES, False)
    with pytest.raises(UserError, match="key 17: not a readable picture"):
        write_shards(plan, "bad", 1, workers=1)


def test_a_box_outside_its_picture_is_named(pictures, tmp_path):
    pictures[3] = dataclasses.replace(pictures[3], box=(500.0, 0.0, 9.0, 9.0))
    plan = deal(tmp_path / "shards", pictures[:10], SIZES, False)
    with pytest.raises(UserError, match=rf"{pictures[3].image.name}: the box"):
        write_shards(plan, "bad", 10, workers=1)


def test_a_missing_picture_is_named(pictures, tmp_path):
    pictures[100].image.unlink()
    with pytest.raises(UserError, match=pictures[100].image.name):
        list(deal(tmp_path / "shards", pictures, SIZES, False))


PROGRAM = """
import pathlib, pickle, sys
from misc.config.errors import run_program
from misc.data import shards
folder, pictures = pathlib.Path(sys.argv[1]), pickle.loads(pathlib.Path(sys.argv[2]).read_bytes())
plan = list(shards.deal(folder, pictures, (19, 38), False))
"""


def program(lines, tmp_path, pictures, **streams):
    """A process of its own that packs `pictures` into tmp_path / "shards"."""
    (tmp_path / "pictures").write_bytes(pickle.dumps(pictures))
    places = [str(tmp_path / "shards"), str(tmp_path / "pictures")]
    return subprocess.Popen([sys.executable, "-c", PROGRAM + lines, *places], text=True, **streams)


def test_a_killed_run_goes_on_where_it_was(pictures, tmp_path):
    """A real process, killed after its first shard; the next run keeps what is there."""
    lines = """
whole = shards.prepare
def slow(*arguments):
    if plan[0].is_done():
        print("first done", flush=True)
        sys.stdin.read()
    return whole(*arguments)
shards.prepare = slow
shards.write_shards(plan, "killed", 140, workers=1)
"""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    run = program(lines, tmp_path, pictures, stdin=pipe, stdout=pipe, stderr=null)
    assert run.stdout.readline() == "first done\n"
    run.kill()
    run.communicate()
    plan = list(deal(tmp_path / "shards", pictures, SIZES, False))
    assert [shard.is_done() for shard in plan] == [True, False, False]
    kept = plan[0].file(38).stat().st_mtime_ns
    time.sleep(0.01)
    write_shards(plan, "again", 140, workers=1)
    assert plan[0].file(38).stat().st_mtime_ns == kept
    assert [len(content) for content in read(plan)] == [64, 64, 64, 64, 12, 12]


def test_a_full_disk_is_the_users_mistake(pictures, tmp_path):
    pytest.importorskip("resource")
    lines = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, 80_000))
raise SystemExit(run_program(lambda argv: shards.write_shards(plan, "full", 140, workers=1)))
"""
    done = program(lines, tmp_path, pictures, stderr=subprocess.PIPE)
    message = done.communicate()[1]
    assert done.returncode == 2
    assert "error: cannot write" in message and "free some space" in message
    assert "Traceback" not in message
