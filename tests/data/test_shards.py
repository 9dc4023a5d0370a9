"""Shards: the same bytes whatever the processes, kept when they are right, redone when not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from array_record.python.array_record_module import ArrayRecordReader

from misc.config.errors import UserError
from misc.data.shards import plan_shards, write_shards


@pytest.fixture
def sources(make_pictures, tmp_path):
    """140 small pictures with boxes: three shards of at most 64."""
    pictures = make_pictures(tmp_path / "raw", ("red", "green"), per_class=70)
    return [(picture.image, picture.box) for picture in pictures]


def read(shards):
    return [
        ArrayRecordReader(str(shard.file(size))).read_all()
        for shard in shards
        for size in shard.sizes
    ]


@pytest.mark.parametrize(
    ("pictures", "length", "shards"),
    [(1, 1, 1), (140, 64, 3), (8855, 139, 64), (64_100, 1000, 65)],
)
def test_pictures_are_dealt_in_order(tmp_path, pictures, length, shards):
    sources = [(Path(__file__), (float(i), 0.0, 1.0, 1.0)) for i in range(pictures)]
    plan = plan_shards(tmp_path, sources, (19, 38), False)
    assert len(plan) == shards and {len(shard.sources) for shard in plan[:-1]} <= {length}
    assert [source for shard in plan for source in shard.sources] == sources


def test_processes_do_not_matter(sources, tmp_path):
    alone = plan_shards(tmp_path / "alone", sources, (19, 38), False)
    together = plan_shards(tmp_path / "together", sources, (19, 38), False)
    write_shards(alone, "alone", workers=1)
    write_shards(together, "together", workers=2)
    assert [len(records) for records in read(alone)] == [64, 64, 64, 64, 12, 12]
    assert read(alone) == read(together)
    assert [s.folder.name for s in alone] == [s.folder.name for s in together]


def test_finished_shards_are_kept_and_others_redone(sources, tmp_path):
    folder = tmp_path / "shards"
    shards = plan_shards(folder, sources, (19, 38), False)
    write_shards(shards, "first", workers=1)
    times = [shard.file(19).stat().st_mtime_ns for shard in shards]
    shards[1].file(38).unlink()  # as if the run was broken off while files were moved
    write_shards(shards, "second", workers=1)
    again = [shard.file(19).stat().st_mtime_ns for shard in shards]
    assert again[0] == times[0] and again[2] == times[2] and again[1] > times[1]
    assert shards[1].is_done()


def test_a_changed_picture_or_rule_makes_another_shard(sources, tmp_path):
    def names(*arguments):
        return [shard.folder.name for shard in plan_shards(tmp_path, *arguments)]

    before = names(sources, (19, 38), False)
    assert names(sources, (19, 38), False) == before
    assert not set(names(sources, (19, 76), False)) & set(before)
    assert not set(names(sources, (19, 38), True)) & set(before)
    moved = [*sources[:-1], (sources[-1][0], (0.0, 0.0, 9.0, 9.0))]
    assert names(moved, (19, 38), False)[:2] == before[:2]
    assert names(moved, (19, 38), False)[2] != before[2]
    os.utime(sources[0][0], (1, 1))
    assert names(sources, (19, 38), False)[1:] == before[1:]
    assert names(sources, (19, 38), False)[0] != before[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_picture_is_named_and_the_rest_kept(sources, tmp_path, workers):
    sources[139][0].write_bytes(b"no picture")
    shards = plan_shards(tmp_path / "shards", sources, (19, 38), False)
    with pytest.raises(UserError, match=rf"{sources[139][0].name}: not a readable picture"):
        write_shards(shards, "bad", workers=workers)
    assert [shard.is_done() for shard in shards] == [True, True, False]


def test_a_box_outside_its_picture_is_named(sources, tmp_path):
    sources[3] = (sources[3][0], (500.0, 0.0, 9.0, 9.0))
    shards = plan_shards(tmp_path / "shards", sources[:10], (19, 38), False)
    with pytest.raises(UserError, match=rf"{sources[3][0].name}: the box"):
        write_shards(shards, "bad", workers=1)


def test_a_missing_picture_is_named_at_once(sources, tmp_path):
    sources[100][0].unlink()
    with pytest.raises(UserError, match=sources[100][0].name):
        plan_shards(tmp_path / "shards", sources, (19, 38), False)


def test_a_killed_run_goes_on_where_it_was(sources, tmp_path):
    """A real process, killed after its first shard; the next run keeps what is there."""
    program = f"""
import pathlib, sys
from misc.data import shards
sources = [(pathlib.Path(p), b) for p, b in {[(str(p), b) for p, b in sources]!r}]
plan = shards.plan_shards(pathlib.Path({str(tmp_path / "shards")!r}), sources, (19, 38), False)
whole = shards.prepare
def slow(image, box, sizes, stretch):
    if plan[0].is_done():
        print("first done", flush=True)
        sys.stdin.read()
    return whole(image, box, sizes, stretch)
shards.prepare = slow
shards.write_shards(plan, "killed", workers=1)
"""
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert run.stdout.readline() == "first done\n"
    run.kill()
    run.communicate()
    shards = plan_shards(tmp_path / "shards", sources, (19, 38), False)
    assert [shard.is_done() for shard in shards] == [True, False, False]
    kept = shards[0].file(38).stat().st_mtime_ns
    time.sleep(0.01)
    write_shards(shards, "again", workers=1)
    assert shards[0].file(38).stat().st_mtime_ns == kept
    assert [len(records) for records in read(shards)] == [64, 64, 64, 64, 12, 12]


def test_a_full_disk_is_the_users_mistake(sources, tmp_path):
    pytest.importorskip("resource")
    program = f"""
import pathlib, resource
from misc.config.errors import run_program
from misc.data.shards import plan_shards, write_shards
sources = [(pathlib.Path(p), b) for p, b in {[(str(p), b) for p, b in sources]!r}]
plan = plan_shards(pathlib.Path({str(tmp_path / "shards")!r}), sources, (19, 38), False)
resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, 80_000))
raise SystemExit(run_program(lambda argv: write_shards(plan, "full", workers=1)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "error: cannot write" in done.stderr and "free some space" in done.stderr
    assert "Traceback" not in done.stderr
