"""Where drawn birds are: eight quiet backgrounds, and what birds stand on.

Backgrounds are paler and greyer than any colour of a bird, so that a green bird in the grass and
a blue one in the sky stay clear. None of this is ever mentioned but the scene's name.
"""

import numpy as np

from misc.drawings.canvas import Canvas, ramp, spline

# Colours at the top and at the bottom, and the height of the horizon (None: one even gradient).
SCENES = {
    "branch": ((176, 182, 160), (200, 202, 178), None),
    "snow": ((182, 196, 210), (214, 222, 230), None),
    "meadow": ((186, 202, 212), (166, 174, 118), 0.62),
    "shore": ((176, 198, 208), (206, 190, 156), 0.60),
    "marsh": ((180, 192, 178), (142, 146, 116), 0.56),
    "water": ((188, 204, 206), (104, 142, 162), 0.45),
    "sky": ((142, 178, 214), (200, 216, 230), None),
    "sunset": ((150, 118, 146), (222, 176, 150), None),
}
GRASS = ((118, 132, 72), (156, 164, 92), (140, 134, 84))
LEAVES = ((96, 122, 66), (120, 142, 82))
BARK = (100, 76, 56)
SNOW = (240, 244, 250)


def backdrop(canvas: Canvas, scene: str, rng: np.random.Generator):
    """Fill the canvas: a gradient or a horizon, uneven light, and what is far away."""
    top, bottom, horizon = SCENES[scene]
    tones = rng.normal(0, 5, (2, 1)) + rng.normal(0, 1.5, (2, 3))
    top, bottom = (np.array([top, bottom]) + tones).astype(np.float32)
    horizon_shift, wave = rng.uniform(-0.03, 0.03), rng.uniform(0, 6)
    if horizon is None:
        share = canvas.y
    else:
        line = horizon + horizon_shift + 0.012 * np.sin(canvas.x * 7 + wave)
        share = 0.85 * ramp(canvas.y - line, 0.05) + 0.15 * canvas.y
    uneven = 1 + (0.02 if scene == "sky" else 0.03) * canvas.noise(rng, 4, 7)
    canvas.pixels[:] = (top + share[..., None] * (bottom - top)) * uneven[..., None]
    if scene == "branch":
        for x, y, radius, strength in rng.random((8, 4)):
            spot = canvas.blob(x, 0.9 * y, 0.05 + 0.08 * radius, 0.05 + 0.08 * radius, 0.25)
            light = (214, 216, 188) if strength < 0.6 else (150, 160, 126)
            canvas.paint(spot.faded(0.15 + 0.3 * strength), light, subject=False)
    elif scene == "snow":
        for x, y, radius in rng.random((28, 3)):
            flake = canvas.blob(x, y, 0.005 + 0.005 * radius, 0.005 + 0.005 * radius, 0.5)
            canvas.paint(flake.faded(0.9), SNOW, subject=False)
    elif scene == "sky":
        for x, y in rng.random((3, 2)):
            for dx, dy in rng.normal(0, (0.07, 0.015), (4, 2)):
                puff = canvas.blob(x + dx, y + dy, 0.12, 0.045, 0.6)
                canvas.paint(puff.faded(0.45), (242, 244, 246), subject=False)
    elif scene == "sunset":
        for y, width, strength in rng.random((4, 3)):
            streak = canvas.blob(0.3 + 0.4 * width, 0.35 + 0.6 * y, 0.5, 0.02, 0.9)
            canvas.paint(streak.faded(0.2 + 0.3 * strength), (240, 204, 170), subject=False)
    elif scene == "water":
        for x, y, tilt in rng.random((14, 3)):
            y = 0.5 + 0.48 * y
            ripple = canvas.strokes([[(x - 0.12, y), (x + 0.12, y + 0.01 * tilt)]], 0.006)
            canvas.paint(ripple.faded(0.35), (196, 214, 222), subject=False)
    elif scene in ("meadow", "marsh"):
        _grass(canvas, rng, 0.68, 1.05, 44, 0.14)


def perch(canvas: Canvas, scene: str, rng: np.random.Generator, ground: float):
    """What the feet stand on, painted before them; `ground` is their height on the canvas."""
    slopes = rng.normal(0, 0.03, 2)
    leaves = rng.random((5, 4))
    if scene in ("branch", "snow"):
        x = np.linspace(-0.05, 1.05, 12)
        bend = np.where(x < 0.5, *slopes) * (x - 0.5) ** 2 * 4
        line = np.stack([x, ground + 0.018 + bend], -1)
        branch = canvas.strokes([line], 0.04)
        light = canvas.relief(branch, 0.012, 1.6)
        canvas.paint(branch, BARK, light=light, grain=0.1, subject=False)
        if scene == "snow":
            snow = canvas.strokes([line - (0, 0.017)], 0.014)
            canvas.paint(snow, SNOW, subject=False)
        else:
            for place, side, length, turn in leaves:  # at the ends, away from the bird
                stem = line[1 + int(2 * place) if side < 0.5 else -2 - int(2 * place)]
                _leaf(canvas, stem, 0.06 + 0.04 * length, 7 * turn)
    elif scene in ("shore", "marsh", "meadow"):
        shadow = canvas.blob(0.5, ground + 0.012, 0.17, 0.02, 0.8)
        canvas.shade(shadow, 0.25)


def foreground(canvas: Canvas, scene: str, rng: np.random.Generator, ground: float):
    """A few blades of grass before the feet."""
    if scene in ("meadow", "marsh"):
        _grass(canvas, rng, ground + 0.02, ground + 0.08, 12, 0.06)


def waterline(canvas: Canvas, body, line: float, centre: float, width: float):
    """The water before a swimming bird's body, from the height `line` down."""
    deep = ramp(canvas.y - line, 0.02)
    canvas.paint(body.where(deep).faded(0.88), (98, 136, 158), subject=False)
    for offset, half in ((0.0, 1.15), (0.03, 0.85)):
        ring = canvas.blob(centre, line + offset, half * width, 0.007, 0.9)
        canvas.paint(ring.faded(0.55), (218, 230, 234), subject=False)


def _grass(canvas: Canvas, rng, low: float, high: float, count: int, length: float):
    blades = rng.random((len(GRASS), count // len(GRASS) + 1, 4))
    for colour, tuft in zip(GRASS, blades, strict=True):
        lines = []
        for x, y, bend, reach in tuft:
            y = low + (high - low) * y
            tall = length * (0.4 + 0.6 * reach)
            lines.append([(x, y), (x + 0.05 * (bend - 0.5), y - tall)])
        canvas.paint(canvas.strokes(lines, 0.008).faded(0.6), colour, subject=False)


def _leaf(canvas: Canvas, stem: np.ndarray, length: float, angle: float):
    along = length * np.array([np.cos(angle), np.sin(angle)])
    across = 0.28 * along[::-1] * (-1, 1)
    middle = stem + 0.5 * along
    leaf = canvas.polygon(spline([stem, middle + across, stem + along, middle - across]))
    light = canvas.relief(leaf, 0.015)
    canvas.paint(leaf, LEAVES[int(angle) % 2], light=light, subject=False)
