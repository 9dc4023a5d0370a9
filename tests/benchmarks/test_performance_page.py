"""Tables and the page of all suites."""

from benchmarks import performance_page
from benchmarks.performance_page import page, table

PLAIN = {"work": "64 px", "variant": "plain", "per_second": 1234.5, "ratio": 1.0, "peak_gib": 1.5}
OURS = {**PLAIN, "variant": "bfloat16", "per_second": 2.469e3, "ratio": 2.0}


def test_columns_that_say_nothing_are_left_out():
    lines = table([PLAIN, OURS], "steps").splitlines()
    assert lines[0] == "| work | variant | steps/s | ratio | peak GiB |"
    assert lines[1] == "| --- | --- | ---: | ---: | ---: |"
    assert lines[3] == "| 64 px | bfloat16 | 2,470 | 2.00 | 1.50 |"


def test_ratios_of_before_stand_beside():
    lines = table([PLAIN, OURS], "steps", [{**OURS, "ratio": 1.25}]).splitlines()
    assert lines[0] == "| work | variant | steps/s | ratio | ratio before | peak GiB |"
    assert lines[2].endswith("| 1.00 |  | 1.50 |") and lines[3].endswith("| 2.00 | 1.25 | 1.50 |")


def test_bars_are_met_or_missed(monkeypatch):
    bars = [("faces", "64 px", "plain", 1.5), ("faces", "64 px", "bfloat16", 2.0)]
    monkeypatch.setattr(performance_page, "BARS", (*bars, ("data", "64 px", "plain", 1.0)))
    suite = {"machine": {"python": "3.11"}, "rounds": 3, "unit": "steps", "about": "Faces.\n"}
    text = page({"faces": {**suite, "rows": [PLAIN, OURS], "more": "and more"}})
    assert "| 64 px | plain | 1.5 | 1.00 | **missed** |" in text
    assert "| 64 px | bfloat16 | 2.0 | 2.00 | met |" in text
    assert text.count("| 64 px |") == 4  # two bars, two rows; none of suites that are not there
    assert "## faces\n\nFaces.\n\n| work |" in text
    assert text.endswith("and more\n\n3 rounds; python 3.11.\n")
