"""A user's picture and the square of it that an editor sees: out of it, and back into it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from misc.data.images import box_crop, centre
from misc.data.prepared import stored_size

# Levels of 255 by which a change is made smaller before it is pasted; what is fainter is dropped.
# On drawn faces, of which the wanted edit can be drawn too, this halves what changes where nothing
# should. Of a strong change, such as of the hair's colour, it costs a seventh, of a faint one most.
FAINT = 12.0
RIM = 1 / 16  # share of the side over which a change fades out towards an edge within the picture


class Frame:
    """A picture and the square of it that is encoded, framed as training's pictures are.

    That is the largest square about the picture's middle, or what preparing a set cuts out about a
    bounding box; and of it, as in training, the middle 64 of 76 parts. A square that has the side
    already, such as a picture that Stage-I made, is taken as it is.

    Attributes:
      picture: the picture, RGB.  extent: longer side of the square in it, px.
      pixels: uint8 (side, side, 3), what the editor sees of it.

    Args:
      side: of the editor's pictures; box: (x, y, width, height) in pixels, or None.
      whole: the square without the middle's margin, as of any picture that a GAN of ours made.
    Raises: UserError for a box that leaves nothing of the picture.
    """

    def __init__(
        self,
        picture: Image.Image,
        side: int,
        box: Sequence[float] | None = None,
        whole: bool = False,
    ):
        self.picture, self._side = picture, side
        self._square = box_crop(picture.size, box) if box else _middle(picture.size)
        left, top, right, bottom = self._square
        whole = whole or (right - left, bottom - top) == (side, side)
        self._stored = side if whole else stored_size(side)
        self._before = (self._stored - side) // 2
        self.extent = max(right - left, bottom - top)
        square = picture.crop(self._square)
        stored = square.resize((self._stored, self._stored), Image.Resampling.BICUBIC)
        self.pixels = centre(np.asarray(stored), side)

    def look(self, picture: Image.Image, side: int) -> np.ndarray:
        """What the editor sees of a picture as large as this one, finer: uint8 (side, side, 3)."""
        left, top, right, bottom = self._square
        begin, end = self._before / self._stored, (self._before + self._side) / self._stored
        width, height = right - left, bottom - top
        seen = left + begin * width, top + begin * height, left + end * width, top + end * height
        return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=seen))

    def paste(self, edit: np.ndarray, reconstruction: np.ndarray) -> Image.Image:
        """The whole picture with what an edit changes added to what the editor sees of it.

        The change is enlarged to the picture's own resolution; where there is none, or one of less
        than `FAINT`, the picture stays as it is, to the bit. Towards an edge of the square that
        lies within the picture it fades out.

        Args: edit, reconstruction: uint8 (side, side, 3), decoded.
        """
        change = edit.astype(np.float32) - reconstruction
        size = np.maximum(np.abs(change).max(-1, keepdims=True), FAINT)  # hues stay as they are
        change *= 1 - FAINT / size
        left, top, right, bottom = self._square
        fading = np.outer(
            self._fading(top > 0, bottom < self.picture.height),
            self._fading(left > 0, right < self.picture.width),
        ).astype(np.float32)
        after = self._stored - self._side - self._before
        changed = np.array(self.picture)
        part = changed[top:bottom, left:right]
        for channel in range(3):  # one at a time: the picture may be large
            plane = np.pad(change[..., channel] * fading, (self._before, after))
            size = (right - left, bottom - top)
            grown = Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC)
            levels = np.rint(part[..., channel] + np.asarray(grown))
            part[..., channel] = np.clip(levels, 0, 255)
        return Image.fromarray(changed)

    def _fading(self, within_before: bool, within_after: bool) -> np.ndarray:
        """Factors (side,): less than 1 near an end that does not lie on the picture's border."""
        margin = self._stored > self._side
        rim = max(1, round(self._side * RIM))
        ramp = (np.arange(rim) + 0.5) / rim
        factors = np.ones(self._side)
        if margin or within_before:
            factors[:rim] *= ramp
        if margin or within_after:
            factors[-rim:] *= ramp[::-1]
        return factors


def _middle(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest square about the middle of a picture: left, top, right, bottom."""
    side = min(size)
    left, top = ((extent - side) // 2 for extent in size)
    return left, top, left + side, top + side
