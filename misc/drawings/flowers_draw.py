"""A drawn flower's picture: petals painted from back to front over their background.

Every pixel follows from the flower's attributes and its seed, as with birds: flowers that share a
seed and differ in one attribute differ only where it shows.
"""

import numpy as np

from misc.drawings import flowers_scenes as scenes
from misc.drawings.canvas import Canvas, Drawing, Patch, ramp
from misc.drawings.flowers import COLOURS, PARTS, hidden, in_full
from misc.drawings.flowers_shape import MOST, Form, Petal
from misc.drawings.kinds import stream

SEPAL = (112, 146, 76)
FILAMENT = (238, 230, 196)
GOLDEN_ANGLE = 2.399963
SHADOW = np.array([0.006, 0.014])  # how far a petal's shadow falls
# Where a petal's second colour lies: two-tone up to here; veins and spots at these places.
INNER = 0.52
VEINS = (-0.66, -0.33, 0.0, 0.33, 0.66)
SPOTS = ((0.3, 0.0), (0.42, -0.35), (0.44, 0.38), (0.56, 0.02), (0.66, -0.42), (0.68, 0.4))
NARROW_SPOTS = ((0.36, 0.0), (0.54, 0.0), (0.72, 0.0))


def draw(flower: dict, size: int) -> Drawing:
    """Picture (size x size), mask and bounding box of a flower; `size` in pixels, at least 16."""
    return _Painter(in_full(flower), size).paint()


