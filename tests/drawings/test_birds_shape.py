import numpy as np
import pytest

from misc.drawings import birds
from misc.drawings.birds_shape import EASY_SPAN, SPAN, Form


def extent(form):
    points = [form.body, form.tail, form.wing, form.bill, *form.legs]
    points += [p for p in (form.far_wing, form.crest) if p is not None]
    points.append(form.head + form.head_radius * np.array([(-1, -1), (1, 1)]))
    points = np.concatenate(points)
    return points.min(0), points.max(0)


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_birds_fill_their_share_and_are_never_cut_off(preset):
    for seed in range(150):
        bird = birds.in_full(birds.attributes(seed, preset, "independent"))
        form = Form(bird)
        low, high = extent(form)
        span = (EASY_SPAN if preset == "easy" else SPAN[bird["size"]]) * form.plan.breadth
        assert (high - low).max() == pytest.approx(span, rel=0.06)
        assert low.min() > 0.02 and high.max() < 0.98


def test_facing_mirrors_the_bird_and_nothing_else():
    bird = birds.in_full(birds.attributes(5, "easy"))
    right, left = (Form({**bird, "facing": side}) for side in ("right", "left"))
    assert right.bill[:, 0].mean() > right.body[:, 0].mean()
    assert left.bill[:, 0].mean() < left.body[:, 0].mean()
    np.testing.assert_allclose(right.body[:, 1], left.body[:, 1])
    np.testing.assert_allclose(np.ptp(right.body, 0), np.ptp(left.body, 0))


def test_the_frames_undo_the_placing():
    form = Form(birds.in_full(birds.attributes(3, "full", 0)))
    points = np.array([(0.3, -0.2), (-0.7, 0.4)])
    np.testing.assert_allclose(form.in_body(*form.on_body(points).T), points.T, atol=1e-6)
    np.testing.assert_allclose(form.in_head(*form.on_head(points).T), points.T, atol=1e-6)
