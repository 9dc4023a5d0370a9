"""Stage-II runs on a Stage-I run: frozen, trained along, resumed; and mistakes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from final.run_exp import main
from final.sample import load
from initial.sample import build_generator
from misc.config.load import load_run_config
from misc.data.prepared import open_split
from misc.evaluation.caption_choice import CaptionChoice
from misc.training import live
from misc.training.runs import load_run, restore_networks

ROOT = Path(__file__).parents[2]


def test_a_dry_run_counts_the_published_networks_and_writes_nothing(
    run_main, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    cfg = ROOT / "final" / "cfg" / "birds.yml"  # its Stage-I run is not there
    code, out, _ = run_main(main, "--cfg", cfg, "--dry-run")
    assert code == 0
    assert json.loads(out.splitlines()[-1]) == {
        "networks": {
            "generator": {"trainable": 26_290_080, "non_trainable": 11_712},
            "discriminator": {"trainable": 48_603_520, "non_trainable": 13_568},
        }
    }
    assert not list(tmp_path.iterdir())


def logged(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def of_stage1(run):
    """Trainable variables and moving statistics of Stage-I's generator in a run of either room."""
    room, cfg = load_run(run)
    stage2 = room == "final"
    generator = build_generator(load_run_config(run / "stage1.yml")[1] if stage2 else cfg)
    restore_networks(run, {"stage1_generator" if stage2 else "generator": generator})
    halves = generator.trainable_weights, generator.non_trainable_weights
    return [[weight.numpy() for weight in half] for half in halves]


def same(a, b):
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


def optimizers(variables):
    return {name.split("/")[0] for name in variables if name.startswith("optimizer")}


def test_a_frozen_stage1_is_saved_along_and_does_not_move(stage1_run, stage2_run, saved):
    lines = logged(stage2_run)
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert lines[-1]["epoch"] == 2.0 and not [key for key in lines[0] if "stage1" in key]
    assert optimizers(saved(stage2_run)) == {"optimizer_generator", "optimizer_discriminator"}
    (before, statistics), (after, moved) = of_stage1(stage1_run), of_stage1(stage2_run)
    assert all(same(before, after)) and len(before) == 10
    # As published Stage-I is normalised by its batch, so that its statistics go on moving.
    assert not any(same(statistics, moved))


@pytest.fixture(scope="module")
def fine_tuned(final_yml, tmp_path_factory):
    """A run of two epochs, a checkpoint each, that trains Stage-I along; and its YAML file."""
    run = tmp_path_factory.mktemp("fine") / "run"
    keys = {"TRAIN__FINETUNE_LR": True, "TRAIN__MAX_EPOCH": 3, "TRAIN__SNAPSHOT_INTERVAL": 3}
    yml = final_yml(**keys)
    assert main(["--cfg", str(yml), "--run", str(run)]) == 0
    return run, yml


def test_fine_tuning_moves_stage1_too(fine_tuned, stage1_run, saved):
    run, _ = fine_tuned
    for before, after in zip(of_stage1(stage1_run), of_stage1(run), strict=True):
        assert not any(same(before, after))
    assert optimizers(saved(run)) == {
        "optimizer_generator",
        "optimizer_discriminator",
        "optimizer_stage1_generator",
        "optimizer_stage1_discriminator",
        "optimizer_stage1_through_stage2",
    }
    losses = logged(run)[0].keys()
    assert {"d_loss", "g_loss", "kl_loss"} <= losses
    assert {"stage1_d_loss", "stage1_g_loss", "stage1_kl_loss"} <= losses


