"""The outlines of a drawn bird: every shape as points on the canvas, before any paint.

A bird is first laid out in its own frame (x towards the beak, y down, the body from x = -1 to 1),
then measured, scaled to the span its preset asks for, centred and turned to its side. So the bird
fills the picture as meant and nothing of it is cut off, whatever its shape and pose.
"""

from typing import NamedTuple

import numpy as np

from misc.drawings.canvas import spline
from misc.drawings.kinds import stream


class Plan(NamedTuple):
    """Proportions of a body type; lengths in half body lengths, angles in radians."""

    depth: float  # half the height of the body
    head: float  # radius
    head_at: tuple[float, float]
    leg: float  # from belly to ground
    tilt: tuple[float, float]  # the pose is drawn between these
    breadth: float = 1.0  # of the picture: wings and water make a bird look smaller


PLANS = {
    "songbird": Plan(0.66, 0.47, (0.80, -0.60), 0.36, (-0.60, -0.32)),
    "wader": Plan(0.58, 0.38, (1.00, -1.10), 1.0, (-0.25, -0.10)),
    "duck": Plan(0.50, 0.36, (0.88, -0.70), 0.0, (-0.10, 0.02), 1.06),
    "flyer": Plan(0.46, 0.38, (1.08, -0.16), 0.0, (-0.20, 0.06), 1.14),
}
HEAD_GROWTH = {"small": 1.14, "medium": 1.0, "large": 0.86}  # small birds have large heads
SPAN = {"small": 0.52, "medium": 0.58, "large": 0.64}  # of the picture's side
EASY_SPAN = 0.76  # so that a box crop of 1.5 times the box is the whole picture
TAIL = {"short": 0.6, "long": 1.15, "forked": 0.95}
BILL = {  # length, half thickness
    "short pointed": (0.38, 0.13),
    "long thin": (0.82, 0.085),
    "thick conical": (0.38, 0.23),
    "hooked": (0.42, 0.18),
    "flat": (0.47, 0.15),
}
CREST = (  # in head radii
    [(0.6, -0.62), (0.1, -1.12), (-0.95, -1.62), (-0.72, -1.15), (-1.5, -1.12)]
    + [(-0.95, -0.68), (-1.28, -0.35), (-0.55, -0.3)]
)


class Form:
    """A bird's outlines on the canvas.

    Attributes: `unit`, half a body length as a share of the picture's side; `plan`; polygons
    (n, 2) `body`, `neck`, `tail`, `wing`, `bill`, and `far_wing`, `crest` or None; `legs`, a list
    of polylines; `head`, the centre; `head_radius`; `ground`, the y of the feet; `flip`, 1 when
    the bird faces right, -1 left.
    """

    def __init__(self, bird: dict):
        rng = stream(bird["seed"], "pose")
        tilt, lift, sway, grow, *shift = rng.uniform(-1, 1, 6)
        self.plan = plan = PLANS[bird["shape"]]
        self.tilt = float(np.interp(tilt, (-1, 1), plan.tilt))
        self.flip = 1 if bird["facing"] == "right" else -1
        self.head_radius = plan.head * HEAD_GROWTH[bird["size"]]
        self.head = self._tilted([plan.head_at])[0]
        outlines = self._outlines(bird, lift, sway)
        legs = self._legs() if plan.leg else []

        easy = bird["preset"] == "easy"
        span = (EASY_SPAN if easy else SPAN[bird["size"]]) * plan.breadth * (1 + 0.04 * grow)
        skull = self.head + self.head_radius * np.array([(-1, -1), (1, 1)])
        every = np.concatenate([*outlines.values(), *legs, skull])
        low, high = every.min(0), every.max(0)
        self.unit = float(span / (high - low).max())
        centre = 0.5 + np.array(shift) * (0.02 if easy else 0.03)
        self._origin = centre - self.unit * self.flips * (low + high) / 2

        placed = {name: self._placed(points) for name, points in outlines.items()}
        self.body, self.neck, self.tail = placed["body"], placed["neck"], placed["tail"]
        self.wing, self.bill = placed["wing"], placed["bill"]
        self.far_wing, self.crest = placed.get("far_wing"), placed.get("crest")
        self.legs = [self._placed(leg) for leg in legs]
        self.head = self._placed(self.head)
        self.head_radius *= self.unit
        self.ground = float(self._origin[1] + self.unit * (plan.depth + plan.leg))

    @property
    def flips(self) -> np.ndarray:
        """What turns the bird's frame to the side it faces."""
        return np.array([self.flip, 1.0])

    def in_body(self, x, y):
        """Canvas positions in the frame of the body: x along it to the front, y down."""
        left, top = self._origin.tolist()  # plain numbers keep float32 fields float32
        cos, sin = float(np.cos(self.tilt)), float(np.sin(self.tilt))
        x, y = (x - left) * (self.flip / self.unit), (y - top) / self.unit
        return x * cos + y * sin, y * cos - x * sin

    def in_head(self, x, y):
        """Canvas positions in the frame of the head: its centre 0, its radius 1, x forward."""
        left, top = self.head.tolist()
        radius = self.head_radius
        return (x - left) * (self.flip / radius), (y - top) / radius

    def on_body(self, points) -> np.ndarray:
        """Canvas positions of points given in the frame of the body."""
        return self._placed(self._tilted(points))

    def on_head(self, points) -> np.ndarray:
        """Canvas positions of points given in the frame of the head."""
        return self.head + self.head_radius * self.flips * np.asarray(points, float)

    def _placed(self, points):
        return self._origin + self.unit * self.flips * points

    def _tilted(self, points):
        x, y = np.asarray(points, float).T
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return np.stack([x * cos - y * sin, x * sin + y * cos], -1)

    def _outlines(self, bird: dict, lift: float, sway: float) -> dict[str, np.ndarray]:
        """Polygons in the bird's own frame; `lift`, `sway` in [-1, 1] pose the spread wings."""
        depth, head, radius = self.plan.depth, self.head, self.head_radius
        body = [(-1, 0), (-0.6, -0.8), (0, -1), (0.65, -0.85), (1, 0), (0.6, 0.85), (0, 1)]
        body = spline(np.array([*body, (-0.65, 0.62)]) * (1, depth))
        shoulder, chest = self._tilted([(0.35, -0.85 * depth), (0.95, 0.1 * depth)])
        nape, chin = (-0.6, -0.15), (0.53, 0.39)
        if bird["shape"] == "wader":
            nape, chin = (-0.8, 0.0), (0.55, 0.4)
        nape, chin = head + radius * np.array([nape, chin])
        outlines = {
            "body": self._tilted(body),
            "neck": np.array([shoulder, nape, chin, chest]),
            "tail": self._tilted(_tail(bird)),
            "bill": head + radius * np.array([0.82, 0.05]) + _bill(bird["bill_shape"]),
        }
        if bird["shape"] == "flyer":
            outlines["wing"] = _spread_wing(lift, sway)
            outlines["far_wing"] = _spread_wing(lift, sway) * (0.85, 0.92) + (0.34, -0.08)
        else:
            raised = 0.16 * depth if bird["shape"] == "duck" else 0  # so that its belly shows
            share = 0.88 if bird["preset"] == "easy" else 1  # so that more of the body shows
            outlines["wing"] = self._tilted(share * (_folded_wing(depth) - (0, raised)))
        if bird["crest"] == "yes":
            outlines["crest"] = head + radius * np.array(CREST)
        return outlines

    def _legs(self) -> list[np.ndarray]:
        """Two legs and their feet, as lines in the bird's own frame."""
        depth, ground = self.plan.depth, self.plan.depth + self.plan.leg
        lines = []
        for x, y in self._tilted([(-0.16, 0.8 * depth), (0.17, 0.8 * depth)]):
            foot = x + 0.05
            lines.append([(x, y), (foot, ground)])
            lines.append([(foot - 0.08, ground), (foot + 0.17, ground + 0.03)])
        return [np.array(line) for line in lines]


