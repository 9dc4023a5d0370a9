"""The Stage-I program: what it prints, what it makes, and what it says to a mistake."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from initial.run_exp import main
from misc.training.runs import load_run

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
