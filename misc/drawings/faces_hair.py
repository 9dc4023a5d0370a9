"""The hair of a drawn face: on its head, above its eyes and on its cheeks and chin."""

import numpy as np

from misc.drawings.canvas import Patch, ramp, spline
from misc.drawings.faces_features import MOUTH
from misc.drawings.faces_shape import Sitter

WAVE = 0.011  # how far the outline of wavy hair swings
CURL = 0.045  # the radius of a curl


def behind(sitter: Sitter):
    """The hair behind head and neck: all of long hair, a bun, and the mass of curls."""
    face, width, height = sitter.face, sitter.width, sitter.height
    if face["hairline"] == "bald":
        return
    if face["style"] == "long":
        side = [(0.6, -0.95), (1.08, -0.6), (1.22, 0.0), (1.3, 0.7), (1.32, 1.2), (0.9, 1.55)]
        side = np.array(side) * (width, height)
        back = _outline(sitter, np.concatenate([side, side[::-1] * (-1, 1)]))
        _lay(sitter, back, 0.7)
    elif face["texture"] == "curly":
        _lay(sitter, _curls(sitter, 1.14, (-0.2, 1.2), 26), 0.8)
    if face["style"] == "tied":
        bun = sitter.oval(0, -1.24 * height, 0.088, 0.078)
        if face["texture"] == "curly":
            around = np.linspace(0, 2 * np.pi, 9)[:-1]
            knots = np.stack([0.065 * np.cos(around), -1.24 * height + 0.05 * np.sin(around)], -1)
            bun = sitter.canvas.union(bun, _dots(sitter, knots, 0.7 * CURL))
        _lay(sitter, bun, 0.92)


def before(sitter: Sitter):
    """The hair on top of the head, around the forehead and, if it is long, before the shoulders."""
    face, canvas = sitter.face, sitter.canvas
    if face["hairline"] == "bald":
        shine = sitter.glow(-0.06, -0.78 * sitter.height, 0.06, 0.025, 0.9)
        canvas.paint(shine.faded(0.45), np.minimum(1.2 * sitter.skin + 16, 255))
        return
    if face["sideburns"] == "yes":
        _sideburns(sitter)
    cap = _cap(sitter)
    shadow = sitter.soft(canvas.polygon(cap + (0, 0.016 * sitter.unit)), 0.014)
    canvas.shade(canvas.within(shadow, sitter.skull), 0.28)
    pieces = [canvas.polygon(cap)]
    if face["texture"] == "curly":
        pieces.append(_curls(sitter, 1.0, (0.1, 0.9), 22))
        if face["hairline"] == "bangs":
            u = np.linspace(-0.8, 0.8, 9)
            fringe = np.stack([u * sitter.width, -0.15 + 0.02 * u**2], -1)
            pieces.append(_dots(sitter, fringe, 0.032))
    if face["style"] == "long":
        pieces += [_lock(sitter, side) for side in (-1, 1)]
    _lay(sitter, canvas.union(*pieces), 1.0)


def _hairline(sitter: Sitter) -> list:
    """The border of the hair on the forehead, from the one temple to the other."""
    width, height = sitter.width, sitter.height
    if sitter.face["hairline"] == "bangs":
        ends = np.linspace(-0.86, 0.86, 15)
        drops = sitter.stream("fringe").uniform(-0.012, 0.012, 15)
        drops[1::2] -= 0.022  # tips of strands, and gaps between them
        return [(u * width, -0.118 + d + 0.02 * u**2) for u, d in zip(ends, drops, strict=True)]
    if sitter.face["hairline"] == "receding":
        line = [(-0.82, -0.52), (-0.5, -0.84), (-0.26, -0.82), (0, -0.72), (0.26, -0.82)]
        line += [(0.5, -0.84), (0.82, -0.52)]
    else:
        part = 1 if sitter.stream("part").random() < 0.5 else -1
        line = [(-0.9, -0.42), (-0.7, -0.58), (-0.1, -0.68), (0.36, -0.76), (0.72, -0.58)]
        line = [(part * u, v) for u, v in [*line, (0.9, -0.42)]][::part]
    return [(u * width, v * height) for u, v in line]


