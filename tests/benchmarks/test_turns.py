"""Processes take turns, tell what they are asked for, and do not linger."""

import sys

import pytest

from benchmarks.turns import machine, take_turns

SERVER = """
import itertools
from benchmarks import turns
turns.BURST = 0.01
made = []
turns.serve(turns.Work(lambda: made.append(1), {count}, lambda: {{"made": len(made)}}))
"""


def command(count):
    return [sys.executable, "-c", SERVER.format(count=count)]


def test_each_tells_its_rate_and_what_else_it_knows():
    first, second = take_turns([command(1), command(1000)], rounds=3)
    assert first["ratio"] == 1.0 and second["ratio"] > 10
    assert second["per_second"] > first["per_second"] > 0
    for turn in (first, second):
        # Three steps before anything is timed, and a burst of one or more for each question.
        assert turn["made"] >= 3 + 1 + 3 and turn["peak_gib"] > 0 and turn["graph_seconds"] >= 0


def test_one_that_dies_is_named():
    with pytest.raises(RuntimeError, match="no answer from .*raise SystemExit"):
        take_turns([command(1), [sys.executable, "-c", "raise SystemExit"]], rounds=1)


def test_the_machine():
    facts = machine()
    assert facts["python"].startswith("3.") and facts["cores"] >= 1 and facts["processor"]
    assert any(name.startswith("tensorflow") for name in facts)
