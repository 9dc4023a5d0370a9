"""The editor's benchmark from its flags to its page, with an oracle that reads colours."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from benchmarks import editor
from editor.trainer import build_networks
from misc.config.errors import UserError
from misc.config.load import load_config
from misc.training.import_run import save_networks

NAMES = ["is_red", "is_round"]


def oracle(pictures):
    """Reads a red picture off, and calls nothing round; features are the mean colours."""
    colours = pictures.mean((1, 2)) / 255
    redder = colours[:, 0] - colours[:, 1:].max(axis=1)
    red = 1 / (1 + np.exp(-40 * (redder - 0.2)))
    return {"attributes": np.stack([red, np.zeros_like(red)], axis=1), "features": colours}


@pytest.fixture(scope="module")
def world(make_set, tmp_path_factory):
    """A set with red pictures in both splits, and two untrained runs on it."""
    root = tmp_path_factory.mktemp("runs")
    data = make_set(
        train=("red", "green", "blue"), test=("red", "yellow"), per_class=12, width=None
    )
    for number, kind in enumerate(("features", "pixels")):
        overrides = [f"DATA_DIR={data}", f"LOSS.RECONSTRUCTION={kind}", "IMAGE.SIZE=32"]
        overrides += ["GAN.WIDTH=0.05", "Z_DIM=5", "DATASET_NAME=tiny", "GPU_ID=-1"]
        cfg = load_config("editor", None, overrides)
        keras.utils.set_random_seed(number)
        networks = build_networks(cfg)
        save_networks(root / kind, 9, cfg, "editor", networks)
    return SimpleNamespace(data=data, run=root / "features", plain=root / "pixels")


@pytest.fixture
def run(world, run_main, monkeypatch):
    """`run(*flags, attributes=NAMES)`: the benchmark on the world, without timings."""

    def start(*flags, attributes=NAMES):
        facts = {"attributes": attributes, "weights": np.eye(2, 3), "digest": "ab" * 32}
        judge = type("Judge", (), {"__call__": lambda self, pictures: oracle(pictures)})()
        vars(judge).update(facts, accuracy=0.5)
        monkeypatch.setattr("misc.evaluation.classifier.load", lambda folder: judge)
        fixed = ("--run", world.run, "--data", world.data, "--classifier", "c")
        return run_main(editor.main, *fixed, *flags)

    return start


def test_from_flags_to_a_page_and_all_the_numbers(world, run, tmp_path):
    page, numbers = tmp_path / "editor.md", tmp_path / "editor.json"
    code, out, err = run("--baseline", world.plain, "--most", "8", "--out", page, "--json", numbers)
    assert (code, out) == (0, ""), err
    text, found = page.read_text(), json.loads(numbers.read_text())
    assert found["held_out"] == [8, 24] and found["size"] == found["tile"] == 32
    assert [one["name"] for one in found["attributes"]] == ["is_red"]  # round is not read
    rows = {row["pictures"]: row for row in found["similarity"]}
    assert rows["real"]["cosine"] == 1 > rows["real, of others"]["cosine"]  # 1 is not known
    assert rows["real, of others"]["cosine_of_one"] > 0 == rows["real"]["cosine_of_one"]
    assert {f"{name}: moved there, balanced" for name in ("VAE/GAN", "plain VAE")} <= set(rows)
    kinds = {(r["model"], r["method"], r["steps"], r["pasted"]) for r in found["edits"]}
    assert len(kinds) == len(found["edits"]) == 2 * 3 * 2 * 2
    for row in found["edits"]:
        one = row["attributes"]["is_red"]
        assert 0 <= one["success"] <= 1 and one["asked"] == row["attributes"]["is_red"]["asked"]
        assert row["leakage"] == 0 and one["rest"] >= 0  # there is nothing to leak into
        if row["pasted"] and row["changed"] == 0:
            assert row["rest"] == 0
    assert "| plain VAE | regression | 2 | pasted |" in text and "is_red" in text
    assert "success of at least 80 % on the 1 clearest attributes: **missed**" in text
    assert "Training steps" not in text and "nan" not in text.lower()


@pytest.mark.parametrize(
    ("flags", "attributes", "said"),
    [
        (["--most", "1"], NAMES, "--most, --seed: expected"),
        ([], ["is_red"], "reads other attributes than"),
        (["--baseline", "nowhere"], NAMES, "nowhere is not a run folder"),
    ],
)
def test_mistakes(run, flags, attributes, said):
    code, _, err = run(*flags, attributes=attributes)
    assert code == 2 and said in err


def test_an_oracle_that_reads_nothing(run, monkeypatch):
    monkeypatch.setattr("benchmarks.editor_scores.LEAST", 1.01)
    code, _, err = run()
    assert code == 2 and "reads no attribute well" in err


def test_a_set_without_attributes(tmp_path, world, monkeypatch):
    from benchmarks.editor_models import held_out

    monkeypatch.setattr(
        "benchmarks.editor_models.open_split", lambda *_: SimpleNamespace(attributes=None)
    )
    with pytest.raises(UserError, match="has no attributes, so no edit of it can be measured"):
        held_out(world.data, 32, 9, oracle)
