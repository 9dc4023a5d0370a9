"""What the people of drawn faces wear: clothes, a necklace, earrings, hats and glasses."""

import numpy as np

from misc.drawings.canvas import spline
from misc.drawings.faces_shape import Sitter

CLOTHES = (
    (178, 62, 60),
    (66, 100, 160),
    (78, 128, 92),
    (62, 62, 70),
    (226, 224, 218),
    (216, 178, 92),
    (128, 92, 142),
)
FRAMES = ((28, 26, 28), (84, 50, 30), (120, 30, 36), (40, 52, 92))
RIMS = {"round": (1, 0.06, 0.06), "square": (0.4, 0.062, 0.05), "sunglasses": (0.55, 0.068, 0.055)}
JEWELS = ((244, 206, 84), (224, 228, 236), (232, 92, 108))


def chest(sitter: Sitter):
    """Shoulders in a jumper, or in a shirt and a tie."""
    canvas, rng = sitter.canvas, sitter.stream("clothes")
    numbers = rng.permutation(len(CLOTHES))
    cloth, tie = (np.array(CLOTHES[n], np.float32) for n in numbers[:2])
    wide = 0.44 if sitter.man else 0.37
    side = [(0.1, 0.335), (0.62 * wide, 0.405), (0.93 * wide, 0.47), (1.08 * wide, 0.75)]
    points = [(0, 0.35), *side, *[(-x, y) for x, y in side[::-1]]]
    body = canvas.polygon(sitter.on_chest(spline(points)))
    light = sitter.relief(body, 0.05, 0.9)
    canvas.paint(body, cloth, light=light, grain=0.02)
    if sitter.face["necktie"] == "yes":
        _tie(sitter, tie if abs(tie.mean() - 225) > 30 else np.array(CLOTHES[0], np.float32))


def _tie(sitter: Sitter, colour: np.ndarray):
    """A knot and what hangs from it, on a white shirt with a collar."""
    canvas = sitter.canvas
    shirt = canvas.polygon(
        sitter.on_chest([(-0.12, 0.36), (0.12, 0.36), (0.05, 0.6), (-0.05, 0.6)])
    )
    canvas.paint(shirt, (238, 238, 240), light=sitter.relief(shirt, 0.04, 0.5))
    blade = [(-0.022, 0.45), (0.022, 0.45), (0.05, 0.6), (-0.05, 0.6)]
    knot = [(-0.034, 0.412), (0.034, 0.412), (0.021, 0.458), (-0.021, 0.458)]
    for points in (blade, knot):
        patch = canvas.polygon(sitter.on_chest(points))
        canvas.shade(canvas.polygon(sitter.on_chest(points) + 0.006 * sitter.unit), 0.25)
        canvas.paint(patch, colour, light=sitter.relief(patch, 0.015, 0.8))


def collar(sitter: Sitter):
    """The collar of a shirt, which lies before the neck."""
    if sitter.face["necktie"] == "no":
        return
    canvas, half = sitter.canvas, 0.105 if sitter.man else 0.08
    for side in (-1, 1):
        flap = [
            (1.0 * half, 0.335),
            (1.5 * half, 0.375),
            (0.1, 0.465),
            (0.012, 0.42),
            (0.6 * half, 0.39),
        ]
        points = sitter.on_chest(np.array(flap) * (side, 1))
        canvas.shade(canvas.polygon(points + (0, 0.008 * sitter.unit)), 0.2)
        patch = canvas.polygon(points)
        canvas.paint(patch, (244, 244, 246), light=sitter.relief(patch, 0.02, 0.6))


