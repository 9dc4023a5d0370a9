"""Rates are compared with what the machine attains, in the same rounds and arithmetic."""

import pytest

from benchmarks.suites import attainable, training


def row(variant, ratio, gflop):
    return {"variant": variant, "per_second": 2 * ratio, "ratio": ratio, "gflop": gflop}


def test_a_row_is_compared_with_the_limit_of_its_arithmetic():
    rows = [row("plain float32", 1.0, 10.0), row("bfloat16", 3.0, 8.0)]
    rows += [row("attainable float32", 20.0, 1.0), row("attainable bfloat16", 96.0, 1.0)]
    plain, ours, limit, _ = attainable.compare(rows)
    assert (plain["gflops"], plain["attained"]) == (20.0, 0.5)
    assert (ours["gflops"], ours["attained"]) == (48.0, 0.25)
    assert (limit["gflops"], limit["attained"], limit["ratio"]) == (40.0, 1.0, None)
    other = [{"variant": "200 pictures", "per_second": 1.0, "ratio": 1.0}]
    assert attainable.compare(other) == other


@pytest.mark.parametrize(
    ("work", "items"),
    [
        (attainable.CONVOLUTION, 2 * 8 * 32 * 32 * 9 * 256 * 256 / 1e9),
        (attainable.LEARNING, 3 * 2 * 8 * 32 * 32 * 9 * 256 * 256 / 1e9),
        (attainable.PRODUCT, 2 * 2048**3 / 1e9),
        (attainable.SUM, 3 * 2**26 / 1e9),
    ],
)
def test_what_is_counted(work, items):
    found = attainable.make(None, work, "float32", "")
    found.step()
    assert found.count == pytest.approx(items)


def test_limits_take_their_turns():
    assert all(set(attainable.LIMITS) < set(variants) for variants in training.works(None).values())
