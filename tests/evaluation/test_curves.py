"""Coordinates of learning curves."""

import json

import pytest

from misc.config.errors import UserError
from misc.evaluation import curves


def log(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return curves.read_log(path)


def coordinates(curve):
    return [tuple(map(float, pair.split(","))) for pair in curve.points.split()]


def test_every_number_is_read_with_its_step(tmp_path):
    path = tmp_path / "log.jsonl"
    found = log(path, [{"step": 1, "d_loss": 2.0}, {"step": 2, "d_loss": 1, "live_kid": 0.5}])
    assert found["d_loss"] == [(1, 2), (2, 1)] and found["live_kid"] == [(2, 0.5)]
    with open(path, "a") as file:
        file.write('{"step": 3, "d_lo')
    assert curves.read_log(path) == found
    assert curves.read_log(tmp_path / "gone.jsonl") == {}


def test_what_is_no_number_is_passed_over(tmp_path):
    odd = {"a": "text", "b": None, "c": float("nan"), "d": 1e300, "e": True}
    assert log(tmp_path / "log.jsonl", [{"step": 1} | odd]).keys() == {"step"}


@pytest.mark.parametrize("line", ['"text"', "{}", '{"step": "1"}', '{"step": 1e300}', "{"])
def test_a_line_without_a_step_is_named(tmp_path, line):
    (tmp_path / "log.jsonl").write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(UserError, match=r"log\.jsonl line 2: no"):
        curves.read_log(tmp_path / "log.jsonl")


def test_losses_share_a_panel_and_live_measures_come_first():
    names = ("d_real", "g_loss", "kl_loss", "live_kid", "step", "images_per_second", "d_loss")
    found = curves.panels({name: [(0, 1.0), (1, 2.0)] for name in names})
    assert [panel.title for panel in found] == [
        "live_kid",
        "Losses",
        "Terms of the discriminator's loss",
        "kl_loss",
    ]
    assert [curve.name for curve in found[1].curves] == ["d_loss", "g_loss"]
    assert curves.panels({}) == []


def test_a_curve_fills_its_panel_and_its_ticks_are_round():
    (panel,) = curves.panels({"kl_loss": [(100, 0.5), (200, 4.5), (500, 2.5)]})
    left, right = curves.LEFT, curves.WIDTH - curves.RIGHT
    top, bottom = curves.TOP, curves.HEIGHT - curves.BOTTOM
    quarter = left + (right - left) / 4
    middle = (top + bottom) / 2
    assert coordinates(panel.curves[0]) == [
        (left, bottom),
        (pytest.approx(quarter, abs=0.1), top),
        (right, pytest.approx(middle, abs=0.1)),
    ]
    assert panel.curves[0].last == 2.5
    assert [text for _, text in panel.y_ticks] == ["1", "2", "3", "4"]
    assert [text for _, text in panel.x_ticks] == ["100", "200", "300", "400", "500"]
    assert panel.y_ticks[0][0] > panel.y_ticks[-1][0]  # upwards


def test_a_long_curve_is_averaged():
    points = [(k, float(k % 2)) for k in range(10 * curves.POINTS)]
    (panel,) = curves.panels({"kl_loss": points})
    drawn = coordinates(panel.curves[0])
    assert len(drawn) == curves.POINTS
    assert len({y for _, y in drawn}) == 1  # ten points' mean is a half everywhere
    assert panel.curves[0].last == 1


@pytest.mark.parametrize("values", [[0.0], [3.0, 3.0], [0.0, 5e-324], [-1e29, 1e29]])
def test_curves_that_have_no_height_or_too_much_are_drawn(values):
    (panel,) = curves.panels({"kl_loss": list(enumerate(values))})
    for x, y in coordinates(panel.curves[0]):
        assert 0 <= x <= curves.WIDTH and 0 <= y <= curves.HEIGHT
    assert 1 <= len(panel.y_ticks) <= 12
