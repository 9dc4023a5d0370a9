"""Arithmetics are compared by runs from several seeds."""

import pytest

from benchmarks import precision
from benchmarks.precision import main, verdicts
from misc.evaluation.records import FOLDER, keep


def runs(kids):
    return [{"kid": kid, "attributes": 0.5 + kid} for kid in kids]


def test_a_difference_is_held_against_that_of_seeds():
    near = verdicts({"float32": runs([0.10, 0.12, 0.14]), "bfloat16": runs([0.11, 0.12, 0.15])})
    assert near["kid"]["mean"] == pytest.approx([0.12, 0.38 / 3])
    assert near["kid"]["deviation"][0] == pytest.approx(0.02) and near["kid"]["p"] > 0.5
    far = verdicts({"float32": runs([0.10, 0.11, 0.10]), "bfloat16": runs([0.20, 0.21, 0.20])})
    assert far["kid"]["p"] < 0.01


def test_every_seed_is_trained_and_measured_in_both(monkeypatch, run_main, tmp_path):
    trained = []

    def program(name, *flags):
        run = tmp_path / "runs" / flags[flags.index("--run") + 1].name
        if name == "initial/run_exp.py":
            assert flags[flags.index("--cfg") + 1] == "one.yml" and "A=1" in flags
            precision, seed = run.name.split("_")
            assert f"PRECISION={precision}" in flags and f"SEED={seed}" in flags
            trained.append(run.name)
            return
        (run / FOLDER).mkdir(parents=True)
        for metric in ("kid", "attributes"):
            value = 0.3 + len(trained) / 1000 if metric == "kid" else 0.75 + len(trained) / 100
            line = {"metric": metric, "protocol": metric, "value": value, "interval": None}
            keep(run / FOLDER, line)

    monkeypatch.setattr(precision, "_program", program)
    flags = ["--cfg", "one.yml", "--eval", "two.yml", "--set", "A=1", "--seeds", "2"]
    code, out, _ = run_main(main, *flags, "--runs", tmp_path / "runs")
    assert code == 0
    assert trained == ["float32_0", "bfloat16_0", "float32_1", "bfloat16_1"]
    assert "| 1 | 0.3030 | 0.3040 | 78.0% | 79.0% |" in out
    assert (
        "- attributes: 77.0% (deviation 1.4%) in float32, 78.0% (1.4%) in bfloat16: they do" in out
    )


def test_one_seed_tells_no_spread(run_main, tmp_path):
    code, _, err = run_main(main, "--cfg", "a", "--eval", "b", "--runs", tmp_path, "--seeds", "1")
    assert code == 2 and "--seeds 1: expected at least 2" in err
