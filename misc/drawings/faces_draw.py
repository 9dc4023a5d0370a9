"""A drawn face's picture: painted from back to front.

Every pixel follows from the face's attributes and its seed. Random numbers for pose, light,
background and clothes come from separate streams, so faces that share a seed and differ in one
attribute differ only where it shows.
"""

import numpy as np

from misc.drawings import faces_features as features
from misc.drawings import faces_hair as hair
from misc.drawings import faces_wear as wear
from misc.drawings.canvas import Canvas, Drawing, spline
from misc.drawings.faces import PRESETS, in_full, unseen
from misc.drawings.faces_shape import Sitter

WALLS = (
    (172, 192, 214),
    (178, 180, 184),
    (172, 192, 168),
    (220, 208, 184),
    (218, 190, 194),
    (196, 184, 212),
)


def draw(face: dict, size: int) -> Drawing:
    """Picture (size x size), mask and bounding box of a head and its shoulders.

    Args: size: in pixels, at least 16.
    """
    sitter = Sitter(_in_sight(face), size)
    canvas = sitter.canvas
    _wall(canvas, sitter.stream("wall"))
    hair.behind(sitter)
    wear.chest(sitter)
    _neck(sitter)
    wear.collar(sitter)
    wear.necklace(sitter)
    _head(sitter)
    features.skin(sitter)
    hair.beard(sitter)
    features.eyes(sitter)
    features.nose(sitter)
    features.mouth(sitter)
    hair.mustache(sitter)
    hair.brows(sitter)
    hair.before(sitter)
    wear.earrings(sitter)
    wear.hat(sitter)
    wear.glasses(sitter)
    return canvas.finished(sitter.stream("light"))


def _in_sight(face: dict) -> dict:
    """The face in full, with what nobody can see made plain: no trace of it must be left.

    The colour of a bald head's hair still shows in its brows, and curls beside a hat.
    """
    full = in_full(face)
    covered = set(unseen(full)) - {"hair_color", "texture"}
    if full["hairline"] == "bald":
        covered.discard("hairline")
    return full | {name: PRESETS["full"][name][0] for name in covered}


def _wall(canvas: Canvas, rng: np.random.Generator):
    """A wall out of focus, lighter around the head."""
    colour = np.array(WALLS[int(rng.integers(len(WALLS)))], np.float32)
    colour += rng.normal(0, 5, 3).astype(np.float32)
    light = 1.05 - 0.35 * ((canvas.x - 0.5) ** 2 + (canvas.y - 0.4) ** 2)
    light *= 1 + 0.025 * canvas.noise(rng, 5, 5)
    canvas.pixels[:] = light[..., None] * colour


def _neck(sitter: Sitter):
    """Neck, and the head's shadow on it."""
    canvas = sitter.canvas
    half = 0.105 if sitter.man else 0.08
    side = [(0.9 * half, 0.1), (0.92 * half, 0.28), (1.15 * half, 0.37), (1.5 * half, 0.4)]
    points = [*side, (0, 0.455), *[(-x, y) for x, y in side[::-1]]]
    neck = canvas.polygon(sitter.on_chest(spline(points, 4)))
    light = sitter.relief(neck, 0.05, 0.7)
    canvas.paint(neck, 0.93 * sitter.skin, light=light)
    shadow = sitter.soft(canvas.polygon(sitter.on(sitter.head) + (0, 0.035 * sitter.unit)), 0.02)
    canvas.shade(canvas.within(shadow, neck), 0.3)


def _head(sitter: Sitter):
    """Ears, a double chin, and the head in its light."""
    canvas, skin = sitter.canvas, sitter.skin
    for side in (-1, 1):
        ear = sitter.oval(side * (sitter.width + 0.008), 0.0, 0.03, 0.052, -0.5)
        canvas.paint(ear, 0.95 * skin, light=sitter.relief(ear, 0.02, 0.9))
        hollow = sitter.oval(side * (sitter.width + 0.012), 0.0, 0.014, 0.03, -0.5)
        canvas.shade(hollow, 0.2)
    if sitter.face["double_chin"] == "yes":
        chin = sitter.oval(0, sitter.height - 0.012, 0.64 * sitter.width, 0.062)
        canvas.paint(chin, 0.95 * skin, light=sitter.relief(chin, 0.03, 1.0))
        # The crease between the two chins.
        edge = canvas.polygon(sitter.on(sitter.head) + (0, 0.01 * sitter.unit))
        canvas.shade(canvas.within(sitter.soft(edge, 0.012), chin), 0.4)
    canvas.paint(sitter.skull, skin, light=sitter.light, grain=0.01)
