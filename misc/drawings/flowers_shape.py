"""The outlines of a drawn flower: petals in space, as points on the canvas before any paint.

A flower is laid out around its axis z, petals of length 1 about its middle, x to the right and y
down; each petal rises or sinks along an arc. Seen from its view, it is measured, scaled to the
span its preset asks for and centred. So petals hide each other as they do in space, the flower
fills the picture as meant and nothing of it is cut off.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from misc.drawings.canvas import spline
from misc.drawings.flowers import PETALS
from misc.drawings.kinds import stream

MOST = 24  # petals in a layer
TILT = {"front": (0.0, 0.2), "tilted": (0.36, 0.52), "side": (1.22, 1.36)}  # radians
SPAN = (0.66, 0.78)  # of the picture's side
EASY_SPAN = (0.84, 0.9)
LIGHT = np.array([-0.42, -0.6, 0.68])  # where it comes from: above left, before the flower
# Outlines of half a petal: (along, across), 1 at its length and its half width.
HALVES = {
    "rounded": [(0, 0.16), (0.3, 0.62), (0.62, 1.0), (0.86, 0.84), (0.98, 0.36), (1.0, 0)],
    "pointed": [(0, 0.18), (0.25, 0.74), (0.5, 1.0), (0.78, 0.6), (0.95, 0.17), (1.03, 0)],
    "heart shaped": [(0, 0.12), (0.35, 0.55), (0.7, 0.98), (0.92, 0.84), (1.02, 0.45), (0.84, 0)],
    "thin": [(0, 0.5), (0.4, 0.85), (0.75, 1.0), (0.93, 0.75), (0.985, 0.38), (1.0, 0)],
    "ruffled": [(0, 0.16), (0.3, 0.62), (0.62, 1.0), (0.86, 0.9), (0.97, 0.5), (1.0, 0)],
}
# Half the width of a petal where neighbours would just touch is 1.
WIDTH = {"rounded": 1.08, "pointed": 0.96, "heart shaped": 1.16, "thin": 0.42, "ruffled": 1.22}
# Radians: how steeply a petal leaves the middle, how much steeper it is at its tip, and how far
# its sides bend towards the axis.
ARCS = {"flat": (0.3, -0.3, 0.1), "cupped": (0.28, 0.9, 0.7), "drooping": (0.05, -1.15, -0.3)}
CENTRE = {"small": 0.13, "large": 0.27}
DOME = {"flat": 0.45, "cupped": 0.45, "drooping": 1.15}  # height of the centre by its radius


class Petal(NamedTuple):
    """One petal (or sepal) on the canvas.

    `outline` (n, 2); `to_petal` (3, 2), which takes (x, y, 1) to (along, across), 1 at the tip and
    at the half width; `size`, length and half width in units; `light`, brightness at the base, at
    the tip, and from side to side; `inside`, whether the inner face is seen; `layer`, 0 for the
    outermost, -1 for the sepals; `number` in the layer; `near`, which of a layer's petals lie over
    which; `over`, whether it hides the centre.
    """

    outline: np.ndarray
    to_petal: np.ndarray
    size: tuple[float, float]
    light: tuple[float, float, float]
    inside: bool
    layer: int
    number: int
    near: float
    over: bool

    def along_across(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions on the canvas as shares of the petal's length and half width."""
        (xu, xv), (yu, yv), (u, v) = self.to_petal.astype(np.float32)
        return x * xu + y * yu + u, x * xv + y * yv + v

    def placed(self, middle: np.ndarray, unit: float) -> "Petal":
        """The same petal, `unit` times as large and moved by `middle`."""
        turn, start = self.to_petal[:2] / unit, self.to_petal[2]
        to_petal = np.vstack([turn, start - middle @ turn])
        return self._replace(outline=middle + unit * self.outline, to_petal=to_petal)


