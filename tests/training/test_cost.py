"""What evaluations cost, by a clock of the test's own."""

from types import SimpleNamespace

import pytest

from misc.training import cost
from misc.training.cost import Cost


@pytest.fixture
def clock(monkeypatch):
    """`clock.now`: seconds that pass only when a test says so."""
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(cost, "time", clock)
    return clock


def test_what_it_costs_is_told_and_too_much_warned_of_once(clock, capsys):
    costs = Cost()
    clock.now += 4
    costs.ready()
    clock.now += 6  # making graphs
    costs.mark(50)

    def evaluation(step, training, seconds):
        clock.now += training
        with costs.of(step):
            clock.now += seconds
        return costs.told()

    assert evaluation(100, 10, 30) == {"live_seconds": 30, "live_share": 0.68}
    assert not capsys.readouterr().err  # a first time tells nothing
    assert evaluation(200, 49, 1) == {"live_seconds": 1, "live_share": 0.35}
    assert not capsys.readouterr().err
    told = evaluation(300, 16, 4)
    assert told == {"live_seconds": 4, "live_share": 0.325}
    err = capsys.readouterr().err
    # 100 steps took 16 s: 4 s are a twentieth of what 475 steps and an evaluation take.
    assert "every 100 steps takes 20% of the time; with EVAL.LIVE_INTERVAL: 475 it would" in err
    evaluation(400, 1, 50)
    assert not capsys.readouterr().err
