import numpy as np
import pytest

from misc.drawings.canvas import Canvas, Patch, blurred, ramp, spline


@pytest.fixture
def canvas():
    return Canvas(40, np.random.default_rng(0))


def whole(canvas, patch):
    out = np.zeros((canvas.size, canvas.size))
    out[patch.at] = patch.cover
    return out


def test_a_square_covers_its_area_and_nothing_else(canvas):
    # 0.25..0.75 of 40 pixels: 20 x 20 whole pixels.
    square = canvas.polygon([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)])
    cover = whole(canvas, square)
    assert cover[10:30, 10:30].min() > 0.7
    assert cover[:9].max() == cover[:, 31:].max() == 0
    assert cover.sum() == pytest.approx(400, rel=0.06)
    assert square.cover.size < 40 * 40 / 2  # only the bounding box is worked on


def test_edges_are_antialiased_at_half_pixels(canvas):
    # The right edge lies in the middle of column 20.
    edge = 20.5 / 40
    cover = whole(canvas, canvas.polygon([(0.2, 0.2), (edge, 0.2), (edge, 0.8), (0.2, 0.8)]))
    assert 0.25 <= cover[20, 20] <= 0.75


def test_out_of_focus_a_shape_keeps_its_area_and_fades_evenly(canvas):
    square = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]
    sharp, soft = (whole(canvas, canvas.polygon(square, blur)) for blur in (0, 0.05))
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.06)
    assert 0.2 < soft[20, 27] < 0.8 and 0.02 < soft[20, 29] < 0.4
    assert soft[:5].max() < 0.02  # nothing is cut off at the bounding box


def test_a_finished_drawing_has_the_box_of_its_mask(canvas):
    canvas.paint(
        canvas.polygon([(0.25, 0.5), (0.75, 0.5), (0.75, 0.75), (0.25, 0.75)]), (200, 0, 0)
    )
    picture, mask, box = canvas.finished(np.random.default_rng(0))
    assert box == pytest.approx((10, 20, 20, 10), abs=1)
    assert picture.mode == "RGB" and mask.getpixel((20, 25)) == 255 and mask.getpixel((5, 5)) == 0
    corner = np.asarray(picture)[:8, :8].astype(int)
    assert corner.max() > 0 and corner.max() < 16  # the camera's noise, on black


def test_ellipse_and_dots_have_the_area_of_circles(canvas):
    area = np.pi * 10**2
    assert whole(canvas, canvas.ellipse(0.5, 0.5, 0.25, 0.25)).sum() == pytest.approx(area, rel=0.1)
    dots = canvas.dots([(0.25, 0.25), (0.75, 0.75)], 0.125)
    assert whole(canvas, dots).sum() == pytest.approx(2 * np.pi * 5**2, rel=0.12)


def test_a_shape_beyond_the_edge_is_cut(canvas):
    cover = whole(canvas, canvas.ellipse(0, 0, 0.25, 0.25))
    assert cover.sum() == pytest.approx(np.pi * 10**2 / 4, rel=0.1)
    outside = canvas.ellipse(3, 3, 0.1, 0.1)
    assert whole(canvas, outside).sum() == 0


def test_union_holds_both_and_within_what_they_share(canvas):
    a, b = canvas.ellipse(0.4, 0.5, 0.2, 0.2), canvas.ellipse(0.6, 0.5, 0.2, 0.2)
    both = np.maximum(whole(canvas, a), whole(canvas, b))
    np.testing.assert_array_equal(whole(canvas, canvas.union(a, b)), both)
    shared = whole(canvas, a) * whole(canvas, b)
    np.testing.assert_allclose(whole(canvas, canvas.within(a, b)), shared, atol=1e-6)


def test_melting_fills_the_corner_between_two_circles_only(canvas):
    pair = canvas.union(canvas.ellipse(0.3, 0.5, 0.17, 0.17), canvas.ellipse(0.6, 0.5, 0.17, 0.17))
    before, after = whole(canvas, pair), whole(canvas, canvas.melted(pair, 0.06))
    assert (after >= before).all()
    assert after[15, 18] > before[15, 18]  # above the waist
    assert after.sum() < 1.1 * before.sum()


def test_light_comes_from_above_and_is_one_elsewhere(canvas):
    ball = canvas.ellipse(0.5, 0.5, 0.3, 0.3)
    light = canvas.relief(ball, 0.1)
    assert light[10, 20] > 1.05 > 0.95 > light[30, 20]
    assert light[0, 0] == 1


def test_paint_blends_and_keeps_the_mask(canvas):
    square = Patch((slice(0, 2), slice(0, 2)), np.array([[1, 0.5], [0, 0]], np.float32))
    canvas.paint(square, (200, 100, 0))
    np.testing.assert_allclose(canvas.pixels[0, :2], [(200, 100, 0), (100, 50, 0)])
    np.testing.assert_allclose(canvas.subject[:2, :2], [(1, 0.5), (0, 0)])
    canvas.paint(square, (0, 0, 0), subject=False)  # scenery before the subject hides it
    np.testing.assert_allclose(canvas.subject[:2, :2], [(0, 0.25), (0, 0)])


def test_ramp_and_blur():
    np.testing.assert_allclose(ramp(np.array([-1, -0.25, 0, 1.0]), 1), [0, 0.25, 0.5, 1])
    step = np.zeros((32, 32), np.float32)
    step[:, 16:] = 1
    soft = blurred(step, 3)
    assert soft.mean() == pytest.approx(0.5, abs=0.02)
    assert soft[16, 0] == pytest.approx(0, abs=0.02) and 0.05 < soft[16, 13] < 0.45
    np.testing.assert_array_equal(blurred(step, 0.4), step)  # less than a pixel


def test_spline_passes_through_its_points():
    points = np.array([(0, 0), (1, 0), (1, 1), (0, 1.0)])
    curve = spline(points, 8)
    assert curve.shape == (32, 2)
    np.testing.assert_allclose(curve[::8], points)