def necklace(sitter: Sitter):
    """Beads around the neck."""
    if sitter.face["necklace"] == "no":
        return
    canvas, half = sitter.canvas, 0.1 if sitter.man else 0.084
    angle = np.linspace(0.04, np.pi - 0.04, 13)
    beads = np.stack([1.12 * half * np.cos(angle), 0.348 + 0.058 * np.sin(angle)], -1)
    beads = sitter.on_chest(beads)
    radius = 0.0125 * sitter.unit
    colour = ((240, 236, 226), (244, 204, 84), (70, 150, 190))[_gem(sitter, "necklace")]
    canvas.shade(canvas.dots(beads + (0, 0.007 * sitter.unit), radius), 0.3)
    pearls = canvas.dots(beads, radius)
    canvas.paint(pearls, colour, light=sitter.relief(pearls, 0.008, 1.2))


def earrings(sitter: Sitter):
    """A stone under each ear."""
    if sitter.face["earrings"] == "no":
        return
    canvas = sitter.canvas
    colour = JEWELS[_gem(sitter, "earrings")]
    for side in (-1, 1):
        x = side * (sitter.width + 0.014)
        canvas.paint(sitter.lines([[(x, 0.045), (x, 0.075)]], 0.007, -0.5), colour)
        drop = sitter.oval(x, 0.088, 0.018, 0.024, -0.5)
        canvas.paint(drop, colour, light=sitter.relief(drop, 0.01, 1.2))
        glint = sitter.oval(x - 0.006, 0.08, 0.005, 0.006, -0.5)
        canvas.paint(glint, (255, 255, 250))


def hat(sitter: Sitter):
    """A cap with a visor, a knitted beanie, or a hat with a brim."""
    kind = sitter.face["hat"]
    if kind == "none":
        return
    rng = sitter.stream("hat")
    colour = np.array(CLOTHES[int(rng.integers(len(CLOTHES)))], np.float32)
    edge = sitter.oval(0, -0.6 * sitter.height, 1.02 * sitter.width, 0.05)
    sitter.canvas.shade(sitter.canvas.within(sitter.soft(edge, 0.02), sitter.skull), 0.35)
    {"cap": _cap, "beanie": _beanie, "brimmed": _brimmed}[kind](sitter, colour)


def _cap(sitter: Sitter, colour: np.ndarray):
    canvas, width, height = sitter.canvas, sitter.width, sitter.height
    half = [(0.66, -1.2), (1.08, -0.9), (1.18, -0.5)]
    half = np.array(half) * (width, height)
    dome = sitter.shape([(0, -1.32 * height), *half, (0, -0.56 * height), *(half[::-1] * (-1, 1))])
    light = sitter.relief(dome, 0.05, 0.9)
    canvas.paint(dome, colour, light=light, grain=0.03)
    seams = [[(0, -1.3 * height), (side * 0.4 * width, -0.6 * height)] for side in (-1, 1)]
    canvas.shade(canvas.within(sitter.lines(seams, 0.005), dome), 0.2)
    button = sitter.oval(0, -1.31 * height, 0.02, 0.012)
    canvas.paint(button, 0.85 * colour)
    visor = [(-1.12, -0.56), (-0.6, -0.7), (0, -0.74), (0.6, -0.7), (1.12, -0.56)]
    visor = np.array([*visor, (0.7, -0.48), (0, -0.44), (-0.7, -0.48)]) * (width, height)
    peak = sitter.shape(visor, 2)
    canvas.paint(peak, 0.82 * colour, light=sitter.relief(peak, 0.025, 1.2), grain=0.02)


def _beanie(sitter: Sitter, colour: np.ndarray):
    canvas, width, height = sitter.canvas, sitter.width, sitter.height
    half = np.array([(0.6, -1.3), (1.04, -1.0), (1.14, -0.62)]) * (width, height)
    dome = sitter.shape([(0, -1.42 * height), *half, *(half[::-1] * (-1, 1))])
    ball = sitter.oval(0, -1.43 * height, 0.042, 0.038)
    pale = np.minimum(1.3 * colour + 30, 255)
    canvas.paint(ball, pale, light=sitter.relief(ball, 0.02, 1.0), grain=0.12)
    canvas.paint(dome, colour, light=sitter.relief(dome, 0.06, 0.9), grain=0.08)
    u = np.linspace(-1, 1, 15)
    fold = [(1.17 * width * k, (-0.72 - 0.1 * (1 - k * k)) * height) for k in u]
    fold += [(1.17 * width * k, (-0.49 - 0.08 * (1 - k * k)) * height) for k in u[::-1]]
    band = canvas.polygon(sitter.on(fold))
    canvas.paint(band, 0.9 * colour, light=sitter.relief(band, 0.03, 1.1), grain=0.08)
    ribs = [[fold[k], fold[-1 - k]] for k in range(1, 14)]
    canvas.shade(canvas.within(sitter.lines(ribs, 0.006), band), 0.25)


