"""The features of a drawn face: what lies on its skin, eyes, nose and mouth."""

import numpy as np

from misc.drawings.canvas import ramp
from misc.drawings.faces_shape import Sitter

IRIS = {"brown": (98, 60, 34), "blue": (66, 122, 192), "green": (74, 134, 84)}
SHADOWS = ((122, 78, 160), (72, 104, 176), (176, 78, 120), (60, 132, 128))
LIPSTICKS = ((190, 34, 58), (170, 28, 44), (206, 48, 96), (148, 30, 70))
EYE, MOUTH = (0.086, -0.035), 0.152  # one eye, and the height of the mouth
# How far the corners of a mouth are drawn up, and half its width; the thickness of a lip.
BENDS = {"smile": (0.04, 0.086), "neutral": (0.0, 0.066), "frown": (-0.036, 0.066)}
LIP = {"thin": 0.0105, "full": 0.0265}


def skin(sitter: Sitter):
    """Cheeks and wrinkles."""
    face, canvas, width = sitter.face, sitter.canvas, sitter.width
    for side in (-1, 1):
        sheen = sitter.glow(side * 0.58 * width, 0.05, 0.04, 0.03, 0.9, 0.6)
        canvas.paint(sheen.faded(0.25), np.minimum(1.12 * sitter.skin, 255))
        if face["cheekbones"] == "high":
            hollow = [(side * u * width, v) for u, v in ((0.97, 0.06), (0.55, 0.115), (0.8, 0.15))]
            under = sitter.soft(canvas.polygon(sitter.on(hollow, 0.5)), 0.03)
            canvas.paint(canvas.within(under, sitter.skull).faded(0.5), 0.68 * sitter.skin)
            bone = sitter.glow(side * 0.68 * width, 0.042, 0.05, 0.02, 0.8, 0.6)
            canvas.paint(bone.faded(0.6), np.minimum(1.14 * sitter.skin + 18, 255))
        if face["blush"] == "yes":
            rose = sitter.glow(side * 0.6 * width, 0.075, 0.05, 0.042, 0.6, 0.6)
            canvas.paint(rose.faded(0.55), (226, 84, 92), light=sitter.light)
        if face["chubby"] == "yes":
            fold = [(side * 0.082, 0.2), (side * 0.104, 0.172), (side * 0.108, 0.13)]
            canvas.shade(sitter.soft(sitter.lines([fold], 0.012, 0.8), 0.008), 0.22)
    if face["age"] == "old":
        _wrinkles(sitter)


def _wrinkles(sitter: Sitter):
    """Furrows on the forehead, beside the eyes and from the nose to the mouth."""
    canvas = sitter.canvas
    furrow = np.array([(-0.085, 0), (-0.03, -0.008), (0.03, -0.008), (0.085, 0)])
    fine, deep = [furrow + (0, y) for y in (-0.13, -0.158)], []
    for side in (-1, 1):
        deep.append([(side * u, v) for u, v in ((0.042, 0.07), (0.07, 0.1), (0.09, 0.145))])
        x, y = side * (EYE[0] + 0.05), EYE[1]
        fine += [[(x, y + k), (x + side * 0.028, y + 2.6 * k)] for k in (-0.009, 0.001, 0.011)]
        fine.append([(side * 0.1, 0.18), (side * 0.106, 0.215)])
    canvas.shade(canvas.within(sitter.lines(fine, 0.006, 0.8), sitter.skull), 0.3)
    canvas.shade(sitter.soft(sitter.lines(deep, 0.011, 0.8), 0.004), 0.45)


def eyes(sitter: Sitter):
    """Both eyes, with what is painted above and what sleep left below them."""
    scale = 1.2 if sitter.easy else 1.0
    shadow = SHADOWS[int(sitter.stream("makeup").integers(len(SHADOWS)))]
    for side in (-1, 1):
        _eye(sitter, side, scale, np.array(shadow, np.float32))


