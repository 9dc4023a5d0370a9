"""The plan: its formulas by hand, a page from end to end, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.operations import Operations
from benchmarks.plan import Machine, compute_seconds, main, reduce_seconds, table

ROOT = Path(__file__).parents[2]
COCO = ROOT / "final" / "cfg" / "coco.yml"
MACHINE = Machine(rate=100, traffic=10, bandwidth=8, network=2, latency=0.001, per_node=4)


def test_seconds_by_hand():
    assert compute_seconds(500, 20, MACHINE) == 5 + 2
    # Two pass a message there and back, and half of the bytes in two rounds.
    assert reduce_seconds(7, 16, MACHINE, 2) == pytest.approx(0.014 + 16 / 8)
    assert reduce_seconds(7, 16, MACHINE, 4) == pytest.approx(0.028 + 1.5 * 16 / 8)
    assert reduce_seconds(7, 16, MACHINE, 5) == pytest.approx(0.042 + 1.6 * 16 / 2)
    assert reduce_seconds(7, 16, MACHINE, 1) == 0


def test_a_table_by_hand():
    alone = Operations({"Conv2D": 100}, held=2**30)
    shared = Operations({"Conv2D": 100}, traffic=5, reduced=4, held=2**29)
    rows = table(6, 2**30, [alone, shared], MACHINE, [1, 2])[2:]
    assert rows == [
        "| 1 | 6 | 1000.0 | 0.0 | 6 | 100% | 2.0 |",
        "| 2 | 12 | 1500.0 | 500.0 | 6 | 50% | 1.5 |",
    ]


@pytest.mark.parametrize(
    ("cfg", "small"),
    [
        ("final/cfg/demo.yml", ("GAN.GF_DIM=8", "GAN.DF_DIM=4", "TRAIN.EMA=0")),
        ("faces/cfg/progressive_demo.yml", ("HIDDEN_SIZE=8", "CAPTIONS_LENGTH=3")),
    ],
)
def test_a_page_of_a_configuration(cfg, small, tmp_path):
    sets = [word for key in small for word in ("--set", key)]
    out = tmp_path / "plan.md"
    flags = ["--cfg", cfg, "--gpus", "3", "--batch", "12", "--out", str(out), "--memory", "0.001"]
    program = [sys.executable, "-m", "benchmarks.plan", *flags, *sets]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 1", "| 2", "| 3"]
    assert "4 pictures a device and step" in text and "**does not fit** in 0.001" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--gpus", 64, "--batch", 100], "--batch 100 cannot be shared by --gpus 64: take 64 or"),
        (["--gpus", 0], "expected numbers above 0"),
        (["--gpus", 2, "--rate", "nan"], "expected numbers above 0"),
        (["--gpus", 2, "--set", "TEXT.DIMENSION=0"], "TEXT.DIMENSION is 0"),
    ],
)
def test_what_is_refused(flags, message, refused):
    assert message in refused(main, "--cfg", COCO, *flags)


def test_a_file_of_another_room_is_refused(refused):
    line = refused(main, "--cfg", ROOT / "editor" / "cfg" / "demo.yml", "--gpus", 2)
    assert "where ROOM is one of: initial, final, faces" in line
