"""The Stage-I program: what it prints, what it makes, and what it says to a mistake."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from initial.run_exp import main
from initial.sample import load
from misc.evaluation import classifier
from misc.training.runs import load_run, newest_checkpoint

ROOT = Path(__file__).parents[2]


def test_a_dry_run_counts_the_published_networks_and_writes_nothing(
    run_main, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    cfg = ROOT / "initial" / "cfg" / "birds.yml"
    code, out, _ = run_main(main, "--cfg", cfg, "--set", "DATA_DIR=nowhere", "--dry-run")
    assert code == 0
    assert json.loads(out.splitlines()[-1]) == {
        "networks": {
            "generator": {"trainable": 14_264_192, "non_trainable": 39_168},
            "discriminator": {"trainable": 4_029_824, "non_trainable": 4_352},
        }
    }
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("cfg", sorted((ROOT / "initial" / "cfg").iterdir()), ids=lambda p: p.stem)
def test_every_configuration_builds_its_networks(cfg, run_main):
    code, out, err = run_main(main, "--cfg", cfg, "--dry-run")
    assert code == 0, err
    networks = json.loads(out.splitlines()[-1])["networks"]
    assert networks.keys() == {"generator", "discriminator"}
    assert all(network["trainable"] > 0 for network in networks.values())


def test_the_program_trains_and_leaves_a_run_folder(gan_yml, tmp_path):
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=1), "--gpu", "-1", "--run", tmp_path / "run"]
    process = subprocess.run(
        [sys.executable, "initial/run_exp.py", *map(str, flags)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[-1] == f"{tmp_path / 'run'}: trained to step 3"
    assert "3/3" in process.stderr and "error" not in process.stderr.lower()
    made = {path.name for path in (tmp_path / "run").iterdir()}
    files = {"config.yml", "data.json", "text.json", "log.jsonl"}
    assert made == files | {"checkpoints", "grids", "tensorboard"}


def test_the_run_says_the_width_that_it_found(gan_yml, tmp_path, run_main):
    flags = ["--cfg", gan_yml(TRAIN__MAX_EPOCH=1, TEXT__DIMENSION=0), "--run", tmp_path / "run"]
    assert run_main(main, *flags)[0] == 0
    assert load_run(tmp_path / "run")[1].TEXT.DIMENSION == 8
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "already trained to step 3" in out


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("TRAIN.GENRATOR_LR=0.1", "TRAIN.GENRATOR_LR is not a known key (nearest: TRAIN.GENERA"),
        ("TRAIN.BATCH_SIZE=four", "TRAIN.BATCH_SIZE is 'four', expected int"),
        ("TRAIN.ACCUMULATE=4", "TRAIN.ACCUMULATE 4 leaves parts of less than two pictures"),
        ("TRAIN.FLAG=False", "run python main.py --cfg"),
        ("DATA_DIR=nowhere", "nowhere: no prepared set here"),
        ('DATA_DIR=""', "data/tiny: no prepared set here"),
        ("TEXT.DIMENSION=9", "has vectors of width 8, but TEXT.DIMENSION is 9"),
        ("TEXT.ENCODER=other", "no embeddings of this encoder"),
        ("TEST.LR_IMSIZE=64", "prepared for pictures of [16, 32] px, not 64"),
        ("TRAIN.BATCH_SIZE=13", "12 pictures are less than one batch of 13"),
        ("GPU_ID=some", "GPU_ID is 'some', expected -1"),
        ("TRAIN.PRETRAINED_MODEL=nowhere", "nowhere holds no checkpoint yet"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(
    override, said, refused, gan_yml, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    # TEST.HR_IMSIZE is free of what is tested here, but must be above LR_IMSIZE.
    flags = ["--cfg", gan_yml(TEST__HR_IMSIZE=128), "--set", override, "--run", "run"]
    assert said in refused(main, *flags)
    assert not list(tmp_path.iterdir())


def test_a_set_of_one_class_has_no_wrong_pictures(refused, gan_yml, make_set, tmp_path):
    one = make_set(train=("red",), per_class=8)
    flags = ["--cfg", gan_yml(DATA_DIR=str(one)), "--run", tmp_path / "run"]
    assert "all pictures are of one class" in refused(main, *flags)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_below_a_file(refused, gan_yml, tmp_path):
    (tmp_path / "file").write_text("kept")
    flags = ["--cfg", gan_yml(), "--run", tmp_path / "file" / "run"]
    assert "the run folder cannot be written" in refused(main, *flags)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_missing_configuration(refused, tmp_path):
    assert "no such configuration file" in refused(main, "--cfg", tmp_path / "none.yml")


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("GAN.GF_DIM=12", "was begun with other values of GAN.GF_DIM (8 -> 12)"),
        ("TRAIN.GENERATOR_LR=0.1", "TRAIN.GENERATOR_LR (0.0002 -> 0.1)"),
        ("DATA_DIR=nowhere", "no prepared set here"),
    ],
)
def test_a_run_is_not_resumed_as_another(override, said, refused, gan_yml, trained):
    before, yml = contents(trained), gan_yml(TEXT__STANDARDIZE=True)
    assert said in refused(main, "--cfg", yml, "--set", override, "--run", trained)
    assert contents(trained) == before


def test_a_run_is_resumed_on_its_own_data_wherever_they_lie(
    run_main, refused, gan_yml, trained, tiny_set, make_set, tmp_path
):
    run, moved = tmp_path / "run", tmp_path / "moved"
    shutil.copytree(trained, run)
    shutil.copytree(tiny_set, moved)
    before = contents(run)
    flags = ["--cfg", gan_yml(TEXT__STANDARDIZE=True), "--run", run]
    other = make_set(per_class=5)
    line = refused(main, *flags, "--set", f"DATA_DIR={other}")
    assert "was begun on other data: prepared set (" in line and "embeddings (" in line
    assert contents(run) == before
    flags += ["--set", f"DATA_DIR={moved}", "--set", "TRAIN.MAX_EPOCH=2"]
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "goes on from step 3" in out


def test_a_checkpoint_of_another_architecture(refused, gan_yml, trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    config = run / "config.yml"
    config.write_text(config.read_text().replace("GF_DIM: 8", "GF_DIM: 12"))
    before = contents(run / "checkpoints")
    yml = gan_yml(TEXT__STANDARDIZE=True, GAN__GF_DIM=12)
    line = refused(main, "--cfg", yml, "--run", run)
    assert "this checkpoint does not fit the networks" in line
    assert contents(run / "checkpoints") == before


def saved(run):
    """Every variable of a run's newest checkpoint."""
    reader = tf.train.load_checkpoint(newest_checkpoint(run))
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names}


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for found in sockets:
        found.bind(("127.0.0.1", 0))
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


