"""A training as an animation: the grids of always the same sentences that a run leaves behind."""

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from misc.config.errors import UserError
from misc.data.atomic import replace_with
from misc.data.images import WHITE, open_picture

SUFFIXES = (".webp", ".gif", ".mp4")
MOST_FRAMES, MOST_SIDE = 120, 1024  # Pillow holds a whole animation in memory: at most 378 MB
FIRST, EACH, LAST = 1000, 100, 3000  # milliseconds that frames are shown
_MOST_BYTES = 64 * 2**20  # of a grid's file
_GRID = re.compile(r"step-(\d{1,15})\.png")


def check_timelapse(run: Path, out: Path) -> list[Path]:
    """The grids of a run folder to show, in their order: the first, the last, some between them.

    Raises: UserError if `out` is no name of an animation, nothing here can write it, or there are
      fewer than two grids.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(f"--timelapse {out}: expected a name ending in {', '.join(SUFFIXES)}")
    if out.suffix.lower() == ".mp4":
        _ffmpeg()
    steps = {}
    for path in (run / "grids").glob("step-*.png"):
        if match := _GRID.fullmatch(path.name):
            steps[int(match[1])] = path
    if len(steps) < 2:
        raise UserError(
            f"{run / 'grids'}: {len(steps)} sample grids, expected two or more to show a training; "
            "train for longer"
        )
    places = np.linspace(0, len(steps) - 1, min(MOST_FRAMES, len(steps))).round().astype(int)
    return [steps[step] for step in np.array(sorted(steps))[places]]


def write_timelapse(grids: list[Path], out: Path) -> None:
    """Show grids one after the other, the first and the last for longer.

    Larger ones are shrunk to `MOST_SIDE` px. An MP4 repeats frames and has an even number of rows
    and columns, as players want; WebP and GIF say how long each frame stays, and begin again.

    Args: grids: of `check_timelapse`.
    Raises: UserError if one is no picture, of another size than the first, or not in its folder, or
      `out` cannot be written.
    """
    durations = [FIRST, *[EACH] * (len(grids) - 2), LAST]
    frames = _frames(grids)
    with replace_with(out) as partial:
        if out.suffix.lower() == ".mp4":
            _write_mp4(partial, frames, [duration // EACH for duration in durations])
        else:
            first, *rest = frames
            quality = {"quality": 85} if out.suffix.lower() == ".webp" else {}
            first.save(
                partial, save_all=True, append_images=rest, duration=durations, loop=0, **quality
            )


def _frames(grids: list[Path]) -> Iterator[Image.Image]:
    size = None
    for path in grids:
        if not path.resolve().is_relative_to(path.parent.resolve()):
            raise UserError(f"{path} leads out of {path.parent}: remove it")
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path}: more than {_MOST_BYTES:,} bytes; remove it")
        picture = open_picture(path)
        size = size or picture.size
        if picture.size != size:
            raise UserError(
                f"{path}: {picture.width} x {picture.height} px, but {grids[0].name} has "
                f"{size[0]} x {size[1]}; remove what is not of this training"
            )
        picture.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
        yield picture


def _write_mp4(path: Path, frames: Iterator[Image.Image], times: list[int]) -> None:
    first = next(frames)
    size = tuple(side + side % 2 for side in first.size)  # H.264 keeps colours of 2 by 2 pixels
    rate = {"fps": 1000 // EACH, "quality": 8, "macro_block_size": 2}
    with closing(_ffmpeg().write_frames(str(path), size, **rate)) as writer:
        writer.send(None)  # it wants to be begun
        for frame, repeats in zip(chain([first], frames), times, strict=True):
            whole = Image.new("RGB", size, WHITE)
            whole.paste(frame)
            for _ in range(repeats):
                writer.send(whole.tobytes())


def _ffmpeg():
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"an MP4 needs FFmpeg ({error}): pip install 'def-gan[video]', or name a .webp or .gif"
        ) from error
    return imageio_ffmpeg