class _Painter:
    """One flower on one canvas."""

    def __init__(self, flower: dict, size: int):
        self.flower = flower
        self.form = Form(flower)
        self.canvas = Canvas(size, stream(flower["seed"], "grain"))
        rng = stream(flower["seed"], "tones")
        tones = rng.uniform(0.95, 1.03, len(PARTS))
        self.colour = {
            part: tone * np.array(COLOURS[flower[f"{part}_color"]], np.float32)
            for part, tone in zip(PARTS, tones, strict=True)
        }
        self.petal_tones = rng.uniform(0.94, 1.04, (4, MOST))

    def paint(self) -> Drawing:
        flower, canvas, form = self.flower, self.canvas, self.form
        rng = stream(flower["seed"], "scene")
        scenes.backdrop(canvas, flower["background"], rng)
        scenes.stalk(canvas, flower["background"], rng, form.stem)
        for petal in form.petals:
            if not petal.over:
                self._petal(petal)
        if "center_color" not in hidden(flower):
            self._centre()
            if flower["stamens"] == "yes":
                self._stamens()
        for petal in form.petals:
            if petal.over:
                self._petal(petal)
        return canvas.finished(stream(flower["seed"], "light"))

    def _petal(self, petal: Petal):
        canvas, unit = self.canvas, self.form.unit
        shadow = canvas.polygon(petal.outline + unit * SHADOW, blur=0.016 * unit)
        canvas.shade(shadow.where(canvas.subject), 0.34)
        shape = canvas.polygon(petal.outline)
        along, across = petal.along_across(canvas.x[shape.at], canvas.y[shape.at])
        light = self._light(petal, shape, along, across)[..., None]
        colour = SEPAL if petal.layer < 0 else self.colour["petal"]
        canvas.paint(shape, _lit(colour, light))
        if petal.layer >= 0 and self.flower["pattern"] != "plain":
            second = Patch(shape.at, shape.cover * self._pattern(petal, shape, along, across))
            canvas.paint(second, _lit(self.colour["second"], light))

    def _light(self, petal: Petal, shape: Patch, along, across) -> np.ndarray:
        """Brightness of a petal's pixels, about 1: how its surface turns, its middle and folds."""
        base, tip, bulge = petal.light
        light = base + (tip - base) * np.clip(along, 0, 1) + bulge * np.clip(across, -1, 1)
        light -= 0.3 * np.exp(-((np.clip(along, 0, 1) / 0.22) ** 2))  # deep in the flower
        light -= 0.09 * np.exp(-((across / 0.13) ** 2)) * ramp(0.8 - along, 0.5)
        fold = np.sin(along * 2 + 13 * across / (0.45 + 0.55 * np.clip(along, 0, 1)))
        light += 0.022 * fold * ramp(along - 0.15, 0.3)
        tone = self.petal_tones[petal.layer, petal.number] * (1 + 0.05 * petal.layer)
        return light * tone * (1 + 0.015 * self.canvas.grain[shape.at])

    def _pattern(self, petal: Petal, shape: Patch, along, across) -> np.ndarray:
        """How much of a petal's pixels is of the second colour, in [0, 1]."""
        canvas = self.canvas
        pixel = 1 / (canvas.size * self.form.unit)  # in petal lengths
        pattern = self.flower["pattern"]
        if pattern == "two-tone":
            wavy = 0.03 * np.sin(9 * across)
            return ramp(INNER + wavy - along, max(0.14, pixel))
        if pattern == "edged":
            rim = canvas.rim(shape, 0.05 * self.form.unit).cover / np.maximum(shape.cover, 0.01)
            return rim * ramp(along - 0.3, 0.2)
        length, half_width = petal.size
        if pattern == "veined":
            spread = across / (0.3 + 0.7 * np.clip(along, 0, 1))
            kept = VEINS if half_width > 0.2 else VEINS[1:-1] if half_width > 0.12 else VEINS[2:3]
            near = np.min([np.abs(spread - vein) for vein in kept], axis=0)
            wide = 0.019 * (1.2 - np.clip(along, 0, 1))
            return 0.85 * ramp(wide - near * half_width, max(0.012, pixel)) * ramp(0.8 - along, 0.2)
        spots, radius = (SPOTS, 0.036) if half_width > 0.12 else (NARROW_SPOTS, 0.044)
        near = [np.hypot((along - u) * length, (across - v) * half_width) for u, v in spots]
        return ramp(radius - np.min(near, axis=0), max(0.015, pixel))

    def _centre(self):
        """The dome of the centre with its florets, and the stamens around it."""
        canvas, form = self.canvas, self.form
        colour, unit = self.colour["center"], form.unit
        radius = form.centre_size * unit
        shadow = canvas.polygon(form.centre + 1.5 * unit * SHADOW, blur=0.03 * unit)
        canvas.shade(shadow.where(canvas.subject), 0.35)
        dome = canvas.polygon(form.centre)
        canvas.paint(dome, colour, light=canvas.relief(dome, 0.45 * radius, 0.8))
        count = 26 if form.centre_size < 0.2 else 90
        k = np.arange(count) + 0.5
        spiral = np.sqrt(k / count) * np.exp(1j * GOLDEN_ANGLE * k)
        florets, seen = form.on_dome(0.95 * np.column_stack([spiral.real, spiral.imag]))
        florets = florets[seen]
        grain = 0.62 * radius / np.sqrt(count)
        dark = canvas.within(canvas.dots(florets + 0.5 * grain, 1.15 * grain), dome)
        canvas.shade(dark, 0.4)
        bright = canvas.within(canvas.dots(florets, 0.9 * grain), dome)
        canvas.paint(bright.faded(0.75), np.minimum(1.12 * colour + 8, 255))

    def _stamens(self):
        """Filaments that rise around the centre, an anther on each."""
        canvas, form = self.canvas, self.form
        tips = form.stamens[:, 1]
        anther = 0.03 * form.unit
        shadow = canvas.dots(tips + 2 * form.unit * SHADOW, anther)
        canvas.shade(shadow.where(canvas.subject), 0.25)
        canvas.paint(canvas.strokes(form.stamens, 0.016 * form.unit), FILAMENT)
        dots = canvas.dots(tips, anther)
        warm = self.flower["petal_color"] in ("yellow", "orange", "peach")
        tone = (132, 66, 30) if warm else (240, 196, 70)
        canvas.paint(dots, tone, light=canvas.relief(dots, 0.012 * form.unit, 0.8))


def _lit(colour, light: np.ndarray) -> np.ndarray:
    """A colour under light, with a sheen, without which petals of a dark colour run together."""
    return np.clip(light * np.asarray(colour, np.float32) + 30 * (light - 0.88), 0, 255)