def test_resumed_from_its_first_epoch_it_is_the_same_run(run_main, fine_tuned, saved, tmp_path):
    unbroken, yml = fine_tuned
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    for file in (run / "checkpoints").glob("ckpt-6.*"):
        file.unlink()
    code, out, _ = run_main(main, "--cfg", yml, "--run", run)
    assert code == 0 and "goes on from step 3" in out and "trained to step 6" in out
    once, twice = saved(unbroken), saved(run)
    assert once.keys() == twice.keys() and len(once) > 100
    assert not [name for name in once if not np.array_equal(once[name], twice[name])]
    assert [line["step"] for line in logged(run)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_resumed_with_every_key_of_memory_and_speed_it_is_the_same_run(
    run_main, final_yml, saved, tmp_path
):
    keys = {"XLA": True, "PRECISION": "bfloat16"}
    yml = final_yml(**keys, TRAIN__ACCUMULATE=2, TRAIN__RECOMPUTE=True)
    for run, sittings in (("once", ("3",)), ("twice", ("2", "3"))):
        for last in sittings:
            flags = ("--cfg", yml, "--run", tmp_path / run, "--set", f"TRAIN.MAX_EPOCH={last}")
            assert run_main(main, *flags)[0] == 0
    once, twice = saved(tmp_path / "once"), saved(tmp_path / "twice")
    assert once.keys() == twice.keys() and len(once) > 100
    assert not [name for name in once if not np.array_equal(once[name], twice[name])]


@pytest.fixture(scope="module")
def with_validation(tiny_set, tmp_path_factory):
    """The tiny set, whose pictures of the test are those of a validation split too."""
    folder = shutil.copytree(tiny_set, tmp_path_factory.mktemp("sets") / "tiny")
    shutil.copytree(folder / "test", folder / "validation")
    card = json.loads((folder / "set.json").read_text())
    card["splits"]["validation"] = card["splits"]["test"]
    (folder / "set.json").write_text(json.dumps(card))
    return folder


def test_the_large_pictures_are_evaluated(with_validation, final_yml, tmp_path, monkeypatch):
    judged = []

    class Jury:
        digests, attributes = {"means": "0"}, []

        def __init__(self, cfg):
            pass

        def __call__(self, batches):
            judged.extend(batches)
            return np.concatenate([b.mean(axis=(1, 2)) for b in judged[-1:]]) / 255, None

    monkeypatch.setattr(live, "Jury", Jury)
    run, keys = tmp_path / "run", {"EVAL__LIVE_INTERVAL": 2, "TRAIN__EMA": 0.5}
    yml = final_yml(DATA_DIR=str(with_validation), **keys)
    assert main(["--cfg", str(yml), "--run", str(run)]) == 0
    assert [line["step"] for line in logged(run) if "live_kid" in line] == [2]
    real, fake = judged
    assert real.shape == fake.shape == (8, 32, 32, 3)
    # What was judged is what the best checkpoint, the only one of step 2, makes of the captions.
    sampler, split = load(run, "best"), open_split(with_validation, "validation")
    assert sampler.step == 2 and load(run).step == 3
    rows = CaptionChoice(split, split.embeddings("text"), 256, 0, distinct=True).rows
    embeddings = np.asarray(split.embeddings("text")[rows])
    np.testing.assert_array_equal(sampler(embeddings, 0), fake)
    assert not np.array_equal(load(run)(embeddings, 0), fake)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("TRAIN.FLAG=False", "run python main.py --cfg"),
        ('TRAIN.PRETRAINED_MODEL=""', "Stage-II needs the run folder of a trained Stage-I"),
        ("TRAIN.PRETRAINED_MODEL=nowhere", "nowhere is not a run folder (no config.yml)"),
        ("TRAIN.PRETRAINED_EPOCH=2", "TRAIN.MAX_EPOCH 2 must be above TRAIN.PRETRAINED_EPOCH"),
        ("TEST.HR_IMSIZE=64", "prepared for pictures of [16, 32] px, not 64"),
        ("TEXT.STANDARDIZE=True", "TEXT.STANDARDIZE is True, but the Stage-I run"),
        ("GAN.NETWORK_TYPE=simple", "simple is a Stage-I layout"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(
    override, said, refused, final_yml, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert said in refused(main, "--cfg", final_yml(), "--set", override, "--run", "run")
    assert not list(tmp_path.iterdir())


def test_stage1_must_be_a_trained_stage1_of_the_same_kind(
    refused, final_yml, stage1_run, stage2_run, make_set, tmp_path
):
    def answer(**keys):
        line = refused(main, "--cfg", final_yml(**keys), "--run", tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return line

    data = make_set(imsizes=(32, 64))
    larger = {"DATA_DIR": str(data), "TEST__LR_IMSIZE": 32, "TEST__HR_IMSIZE": 64}
    assert f"TEST.LR_IMSIZE is 32, but the Stage-I run {stage1_run} has 16" in answer(**larger)
    line = answer(TRAIN__PRETRAINED_MODEL=str(stage2_run))
    assert "is a run of final, expected one of initial" in line

    untrained = tmp_path / "untrained"
    shutil.copytree(stage1_run, untrained)
    shutil.rmtree(untrained / "checkpoints")
    line = answer(TRAIN__PRETRAINED_MODEL=str(untrained))
    assert "holds no checkpoint yet" in line


def test_stage1_must_have_seen_the_same_texts(refused, final_yml, stage1_run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(stage1_run, other)
    text = json.loads((other / "text.json").read_text())
    (other / "text.json").write_text(json.dumps(text | {"digest": "f" * 64}))
    yml = final_yml(TRAIN__PRETRAINED_MODEL=str(other))
    line = refused(main, "--cfg", yml, "--run", tmp_path / "run")
    assert "was trained on embeddings text (ffffffffffff)" in line
    assert not (tmp_path / "run").exists()


def test_a_run_of_stage1_is_not_resumed_as_stage2(refused, final_yml, stage1_run):
    before = sorted(stage1_run.rglob("*"))
    line = refused(main, "--cfg", final_yml(), "--run", stage1_run)
    assert "is a run of initial, not of final" in line
    assert sorted(stage1_run.rglob("*")) == before