def _cap(sitter: Sitter) -> np.ndarray:
    """The outline of the hair on the skull, on the canvas."""
    face, width, height = sitter.face, sitter.width, sitter.height
    tight = face["style"] == "tied"
    full = 1.06 if tight else {"straight": 1.15, "wavy": 1.18, "curly": 1.2}[face["texture"]]
    if face["hairline"] == "receding":
        full -= 0.05
    ear = {"short": -0.02, "long": 0.06, "tied": -0.06}[face["style"]]
    wide = 1.04 if tight else 1.1
    right = [(0.62, -0.9 * full), (1.0 * wide, -0.55), (1.02 * wide, -0.1)]
    right = [(u * width, v * height) for u, v in right] + [(1.03 * width, ear)]
    crown = [*((-u, v) for u, v in right[::-1]), (0, -full * height), *right]
    temple = (0.955 * width, -0.14 * height)
    inner = [temple, *_hairline(sitter)[::-1], (-temple[0], temple[1])]
    curve = spline(crown + inner)
    if face["texture"] == "wavy" and not tight:
        curve = _waved(sitter, curve)
    return sitter.on(curve)


def _lock(sitter: Sitter, side: int) -> Patch:
    """Long hair that falls before a shoulder and hides the ear."""
    width = sitter.width
    outer = [(1.08, -0.12), (1.2, 0.02), (1.28, 0.2), (1.36, 0.36), (1.36, 0.43)]
    inner = [(1.02, 0.44), (0.88, 0.38), (0.97, 0.24), (0.97, 0.1), (0.9, 0.0), (0.88, -0.1)]
    points = np.array(outer + inner) * (side * width, 1)
    lock = _outline(sitter, points)
    if sitter.face["texture"] == "curly":
        rng = sitter.stream(f"lock {side}")
        heights = np.linspace(-0.08, 0.4, 12)
        across = side * width * (1.16 + rng.uniform(-0.1, 0.16, 12))
        lock = sitter.canvas.union(lock, _dots(sitter, np.stack([across, heights], -1), CURL))
    return lock


def _outline(sitter: Sitter, points) -> Patch:
    curve = spline(points)
    if sitter.face["texture"] == "wavy":
        curve = _waved(sitter, curve)
    return sitter.canvas.polygon(sitter.on(curve))


def _waved(sitter: Sitter, curve: np.ndarray) -> np.ndarray:
    """A curve of which the parts beside the head swing to and fro."""
    beside = np.clip(np.abs(curve[:, 0]) / sitter.width - 0.7, 0, 0.4) / 0.4
    swing = WAVE * beside * np.sin(curve[:, 1] * 52)
    return curve + np.stack([np.sign(curve[:, 0]) * swing, np.zeros_like(swing)], -1)


def _curls(sitter: Sitter, reach: float, arc: tuple[float, float], count: int) -> Patch:
    """Curls around the head, from `arc[0]` to `arc[1]` of the half circle over it."""
    angle = np.pi * np.linspace(*arc, count)
    jitter = sitter.stream("curls").uniform(0.95, 1.1, count) * reach
    centres = np.stack([np.cos(angle) * sitter.width, -np.sin(angle) * sitter.height], -1)
    centres *= jitter[:, None]
    if sitter.face["hat"] != "none":  # presses them down
        centres = centres[centres[:, 1] > -0.35 * sitter.height]
    return _dots(sitter, centres, CURL)


def _dots(sitter: Sitter, centres, radius: float) -> Patch:
    return sitter.canvas.dots(sitter.on(centres), radius * sitter.unit)


def _lay(sitter: Sitter, patch: Patch, tone: float):
    """Paint hair: rounded, shining, and combed away from the crown."""
    curly = sitter.face["texture"] == "curly"
    light = sitter.relief(patch, 0.022 if curly else 0.04, 1.2) * _strands(sitter)
    sitter.canvas.paint(patch, tone * sitter.hair, light=light, grain=0.05)


def _strands(sitter: Sitter) -> np.ndarray:
    """Light (size, size) on combed hair, about 1: strands that leave the crown, and their shine."""
    rng, texture = sitter.stream("strands"), sitter.face["texture"]
    down = sitter.y + 1.12 * sitter.height
    away = np.hypot(sitter.x, down)
    if texture == "curly":
        turns = np.abs(sitter.canvas.noise(rng, 34, 34))  # winds along the zeros of the noise
        return 1.12 - 0.3 * np.clip(turns, 0, 1.2) + 0.05 * sitter.canvas.noise(rng, 12, 12)
    angle = np.arctan2(sitter.x, down)
    if texture == "wavy":
        angle = angle + 0.09 * np.clip(away / 0.2, 0, 1) * np.sin(52 * away + 3 * angle)
    streaks = np.zeros_like(away)
    for count, strength in ((70, 0.1), (200, 0.1)):
        knots = np.linspace(-np.pi, np.pi, count)
        streaks += strength * np.interp(angle, knots, rng.standard_normal(count)).astype(np.float32)
    streaks *= np.clip(away / 0.1, 0, 1)  # at the crown they are finer than a pixel
    shine = np.exp(-(((away - 0.42 * sitter.height) / 0.035) ** 2))
    return 1 + streaks + 0.2 * shine * (1 + 2 * streaks)