def _eye(sitter: Sitter, side: int, scale: float, shadow: np.ndarray):
    face, canvas = sitter.face, sitter.canvas
    x, y = side * EYE[0], EYE[1]
    half = 0.041 * scale
    high = (0.0235 if sitter.man else 0.0255) * scale * (0.5 if face["eyes"] == "narrow" else 1)
    socket = sitter.glow(x, y - 0.008, 1.4 * half, 0.036, 0.7, 1)
    canvas.shade(socket, 0.2)
    if face["bags"] == "yes":
        bag = sitter.glow(x, y + 0.032 * scale, 0.9 * half, 0.015, 0.5, 1)
        canvas.paint(bag.faded(0.5), 0.55 * sitter.skin + (6, 0, 16))
        rim = [(x - 0.9 * half, y + 0.03), (x, y + 0.047 * scale), (x + 0.9 * half, y + 0.03)]
        canvas.shade(sitter.soft(sitter.lines([rim], 0.007, 1), 0.003), 0.4)
    if face["makeup"] == "yes":
        lid = sitter.oval(x + side * 0.004, y - 0.02, 1.22 * half, 0.03, 1)
        canvas.paint(sitter.soft(lid, 0.008).faded(0.8), shadow, light=sitter.light)
    # Clockwise from the inner corner, which lies lower than the outer one.
    lids = [(-1, 0.16), (-0.3, -0.95), (0.45, -0.92), (1, -0.12), (0.3, 0.75), (-0.4, 0.7)]
    lids = (x, y) + np.array(lids) * (side * half, high)
    white = sitter.shape(lids, 1)
    canvas.paint(white, (246, 244, 242))
    radius = 0.0215 * scale
    for reach, colour in ((1, 0.6), (0.86, 1.0)):
        iris = sitter.oval(x, y - 0.002, reach * radius, reach * radius, 1)
        canvas.paint(canvas.within(iris, white), colour * np.array(IRIS[face["eye_color"]]))
    pupil = sitter.oval(x, y - 0.002, 0.45 * radius, 0.45 * radius, 1)
    canvas.paint(canvas.within(pupil, white), (14, 10, 10))
    top = ramp(-(sitter.y - y + 0.45 * high), 0.012)  # the shadow of the upper lid
    canvas.shade(white.where(top), 0.3)
    glint = sitter.oval(x - 0.35 * radius, y - 0.4 * radius, 0.27 * radius, 0.27 * radius, 1)
    canvas.paint(canvas.within(glint, white), (255, 255, 255))
    _lids(sitter, side, half, high)


def _lids(sitter: Sitter, side: int, half: float, high: float):
    """The edge of the upper lid, the crease above it, and lashes."""
    face, canvas = sitter.face, sitter.canvas
    x, y = side * EYE[0], EYE[1]
    made_up = face["makeup"] == "yes"
    arc = np.array([(-1, 0.1), (-0.6, -0.72), (0, -1.0), (0.6, -0.82), (1.02, -0.1)])
    edge = (x, y) + arc * (side * half, high)
    if made_up:
        edge = np.concatenate([edge, [(x + side * 1.38 * half, y - 0.55 * 0.0255)]])
    canvas.paint(sitter.lines([edge], 0.014 if made_up else 0.0085, 1), (38, 26, 24))
    crease = (x, y - 0.009) + arc * (side * half, high)
    canvas.shade(sitter.lines([crease], 0.005, 1), 0.35)
    below = (x, y + 0.001) + arc * (0.92 * side * half, -0.8 * high)
    canvas.shade(sitter.lines([below], 0.006 if made_up else 0.004, 1), 0.6 if made_up else 0.3)
    if not sitter.man or made_up:
        ends = ((0.5, -0.85, 0.006, 0.014), (0.8, -0.6, 0.011, 0.012), (1.0, -0.15, 0.015, 0.008))
        lashes = []
        for u, v, out, up in ends:
            root = (x + side * u * half, y + v * high)
            lashes.append([root, (root[0] + side * out, root[1] - up)])
        canvas.paint(sitter.lines(lashes, 0.005, 1), (38, 26, 24))


