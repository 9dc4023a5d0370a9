"""Where the parts of a drawn face lie, and what colours its seed gives them, before any paint.

A head has its own frame: its middle is 0, x runs to the side, y down, and 1 is the picture's side
before scaling. It is tilted about the neck, and turned a little: what lies in front of the head's
axis (`depth`, 1 at the eyes) moves to the side. The chest stays upright.
"""

import numpy as np

from misc.drawings.canvas import Canvas, Patch, blurred, ramp, spline
from misc.drawings.kinds import stream

SKIN = {
    "pale": (240, 212, 196),
    "light": (226, 180, 148),
    "tan": (206, 154, 112),
    "brown": (152, 102, 68),
    "dark": (98, 64, 46),
}
HAIR = {
    "black": (38, 32, 32),
    "brown": (104, 66, 40),
    "blond": (226, 188, 110),
    "red": (184, 78, 34),
    "gray": (184, 184, 186),
}
# Half width and half height; width of the jaw and of the chin as shares of the half width.
FACES = {
    "oval": (0.2, 0.28, 0.72, 0.33),
    "round": (0.222, 0.258, 0.82, 0.42),
    "square": (0.21, 0.268, 0.93, 0.6),
}
NECK = np.array([0.0, 0.3])  # what a head tilts about
CENTRE = np.array([0.5, 0.465])
EASY_SCALE = 1.2  # so that less of the picture is background
TILT, TURN = 0.07, 0.014


class Sitter:
    """One face on its canvas: outlines, colours and places for those who paint it.

    Attributes: `face`, with all of `full`; `canvas`; `unit`, the scale of the head's frame;
    `x`, `y` (size, size), the canvas in that frame; `width`, `height`, half those of the head;
    `head`, its outline (n, 2) in its frame; `skull`, that shape; `light` (size, size) on it;
    `skin`, `hair`, float32 colours; `man`, `easy`.
    """

    def __init__(self, face: dict, size: int):
        self.face = face
        self.man, self.easy = face["gender"] == "man", face["preset"] == "easy"
        self.canvas = Canvas(size, self.stream("grain"))
        tilt, turn, grow, *shift = self.stream("pose").uniform(-1, 1, 5)
        self.unit = (EASY_SCALE if self.easy else 1.0) * float(1 + 0.04 * grow)
        self._turn = TURN * turn
        cos, sin = np.cos(TILT * tilt), np.sin(TILT * tilt)
        self._rotation = np.array([[cos, sin], [-sin, cos]])  # of rows
        self._centre = CENTRE + 0.012 * np.array(shift) + (0, 0.03 * self.easy)
        tones = self.stream("tones").uniform(0.95, 1.05, 2)
        self.skin = np.array(SKIN[face["skin"]], np.float32) * tones[0]
        self.hair = np.array(HAIR[face["hair_color"]], np.float32) * tones[1]
        self.width, self.height, jaw, chin = FACES[face["face"]]
        self.head = self._head(jaw, chin)
        self.x, self.y = self._in_head(self.canvas.x, self.canvas.y)
        self.skull = self.canvas.polygon(self.on(self.head))
        # The temples and the jaw turn away from the light.
        aside = ramp(np.abs(self.x) / self.width - 0.85, 0.6)
        self.light = self.relief(self.skull, 0.085, 0.55) * (1 - 0.14 * aside)

    def stream(self, role: str) -> np.random.Generator:
        """Random numbers for one purpose: the seed's alone, whatever the attributes."""
        return stream(self.face["seed"], role)

    def on(self, points, depth: float = 0.0) -> np.ndarray:
        """Canvas positions of points (n, 2) in the frame of the head, `depth` before its axis."""
        points = np.asarray(points, float) + (depth * self._turn, 0)
        turned = (points - NECK) @ self._rotation + NECK
        return self._centre + self.unit * turned

    def on_chest(self, points) -> np.ndarray:
        """Canvas positions of points (n, 2) below the head, which do not tilt with it."""
        return self._centre + self.unit * np.asarray(points, float)

    def shape(self, points, depth: float = 0.0) -> Patch:
        """A smooth closed curve through points in the frame of the head."""
        return self.canvas.polygon(self.on(spline(points), depth))

    def oval(self, x: float, y: float, rx: float, ry: float, depth: float = 0.0) -> Patch:
        """An ellipse in the frame of the head."""
        angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        points = np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], -1)
        return self.canvas.polygon(self.on(points, depth))

    def glow(self, x, y, rx, ry, edge: float = 0.6, depth: float = 0.0) -> Patch:
        """An ellipse without a clear border, in the frame of the head."""
        ((x, y),) = self.on([(x, y)], depth)
        return self.canvas.blob(float(x), float(y), self.unit * rx, self.unit * ry, edge)

    def lines(self, lines, width: float, depth: float = 0.0) -> Patch:
        """Polylines in the frame of the head, all of one `width`."""
        return self.canvas.strokes([self.on(line, depth) for line in lines], self.unit * width)

    def relief(self, patch: Patch, radius: float, strength: float = 1.0) -> np.ndarray:
        """Light on a shape rounded over `radius` in the frame of the head."""
        return self.canvas.relief(patch, self.unit * radius, strength)

    def soft(self, patch: Patch, radius: float) -> Patch:
        """The shape out of focus: its border fades over `radius` on both sides."""
        whole = np.zeros_like(self.canvas.subject)
        whole[patch.at] = patch.cover
        sigma = max(0.6, 0.7 * radius * self.unit * self.canvas.size)
        return Patch((slice(None), slice(None)), np.clip(blurred(whole, sigma), 0, 1))

    def _in_head(self, x, y):
        """Canvas positions in the frame of the head; plain numbers keep float32 fields so."""
        left, top = (self._centre + self.unit * NECK).tolist()
        (cos, sin), _ = self._rotation.tolist()
        x, y = (x - left) / self.unit, (y - top) / self.unit
        return x * cos + y * sin, y * cos - x * sin + float(NECK[1])

    def _head(self, jaw: float, chin: float) -> np.ndarray:
        """The outline of the head, clockwise from its top."""
        jaw += 0.03 if self.man else -0.03
        cheek = 0.97
        if self.face["chubby"] == "yes":
            cheek, jaw, chin = 1.06, jaw + 0.65 * (1.04 - jaw), chin + 0.1
        half = [(0.52, -0.9), (0.9, -0.55), (1, -0.1), (cheek, 0.3), (jaw, 0.68), (chin, 0.93)]
        right = np.array(half) * (self.width, self.height)
        top, bottom = [(0, -self.height)], [(0, self.height)]
        return spline(np.concatenate([top, right, bottom, right[::-1] * (-1, 1)]))
