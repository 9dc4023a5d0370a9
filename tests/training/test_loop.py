"""Whole Stage-I runs: resume to the same bits, interruption, NaN, a full disk."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from initial.run_exp import main
from misc.config.errors import UserError
from misc.data.batches import GanBatches
from misc.training.hooks import Reporter
from misc.training.loop import Checkpoints
from misc.training.runs import newest_checkpoint


def weights(run):
    """Every variable of the newest checkpoint of a run, optimizers included."""
    prefix = tf.train.latest_checkpoint(str(run / "checkpoints"))
    reader = tf.train.load_checkpoint(prefix)
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {n: reader.get_tensor(n) for n in names if "save_counter" not in n}


def assert_same_weights(a, b):
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys() and len(first) > 50
    different = [name for name in first if not np.array_equal(first[name], second[name])]
    assert not different


def newest_step(run):
    return int(newest_checkpoint(run).rpartition("-")[2])


def logged(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def unbroken(gan_yml, tmp_path_factory):
    """A run of 12 steps from start to end."""
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    assert main(["--cfg", str(gan_yml(TRAIN__MAX_EPOCH=4)), "--run", str(run)]) == 0
    return run


def test_two_runs_of_one_seed_agree_and_of_another_differ(unbroken, gan_yml, tmp_path):
    yml = gan_yml(TRAIN__MAX_EPOCH=4)
    assert main(["--cfg", str(yml), "--run", str(tmp_path / "again")]) == 0
    assert_same_weights(unbroken, tmp_path / "again")
    assert main(["--cfg", str(yml), "--set", "SEED=1", "--run", str(tmp_path / "other")]) == 0
    a, b = weights(unbroken), weights(tmp_path / "other")
    assert any(not np.array_equal(a[name], b[name]) for name in a)


def test_a_run_shows_itself(unbroken):
    lines = logged(unbroken)
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {"d_loss", "d_real", "d_wrong", "d_fake", "g_loss", "kl_loss"} <= lines[0].keys()
    assert (unbroken / "grids" / "step-0000012.png").exists()
    assert list((unbroken / "tensorboard").iterdir())
    assert (unbroken / "config.yml").exists() and (unbroken / "text.json").exists()


def test_in_two_sittings_it_is_the_same_run(unbroken, gan_yml, tmp_path, run_main):
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=4), "--run", tmp_path / "run"]
    assert run_main(main, *flags, "--set", "TRAIN.MAX_EPOCH=2")[0] == 0
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "goes on from step 6" in out
    assert_same_weights(unbroken, tmp_path / "run")
    assert [line["step"] for line in logged(tmp_path / "run")] == list(range(1, 13))
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "already trained to step 12" in out


@pytest.fixture(scope="module")
def half(gan_yml, tmp_path_factory):
    """Of the run of 12 steps the first six, with checkpoints of steps 3 and 6: copy it."""
    run = tmp_path_factory.mktemp("runs") / "half"
    flags = ["--set", "TRAIN.SNAPSHOT_INTERVAL=3", "--run", str(run)]
    assert main(["--cfg", str(gan_yml(TRAIN__MAX_EPOCH=2)), *flags]) == 0
    return run


def start(*flags, **options):
    command = [sys.executable, "-m", "initial.run_exp", *map(str, flags)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for_step(run, step, process):
    while process.poll() is None:
        log = run / "log.jsonl"
        if log.exists() and any(
            json.loads(t)["step"] >= step for t in log.read_text().splitlines()
        ):
            return
        time.sleep(0.05)
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGTERM"])
def test_killed_and_resumed_it_reaches_the_same_bits(
    signal_name, unbroken, gan_yml, tmp_path, run_main
):
    run = tmp_path / "run"
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=4, TRAIN__SNAPSHOT_INTERVAL=5), "--run", run]
    process = start(*flags)
    wait_for_step(run, 6, process)
    process.send_signal(getattr(signal, signal_name))
    out, err = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.fail("the run ended before it could be killed: make it longer")
    if signal_name != "SIGKILL":
        assert process.returncode == 128 + getattr(signal, signal_name), err
        stopped = int(re.search(r"stopped and saved at step (\d+)", out)[1])
        assert stopped == newest_step(run)
    saved = newest_step(run)
    assert saved >= 5
    code, out, _ = run_main(main, *flags)
    assert code == 0 and f"goes on from step {saved}" in out
    assert_same_weights(unbroken, run)
    assert [line["step"] for line in logged(run)] == list(range(1, 13))


@pytest.mark.parametrize("moment", ["losses", "snapshot"])
def test_a_signal_late_in_a_step_loses_no_step(
    moment, unbroken, gan_yml, tmp_path, run_main, monkeypatch
):
    run = tmp_path / "run"
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=4, TRAIN__GRID_INTERVAL=4), "--run", run]
    report = getattr(Reporter, moment)

    def interrupted(self, step, *values):
        report(self, step, *values)
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, moment, interrupted)
        code, out, _ = run_main(main, *flags)
    assert code == 128 + signal.SIGTERM
    stopped = int(re.search(r"stopped and saved at step (\d+)", out)[1])
    assert stopped == newest_step(run) < 12
    code, out, _ = run_main(main, *flags)
    assert code == 0 and f"goes on from step {stopped}" in out
    assert_same_weights(unbroken, run)


def test_nan_stops_the_run_and_names_the_last_good_checkpoint(
    gan_yml, tmp_path, run_main, monkeypatch
):
    flags = ["--cfg", gan_yml(), "--run", tmp_path / "run"]
    assert run_main(main, *flags)[0] == 0
    saved = weights(tmp_path / "run")
    nan = np.full((4, 8), np.nan, np.float32)
    monkeypatch.setattr(GanBatches, "embed", lambda self, captions: nan)
    code, _, err = run_main(main, *flags, "--set", "TRAIN.MAX_EPOCH=4")
    assert code == 2
    assert re.search(r"error: step 7: .* is not a finite number; the last good .*ckpt-6;", err)
    after = weights(tmp_path / "run")
    assert all(np.array_equal(saved[name], after[name]) for name in saved)


def test_a_full_disk_keeps_the_last_checkpoint(gan_yml, tmp_path, run_main):
    resource = pytest.importorskip("resource")
    run = tmp_path / "run"
    flags = ["--cfg", gan_yml(), "--run", run]
    assert run_main(main, *flags)[0] == 0
    before = weights(run)

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = start(*flags, "--set", "TRAIN.MAX_EPOCH=4", preexec_fn=little_room)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    last = err.strip().splitlines()[-1]
    assert re.match(r"error: .*the checkpoint of step 12 cannot be written .*ckpt-6", last), err
    after = weights(run)
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("file", ["log.jsonl", "grids"])
def test_a_full_disk_is_one_line_whatever_is_written(file, half, unbroken, gan_yml, tmp_path):
    resource = pytest.importorskip("resource")
    run = tmp_path / "run"
    shutil.copytree(half, run)
    before = weights(run)
    picture = (unbroken / "grids" / "step-0000012.png").stat().st_size
    largest = {
        "log.jsonl": (run / "log.jsonl").stat().st_size + 10,
        "grids": picture - 100,
    }[file]

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    process = start("--cfg", gan_yml(TRAIN__MAX_EPOCH=4), "--run", run, preexec_fn=little_room)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert re.match(f"error: cannot write {run / file}.*: File too large", err.splitlines()[-1])
    after = weights(run)
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.fixture
def begin(tmp_path):
    """`begin()`: the checkpoints of a run in `tmp_path`, of one weight that is its own step."""
    folder = tmp_path / "checkpoints"

    class Run:
        def __init__(self):
            self.step = tf.Variable(0, dtype=tf.int64)
            network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
            trainer = SimpleNamespace(networks={"generator": network}, optimizers={})
            self.weight = network.weights[0]
            self.checkpoints = Checkpoints(trainer, self.step, tmp_path, chief=True)

        def save(self, step):
            self.step.assign(step)
            self.weight.assign([[step]])
            self.checkpoints.save()

    Run.folder, Run.names = folder, lambda self: {p.name.split(".")[0] for p in folder.iterdir()}
    first = Run()
    first.save(3)
    first.save(6)
    return Run


def test_what_a_killed_save_left_is_swept_away(begin):
    (begin.folder / "ckpt-7_temp").mkdir()
    (begin.folder / "ckpt-8.data-00000-of-00001").write_bytes(b"half")
    for file in begin.folder.glob("ckpt-6.*"):
        torn = file.with_name(file.name.replace("6", "9", 1))
        torn.write_bytes(file.read_bytes()[:100])
    run = begin()
    assert run.names() == {"checkpoint", "ckpt-3", "ckpt-6"}
    assert run.checkpoints.restore() == run.step.numpy() == run.weight.numpy() == 6


def set_back(state):
    """The list as a clock that was set back makes it: no checkpoint is new enough for it."""
    return re.sub(r"(last_preserved.*: ).*", r"\g<1>9e9", state)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda _: "half a li",
        lambda _: 'model_checkpoint_path: "ckpt-3"',
        lambda state: state.replace("ckpt-6", "ckpt-9"),
        set_back,
        None,
    ],
)
def test_checkpoints_outlive_tensorflows_list_of_them(damage, begin):
    state = begin.folder / "checkpoint"
    if damage:
        state.write_text(damage(state.read_text()))
    else:
        state.unlink()
    run = begin()
    assert run.checkpoints.restore() == run.weight.numpy() == 6
    run.save(9)
    assert {"ckpt-6", "ckpt-9"} <= run.names()
    again = begin()
    assert again.checkpoints.restore() == again.weight.numpy() == 9
    again.save(12)
    assert again.names() == {"checkpoint", "ckpt-9", "ckpt-12"}


def test_checkpoints_that_cannot_be_read_are_not_taken_for_none(begin):
    for index in begin.folder.glob("*.index"):
        index.write_bytes(b"")
    before = sorted(begin.folder.iterdir())
    with pytest.raises(UserError, match="no checkpoint in it can be read"):
        begin()
    assert sorted(begin.folder.iterdir()) == before


def test_a_shard_that_is_damaged_is_one_line(gan_yml, tiny_set, tmp_path, run_main):
    damaged = tmp_path / "tiny"
    shutil.copytree(tiny_set, damaged)
    for shard in (damaged / "train").glob("*.array_record"):
        content = bytearray(shard.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 64] = bytes(64)
        shard.write_bytes(content)
    flags = ["--cfg", gan_yml(DATA_DIR=str(damaged)), "--run", tmp_path / "run"]
    code, _, err = run_main(main, *flags)
    assert code == 2
    assert f"error: {damaged / 'train'}: the prepared set is damaged" in err.splitlines()[-1]
