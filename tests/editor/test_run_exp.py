"""The editor's program: what it prints, what it makes, and what it says to a mistake."""

import json
import shutil
from pathlib import Path

import pytest

from editor.run_exp import main
from editor.trainer import build_networks
from misc.training.runs import load_run, restore_networks

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["faces", "birds"])
def test_a_dry_run_counts_the_published_networks_and_writes_nothing(
    name, run_main, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run_main(main, "--cfg", ROOT / "editor" / "cfg" / f"{name}.yml", "--dry-run")
    assert code == 0
    networks = json.loads(out.splitlines()[-1])["networks"]
    assert {name: sizes["trainable"] for name, sizes in networks.items()} == {
        "encoder": 18_071_360,
        "decoder": 4_693_155,
        "discriminator": 10_953_857,
    }
    assert not list(tmp_path.iterdir())


def test_the_program_trains_and_leaves_a_run_folder(trained):
    run, process = trained
    assert process.stdout.splitlines()[-1] == f"{run}: trained to step 3"
    assert "no attributes" not in process.stderr and "error" not in process.stderr.lower()
    made = {path.name for path in run.iterdir()}
    files = {"config.yml", "data.json", "log.jsonl"}
    assert made == files | {"checkpoints", "grids", "tensorboard"}
    *steps, last = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    assert [line["step"] for line in steps] == [1, 2, 3]
    assert {"kl_loss", "like_loss", "d_loss", "decoder_moves"} <= steps[0].keys()
    assert {"test_kl", "test_like", "test_pixels"} <= last.keys() and last["test_pixels"] > 0


def test_a_resumed_run_is_the_same_to_the_last_bit(
    small, run_main, trained, tmp_path, variables_of
):
    flags = small("TRAIN.MAX_EPOCH=2")
    assert run_main(main, *flags, "--run", tmp_path / "whole")[0] == 0
    parted = shutil.copytree(trained[0], tmp_path / "parted")
    code, out, _ = run_main(main, *flags, "--run", parted)
    assert code == 0 and "goes on from step 3" in out
    one, two = variables_of(tmp_path / "whole"), variables_of(parted)
    assert one.keys() == two.keys() and len(one) > 100
    for name, value in one.items():
        assert (value == two[name]).all(), name
    assert restore_networks(parted, build_networks(load_run(parted, "editor")[1])) == 6


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("LOSS.GAMA=0.1", "LOSS.GAMA is not a known key (nearest: LOSS.GAMMA, float"),
        ("LOSS.GAMMA=1e-6", "YAML reads 1e-6 as text: write 1.0e-6"),
        ("LOSS.REAL_SHARE=0", "LOSS.REAL_SHARE must be above 0"),
        ("LOSS.REAL_SHARE=1", "expected a number from 0 to below 1"),
        ("TRAIN.LR_END=2", "TRAIN.LR_END must be at most 1"),
        ("IMAGE.SIZE=48", "IMAGE.SIZE is 48, expected one of: 32, 64"),
        ("IMAGE.SIZE=64", "prepared for pictures of [16, 32] px, not 64"),
        ("IMAGE.JITTER=9", "IMAGE.JITTER 9 is more than the 3 px"),
        ("LOSS.LAYER=4", "LOSS.LAYER is 4, expected a number from 1 to 3"),
        ("DATA_DIR=nowhere", "nowhere: no prepared set here"),
        ("TRAIN.FLAG=False", "TRAIN.FLAG is False"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(
    override, said, small, refused, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert said in refused(main, *small(override), "--run", "run")
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_resumed_as_another(small, refused, trained):
    run, _ = trained
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    assert "was begun with other values of LOSS.GAMMA (1e-06 -> 0.5)" in refused(
        main, *small("LOSS.GAMMA=0.5"), "--run", run
    )
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before
