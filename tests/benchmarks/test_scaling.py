"""What one core and the all-reduces foretell, beside what two workers took."""

import sys

from benchmarks.suites import scaling
from benchmarks.turns import take_turns


def test_the_prediction_by_hand():
    rates = {scaling.WORKERS: 0.25, scaling.ALIKE: 0.5, scaling.APART: 0.4, scaling.SMALL: 1000.0}
    rates[scaling.LARGE] = 1 / (0.001 + (2**24 - 2**11) / 1e9)  # 1 ms and a GB a second
    rows = [{"variant": name, "per_second": rate} for name, rate in rates.items()]
    rows[0] |= {"reduces": 500, "reduced": 5e8}
    told = scaling.more(None, rows)
    assert told.startswith("Two workers took 4.00 s a step. By the formulas of docs/plan.md 1.00 s")
    assert "500 all-reduces of 500.0 MB in all, at 1.00 ms for a small one and 1,000 MB/s" in told
    assert "one core, synchronised, foretells 3.00 s: -25% off" in told
    assert told.endswith("two cores, no messages, foretells 3.50 s: -12% off")


def test_all_reduces_are_timed_between_two_workers(tmp_path):
    program = [sys.executable, "-m", "benchmarks", "--suite", "scaling", "--serve"]
    (told,) = take_turns([[*program, scaling.REDUCE, scaling.SMALL, str(tmp_path)]], 1)
    assert told["per_second"] > 0
