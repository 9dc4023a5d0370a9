"""The sheet of `benchmarks.faces`: descriptions with their real pictures, and each run's faces."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.faces_models import Model
from misc.config.errors import UserError
from misc.data.atomic import write_atomic
from misc.data.images import INK, WHITE, centre_of, contact_sheet
from misc.evaluation.caption_choice import CaptionChoice

COPIES = 3  # faces of each run beside each other
TILE = 96  # pixels
MOST_BYTES = 400_000


def write_sheet(
    path: Path, models: Sequence[Model], choice: CaptionChoice, rows: Sequence[int], side: int
) -> None:
    """Write a JPEG of at most `MOST_BYTES`: a row a description, a head above them.

    Args:
      rows: places in `choice`, of the descriptions that are shown.
      side: px of the pictures, one that the set stores.
    Raises: UserError if it cannot be written, or not so small.
    """
    split = choice.split
    size = split.sizes[split.card["imsizes"].index(side)]
    files = split.pictures(choice.pictures[rows], size)
    groups = [[[centre_of(file, side)] for file in files]]
    for model in models:
        wanted = np.repeat(np.asarray(model.embeddings[choice.rows[rows]]), COPIES, axis=0)
        drawn = model.stages(side)(wanted, choice.seed, 0)[-1]
        groups.append(drawn.reshape(len(rows), COPIES, side, side, 3))
    pictures = [*_head("real", 1)]
    for model in models:
        pictures += _head(model.name, COPIES)
    for row in zip(*groups, strict=True):
        pictures += [picture for group in row for picture in group]
    captions = choice.captions()
    sheet = contact_sheet(pictures, ["", *(captions[row] for row in rows)], 1, TILE)
    sheet = sheet.crop((0, TILE // 2, *sheet.size))  # names take the lower half of the head
    write_atomic(path, _jpeg(sheet))


def _head(name: str, tiles: int) -> list[np.ndarray]:
    """A name on the first of some white tiles."""
    label = Image.new("RGB", (TILE, TILE), WHITE)
    text, font = "\n".join(textwrap.wrap(name, 12)), ImageFont.load_default(size=14)
    ImageDraw.Draw(label).multiline_text((0, TILE), text, fill=INK, font=font, anchor="ld")
    blank = np.full((TILE, TILE, 3), 255, np.uint8)
    return [np.asarray(label), *[blank] * (tiles - 1)]


def _jpeg(sheet: Image.Image) -> bytes:
    for quality in range(92, 20, -8):
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MOST_BYTES:
            return buffer.getvalue()
    raise UserError(
        f"--sheet: {sheet.width} x {sheet.height} px take more than {MOST_BYTES:,} bytes; give "
        "fewer runs"
    )