JUDGE = {"name": "tiny", "classes": ["a"], "attributes": [], "accuracy": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [("worker", "worker"), ("chief", "worker")])
def test_two_processes_do_what_one_does(kinds, gan_yml, make_set, tmp_path, run_main):
    classifier.save(tmp_path / "judge", classifier.build(1, 0), JUDGE)
    folder = make_set(validation=("white",), test=("yellow",))
    # With short steps, so that the gradients, which Adam remembers, can be compared to the end.
    flags = ["--set", "TRAIN.GENERATOR_LR=1.0e-6", "--set", "TRAIN.DISCRIMINATOR_LR=1.0e-6"]
    flags += ["--cfg", gan_yml(TRAIN__MAX_EPOCH=1, DATA_DIR=str(folder)), "--gpu", "-1", "--run"]
    assert run_main(main, *flags, tmp_path / "one")[0] == 0
    # The chief alone evaluates, which neither changes anything nor holds the others for ever.
    live = ["--set", "EVAL.LIVE_INTERVAL=2", "--set", f"EVAL.CLASSIFIER={tmp_path / 'judge'}"]
    cluster, tasks = {}, []
    for kind, port in zip(kinds, free_ports(2), strict=True):
        addresses = cluster.setdefault(kind, [])
        tasks.append({"type": kind, "index": len(addresses)})
        addresses.append(f"127.0.0.1:{port}")
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def sitting(*more):
        """Both workers to their end; returns what they say on stdout."""
        workers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "initial/run_exp.py",
                    *map(str, flags),
                    tmp_path / "two",
                    *live,
                    *more,
                ],
                cwd=ROOT,
                env=os.environ
                | {
                    "TF_CONFIG": json.dumps({"cluster": cluster, "task": task}),
                    "TMPDIR": str(temporary),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for task in tasks
        ]
        try:
            said = [worker.communicate(timeout=300) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
        assert [worker.returncode for worker in workers] == [0, 0], said
        return [out for out, _ in said]

    sitting()
    for run, steps in (("one", [1, 2, 3]), ("two", [1, 2, 2, 3])):
        lines = (tmp_path / run / "log.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == steps
    assert load(tmp_path / "two", "best").step == 2
    one, two = saved(tmp_path / "one"), saved(tmp_path / "two")
    assert one.keys() == two.keys() and len(one) > 50
    for name, value in one.items():
        # Sums in another order round otherwise, of which Adam can make up to a whole step.
        near = 1e-6 if "_trainable_variables" in name else 1e-12
        assert abs(value - two[name]).max() <= 1e-4 * abs(value).max() + near, name
    assert all("goes on from step 3" in out for out in sitting("--set", "TRAIN.MAX_EPOCH=2"))
    assert load(tmp_path / "two").step == 6
    assert not list(temporary.iterdir())
