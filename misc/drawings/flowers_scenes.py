"""What drawn flowers stand before: out-of-focus backgrounds, a stem and leaves. Never mentioned.

Backgrounds are darker, paler or greyer than any petals, so that a green flower among leaves and a
blue one in the sky stay clear.
"""

import numpy as np

from misc.drawings.canvas import Canvas, spline

# Colours at the top and at the bottom, and those of what is out of focus before them.
SCENES = {
    "leaves": ((70, 92, 66), (42, 58, 42), ((84, 108, 72), (54, 76, 52), (104, 122, 86))),
    "dark": ((44, 50, 46), (26, 30, 28), ((52, 62, 54), (34, 40, 36))),
    "soil": ((128, 112, 96), (98, 84, 72), ((144, 128, 112), (82, 70, 60), (112, 100, 90))),
    "sky": ((150, 182, 210), (200, 214, 224), ((226, 232, 236), (178, 202, 220))),
    "meadow": ((158, 168, 120), (96, 112, 70), ((178, 182, 136), (116, 132, 86), (86, 104, 66))),
}
GREEN = (86, 124, 62)
LEAVED = ("leaves", "dark", "meadow")


def backdrop(canvas: Canvas, scene: str, rng: np.random.Generator):
    """Fill the canvas: a gradient, uneven light, and shapes far behind the flower."""
    top, bottom, far = SCENES[scene]
    tones = rng.normal(0, 5, (2, 1)) + rng.normal(0, 1.5, (2, 3))
    top, bottom = (np.array([top, bottom]) + tones).astype(np.float32)
    uneven = 1 + 0.04 * canvas.noise(rng, 5, 5)
    canvas.pixels[:] = (top + canvas.y[..., None] * (bottom - top)) * uneven[..., None]
    for k, (x, y, turn, size, strength) in enumerate(rng.random((12, 5))):
        colour = far[k % len(far)]
        if scene in ("sky", "soil"):
            wide, tall = (0.22, 0.09) if scene == "sky" else (0.1, 0.07)
            puff = canvas.blob(x, y, wide * (0.5 + size), tall * (0.5 + size), 0.8)
            canvas.paint(puff.faded(0.2 + 0.3 * strength), colour, subject=False)
        else:
            angle = np.pi * (-0.5 + 0.5 * (turn - 0.5)) if scene == "meadow" else 7 * turn
            narrow = 0.12 if scene == "meadow" else 0.3
            leaf = _leaf((x, 1.1 * y), angle, 0.25 + 0.3 * size, narrow)
            shape = canvas.polygon(leaf, blur=0.015 + 0.03 * size)
            canvas.paint(shape.faded(0.35 + 0.4 * strength), colour, subject=False)
    if scene == "soil":
        canvas.pixels *= (1 + 0.05 * canvas.noise(rng, 40, 40))[..., None]


def stalk(canvas: Canvas, scene: str, rng: np.random.Generator, stem: np.ndarray):
    """The stem, a line (n, 2) from the flower down, and where others grow a few leaves of it."""
    leaves = rng.random((4, 4))
    tone = rng.uniform(0.75, 1.05) * (0.8 if scene == "dark" else 1)
    colour = tone * np.array(GREEN, np.float32)
    for k, (place, turn, size, shade) in enumerate(leaves[: 4 if scene in LEAVED else 2]):
        side = 1 if k % 2 else -1
        root = stem[-1 - int(5 * place)]
        angle = -np.pi / 2 + side * (0.5 + 0.7 * turn)
        length = 0.22 + 0.16 * size
        leaf = canvas.polygon(_leaf(root, angle, length, 0.2), blur=0.004)
        light = canvas.relief(leaf, 0.03, 0.9)
        canvas.paint(leaf, (0.7 + 0.35 * shade) * colour, light, grain=0.05, subject=False)
        rib = np.array([root, root + 0.9 * length * np.array([np.cos(angle), np.sin(angle)])])
        canvas.shade(canvas.within(canvas.strokes([rib], 0.006), leaf), 0.18)
    line = canvas.strokes([stem], 0.026)
    canvas.paint(line, colour, light=canvas.relief(line, 0.009, 1.4), subject=False)


def _leaf(root, angle: float, length: float, narrow: float) -> np.ndarray:
    """A leaf's outline (n, 2), from its root."""
    along = length * np.array([np.cos(angle), np.sin(angle)])
    across = narrow * along[::-1] * (-1, 1)
    middle = np.asarray(root) + 0.45 * along
    tip = root + along
    return spline([root, middle + across, tip, middle - across])
