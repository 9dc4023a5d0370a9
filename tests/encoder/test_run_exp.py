"""The encoder's driver, as programs and in this process: whole runs, resuming, mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from encoder.embed import load
from encoder.run_exp import main

ROOT = Path(__file__).parents[2]
NOT_IMPORTED = "import sys; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"


def run(folder, tiny_set, *flags):
    keys = {
        "DATASET_NAME": "tiny",
        "DATA_DIR": tiny_set,
        "CONFIG_NAME": "encoder",
        "GPU_ID": -1,
        "TRAIN.BATCH_SIZE": 3,
        "TRAIN.MAX_EPOCH": 4,
        "TRAIN.LOG_INTERVAL": 2,
        "TRAIN.GRID_INTERVAL": 6,
        "TEXT.DIMENSION": 8,
        "TEXT.CNN_DIM": 8,
        "TEXT.WIDTHS": [8, 8],
        "TEXT.RECURRENCE": "rnn",
        "TEXT.STEPS": 8,
        "IMAGE.SIZE": 16,
        "IMAGE.WIDTH": 4,
    }
    settings = [flag for key, value in keys.items() for flag in ("--set", f"{key}={value}")]
    return main(["--run", str(folder), *settings, *flags])


def test_resuming_reaches_the_same_bits_and_the_run_shows_itself(
    tiny_set, tmp_path, capsys, variables_of
):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert run(whole, tiny_set) == 0
    assert run(halves, tiny_set, "--set", "TRAIN.MAX_EPOCH=2") == 0
    assert run(halves, tiny_set) == 0
    assert "goes on from step 6" in capsys.readouterr().out
    first, second = variables_of(whole), variables_of(halves)
    assert first.keys() == second.keys() and any("image_tower" in name for name in first)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 12  # 4 epochs of 3 classes
    numbers = {name for line in lines for name in line}
    assert {"loss", "accuracy", "zero_shot_accuracy", "zero_shot_chance"} <= numbers
    assert (whole / "grids" / "step-0000012.png").exists()


def test_a_bag_of_words_resumes_to_the_same_bits_and_embeds(
    tiny_set, tmp_path, capsys, variables_of
):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    bag = ("TEXT.KIND=bag", "TEXT.VOCABULARY=20", "TEXT.WORD_DIM=6")
    flags = [word for key in bag for word in ("--set", key)]
    assert run(whole, tiny_set, *flags) == 0
    assert run(halves, tiny_set, *flags, "--set", "TRAIN.MAX_EPOCH=2") == 0
    assert run(halves, tiny_set, *flags) == 0
    assert "goes on from step 6" in capsys.readouterr().out
    first, second = variables_of(whole), variables_of(halves)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    embedder = load(whole)
    rows = embedder(["a red square", "SQUARE, a red!", "a red circle", "a purple red square"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
    np.testing.assert_allclose(rows[0], rows[3], atol=1e-6)  # no training caption has this word
    assert np.abs(rows[0] - rows[2]).max() > 1e-3
    assert embedder.digest == load(halves).digest


def test_what_is_in_the_captions_is_in_the_digest_of_a_bag(tiny_set, make_set, tmp_path):
    flags = ["--set", "TEXT.KIND=bag", "--set", "TRAIN.MAX_EPOCH=1", "--set", "TEXT.WORD_DIM=6"]
    flags += ["--set", "TRAIN.LEARNING_RATE=1.0e-30"]
    one, other = tmp_path / "one", tmp_path / "other"
    assert run(one, tiny_set, *flags) == 0
    assert run(other, make_set(train=("red", "green", "white")), *flags) == 0
    assert load(one).digest != load(other).digest


def test_other_data_are_refused(tiny_set, make_set, tmp_path, run_main):
    assert run(tmp_path / "run", tiny_set, "--set", "TRAIN.MAX_EPOCH=1") == 0
    code, _, err = run_main(lambda _: run(tmp_path / "run", make_set(per_class=5)))
    assert code == 2 and "was begun on other data: prepared set (" in err


@pytest.mark.parametrize(
    ("flags", "networks"),
    [
        ([], {"text_encoder": 4_045_184, "image_tower": None}),
        (["--set", "TRAIN.IMAGE_FEATURES=googlenet"], {"text_encoder": 4_045_184}),
    ],
)
def test_a_dry_run_counts_and_needs_no_data(flags, networks, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["--dry-run", *flags]) == 0
    counted = json.loads(capsys.readouterr().out.splitlines()[-1])["networks"]
    assert counted.keys() == networks.keys()
    assert counted["text_encoder"] == {"trainable": 4_045_184, "non_trainable": 0}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("yml", ["birds", "flowers", "demo"])
def test_every_configuration_builds(yml, capsys):
    assert main(["--cfg", str(ROOT / f"encoder/cfg/{yml}.yml"), "--dry-run"]) == 0
    networks = json.loads(capsys.readouterr().out.splitlines()[-1])["networks"]
    published = {"birds": 4_045_184, "flowers": 2_994_560}
    assert networks["text_encoder"]["trainable"] == published.get(
        yml, networks["text_encoder"]["trainable"]
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("TRAIN.BATCH_SIZE=4", "3 classes, but a batch takes 4"),
        ("IMAGE.SIZE=64", "IMAGE.SIZE"),
        ("TRAIN.IMAGE_FEATURES=none", "none.npy: no readable picture features"),
        ("DATA_DIR=nowhere", "no prepared set"),
        ("TEXT.RECURENCE=gru", "TEXT.RECURRENCE"),
        ("TEXT.WIDTHS=[1]", "two whole numbers"),
        ("IMAGE.GRID=12", "IMAGE.GRID"),
        ("TEXT.KIND=word2vec", "expected one of: char-cnn-rnn, bag, minilm"),
    ],
)
def test_mistakes_are_one_line(setting, message, tiny_set, tmp_path, run_main):
    code, _, err = run_main(
        lambda _: run(tmp_path / "run", tiny_set, "--set", setting),
    )
    assert code == 2 and message in err
    assert err.strip().splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "run").exists()


def test_minilm_is_not_trained(run_main):
    code, _, err = run_main(main, "--set", "TEXT.KIND=minilm", "--set", "TEXT.DIMENSION=384")
    assert code == 2 and "TEXT.KIND is minilm, which comes trained" in err


@pytest.mark.parametrize("module", ["encoder.run_exp", "encoder.embed", "encoder.import_minilm"])
def test_help_needs_no_tensorflow(module):
    code = f"import {module} as program\ntry:\n    program.main(['--help'])\nexcept SystemExit:\n"
    result = subprocess.run(
        [sys.executable, "-c", code + f"    {NOT_IMPORTED}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0 and "usage:" in result.stdout
