"""misc/check_data.py: its report, exit codes, quarantine and release, and mistakes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from misc.check_data import main
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine

SCRIPT = Path(__file__).parents[2] / "misc" / "check_data.py"
ALONE = ("--workers", "1", "--tiny", "8")


@pytest.fixture
def own_set(tiny_set, tmp_path):
    """A copy of the tiny set, in which nothing is wrong."""
    return shutil.copytree(tiny_set, tmp_path / "own")


@pytest.fixture
def spoilt(own_set):
    """The same, where training pictures 6 to 8 show what picture 1 shows."""
    path = own_set / "train" / "index.npy"
    index = np.load(path)
    for i in (6, 7, 8):
        index[["shard", "row"]][i] = index[["shard", "row"]][1]
    np.save(path, index)
    return own_set


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def test_nothing_wrong_is_exit_0_and_no_line(own_set, run_main):
    before = sorted(path.name for path in own_set.rglob("*"))
    code, out, err = run_main(main, own_set, *ALONE)
    assert (code, out) == (0, "") and "20 pictures looked at, 0 left in quarantine" in err
    assert sorted(path.name for path in own_set.rglob("*")) == sorted([*before, "check.jsonl"])


def test_fix_ends_with_0_when_all_is_dealt_with(spoilt, run_main):
    code, out, _ = run_main(main, spoilt, *ALONE)
    (line,) = lines(out)
    assert code == 1 and line["kind"] == "copy" and line["count"] == 3
    assert line["names"][0] == "train/green/green_02 (train/red/red_01)"
    assert len((spoilt / "check.jsonl").read_text().splitlines()) == 3
    code, out, _ = run_main(main, spoilt, "--fix", *ALONE)
    assert code == 0 and lines(out)[1] == {"quarantined": {"test": 0, "train": 3}}
    assert set(open_split(spoilt, "train").quarantined) == {6, 7, 8}
    code, out, err = run_main(main, spoilt, *ALONE)
    assert (code, out) == (0, "") and "17 pictures looked at, 3 left in quarantine" in err


def test_what_is_not_asked_for_stays_wrong(spoilt, run_main):
    assert run_main(main, spoilt, "--fix", "--quarantine", "grey", "flat", *ALONE)[0] == 1
    assert len(open_split(spoilt, "train")) == 12


def test_limits_are_the_users(own_set, run_main):
    code, out, _ = run_main(main, own_set, *ALONE, "--tiny", 10_000)
    (line,) = lines(out)
    assert code == 1 and line["kind"] == "tiny" and line["count"] == 20 and len(line["names"]) == 20
    code, out, _ = run_main(main, own_set, "--grey", 0.05, *ALONE)
    assert code == 1 and lines(out)[0]["kind"] == "grey"


def test_release_brings_back_kinds_or_all(own_set, run_main):
    entries = {
        1: Quarantined("red/red_01", "near"),
        2: Quarantined("red/red_02", "copy"),
        4: Quarantined("green/green_00", "copy"),
    }
    write_quarantine(own_set / "train", entries)
    code, out, _ = run_main(main, own_set, "--release", "copy")
    assert code == 0 and lines(out) == [{"released": {"train": 2, "test": 0}}]
    assert set(open_split(own_set, "train").quarantined) == {1}
    code, out, _ = run_main(main, own_set, "--release")
    assert code == 0 and lines(out) == [{"released": {"train": 1, "test": 0}}]
    assert not list(own_set.rglob("quarantine.jsonl"))


def test_a_stale_quarantine_can_still_be_released(own_set, run_main):
    write_quarantine(own_set / "train", {99: Quarantined("gone", "near")})
    code, _, err = run_main(main, own_set, *ALONE)
    assert code == 2 and "another preparation of the set" in err
    assert run_main(main, own_set, "--release")[0] == 0
    assert run_main(main, own_set, *ALONE)[0] == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--quarantine", "near"], "--quarantine without --fix"),
        (["--fix", "--quarantine", "naer"], "--quarantine naer: no such kind.*near"),
        (["--release", "naer"], "--release naer: no such kind"),
        (["--workers", "0"], "--workers 0: expected a number of at least 1"),
        (["--tiny", "-1"], "--tiny -1: expected"),
        (["--grey", "0"], "--grey 0.0: expected a share"),
        (["--grey", "nan"], "--grey nan: expected a share"),
    ],
)
def test_mistakes_are_named_and_change_nothing(own_set, run_main, flags, words):
    before = sorted(path.name for path in own_set.rglob("*"))
    code, out, err = run_main(main, own_set, *flags)
    assert code == 2 and out == ""
    assert re.search(words, err), err
    assert sorted(path.name for path in own_set.rglob("*")) == before


def test_no_set_is_exit_2(tmp_path, run_main):
    for flags in ([], ["--release"]):
        code, _, err = run_main(main, tmp_path, *flags)
        assert code == 2 and "no prepared set here" in err


def test_as_a_program_with_processes(spoilt):
    command = [sys.executable, SCRIPT, spoilt, "--workers", "2", "--tiny", "8"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert process.returncode == 1, process.stderr
    assert [line["kind"] for line in lines(process.stdout)] == ["copy"]
    assert "test: 100%" in process.stderr and "train: 100%" in process.stderr
