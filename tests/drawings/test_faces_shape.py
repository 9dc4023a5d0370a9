import numpy as np
import pytest

from misc.drawings.faces import PRESETS, attributes, in_full
from misc.drawings.faces_shape import SKIN, Sitter


@pytest.mark.parametrize("preset", PRESETS)
def test_heads_are_in_the_picture_and_large(preset):
    for seed in range(60):
        sitter = Sitter(in_full(attributes(seed, preset, "independent")), 32)
        points = sitter.on(sitter.head)
        assert points.min() > 0.05 and points[:, 1].max() < 0.9
        assert 0.45 < np.ptp(points[:, 1]) < 0.75


def test_the_frames_undo_the_placing():
    sitter = Sitter(attributes(3), 64)
    for x, y in ((0.0, 0.0), (0.12, -0.2), (-0.18, 0.1)):
        left, top = sitter.on([(x, y)])[0] * 64
        column, row = int(left), int(top)
        # Within a pixel of the place it was put.
        assert abs(sitter.x[row, column] - x) < 1 / 64 and abs(sitter.y[row, column] - y) < 1 / 64
    assert sitter.x.dtype == sitter.y.dtype == np.float32


def test_what_lies_in_front_moves_as_the_head_turns():
    moves = []
    for seed in range(12):
        sitter = Sitter(attributes(seed), 16)
        near, far = sitter.on([(0, 0)], 1), sitter.on([(0, 0)])
        moves.append((near - far)[0, 0])
        chest = sitter.on_chest([(0, 0.3)])
        np.testing.assert_allclose(chest, sitter.on([(0, 0.3)]))  # heads tilt about the neck
    assert min(moves) < 0 < max(moves) and np.abs(moves).max() < 0.02


def test_a_face_is_wider_if_chubby_and_its_jaw_if_square():
    def outline(**given):
        face = attributes(2, "full", "independent") | {"face": "oval", "chubby": "no"} | given
        return Sitter(face, 16).head

    def width(points, height):
        return np.abs(points[np.abs(points[:, 1] - height) < 0.02, 0]).max()

    assert width(outline(chubby="yes"), 0.19) > 1.1 * width(outline(), 0.19)
    assert width(outline(face="square"), 0.19) > 1.1 * width(outline(), 0.19)
    assert np.ptp(outline()[:, 1]) > np.ptp(outline(face="round")[:, 1])


def test_soft_shapes_fade_and_keep_their_weight():
    sitter = Sitter(attributes(1) | {"skin": "tan"}, 64)
    sharp = sitter.oval(0, 0, 0.12, 0.12)
    soft = sitter.soft(sharp, 0.03)
    assert soft.cover.sum() == pytest.approx(sharp.cover.sum(), rel=0.05)
    assert (
        np.mean((soft.cover > 0.05) & (soft.cover < 0.95))
        > 2
        * np.mean((sharp.cover > 0.05) & (sharp.cover < 0.95))
        * sharp.cover.size
        / soft.cover.size
    )
    np.testing.assert_allclose(sitter.skin, np.array(SKIN["tan"]), rtol=0.06)
