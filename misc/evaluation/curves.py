"""Learning curves of a run's log.jsonl as coordinates, which a template draws as SVG."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from misc.config.errors import UserError
from misc.data.captions import parse_json
from misc.evaluation.records import bounded_text, finite

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 22  # margins inside, for the numbers at the axes
POINTS = 200  # of a curve; more of them are averaged
# Curves of one panel have one unit; what is named in none gets a panel of its own.
TOGETHER = {
    "Losses": ("d_loss", "g_loss"),
    "Terms of the discriminator's loss": (
        "d_real",
        "d_wrong",
        "d_fake",
        "d_real_image",
        "d_fake_image",
    ),
}
NOT_LEARNED = ("step", "epoch", "images_per_second", "live_seconds", "live_share")
_HUGE = 1e30  # no loss is; sums of such numbers stay finite


class Curve(NamedTuple):
    """points: "x,y x,y ..." in pixels; last: its last value in the log."""

    name: str
    points: str
    last: float


class Panel(NamedTuple):
    """Curves over one pair of axes; ticks: (place in pixels, text)."""

    title: str
    curves: list[Curve]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def read_log(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Every number that training logged: (step, value) by name, steps growing.

    A last line that a kill cut off is passed over. Returns: {} without a log.
    Raises: UserError, with the line, if another line is no JSON object with a step.
    """
    found: dict[str, list[tuple[float, float]]] = {}

    def usable(value):
        return finite(value) is not None and abs(value) < _HUGE

    if not path.exists():
        return found
    text = bounded_text(path)
    for number, row in enumerate(text[: text.rfind("\n") + 1].splitlines(), 1):
        line = parse_json(f"{path} line {number}", row)
        step = line.get("step") if isinstance(line, dict) else None
        if not usable(step):
            raise UserError(f"{path} line {number}: no step in it; remove the line")
        for name, value in line.items():
            if usable(value):
                found.setdefault(name, []).append((float(step), float(value)))
    return found


def panels(log: dict[str, list[tuple[float, float]]]) -> list[Panel]:
    """Panels of a log: losses that belong together in one, measures of live evaluation first."""
    left = {name: points for name, points in log.items() if name not in NOT_LEARNED}
    found = [
        _panel(title, {name: left.pop(name) for name in names if name in left})
        for title, names in TOGETHER.items()
        if not left.keys().isdisjoint(names)
    ]
    alone = sorted(left, key=lambda name: not name.startswith("live_"))
    found += [_panel(name, {name: left[name]}) for name in alone]
    return sorted(found, key=lambda panel: not panel.title.startswith("live_"))


def _panel(title: str, curves: dict[str, list[tuple[float, float]]]) -> Panel:
    thin = {name: _thinned(points) for name, points in curves.items()}
    steps, values = zip(*(point for points in thin.values() for point in points), strict=True)
    x = _Axis(min(steps), max(steps), LEFT, WIDTH - RIGHT)
    y = _Axis(min(values), max(values), HEIGHT - BOTTOM, TOP)
    drawn = [
        Curve(
            name,
            " ".join(f"{x.place(step):.1f},{y.place(value):.1f}" for step, value in points),
            curves[name][-1][1],
        )
        for name, points in thin.items()
    ]
    return Panel(title, drawn, x.ticks(4), y.ticks(5))


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    size = -(-len(points) // POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [tuple(sum(part) / len(group) for part in zip(*group, strict=True)) for group in groups]


class _Axis:
    """From values low..high to pixels begin..end; a curve of one value lies in the middle."""

    def __init__(self, low: float, high: float, begin: float, end: float):
        if high - low <= 1e-9 * max(abs(low), abs(high), 1e-30):
            margin = abs(low) / 10 or 1.0
            low, high = low - margin, high + margin
        self.low, self.high, self.begin, self.end = low, high, begin, end

    def place(self, value: float) -> float:
        """Pixel of a value."""
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """About `count` round numbers in the range: multiples of 1, 2 or 5 times a power of 10."""
        rough = (self.high - self.low) / count
        power = 10.0 ** math.floor(math.log10(rough))
        unit = next((k * power for k in (1, 2, 5) if k * power >= rough), 10 * power)
        first, last = math.ceil(self.low / unit - 1e-9), math.floor(self.high / unit + 1e-9)
        values = [unit * k for k in range(first, last + 1)]
        return [(round(self.place(value), 1), f"{value:.6g}") for value in values]
