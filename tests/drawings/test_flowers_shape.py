import numpy as np
import pytest

from misc.drawings import flowers
from misc.drawings.flowers_shape import EASY_SPAN, SPAN, Form


def form_of(seed, preset="full", **changes):
    flower = flowers.in_full(flowers.attributes(seed, preset, "independent"))
    return Form({**flower, **changes})


def extent(form):
    points = np.concatenate([*(p.outline for p in form.petals), form.centre, *form.stamens])
    return points.min(0), points.max(0)


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_flowers_fill_their_share_and_are_never_cut_off(preset):
    low_span, high_span = EASY_SPAN if preset == "easy" else SPAN
    for seed in range(60):
        low, high = extent(form_of(seed, preset))
        assert low_span - 1e-6 < (high - low).max() < high_span + 1e-6
        assert low.min() > 0.01 and high.max() < 0.99


def test_a_layer_has_as_many_petals_as_said():
    for name, count in flowers.PETALS.items():
        for k, layers in enumerate(flowers.FORMS["layers"], 1):
            form = form_of(3, petals=name, layers=layers)
            petals = [p for p in form.petals if p.layer >= 0]
            assert len(petals) == k * count
            assert {p.layer for p in petals} == set(range(k))


def test_a_petal_knows_its_own_frame():
    for view in ("front", "tilted"):
        form = form_of(4, form="flat", view=view, petal_shape="rounded", petals="eight")
        for petal in form.petals:
            if petal.layer == 0:
                along, across = petal.along_across(*petal.outline.T)
                assert along.max() == pytest.approx(1, abs=0.12)
                assert along.min() == pytest.approx(0, abs=0.12)
                assert np.abs(across).max() == pytest.approx(1, abs=0.2)


def test_we_look_into_open_flowers_and_at_the_back_of_a_cups_near_petals():
    for view in ("front", "tilted"):
        assert not any(p.over for p in form_of(5, form="flat", view=view).petals)
    cup = [
        p
        for p in form_of(5, form="cupped", view="side", petals="six", layers="one").petals
        if p.layer == 0
    ]
    over = [p for p in cup if p.over]
    assert 1 <= len(over) <= 5
    assert min(p.near for p in over) > max(p.near for p in cup if p.inside)
    assert cup[-1].over and cup[0].inside  # painted in this order
    drooping = form_of(5, form="drooping", view="side").petals
    assert not any(p.over for p in drooping) and not all(p.inside for p in drooping)


def test_forms_rise_and_sink():
    tips = {}
    for form in flowers.VIEWS:
        drawn = form_of(6, form=form, view="side", layers="one", petals="eight", stamens="no")
        outlines = np.concatenate([p.outline for p in drawn.petals if p.layer == 0])
        middle = drawn.seen([(0, 0, 0)])[0, 1]
        tips[form] = (middle - outlines[:, 1].mean()) / drawn.unit  # upwards
    assert tips["cupped"] > 0.2 > tips["flat"] > -0.1 > tips["drooping"]


def test_the_dome_hides_its_far_side():
    disc = np.array([(0, -0.9), (0, 0.9), (0, 0)])
    front = form_of(7, form="flat", view="front").on_dome(disc)[1]
    side = form_of(7, form="drooping", view="side").on_dome(disc)[1]
    assert front.all() and side.tolist() == [False, True, True]
