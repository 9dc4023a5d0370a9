"""The animation of a training: which grids it shows, how long, and what it refuses."""

import sys
import zlib

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from faces import timelapse
from faces.timelapse import check_timelapse, write_timelapse
from misc.config.errors import UserError


def plain(grids, step, side=(41, 30), colour=None):
    """A grid of one colour that tells its step."""
    grids.mkdir(parents=True, exist_ok=True)
    path = grids / f"step-{step:07d}.png"
    Image.new("RGB", side, colour or (step % 256, 255 - step % 256, 40)).save(path)
    return path


@pytest.fixture
def run(tmp_path):
    """A run folder with four grids, the last beyond the width of the numbers, and other files."""
    grids = tmp_path / "run/grids"
    for step in (90, 10, 30, 20_000_000):
        plain(grids, step)
    (grids / "step-best.png").write_text("not of a step")
    (grids / "notes.txt").write_text("")
    return tmp_path / "run"


def frames_of(path):
    """[(colour of the middle, milliseconds)] of an animation."""
    with Image.open(path) as image:
        found = []
        for k in range(image.n_frames):
            image.seek(k)
            image.load()
            pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
            found.append((pixel, image.info["duration"]))
        return image.size, found


@pytest.mark.parametrize("suffix", ["webp", "GIF"])
def test_an_animation_shows_the_grids_in_order(run, tmp_path, suffix):
    out = tmp_path / f"below/growth.{suffix}"
    write_timelapse(check_timelapse(run, out), out)
    size, frames = frames_of(out)
    assert size == (41, 30)
    assert [milliseconds for _, milliseconds in frames] == [1000, 100, 100, 3000]
    for (colour, _), step in zip(frames, (10, 30, 90, 20_000_000), strict=True):
        assert np.abs(np.array(colour) - (step % 256, 255 - step % 256, 40)).max() < 6
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_an_mp4_repeats_frames_and_has_even_sides(run, tmp_path):
    out = tmp_path / "growth.mp4"
    write_timelapse(check_timelapse(run, out), out)
    reader = imageio_ffmpeg.read_frames(str(out))
    facts = next(reader)
    assert facts["size"] == (42, 30) and facts["fps"] == 10 and facts["codec"] == "h264"
    middles = [np.frombuffer(f, np.uint8).reshape(30, 42, 3)[15, 20].astype(int) for f in reader]
    assert len(middles) == 10 + 1 + 1 + 30
    for place, step in ((0, 10), (9, 10), (10, 30), (11, 90), (12, 0), (41, 0)):
        assert np.abs(middles[place] - (step, 255 - step, 40)).max() < 20


def test_of_many_grids_some_are_shown_evenly_and_large_ones_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(timelapse, "MOST_FRAMES", 4)
    monkeypatch.setattr(timelapse, "MOST_SIDE", 20)
    for step in range(10, 110, 10):
        plain(tmp_path / "grids", step)
    grids = check_timelapse(tmp_path, tmp_path / "a.gif")
    assert [int(path.stem[5:]) for path in grids] == [10, 40, 70, 100]
    write_timelapse(grids, tmp_path / "a.gif")
    assert Image.open(tmp_path / "a.gif").size == (20, 15)


def test_without_ffmpeg_one_line_says_what_to_do(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"an MP4 needs FFmpeg .*pip install 'def-gan\[video\]'"):
        check_timelapse(run, tmp_path / "a.mp4")
    assert len(check_timelapse(run, tmp_path / "a.webp")) == 4


def test_a_name_that_is_no_animation_and_too_few_grids_are_refused(run, tmp_path):
    with pytest.raises(UserError, match=r"a\.png: expected a name ending in \.webp, \.gif, \.mp4"):
        check_timelapse(run, tmp_path / "a.png")
    with pytest.raises(UserError, match="0 sample grids, expected two or more"):
        check_timelapse(tmp_path, tmp_path / "a.gif")
    plain(tmp_path / "grids", 1)
    with pytest.raises(UserError, match="1 sample grids"):
        check_timelapse(tmp_path, tmp_path / "a.gif")


def chunk(kind, content):
    check = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + check


def gigapixels(path):
    header = (100_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    path.write_bytes(body + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def another_size(path):
    Image.new("RGB", (7, 9)).save(path)


def outside(path):
    secret = path.parents[2] / "secret.png"
    Image.new("RGB", (41, 30)).save(secret)
    path.symlink_to(secret)


@pytest.mark.parametrize(
    "make, message",
    [
        (gigapixels, "more pixels than|expected at most 64,000,000"),
        (another_size, "7 x 9 px, but step-0000010.png has 41 x 30"),
        (outside, "leads out of"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "not a readable picture"),
        (lambda path: path.mkdir(), "no such picture"),
    ],
)
@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_hostile_grids_are_refused_and_nothing_is_left(run, tmp_path, make, message, suffix):
    make(run / "grids/step-0000050.png")
    out = tmp_path / f"out/a.{suffix}"
    with pytest.raises(UserError, match=message):
        write_timelapse(check_timelapse(run, out), out)
    assert not list(out.parent.iterdir())
