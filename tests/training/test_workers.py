"""Two worker processes over the loopback: what one device does, kills, signals, mistakes."""

import json
import signal
import time

import numpy as np
import pytest

from initial.run_exp import main
from initial.sample import load
from misc.evaluation import classifier
from misc.training.runs import complete_checkpoints, newest_checkpoint


def logged(run):
    log = run / "log.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def ends(workers):
    """(exit code, stdout, stderr) of each worker, when all have ended."""
    said = [worker.communicate(timeout=300) for worker in workers]
    return [(worker.returncode, *one) for worker, one in zip(workers, said, strict=True)]


def wait_for_step(run, step, workers):
    while not any(line["step"] >= step for line in logged(run)):
        if any(worker.poll() is not None for worker in workers):
            pytest.fail(str(ends(workers)))
        time.sleep(0.05)


def test_a_worker_that_nobody_joins_gives_up(run_main, gan_yml, free_ports, monkeypatch, tmp_path):
    ports = free_ports(2)
    workers = [f"localhost:{port}" for port in ports]
    flags = ["--cfg", gan_yml(TRAIN__WAIT_MINUTES=0.005), "--run", tmp_path / "run"]
    for me, other in ((0, 1), (1, 0)):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": me}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(task))
        code, _, err = run_main(main, *flags)
        waits, error = err.splitlines()
        assert code == 2 and waits.startswith(f"worker {me} (localhost:{ports[me]}): waits")
        assert error.startswith(f"error: worker {other} (localhost:{ports[other]}) did not come")
    assert not (tmp_path / "run").exists()


def test_a_wrong_tf_config_is_one_line(refused, gan_yml, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CONFIG", "{")
    flags = ["--cfg", gan_yml(), "--run", tmp_path / "run"]
    assert "TF_CONFIG in the environment: it is no JSON" in refused(main, *flags)


def test_workers_with_other_keys_refuse_to_begin(start_workers, gan_yml, tmp_path):
    flags = ["--cfg", gan_yml(), "--run", tmp_path / "run"]
    for code, _, err in ends(start_workers(*flags, last=("--set", "SEED=2"))):
        assert code == 2 and "differ: SEED (0 -> 2); all workers need" in err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_signal_at_one_worker_has_both_save_and_stop(start_workers, gan_yml, tmp_path):
    run = tmp_path / "run"
    # The chief's clock has checkpoints written as well, by both.
    keys = {"TRAIN__MAX_EPOCH": 4000, "TRAIN__SNAPSHOT_MINUTES": 0.001}
    workers = start_workers("--cfg", gan_yml(**keys), "--run", run)
    wait_for_step(run, 6, workers)
    before = complete_checkpoints(run / "checkpoints")
    workers[1].send_signal(signal.SIGTERM)
    chief, other = ends(workers)
    assert before
    assert chief[0] == other[0] == 128 + signal.SIGTERM, (chief, other)
    steps = logged(run)[-1]["step"]
    assert newest_checkpoint(run).endswith(f"ckpt-{steps}")
    for _, out, _ in (chief, other):
        assert out.splitlines()[-1].startswith(f"{run}: stopped and saved at step {steps};")


@pytest.mark.slow
def test_after_kills_and_a_hang_the_same_commands_end_with_the_same_bits(
    start_workers, gan_yml, tmp_path, variables_of
):
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=10, TRAIN__SNAPSHOT_INTERVAL=5), "--run"]
    assert [code for code, *_ in ends(start_workers(*flags, tmp_path / "unbroken"))] == [0, 0]
    run = tmp_path / "run"
    for step, number, victim in ((6, "SIGKILL", 1), (12, "SIGKILL", 0), (18, "SIGSTOP", 1)):
        workers = start_workers(*flags, run)
        wait_for_step(run, step, workers)
        workers[victim].send_signal(getattr(signal, number))
        ((code, _, err),) = ends([workers[1 - victim]])
        workers[victim].kill()
        assert code == 2, err
        line = err.splitlines()[-1]
        assert line.startswith(f"error: worker {victim} (127.0.0.1:")
        assert ("does not answer;" if number == "SIGSTOP" else "is gone;") in line
        assert newest_checkpoint(run)
    resumed = ends(start_workers(*flags, run))
    assert all(code == 0 and "goes on from step" in out for code, out, _ in resumed), resumed
    unbroken, broken = variables_of(tmp_path / "unbroken"), variables_of(run)
    assert unbroken.keys() == broken.keys() and len(broken) > 50
    assert all(np.array_equal(value, broken[name]) for name, value in unbroken.items())
    assert [line["step"] for line in logged(run)] == list(range(1, 31))


JUDGE = {"name": "tiny", "classes": ["a"], "attributes": [], "accuracy": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [("worker", "worker"), ("chief", "worker")])
def test_two_processes_do_what_one_does(
    kinds, start_workers, gan_yml, make_set, tmp_path, run_main, variables_of
):
    classifier.save(tmp_path / "judge", classifier.build(1, 0), JUDGE)
    folder = make_set(validation=("white",), test=("yellow",))
    # With short steps, so that the gradients, which Adam remembers, can be compared to the end.
    flags = ["--set", "TRAIN.GENERATOR_LR=1.0e-6", "--set", "TRAIN.DISCRIMINATOR_LR=1.0e-6"]
    flags += ["--cfg", gan_yml(TRAIN__MAX_EPOCH=1, DATA_DIR=str(folder)), "--gpu", "-1", "--run"]
    assert run_main(main, *flags, tmp_path / "one")[0] == 0
    # The chief alone evaluates, which neither changes anything nor holds the others for ever.
    live = ["--set", "EVAL.LIVE_INTERVAL=2", "--set", f"EVAL.CLASSIFIER={tmp_path / 'judge'}"]

    def sitting(*more):
        """Both workers to their end; returns what they say on stdout."""
        said = ends(start_workers(*flags, tmp_path / "two", *live, *more, kinds=kinds))
        assert [code for code, *_ in said] == [0, 0], said
        return [out for _, out, _ in said]

    sitting()
    losses = {}
    for run, steps in (("one", [1, 2, 3]), ("two", [1, 2, 2, 3])):
        lines = logged(tmp_path / run)
        assert [line["step"] for line in lines] == steps
        losses[run] = [(line["d_loss"], line["g_total"]) for line in lines if "d_loss" in line]
    np.testing.assert_allclose(losses["two"], losses["one"], rtol=1e-5)
    assert load(tmp_path / "two", "best").step == 2
    one, two = variables_of(tmp_path / "one"), variables_of(tmp_path / "two")
    assert one.keys() == two.keys() and len(one) > 50
    for name, value in one.items():
        # Sums in another order round otherwise, of which Adam can make up to a whole step.
        near = 1e-6 if "_trainable_variables" in name else 1e-12
        assert abs(value - two[name]).max() <= 1e-4 * abs(value).max() + near, name
    assert all("goes on from step 3" in out for out in sitting("--set", "TRAIN.MAX_EPOCH=2"))
    assert load(tmp_path / "two").step == 6
    assert not list((tmp_path / "tmp").iterdir())