def beard(sitter: Sitter):
    """What grows on cheeks and chin: stubble, a goatee or all of it."""
    kind, canvas = sitter.face["beard"], sitter.canvas
    if kind == "none":
        return
    width, height = sitter.width, sitter.height
    x, y = np.abs(sitter.x), sitter.y
    border = max(0.02, 1.5 / (canvas.size * sitter.unit))
    if kind == "goatee":
        half = [(0.052, 0.188), (0.047, height), (0, 1.15 * height)]
        points = [(0, 0.2), *half, *[(-u, v) for u, v in half[-2::-1]]]
        _bristle(sitter, sitter.shape(points, 0.8), 0.96)
        return
    # High on the jaw, low on the cheeks, and free around the lips.
    edge = np.interp(x / width, (0.0, 0.25, 0.55, 0.8, 1.0), (0.15, 0.15, 0.125, 0.06, 0.0))
    cheeks = ramp(y - edge.astype(np.float32), border)
    lips = ramp(1 - np.hypot(x / 0.082, (y - MOUTH + 0.01) / 0.038), 0.4)
    region = sitter.skull.where(cheeks * (1 - lips))
    if kind == "stubble":
        strip = ramp(0.016 - np.abs(y - 0.115), 0.016) * ramp(0.075 - x, 0.02)
        shadow = sitter.skull.where(np.maximum(cheeks * (1 - lips), strip))
        tone = 0.45 * sitter.hair + 0.1 * sitter.skin + (4, 8, 14)
        _bristle(sitter, sitter.soft(shadow, 0.012).faded(0.5), 1.0, tone)
        return
    under = [(0.86, 0.5), (0.72, 0.85), (0.4, 1.16), (0, 1.22)]
    under = np.array(under + [(-u, v) for u, v in under[-2::-1]]) * (width, height)
    _bristle(sitter, canvas.union(region, sitter.shape([*under, (0, 0.21)])), 1.0)


def mustache(sitter: Sitter):
    """Hair between nose and lips."""
    if sitter.face["mustache"] == "yes":
        half = [(0.03, 0.103), (0.07, 0.122), (0.1, 0.152), (0.06, 0.146), (0.02, 0.135)]
        points = [(0, 0.108), *half, (0, 0.13), *[(-u, v) for u, v in half[::-1]]]
        _bristle(sitter, sitter.shape(points, 1.3), 0.92)


def _sideburns(sitter: Sitter):
    width = sitter.width
    for side in (-1, 1):
        strip = [(1.0, -0.12), (1.0, 0.04), (0.9, 0.12), (0.73, 0.11), (0.8, 0.0), (0.86, -0.12)]
        patch = sitter.shape(np.array(strip) * (side * width, 1))
        _bristle(sitter, sitter.canvas.within(patch, sitter.skull), 0.95)


def _bristle(sitter: Sitter, patch: Patch, tone: float, colour=None):
    """Paint short hair that grows downwards."""
    rng = sitter.stream("bristles")
    grain = sitter.canvas.noise(rng, 90, 40)
    light = sitter.relief(patch, 0.025, 0.9) * (1 + 0.13 * np.clip(grain, -2, 2))
    colour = sitter.hair if colour is None else np.asarray(colour, np.float32)
    sitter.canvas.paint(patch, tone * colour, light=light)


def brows(sitter: Sitter):
    """Eyebrows: their strength and whether they are arched; they lean with the expression."""
    face = sitter.face
    thick = {"thin": 0.009, "natural": 0.017, "bushy": 0.036}[face["brows"]]
    thick += 0.003 if sitter.man and face["brows"] == "natural" else 0
    lift = 0.03 if face["brow_shape"] == "arched" else 0.0
    frown = face["expression"] == "frown"
    for side in (-1, 1):
        inner, outer = -0.088 + 0.012 * frown, -0.078
        line = [(0.042, inner), (0.07, -0.092 - 0.65 * lift), (0.1, -0.095 - 0.95 * lift)]
        line = np.array([*line, (0.128, -0.09 - 0.72 * lift), (0.146, outer)]) * (side, 1)
        # Thick at the nose, thin at the temple.
        normal = np.array([(0, k) for k in (0.42, 0.5, 0.46, 0.34, 0.12)]) * thick
        patch = sitter.shape(np.concatenate([line - normal, (line + normal)[::-1]]), 1)
        _bristle(sitter, sitter.soft(patch, 0.002) if face["brows"] != "thin" else patch, 0.7)
