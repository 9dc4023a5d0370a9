"""What of a picture is edited, and how a change comes back into it."""

import numpy as np
import pytest
from PIL import Image

from editor.frame import FAINT, Frame
from misc.config.errors import UserError
from misc.data.images import centre_of, crop_to_box, prepare

SIDE = 32


@pytest.fixture
def photograph():
    """90 x 120 px, smooth, no two places alike."""
    down, across = np.mgrid[:120, :90]
    planes = [across * 2 + 30, down + 60, (across + down) % 180 + 20]
    return Image.fromarray(np.stack(planes, 2).astype(np.uint8))


def test_a_picture_is_framed_as_training_frames_it(photograph):
    box = (20.0, 30.0, 40.0, 30.0)
    _, stored = prepare(crop_to_box(photograph, box), (19, 38), stretch=False)
    np.testing.assert_array_equal(Frame(photograph, SIDE, box).pixels, centre_of(stored, SIDE))
    square = photograph.crop((0, 15, 90, 105))
    _, stored = prepare(square, (19, 38), stretch=False)
    np.testing.assert_array_equal(Frame(photograph, SIDE).pixels, centre_of(stored, SIDE))


def test_a_whole_picture_keeps_its_margin(photograph):
    whole = photograph.crop((0, 15, 90, 105)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(Frame(photograph, SIDE, whole=True).pixels, np.asarray(whole))
    # What a GAN made at this side is not enlarged first.
    np.testing.assert_array_equal(Frame(whole, SIDE).pixels, np.asarray(whole))


def test_a_box_outside_the_picture(photograph):
    with pytest.raises(UserError, match="leaves nothing of the 90 x 120 picture"):
        Frame(photograph, SIDE, (500, 500, 10, 10))


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (31, 32), (33, 32)])
def test_a_picture_of_any_size(size):
    frame = Frame(Image.new("RGB", size, (9, 99, 199)), SIDE)
    assert (frame.pixels == (9, 99, 199)).all() and frame.pixels.shape == (SIDE, SIDE, 3)
    edit = np.full((SIDE, SIDE, 3), 50, np.uint8)
    pasted = np.asarray(frame.paste(edit, np.zeros_like(edit)))
    assert pasted.shape == (size[1], size[0], 3)


def test_what_the_editor_sees_is_shown_finer(photograph):
    frame = Frame(photograph, SIDE)
    look = frame.look(photograph, SIDE)
    # One resize instead of a resize and a cut.
    assert np.abs(look.astype(int) - frame.pixels).mean() < 2
    assert frame.extent == 90
    assert frame.look(photograph, 256).shape == (256, 256, 3)


@pytest.mark.parametrize("whole", [False, True])
def test_an_edit_that_changes_little_leaves_every_bit(photograph, whole):
    frame = Frame(photograph, SIDE, whole=whole)
    base = np.full((SIDE, SIDE, 3), 100, np.uint8)
    faint = base + np.random.default_rng(0).integers(0, int(FAINT) + 1, base.shape, dtype=np.uint8)
    for edit in (base, faint):
        np.testing.assert_array_equal(np.asarray(frame.paste(edit, base)), np.asarray(photograph))


@pytest.mark.parametrize("box", [None, (20.0, 30.0, 40.0, 30.0)])
def test_a_change_comes_where_it_was_seen_and_nowhere_else(photograph, box):
    frame = Frame(photograph, SIDE, box)
    reconstruction = np.full((SIDE, SIDE, 3), 100, np.uint8)
    edit = reconstruction.copy()
    edit[10:16, 18:26, 1] += 80
    pasted = frame.paste(edit, reconstruction)
    change = np.asarray(pasted).astype(int) - np.asarray(photograph)
    assert not change[..., [0, 2]].any()
    seen = Frame(pasted, SIDE, box).pixels.astype(int) - frame.pixels
    assert seen[11:15, 19:25, 1].min() > 55
    far = np.ones((SIDE, SIDE), bool)
    far[7:19, 15:29] = False
    assert np.abs(seen[far]).max() <= 1


def test_a_change_fades_towards_an_edge_within_the_picture(photograph):
    base, edit = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 60, np.uint8)
    portrait = photograph.point(lambda level: level // 2)

    def change(frame):
        return (
            np.asarray(frame.paste(edit, base)).astype(int)[..., 0] - np.asarray(portrait)[..., 0]
        )

    middle = change(Frame(portrait, SIDE))
    assert middle[60, 45] == 60 - FAINT
    steps = np.abs(np.diff(middle[:, 45]))
    assert steps.max() < 30 and middle[:15].max() == 0
    # The square reaches left and right border, but not top and bottom.
    whole = change(Frame(portrait, SIDE, whole=True))
    assert whole[60, 0] == whole[60, 89] == 60 - FAINT and whole[15, 45] < 30


def test_a_change_keeps_its_hue():
    grey, base = Image.new("RGB", (40, 40), (99, 99, 99)), np.full((SIDE, SIDE, 3), 99, np.uint8)
    edit = base + np.array([80, 40, 4], np.uint8)
    change = np.asarray(Frame(grey, SIDE, whole=True).paste(edit, base))[20, 20].astype(int) - 99
    np.testing.assert_array_equal(change, np.rint(np.array([80, 40, 4]) * (1 - FAINT / 80)))


def test_levels_stay_within_their_range():
    white = Image.new("RGB", (40, 40), (250, 5, 128))
    base = np.full((SIDE, SIDE, 3), 100, np.uint8)
    brighter = Frame(white, SIDE, whole=True).paste(base + np.uint8(50), base)
    darker = Frame(white, SIDE, whole=True).paste(base - np.uint8(50), base)
    assert np.asarray(brighter).max() == 255 and np.asarray(darker).min() == 0
    assert (np.asarray(brighter)[..., 0] == 255).all() and (np.asarray(darker)[..., 1] == 0).all()
