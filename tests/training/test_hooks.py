"""What a run writes down while it trains."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from misc.training import hooks
from misc.training.hooks import Reporter, Silent
from misc.training.timetable import Stage, Timetable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock(monkeypatch):
    """`clock.now`: seconds that pass only when a test says so."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(hooks, "time", clock)
    return clock


def begin(folder):
    # 20 steps: 2 epochs of 6 steps and 8 pictures, then 2 of 4 steps and 3 pictures.
    stages = [Stage(2, 6, 8, 1, 1), Stage(2, 4, 3, 1, 1)]
    return Reporter(folder, start=10, timetable=Timetable(stages, first_epoch=5))


@pytest.fixture
def reporter(tmp_path, clock):
    made = begin(tmp_path)
    yield made
    made.close()


def logged(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def events(folder):
    """{(tag, step)} of everything in the run's TensorBoard files."""
    found = set()
    for file in (folder / "tensorboard").iterdir():
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found |= {(value.tag, event.step) for value in event.summary.value}
    return found


def test_losses_go_to_the_log_with_epoch_and_rate(reporter, tmp_path, clock):
    for waited in (0.25, 0.0, 0.25, 0.0):
        clock.now += 0.5
        reporter.stepped(waited)
    reporter.losses(14, {"d_loss": 1.5})
    # Two steps of eight pictures and two of three in two seconds; step 14 is 2 1/2 epochs after 5.
    (line,) = logged(tmp_path)
    pace = {"images_per_second": 11.0, "data_wait": 0.25}
    assert line == {"step": 14, "epoch": 7.5, "d_loss": 1.5, **pace}


def test_the_time_of_a_grid_is_not_trainings(reporter, tmp_path, clock):
    reporter.stepped(6.0)
    clock.now += 60.0
    reporter.snapshot(12, {"accuracy": 0.5}, Image.new("RGB", (9, 7), "red"))
    clock.now += 1.0
    reporter.losses(14, {"d_loss": 1.0})
    first, second = logged(tmp_path)
    assert first == {"step": 12, "epoch": 7.0, "accuracy": 0.5}
    assert second["images_per_second"] == 6.0 and second["data_wait"] == 0.0
    with Image.open(tmp_path / "grids" / "step-0000012.png") as grid:
        assert np.asarray(grid).shape == (7, 9, 3)


def test_a_trainer_may_have_nothing_to_show(reporter, tmp_path):
    reporter.snapshot(12, {}, None)
    assert not (tmp_path / "log.jsonl").exists() and not (tmp_path / "grids").exists()


def test_tensorboard_gets_the_same(reporter, tmp_path):
    reporter.losses(11, {"g_loss": 2.0})
    reporter.snapshot(12, {"accuracy": 0.5}, Image.new("RGB", (9, 7)))
    reporter.close()
    assert {("g_loss", 11), ("accuracy", 12), ("grid", 12)} <= events(tmp_path)


FULL_DISK = """
import resource, sys
from pathlib import Path
from misc.config.errors import UserError
from misc.training.hooks import Reporter
from misc.training.timetable import Stage, Timetable

folder = Path(sys.argv[1])
(folder / "log.jsonl").symlink_to("/dev/null")
reporter = Reporter(folder, start=0, timetable=Timetable([Stage(100, 1, 1, 1, 1)]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for step in range(1, 100):
        reporter.losses(step, {"d_loss": 1.0})
        reporter.snapshot(step, {}, None)
except UserError as error:
    print(error)
"""


def test_a_full_disk_is_named_where_tensorflow_writes(tmp_path):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert re.match(f"cannot write {tmp_path}/tensorboard: .+; check", process.stdout), process


def test_progress_goes_to_stderr_alone(tmp_path, capfd):
    reporter = begin(tmp_path)
    reporter.losses(10, {"d_loss": 1.0, "d_real": 2.0})
    reporter.stepped(0.0)
    reporter.close()
    out, err = capfd.readouterr()
    assert not out
    assert "11/20" in err and "d_loss=1.000, data_wait=0%" in err and "d_real" not in err


def test_a_worker_that_is_not_the_chief_says_nothing(capfd, tmp_path):
    silent = Silent()
    silent.stepped(0.0)
    silent.losses(1, {"d_loss": 1.0})
    silent.snapshot(1, {}, None)
    silent.close()
    assert capfd.readouterr() == ("", "")
