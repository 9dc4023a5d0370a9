"""Whole Stage-I runs: resume to the same bits, interruption, NaN, a full disk."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from initial.run_exp import main


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
    assert run_main(main, *flags)[0] == 0
    assert_same_weights(unbroken, tmp_path / "run")
    assert [line["step"] for line in logged(tmp_path / "run")] == list(range(1, 13))
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "already trained to step 12" in out


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
        assert (run / "checkpoints" / f"ckpt-{stopped}.index").exists()
    assert run_main(main, *flags)[0] == 0
    assert_same_weights(unbroken, run)
    assert [line["step"] for line in logged(run)] == list(range(1, 13))


def test_nan_stops_the_run_and_names_the_last_good_checkpoint(
    gan_yml, tiny_set, tmp_path, run_main
):
    poisoned = tmp_path / "tiny"
    shutil.copytree(tiny_set, poisoned)
    flags = ["--cfg", gan_yml(DATA_DIR=str(poisoned)), "--run", tmp_path / "run"]
    assert run_main(main, *flags)[0] == 0
    saved = weights(tmp_path / "run")
    # A set whose embeddings turned to NaN: the first loss of the third epoch is one.
    embeddings = poisoned / "train" / "embeddings" / "text.npy"
    np.save(embeddings, np.full_like(np.load(embeddings), np.nan))
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


def test_what_a_killed_save_left_is_swept_away(unbroken, gan_yml, tmp_path, run_main):
    run = tmp_path / "run"
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=4), "--run", run]
    assert run_main(main, *flags, "--set", "TRAIN.MAX_EPOCH=1")[0] == 0
    (run / "checkpoints" / "ckpt-9_temp").mkdir()
    (run / "checkpoints" / "ckpt-9.data-00000-of-00001").write_bytes(b"half")
    assert run_main(main, *flags)[0] == 0
    assert not list((run / "checkpoints").glob("ckpt-9*"))
    assert_same_weights(unbroken, run)
