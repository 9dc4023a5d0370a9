"""The numbers of an evaluation, written and read back with care."""

import json

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation import records
from misc.evaluation.bootstrap import Estimate
from misc.evaluation.protocols import RULES, line


def estimate(value, spread=1.0, seed=0):
    return Estimate(value, value + spread * np.random.default_rng(seed).normal(size=50))


def keep(folder, metric, value, judge="j", **facts):
    one = estimate(value)
    records.keep(folder, line(metric, judge, one, **facts), one)
    return one


def test_every_rule_has_a_title_and_a_direction():
    assert records.METRICS.keys() == RULES.keys()
    lower = {name for name, metric in records.METRICS.items() if not metric.higher}
    assert lower == {"fid", "kid"}


def test_the_last_line_of_a_protocol_counts(tmp_path):
    folder = tmp_path / "run" / "evaluation"
    keep(folder, "fid", 60.0, n=8)
    keep(folder, "kid", 0.5)
    last = keep(folder, "fid", 50.0, n=9)
    found = records.read_numbers(folder)
    assert list(found) == ["kid/j/v1", "fid/j/v1"]  # the newest last
    assert found["fid/j/v1"].get("value") == 50 and found["fid/j/v1"].get("n") == 9
    assert np.array_equal(found["fid/j/v1"].estimate.replicates, last.replicates)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 3
    assert json.loads((folder / "replicates.json").read_text()).keys() == found.keys()


def test_nothing_is_there_before_the_first_number(tmp_path):
    assert records.read_numbers(tmp_path / "evaluation") == {}


def test_a_number_without_replicates_is_one_without_an_estimate(tmp_path):
    keep(tmp_path, "fid", 60.0)
    records.keep(tmp_path, {"metric": "colour", "value": None, "protocol": "colour/j/v1"})
    told = line("fid", "j", estimate(40.0))
    records.keep(tmp_path, told)
    found = records.read_numbers(tmp_path)
    assert found["colour/j/v1"].get("value") is None
    assert found["fid/j/v1"].get("value") == 40 and found["fid/j/v1"].estimate is None


def test_replicates_of_another_line_are_not_taken_for_its_own(tmp_path):
    keep(tmp_path, "fid", 60.0)
    told = json.loads((tmp_path / "metrics.jsonl").read_text())
    told |= {"value": 61.0}  # as if a kill had come between the two files
    (tmp_path / "metrics.jsonl").write_text(json.dumps(told) + "\n")
    assert records.read_numbers(tmp_path)["fid/j/v1"].estimate is None


def test_numbers_that_are_none_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        records.keep(tmp_path, {"metric": "fid", "value": np.nan, "protocol": "fid/j/v1"})
    assert records.read_numbers(tmp_path) == {}


GOOD = {"metric": "fid", "value": 1.0, "interval": [0, 2], "protocol": "fid/j/v1"}


@pytest.mark.parametrize(
    "row",
    [
        "no JSON",
        "[1]",
        json.dumps(GOOD | {"value": "1"}),
        json.dumps(GOOD | {"value": True}),
        json.dumps(GOOD | {"value": float("inf")}),
        json.dumps(GOOD | {"value": 10**400}),
        json.dumps(GOOD | {"interval": [0, None]}),
        json.dumps(GOOD | {"interval": 3}),
        json.dumps(GOOD | {"protocol": 3}),
        json.dumps(GOOD | {"metric": "x" * 201}),
        json.dumps({"metric": "fid", "value": 1.0}),
        "[" * 100_000,
    ],
)
def test_a_line_that_we_do_not_write_is_refused(tmp_path, row):
    (tmp_path / "metrics.jsonl").write_text(json.dumps(GOOD) + "\n" + row + "\n")
    with pytest.raises(UserError, match="metrics.jsonl line 2: not"):
        records.read_numbers(tmp_path)


@pytest.mark.parametrize("content", ["[]", '{"fid/j/v1": 3}', '{"fid/j/v1": [1, "2"]}', "{"])
def test_replicates_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "metrics.jsonl").write_text(json.dumps(GOOD) + "\n")
    (tmp_path / "replicates.json").write_text(content)
    with pytest.raises(UserError, match="replicates.json"):
        records.read_numbers(tmp_path)


def test_a_file_far_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MOST_BYTES", 100)
    (tmp_path / "metrics.jsonl").write_text(json.dumps(GOOD) + "\n" + " " * 100)
    with pytest.raises(UserError, match="expected at most 100"):
        records.read_numbers(tmp_path)
