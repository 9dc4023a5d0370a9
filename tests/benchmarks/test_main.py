"""`python -m benchmarks`: one suite from end to end, and what is refused."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import SUITES, main

ROOT = Path(__file__).parents[2]


def test_a_suite_is_timed_kept_and_compared(tmp_path, run_main):
    out = tmp_path / "performance.json"
    out.write_text('{"suites": {}}')
    flags = ["--suite", "data", "--pictures", "200", "300", "--rounds", "1", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head, _, first, second = done.stdout.splitlines()
    assert head.startswith("| work | variant | pairs/s | ratio | peak GiB | first step, s |")
    assert first.startswith("| feeding Stage-I | 200 pictures |")
    kept = json.loads(out.read_text())["suites"]["data"]
    assert [row["variant"] for row in kept["rows"]] == ["200 pictures", "300 pictures"]
    assert all(row["per_second"] > 0 and row["prepared"] > 0 for row in kept["rows"])
    assert kept["rounds"] == 1 and kept["machine"]["cores"] >= 1
    page = out.with_suffix(".md").read_text()
    assert first in page and second in page
    code, _, err = run_main(main, "--suite", "encoder", "--against", out)
    assert code == 2 and "holds no numbers of encoder; it has data" in err


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_says_what_it_times(name):
    suite = importlib.import_module(f"benchmarks.suites.{name}")
    assert suite.__doc__ and suite.UNIT and suite.ROUNDS >= 1
    if name not in ("faces", "editor", "data", "evaluation"):
        works = suite.works(None).values()
        assert all(len(variants) == len(set(variants)) for variants in works)
        assert max(map(len, works)) > 1  # something is compared


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--only", "Stage-III"], "--only Stage-III: expected one of: Stage-I step, batch 64;"),
        (["--rounds", "-1"], "--rounds, --pictures: expected at least 0 and 1"),
        (["--set", "GPU_ID=0"], "--cfg, --set, --gpu: the suite training has sizes of its own"),
        (["--out", "a.md"], "--out a.md: expected a name ending in .json"),
        (["--out", "a.json", "--only", "Stage-II step, batch 4"], "--out keeps whole suites"),
        (["--out", "{damaged}"], "damaged.json holds no numbers of `python -m benchmarks --out`"),
    ],
)
def test_what_is_refused(flags, message, run_main, tmp_path):
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"suites": {"data": {"rows": 3}}}')
    flags = [flag.format(damaged=damaged) for flag in flags]
    code, _, err = run_main(main, "--suite", "training", *flags)
    assert code == 2 and message in err
