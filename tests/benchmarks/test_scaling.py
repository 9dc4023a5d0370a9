"""What one core and the all-reduces foretell, beside what two workers took."""

import sys

from benchmarks.suites import attainable, scaling
from benchmarks.turns import take_turns


def test_the_predictions_by_hand():
    rates = {scaling.WORKERS: 0.25, scaling.ALIKE: 0.5, scaling.APART: 0.4, scaling.SMALL: 1000.0}
    rates[scaling.LARGE] = 1 / (0.001 + (2**24 - 2**11) / 1e9)  # 1 ms and a GB a second
    rates |= {scaling.ONE: 0.5, attainable.LEARNING: 10.0, attainable.SUM: 4.0}
    step = {"gflop": 120, "traffic": 1e10, "kept": 2**29, "held": 2**30, "peak_gib": 2.5}
    step |= {"reduces": 500, "reduced": 5e8}
    other = step | {"gflop": 60, "held": 2**29, "peak_gib": 2.0}
    facts = {scaling.WORKERS: step, scaling.ONE: other, scaling.SMALL: {"peak_gib": 0.5}}
    facts |= {attainable.LEARNING: {"giga": 10}, attainable.SUM: {"giga": 5}}  # 100 and 20 a second
    rows = [
        {"variant": one, "per_second": rate} | facts.get(one, {}) for one, rate in rates.items()
    ]
    about, *table = scaling.more(None, rows).splitlines()
    assert "100 GFLOP/s in convolutions and their gradients, and 20.0 GB/s in sums" in about
    assert "its step is 60 GFLOP, all else reads and writes 10.0 GB" in about
    assert "Between two workers 1.00 s of a step are 500 all-reduces of 500.0 MB" in about
    assert about.endswith("at 1.00 ms for a small one and 1,000 MB/s.")
    held = "variables, what is held at once, and a process of neither"
    assert table[3:] == [
        "| one core | s a step | what a core attains | 1.10 | 2.00 | -45% |",
        f"| one core | peak GiB | {held} | 1.50 | 2.00 | -25% |",
        "| two workers | s a step | what a core attains, and all-reduces | 2.70 | 4.00 | -32% |",
        f"| two workers | peak GiB | {held} | 2.00 | 2.50 | -20% |",
        "| two workers | s a step | the step of `one core, synchronised`, and all-reduces | 3.00 "
        "| 4.00 | -25% |",
        "| two workers | s a step | the step of `two cores, no messages`, and all-reduces | 3.50 "
        "| 4.00 | -12% |",
    ]


def test_all_reduces_are_timed_between_two_workers(tmp_path):
    program = [sys.executable, "-m", "benchmarks", "--suite", "scaling", "--serve"]
    (told,) = take_turns([[*program, scaling.REDUCE, scaling.SMALL, str(tmp_path)]], 1)
    assert told["per_second"] > 0