def _brimmed(sitter: Sitter, colour: np.ndarray):
    canvas, width, height = sitter.canvas, sitter.width, sitter.height
    brim = sitter.oval(0, -0.6 * height, 1.75 * width, 0.052, 0.5)
    canvas.paint(brim, 0.86 * colour, light=sitter.relief(brim, 0.03, 1.0), grain=0.03)
    half = np.array([(0.3, -1.28), (0.72, -1.34), (0.92, -1.0), (1.04, -0.68)]) * (width, height)
    crown = [(0, -1.22 * height), *half, (0, -0.56 * height), *(half[::-1] * (-1, 1))]
    crown = sitter.shape(crown, 0.3)
    canvas.paint(crown, colour, light=sitter.relief(crown, 0.05, 1.0), grain=0.03)
    low, high = -0.62 * height, -0.82 * height
    ribbon = [(-1.2, high), (0, high + 0.02), (1.2, high), (1.2, low), (0, low + 0.03), (-1.2, low)]
    ribbon = sitter.shape([(u * width, v) for u, v in ribbon], 0.3)
    canvas.paint(canvas.within(ribbon, crown), 0.45 * colour)


def glasses(sitter: Sitter):
    """Round or square frames, or dark glasses."""
    kind, canvas = sitter.face["glasses"], sitter.canvas
    if kind == "none":
        return
    frame = FRAMES[0 if sitter.easy else int(sitter.stream("frame").integers(len(FRAMES)))]
    scale, wide = (1.15, 0.021) if sitter.easy else (1.0, 0.013)
    angle = np.linspace(0, 2 * np.pi, 41)
    rim = np.stack([np.cos(angle), np.sin(angle)], -1)
    # From a circle to a box with round corners, and the size of it.
    power, *extent = RIMS[kind]
    rim = scale * np.sign(rim) * np.abs(rim) ** power * extent
    rims = [(side * 0.089, -0.03) + rim for side in (-1, 1)]
    bridge = [(-0.03, -0.042), (0, -0.05), (0.03, -0.042)]
    arms = [
        [(s * (0.089 + 0.058 * scale), -0.046), (s * 1.02 * sitter.width, -0.04)] for s in (-1, 1)
    ]
    lenses = canvas.union(*(canvas.polygon(sitter.on(points, 1.5)) for points in rims))
    if kind == "sunglasses":
        frame = (24, 22, 26)
        shade = np.clip(1 + 9 * (sitter.y + 0.03), 0.6, 1.7)
        canvas.paint(lenses, (34, 32, 40), light=shade)
        for side in (-1, 1):
            gleam = [(side * 0.089 - 0.03, -0.035), (side * 0.089 - 0.002, -0.06)]
            patch = sitter.soft(sitter.lines([gleam], 0.013, 1.5), 0.004)
            canvas.paint(canvas.within(patch, lenses).faded(0.6), (176, 186, 204))
    else:
        canvas.paint(lenses.faded(0.12), (255, 255, 255))
    canvas.paint(sitter.lines([*rims, bridge], wide, 1.5), frame)
    canvas.paint(sitter.lines(arms, wide, 1), frame)


def _gem(sitter: Sitter, role: str) -> int:
    return int(sitter.stream(role).integers(3))