def _tail(bird: dict) -> list:
    length = TAIL[bird["tail_shape"]] * (0.65 if bird["shape"] == "duck" else 1)
    base, end = -0.7, -0.88 - length
    if bird["tail_shape"] == "forked":
        notch = end + 0.45 * length
        return [(base, -0.16), (end, -0.32), (notch, 0.03), (end, 0.3), (base, 0.2)]
    return [(base, -0.2), (end, -0.2), (end - 0.08, -0.06), (end - 0.04, 0.08), (base, 0.25)]


def _folded_wing(depth: float) -> np.ndarray:
    points = [(0.5, -0.35), (0.1, -0.62), (-0.6, -0.38), (-1.28, 0.12), (-0.5, 0.4), (0.25, 0.32)]
    return spline(np.array(points) * (1, depth))


def _spread_wing(lift: float, sway: float) -> np.ndarray:
    """A raised wing: a smooth leading edge, and a trailing edge of feather tips."""
    lead = [(0.28, -0.16), (0.38, -0.7), (0.24, -1.22), (-0.06, -1.66)]
    tips = [(-0.4, -1.92), (-0.62, -1.66), (-0.74, -1.34), (-0.78, -1.02), (-0.74, -0.7)]
    trailing = []
    for tip, following in zip(tips, [*tips[1:], (-0.54, -0.4)], strict=True):
        notch = 0.5 * (np.array(tip) + following) * (0.9, 0.98)
        trailing += [tip, tuple(notch)]
    wing = np.array([*lead, *trailing, (-0.4, -0.3), (-0.24, 0.04), (0.08, 0.06)])
    # The higher on the wing, the farther a beat carries it.
    return spline(wing - wing[:, 1:] / 1.92 * (0.3 * sway, -0.12 * lift), 4)


def _bill(shape: str) -> np.ndarray:
    length, half = BILL[shape]
    if shape == "hooked":
        curve = [(0, -1), (0.7, -0.9), (1, 0.2), (0.95, 1.2), (0.7, 0.35), (0, 1)]
    elif shape == "flat":
        curve = [(0, -1), (0.5, -0.1), (1, 0.2), (1, 0.9), (0.4, 0.9), (0, 1)]
    else:
        return np.array([(0, -half), (length, 0.25 * half), (0, half), (-0.4 * half, 0)])
    return spline(np.array(curve) * (length, half))