class Form:
    """A flower's outlines on the canvas.

    Attributes: `unit`, the length of a petal as a share of the picture's side; `petals`, in the
    order of painting, those that are `over` the centre after it; `centre`, a polygon;
    `centre_size`, its radius in units; `stamens`, a line (2, 2) each; `stem`, a line from the
    flower to the ground.
    """

    def __init__(self, flower: dict):
        self.flower = flower
        rng = stream(flower["seed"], "pose")
        tilt, turn, grow, ground, *shift = rng.uniform(-1, 1, 6)
        self.tilt = float(np.interp(tilt, (-1, 1), TILT[flower["view"]]))
        self.roll = {"front": 0.15, "tilted": 0.4, "side": 0.18}[flower["view"]] * turn
        self.start = rng.uniform(0, 2 * np.pi)
        self.moods = rng.normal(0, 1, (4, MOST, 5))  # no petal is quite like the next
        self.filaments = rng.uniform(-1, 1, (12, 3))
        self.unit, self.middle = 1.0, np.zeros(2)
        self.arc = ARCS[flower["form"]]
        self.centre_size = CENTRE[flower["center_size"]]
        if flower["form"] == "cupped":
            self.centre_size *= 0.75
        petals = self._petals()
        outlines = [petal.outline for petal in petals]
        every = np.concatenate([*outlines, self._centre(), *self._stamens()])
        low, high = every.min(0), every.max(0)
        span = np.interp(grow, (-1, 1), EASY_SPAN if flower["preset"] == "easy" else SPAN)
        self.unit = float(span / (high - low).max())
        # Up to half of the margin that is left on a side, and a little up: there is a stem below.
        free = 0.5 - 0.5 * self.unit * (high - low)
        place = 0.5 + free * (0.5 * np.array(shift) - (0, 0.25))
        self.middle = place - 0.5 * self.unit * (low + high)
        self.petals = [petal.placed(self.middle, self.unit) for petal in petals]
        self.centre, self.stamens = self._centre(), self._stamens()
        self.stem = self._stem(ground)

    def seen(self, points) -> np.ndarray:
        """Points (n, 3) of the flower's space on the canvas (n, 2)."""
        return self.middle + self.unit * self._turned(points)[:, :2]

    def on_dome(self, points) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 2) of the unit disc on the dome of the centre, and whether they are seen."""
        points = np.asarray(points, float)
        size, height = self.centre_size, DOME[self.flower["form"]] * self.centre_size
        up = np.sqrt(np.clip(1 - (points**2).sum(1), 0, None))
        normals = np.column_stack([points / size, up / height])
        faces = self._turned(normals)[:, 2] > 0.25 * np.linalg.norm(normals, axis=1)
        return self.seen(np.column_stack([size * points, height * up])), faces

    def _turned(self, points) -> np.ndarray:
        """Points (n, 3) as seen: x right, y down, z towards the eye."""
        x, y, z = np.asarray(points, float).T
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        y, z = y * cos - z * sin, y * sin + z * cos
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return np.column_stack([x * cos - y * sin, x * sin + y * cos, z])

    def _petals(self) -> list[Petal]:
        count, shape = PETALS[self.flower["petals"]], self.flower["petal_shape"]
        start, bend, hollow = self.arc
        touching = min(0.62 * np.tan(np.pi / count), 0.52)
        width = touching * WIDTH[shape] * (1.15 if hollow > 0.5 or count > 8 else 1)
        width = max(width, 0.06)
        petals = []
        for layer in range(("one", "two", "three").index(self.flower["layers"]) + 1):
            for k in range(count):
                angle = self.start + (k + 0.5 * (layer % 2)) * 2 * np.pi / count
                length = 1 - 0.25 * layer
                arc = start + 0.14 * layer, bend, hollow
                petals.append(self._petal(shape, (k, layer), angle, length, width * length, arc))
        for k in range(5):  # sepals, below all petals
            angle = self.start + (k + 0.5) * 0.4 * np.pi
            arc = start - 0.1, 0.6 * bend, hollow
            petals.append(self._petal("pointed", (k, -1), angle, 0.42, 0.13, arc))
        # The outer layers lie below the inner ones where we look into the flower, and hide them
        # where we see its back: that of a cup's near petals, and of drooping ones far away.
        return sorted(
            petals,
            key=lambda p: (p.over, p.inside, p.layer if p.inside else -p.layer, p.near),
        )

    def _petal(self, shape, place, angle, length, width, arc) -> Petal:
        number, layer = place
        mood = self.moods[layer, number]
        angle += 0.12 * width * mood[0]
        length *= 1 + 0.035 * np.clip(mood[1], -2, 2)
        width *= 1 + 0.05 * np.clip(mood[2], -2, 2)
        start, bend, hollow = arc
        start += 0.07 * mood[3]

        def place_in_space(along, across):
            steep = start + bend * along
            out = (np.sin(steep) - np.sin(start)) / bend
            up = (np.cos(start) - np.cos(steep)) / bend
            aside = width * across
            out, up = length * out - hollow * aside**2, length * up + 0.3 * hollow * aside**2
            x = out * np.cos(angle) - aside * np.sin(angle)
            y = out * np.sin(angle) + aside * np.cos(angle)
            return np.column_stack([x, y, up])

        along, across = _outline(shape, mood[4])
        outline = self.seen(place_in_space(along, across))
        known = np.column_stack([outline, np.ones(len(outline))])
        to_petal = np.linalg.lstsq(known, np.column_stack([along, across]), rcond=1e-3)[0]
        x, y = outline.T
        inside = bool(x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0] > 0)
        grid = np.array([(0.1, 0), (0.2, 0), (0.85, 0), (0.95, 0), (0.5, -0.9), (0.5, 0.9)])
        spine = self._turned(place_in_space(*grid.T))
        side = spine[5] - spine[4]
        side /= np.sqrt(side @ side)
        lights = []
        for one, other in ((spine[0], spine[1]), (spine[2], spine[3])):
            (a, b, c), (d, e, f) = other - one, side
            normal = np.array([b * f - c * e, c * d - a * f, a * e - b * d])
            facing = float(normal @ LIGHT / np.sqrt(normal @ normal))
            lights.append(0.66 + 0.42 * max(0.0, facing if normal[2] > 0 else -facing))
        bulge = 0.13 * float(side @ LIGHT)
        # Seen from the front all are as near: each lies over the one before it.
        near = number if self.flower["view"] == "front" else float(spine[2, 2])
        over = not inside and bend > 0
        size, lights = (length, width), (*lights, bulge)
        return Petal(outline, to_petal, size, lights, inside, layer, number, near, over)

    def _centre(self) -> np.ndarray:
        """The outline of the dome in the middle."""
        size, height = self.centre_size, DOME[self.flower["form"]] * self.centre_size
        t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        flat = size * np.cos(self.tilt)
        tall = np.hypot(flat, height * np.sin(self.tilt))
        # Above, the dome's own outline; below, the circle it stands on.
        x, y = size * np.cos(t), np.sin(t) * np.where(np.sin(t) < 0, tall, flat)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return self.middle + self.unit * np.column_stack([x * cos - y * sin, x * sin + y * cos])

    def _stamens(self) -> np.ndarray:
        """Filaments that rise around the centre, from foot to tip: (12, 2, 2)."""
        if self.flower["stamens"] == "no":
            return np.empty((0, 2, 2))
        turn, out, up = self.filaments.T
        turn = np.arange(12) * np.pi / 6 + 0.15 * turn
        around = np.column_stack([np.cos(turn), np.sin(turn)])
        reach, rise = self.centre_size + 0.17 + 0.05 * out, 0.24 + 0.06 * up
        feet = np.column_stack([0.7 * self.centre_size * around, np.zeros(12)])
        tips = np.column_stack([reach[:, None] * around, rise])
        return np.stack([self.seen(feet), self.seen(tips)], axis=1)

    def _stem(self, ground: float) -> np.ndarray:
        first, second = self.seen([(0, 0, 0.05), (0, 0, -0.6)])
        last = np.array([first[0] + 0.1 * ground, 1.06])
        second[1] = min(second[1], 0.9)
        t = np.linspace(0, 1, 16)[:, None]
        return (1 - t) ** 2 * first + 2 * t * (1 - t) * second + t**2 * last


@cache
def _smooth(shape: str) -> np.ndarray:
    half = np.array(HALVES[shape])
    return spline(np.concatenate([half * (1, -1), half[-2::-1]]), 6)


def _outline(shape: str, mood: float) -> tuple[np.ndarray, np.ndarray]:
    """A whole petal's outline: along and across, each (n,); `mood` bends and waves it."""
    along, across = _smooth(shape).T
    if shape == "ruffled":
        turn = np.arctan2(across, along - 0.3)
        wave = 1 + 0.055 * np.sin(9 * turn + 3 * mood) * np.clip(2 * along - 0.4, 0, 1)
        along, across = 0.3 + (along - 0.3) * wave, across * wave
    return along, across + 0.06 * mood * along**2
