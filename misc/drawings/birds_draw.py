"""A drawn bird's picture: painted from back to front over its scene.

Every pixel follows from the bird's attributes and its seed. Random numbers for pose, light,
background and pattern come from separate streams, so birds that share a seed and differ in one
attribute differ only where it shows.
"""

import numpy as np

from misc.drawings import birds_scenes as scenes
from misc.drawings.birds import COLOURS, PARTS, in_full
from misc.drawings.birds_shape import Form
from misc.drawings.canvas import Canvas, Drawing, Patch, ramp
from misc.drawings.kinds import stream

PALE, DARK = (246, 244, 238), (34, 30, 30)


def draw(bird: dict, size: int) -> Drawing:
    """Picture (size x size), mask and bounding box of a bird; `size` in pixels, at least 16."""
    bird = in_full(bird)
    return _Painter(bird, size).paint()


class _Painter:
    """One bird on one canvas."""

    def __init__(self, bird: dict, size: int):
        self.bird = bird
        self.form = form = Form(bird)
        self.canvas = canvas = Canvas(size, stream(bird["seed"], "grain"))
        tones = stream(bird["seed"], "tones").uniform(0.94, 1.04, len(PARTS))
        self.colour = {
            part: tone * np.array(COLOURS[bird[f"{part}_color"]], np.float32)
            for part, tone in zip(PARTS, tones, strict=True)
        }
        self.body_x, self.body_y = form.in_body(canvas.x, canvas.y)
        self.head_x, self.head_y = form.in_head(canvas.x, canvas.y)
        # Soft borders between colours: narrow, but never below one and a half pixels.
        self.border = max(0.1, 1.5 / (size * form.unit))

    def paint(self) -> Drawing:
        bird, canvas, form = self.bird, self.canvas, self.form
        scene, rng = bird["scene"], stream(bird["seed"], "scene")
        scenes.backdrop(canvas, scene, rng)
        scenes.perch(canvas, scene, rng, form.ground)
        if form.far_wing is not None:
            self._plain(form.far_wing, 0.78 * self.colour["wing"], 0.12)
        self._legs()
        self._plain(form.tail, self.colour["tail"], 0.09)
        whole = self._body()
        self._head(whole)
        self._wing(whole)
        self._bill()
        self._eye()
        if bird["shape"] == "duck":
            line = float(form.on_body([(0, 0.8 * form.plan.depth)])[0, 1])
            middle = float(form.on_body([(0, 0)])[0, 0])
            scenes.waterline(canvas, whole, line, middle, 1.2 * form.unit)
        scenes.foreground(canvas, scene, rng, form.ground)
        return canvas.finished(stream(bird["seed"], "light"))

    def _plain(self, points, colour, radius: float):
        patch = self.canvas.polygon(points)
        light = self.canvas.relief(patch, radius * self.form.unit, 1.3)
        self.canvas.paint(patch, colour, light=light, grain=0.05)

    def _legs(self):
        if self.form.legs:
            legs = self.canvas.strokes(self.form.legs, 0.085 * self.form.unit)
            self.canvas.paint(legs, 0.95 * self.colour["leg"])

    def _body(self) -> Patch:
        """Body, neck and head in the colour of the back, then breast and belly over it."""
        canvas, form, depth = self.canvas, self.form, self.form.plan.depth
        skull = canvas.ellipse(*form.head, form.head_radius, 0.96 * form.head_radius)
        pieces = canvas.polygon(form.body), canvas.polygon(form.neck), skull
        whole = canvas.melted(canvas.union(*pieces), 0.07 * form.unit)
        self.light = canvas.relief(whole, 0.25 * form.unit, 0.5)
        self._part(whole, "back")
        x, y, border = self.body_x, self.body_y, self.border
        if self.bird["preset"] == "easy":  # no breast of its own: the belly takes some of it
            self._part(whole.where(ramp(y - 0.18 - 0.15 * x, border)), "belly")
        else:
            front = ramp(x - 0.22, 2 * border) * ramp(y + 0.55 * depth, border)
            self._part(whole.where(front), "breast")
            under = ramp(y - 0.15 * depth, border) * ramp(0.5 - x, 2 * border)
            self._part(whole.where(under), "belly")
            if self.bird["breast_pattern"] != "solid":
                self._breast_pattern(whole)
        return whole

    def _part(self, patch: Patch, part: str):
        self.canvas.paint(patch, self.colour[part], light=self.light, grain=0.04)

    def _breast_pattern(self, whole: Patch):
        canvas, unit, depth = self.canvas, self.form.unit, self.form.plan.depth
        colour = self.colour["breast"]
        spots = stream(self.bird["seed"], "pattern").uniform(-0.1, 0.95, (30, 2)) * (1, depth)
        if self.bird["breast_pattern"] == "spots":
            marks = canvas.dots(self.form.on_body(spots), 0.042 * unit)
        else:
            streaks = [self.form.on_body([spot, spot + (-0.05, 0.14)]) for spot in spots]
            marks = canvas.strokes(streaks, 0.05 * unit)
        tone = 0.4 * colour if colour.mean() > 90 else 0.4 * colour + 150
        canvas.paint(canvas.within(marks, whole).faded(0.85), tone)

    def _head(self, whole: Patch):
        x, y, border = self.head_x, self.head_y, self.border / self.form.plan.head
        head = whole.where(ramp(1.12 - np.hypot(x, y), border))
        self._part(head, "face")
        self._part(head.where(ramp(y - 0.3 + 0.15 * x, border) * ramp(x + 0.3, border)), "throat")
        self._part(head.where(ramp(-y - 0.2 - 0.12 * x, border)), "crown")
        if self.form.crest is not None:
            self._plain(self.form.crest, self.colour["crown"], 0.06)

    def _wing(self, whole: Patch):
        canvas, form, unit = self.canvas, self.form, self.form.unit
        wing = canvas.polygon(form.wing)
        colour, x, y = self.colour["wing"], self.body_x, self.body_y
        flying = self.bird["shape"] == "flyer"
        if not flying:
            shadow = canvas.polygon(form.wing + (0, 0.05 * unit))
            canvas.shade(canvas.within(shadow, whole), 0.22)
        light = canvas.relief(wing, 0.14 * unit, 1.2)
        canvas.paint(wing, colour, light=light, grain=0.06)
        if self.bird["wing_pattern"] == "bars":
            along = y if flying else x - 0.5 * y
            for k in (-0.55, -1.0) if flying else (0.12, -0.28):
                bar = ramp(0.075 - np.abs(along - k), self.border)
                tone = PALE if colour.mean() < 170 else (64, 58, 56)
                canvas.paint(wing.where(bar), tone, light=light)
        if self.bird["wing_pattern"] == "dark edges":
            tone = DARK if colour.mean() > 70 else (150, 150, 150)
            canvas.paint(canvas.rim(wing, 0.07 * unit), tone)
        feathers = canvas.strokes(self._feathers(flying), 0.022 * unit)
        canvas.shade(canvas.within(feathers, wing), 0.3)

    def _feathers(self, flying: bool) -> list:
        """Lines between the flight feathers."""
        if flying:
            wing = self.form.wing
            tips = wing[len(wing) // 3 : 2 * len(wing) // 3 : 8]
            return [[wing[len(wing) // 20], tip] for tip in tips]
        depth = self.form.plan.depth
        return [
            self.form.on_body([(k, 0.3 * depth), (k - 0.45, 0.12 * depth)])
            for k in (-0.9, -0.65, -0.4, -0.15, 0.1)
        ]

    def _bill(self):
        canvas, form = self.canvas, self.form
        bill = canvas.polygon(form.bill)
        light = canvas.relief(bill, 0.05 * form.unit, 1.2)
        canvas.paint(bill, self.colour["bill"], light=light)

    def _eye(self):
        canvas, form = self.canvas, self.form
        (x, y), radius = form.on_head([(0.36, -0.12)])[0], 0.1 * form.unit
        if self.bird["head_pattern"] == "eye ring":
            canvas.paint(canvas.ellipse(x, y, 1.6 * radius, 1.6 * radius), PALE)
        if self.bird["head_pattern"] == "eyebrow":
            brow = form.on_head([(-0.35, -0.42), (0.1, -0.5), (0.7, -0.4)])
            tone = PALE if self.colour["crown"].mean() < 190 else DARK
            canvas.paint(canvas.strokes([brow], 0.09 * form.unit), tone)
        if self.colour["face"].mean() < 70:  # else the eye of a black bird is lost
            canvas.paint(canvas.ellipse(x, y, 1.25 * radius, 1.25 * radius), (124, 112, 100))
        canvas.paint(canvas.ellipse(x, y, radius, radius), (24, 20, 18))
        glint = 0.33 * radius
        canvas.paint(canvas.ellipse(x - glint, y - glint, glint, glint), (255, 255, 255))