def nose(sitter: Sitter):
    """A ridge of light, a tip and two wings."""
    canvas, tone, kind = sitter.canvas, sitter.skin, sitter.face["nose"]
    half, tip = {"small": (0.03, 0.07), "big": (0.053, 0.084), "pointed": (0.026, 0.104)}[kind]
    bridge = 0.018 if kind == "big" else 0.011
    side = [(bridge, -0.05), (bridge + 0.004, 0.0), (half, tip - 0.012), (0.7 * half, tip + 0.005)]
    if kind == "pointed":
        side = [(bridge, -0.05), (bridge, 0.0), (half, tip - 0.035), (0.4 * half, tip - 0.005)]
    outline = [*side, (0, tip + 0.008), *[(-u, v) for u, v in side[::-1]]]
    shape = sitter.shape(outline, 1.6)
    fall = sitter.soft(sitter.shape(np.array(outline) * 1.04 + (0.007, 0.007), 1.6), 0.014)
    canvas.shade(canvas.within(fall, sitter.skull), 0.3)
    light = sitter.relief(shape, 0.022, 0.9)
    upper = ramp(sitter.y, 0.09)  # the bridge grows out of the forehead
    canvas.paint(sitter.soft(shape, 0.006).where(upper), tone, light=light * sitter.light)
    ridge = sitter.glow(-0.004, tip - 0.045, 0.008, 0.045, 0.7, 1.6)
    canvas.paint(ridge.faded(0.7 if kind == "pointed" else 0.4), np.minimum(1.18 * tone + 14, 255))
    ball = sitter.glow(-0.005, tip - 0.014, 0.36 * half, 0.012, 0.8, 1.6)
    canvas.paint(ball.faded(0.6), np.minimum(1.2 * tone + 24, 255))
    if kind == "pointed":
        edge = [[(-0.8 * half, tip - 0.026), (0, tip + 0.006), (0.8 * half, tip - 0.026)]]
        canvas.shade(sitter.lines(edge, 0.007, 1.6), 0.5)
        holes = [(s * 0.5 * half, tip - 0.008) for s in (-1, 1)]
    else:
        holes = [(s * 0.45 * half, tip + 0.001) for s in (-1, 1)]
    for x, y in holes:
        canvas.shade(sitter.glow(x, y, 0.24 * half, 0.006, 0.4, 1.6), 0.6)
    if kind == "big":
        for s in (-1, 1):  # the wings
            wing = np.array([(0.86, -0.038), (1.04, -0.012), (0.72, 0)]) * (s * half, 1)
            canvas.shade(sitter.lines([wing + (0, tip)], 0.007, 1.6), 0.3)


def mouth(sitter: Sitter):
    """Two lips along a line that bends with the expression, and what an open mouth shows."""
    face, canvas = sitter.face, sitter.canvas
    smile = face["expression"] == "smile"
    bend, half = BENDS[face["expression"]]
    if sitter.easy:
        bend, half = 1.15 * bend, 1.2 * half
    gap = 0.0 if face["mouth"] == "closed" else 0.05 if smile else 0.04
    thick, red = LIP[face["lips"]], _red(sitter)
    u = np.linspace(-1, 1, 21)
    line = MOUTH + bend * (0.35 - 1.3 * u**2)
    arch = (1 - u**2) ** 0.7
    upper = line - (0.2 if smile else 0.45) * gap * arch
    lower = line + (1.0 if smile else 0.75) * gap * arch
    top = upper - thick * arch * (1 - 0.3 * np.exp(-((u / 0.16) ** 2)))
    bottom = lower + 1.4 * thick * arch
    middle = float(lower[10])

    def between(above, below):
        edges = np.concatenate([above, below[::-1]])
        return canvas.polygon(sitter.on(np.stack([half * np.r_[u, -u], edges], -1), 1.2))

    canvas.shade(sitter.glow(0, middle + 1.9 * thick + 0.01, 0.035, 0.009, 0.8, 1.2), 0.25)
    canvas.paint(between(top, bottom), 0.9 * red, light=sitter.light)
    lip = between(lower, bottom)
    canvas.paint(lip, red, light=sitter.relief(lip, 0.01, 0.8))
    wet = sitter.glow(-0.01, middle + 0.6 * thick, 0.02, 0.4 * thick, 0.8, 1.2)
    canvas.paint(wet.faded(0.35), np.minimum(1.25 * red + 30, 255))
    if gap:
        inside = between(upper, lower)
        canvas.paint(inside, (78, 22, 26))
        tongue = sitter.glow(0, middle + 0.002, 0.5 * half, 0.32 * gap, 0.5, 1.2)
        canvas.paint(canvas.within(tongue, inside), (188, 84, 88))
        teeth = between(upper, upper + (0.55 if smile else 0.26) * gap * arch)
        canvas.paint(teeth, (248, 246, 240))
    else:
        canvas.paint(sitter.lines([np.stack([half * u, line], -1)], 0.007, 1.2), 0.38 * red)
    for side in (-1, 1):
        corner = sitter.glow(1.02 * side * half, float(line[0]), 0.011, 0.011, 0.8, 1.2)
        canvas.shade(corner, 0.35)


def _red(sitter: Sitter) -> np.ndarray:
    """The colour of the lips."""
    if sitter.face["lipstick"] == "yes":
        red = LIPSTICKS[int(sitter.stream("lipstick").integers(len(LIPSTICKS)))]
        return np.array(red, np.float32)
    return sitter.skin * np.array((0.84, 0.6, 0.58) if sitter.man else (0.88, 0.55, 0.54))
