"""A float canvas for small pictures: antialiased shapes, rounded light and grain.

Positions are in the unit square, x to the right and y down; colours are 0..255. A shape is
rasterised several times finer than a pixel, but only inside its own bounding box, and averaged at
once; everything after that (light, grain, blending) costs one pixel a pixel.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

FINE = 4  # sub-pixels along each side of a pixel
BOX_COVER = 96  # of 255: a pixel with this much of the subject belongs to its box


class Drawing(NamedTuple):
    """`picture` RGB; `mask` L, how much of a pixel is subject; `box` x, y, width, height."""

    picture: Image.Image
    mask: Image.Image
    box: tuple[int, int, int, int]


class Patch(NamedTuple):
    """A shape on a canvas: the pixels of its bounding box, and how much of each it covers.

    `at` is a pair of slices (rows, columns); `cover` float32 of that shape, in [0, 1].
    """

    at: tuple[slice, slice]
    cover: np.ndarray

    def where(self, field: np.ndarray) -> "Patch":
        """The part of this shape inside a soft region; `field` has the size of the canvas."""
        return Patch(self.at, self.cover * field[self.at])

    def faded(self, strength: float) -> "Patch":
        """The same shape, let through by `strength` in [0, 1]."""
        return Patch(self.at, self.cover * np.float32(strength))


def ramp(value: np.ndarray, width: float) -> np.ndarray:
    """0 where `value` is below -width/2, 1 above width/2, linear between: a soft edge at zero."""
    return np.clip(value / width + 0.5, 0, 1)


def spline(points, steps: int = 8) -> np.ndarray:
    """Closed Catmull-Rom curve through `points` (n, 2), as a polygon (n * steps, 2)."""
    points = np.asarray(points, float)
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    beyond = np.roll(points, -2, axis=0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = points + 0.5 * t * (
        (after - before)
        + t * (2 * before - 5 * points + 4 * after - beyond)
        + t**2 * (3 * points - before - 3 * after + beyond)
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def resized(field: np.ndarray, width: int, height: int, resample=Image.Resampling.BICUBIC):
    """A float32 field (h, w) at another size."""
    return np.asarray(Image.fromarray(field).resize((width, height), resample))


def blurred(field: np.ndarray, sigma: float) -> np.ndarray:
    """About a Gaussian blur of `sigma` pixels, in float: down by a triangle filter and up again.

    Pillow's own blur works on bytes, whose steps would show in the slopes that give the light.
    """
    height, width = field.shape
    pitch = 1.6 * sigma
    if pitch <= 1:
        return field
    small = max(1, round(width / pitch)), max(1, round(height / pitch))
    return resized(resized(field, *small, Image.Resampling.BILINEAR), width, height)


class Canvas:
    """A picture being painted: `pixels` (size, size, 3) and `subject` (size, size), its mask.

    `x`, `y` (size, size) are the pixel centres; `grain` is smooth noise of unit strength.
    """

    def __init__(self, size: int, rng: np.random.Generator):
        self.size = size
        self.pixels = np.zeros((size, size, 3), np.float32)
        self.subject = np.zeros((size, size), np.float32)
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.x, self.y = np.meshgrid(centres, centres)
        self.grain = self.noise(rng, 110, 60)

    def noise(self, rng: np.random.Generator, columns: int, rows: int) -> np.ndarray:
        """Smooth noise (size, size) of unit strength, from `columns` x `rows` random numbers."""
        return resized(rng.standard_normal((rows, columns), np.float32), self.size, self.size)

    def polygon(self, points, blur: float = 0.0) -> Patch:
        """A filled polygon with corners `points` (n, 2), out of focus by a sigma of `blur`."""
        points = np.asarray(points, float)
        shape = self._rasterise(
            points, 2.5 * blur, lambda draw, p: draw.polygon(p, fill=255), [points]
        )
        return Patch(shape.at, blurred(shape.cover, blur * self.size)) if blur else shape

    def ellipse(self, x: float, y: float, rx: float, ry: float) -> Patch:
        """A filled ellipse."""
        return self._ellipses([(x, y)], (rx, ry))

    def dots(self, centres, radius: float) -> Patch:
        """Filled circles around `centres` (n, 2), as one shape."""
        return self._ellipses(centres, (radius, radius))

    def strokes(self, lines, width: float) -> Patch:
        """Polylines, each (n, 2), all of one `width`, as one shape."""
        lines = [np.asarray(line, float) for line in lines]
        wide = max(1, round(width * self.size * FINE))

        def stroke(draw, points):
            draw.line(points, fill=255, width=wide, joint="curve")

        return self._rasterise(np.concatenate(lines), width, stroke, lines)

    def blob(self, x: float, y: float, rx: float, ry: float, edge: float) -> Patch:
        """An ellipse out of focus: its rim fades over `edge` times its radius."""
        at = self._window(np.array([(x - rx, y - ry), (x + rx, y + ry)]), edge * max(rx, ry))
        distance = np.hypot((self.x[at] - x) / rx, (self.y[at] - y) / ry)
        return Patch(at, ramp(1 - distance, 2 * edge))

    def union(self, *patches: Patch) -> Patch:
        """All of several shapes as one."""
        rows = [patch.at[0] for patch in patches]
        columns = [patch.at[1] for patch in patches]
        top, left = min(r.start for r in rows), min(c.start for c in columns)
        height = max(r.stop for r in rows) - top
        width = max(c.stop for c in columns) - left
        cover = np.zeros((height, width), np.float32)
        for (r, c), part in patches:
            place = cover[r.start - top : r.stop - top, c.start - left : c.stop - left]
            np.maximum(place, part, out=place)
        return Patch((slice(top, top + height), slice(left, left + width)), cover)

    def melted(self, patch: Patch, radius: float) -> Patch:
        """The shape with its inner corners filled, as if its pieces had grown together."""
        sigma = max(radius * self.size, 0.8)
        inside = ramp(self._soft(patch, sigma) - 0.5, 0.4 / sigma)
        return Patch(patch.at, np.maximum(patch.cover, inside))

    def relief(self, patch: Patch, radius: float, strength: float = 1.0) -> np.ndarray:
        """Light (size, size), about 1, on a shape rounded over `radius`, from above left."""
        sigma = radius * self.size
        height = self._soft(patch, sigma)
        down, right = np.gradient(height)
        light = 1 + strength * sigma * (0.9 * down + 0.45 * right) + 0.12 * (height - 0.8)
        everywhere = np.ones((self.size, self.size), np.float32)
        everywhere[patch.at] = np.clip(light, 0.65, 1.3)
        return everywhere

    def rim(self, patch: Patch, radius: float) -> Patch:
        """The shape's border, `radius` wide."""
        deep = self._soft(patch, radius * self.size)
        return Patch(patch.at, patch.cover * ramp(0.8 - deep, 0.2))

    def within(self, patch: Patch, other: Patch) -> Patch:
        """What two shapes have in common."""
        everywhere = np.zeros((self.size, self.size), np.float32)
        everywhere[other.at] = other.cover
        return patch.where(everywhere)

    def paint(self, patch: Patch, colour, light=None, grain: float = 0.0, subject: bool = True):
        """Lay `colour` over the canvas where the shape is; scenery takes the subject's place.

        `light` (size, size) multiplies the colour, `grain` is the strength of the canvas' grain.
        """
        at, cover = patch
        paint = np.asarray(colour, np.float32)
        if light is not None:
            shade = light[at]
            if grain:
                shade = shade * (1 + grain * self.grain[at])
            paint = np.minimum(shade[..., None] * paint, 255)
        under = self.pixels[at]
        under += cover[..., None] * (paint - under)
        mask = self.subject[at]
        if subject:
            np.maximum(mask, cover, out=mask)
        else:
            mask *= 1 - cover

    def shade(self, patch: Patch, strength: float):
        """Darken what is there, subject or not, by `strength` in [0, 1]."""
        self.pixels[patch.at] *= 1 - strength * patch.cover[..., None]

    def finished(self, rng: np.random.Generator) -> Drawing:
        """The drawing, under light of a tint that `rng` gives, with a camera's noise."""
        tint = rng.uniform(0.95, 1.04) * rng.uniform(0.985, 1.015, 3)
        self.pixels *= tint.astype(np.float32)
        self.pixels += 2 * rng.standard_normal((self.size, self.size, 1), np.float32)
        mask = self.mask()
        left, top, right, bottom = mask.point(lambda v: 255 * (v >= BOX_COVER)).getbbox()
        return Drawing(self.picture(), mask, (left, top, right - left, bottom - top))

    def picture(self) -> Image.Image:
        """The pixels so far, as an RGB picture."""
        return Image.fromarray(np.clip(self.pixels + 0.5, 0, 255).astype(np.uint8))

    def mask(self) -> Image.Image:
        """How much of each pixel is the subject, 0..255."""
        return Image.fromarray((self.subject * 255 + 0.5).astype(np.uint8))

    def _soft(self, patch: Patch, sigma: float) -> np.ndarray:
        """The cover of a shape, blurred as if its bounding box had no edge."""
        pad = int(2 * sigma) + 2
        # A shape that leaves the canvas goes on outside it; one that ends inside has a zero rim.
        return blurred(np.pad(patch.cover, pad, mode="edge"), sigma)[pad:-pad, pad:-pad]

    def _window(self, points: np.ndarray, reach: float) -> tuple[slice, slice]:
        """The pixels around `points`, `reach` and a pixel more on each side, cut at the edges."""
        low = np.floor((points.min(0) - reach) * self.size - 1).astype(int)
        high = np.ceil((points.max(0) + reach) * self.size + 1).astype(int)
        low, high = low.clip(0, self.size - 1).tolist(), high.clip(1, self.size).tolist()
        return slice(low[1], high[1]), slice(low[0], high[0])

    def _ellipses(self, centres, radii) -> Patch:
        corners = [np.array([np.subtract(c, radii), np.add(c, radii)]) for c in centres]
        every = np.concatenate(corners)
        return self._rasterise(every, 0, lambda draw, p: draw.ellipse(p, fill=255), corners)

    def _rasterise(self, points: np.ndarray, reach: float, draw, pieces) -> Patch:
        rows, columns = at = self._window(points, reach)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        fine = Image.new("L", (width * FINE, height * FINE))
        brush = ImageDraw.Draw(fine)
        corner = np.array([columns.start, rows.start])
        for piece in pieces:
            # Pillow's coordinate 0 is the middle of the first sub-pixel.
            draw(brush, ((piece * self.size - corner) * FINE - 0.5).ravel().tolist())
        return Patch(at, np.asarray(fine.reduce(FINE), np.float32) / 255)
