"""Batches of pictures and captions: of different classes, matching, and a function of the step."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from encoder.alphabet import encode
from encoder.batches import PairBatches, family, shrunk
from misc.config.errors import UserError
from misc.data.images import to_float
from misc.data.prepared import open_split


@pytest.fixture
def split(tiny_set):
    return open_split(tiny_set, "train")


def take(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def test_a_plan_has_different_classes_and_all_come_up(split):
    batches = PairBatches(split, batch_size=2, seed=1, side=16)
    assert batches.steps_per_epoch == 3  # the classes
    plans = [batches.plan(step) for step in range(60)]
    for plan in plans:
        assert len(set(split.labels[plan.pictures])) == 2
    assert {i for plan in plans for i in plan.pictures} == set(range(12))
    assert {i for plan in plans for i in plan.captions} == {0, 1, 2}
    offsets = np.concatenate([plan.offsets.ravel() for plan in plans])
    assert {offsets.min(), offsets.max()} == {0, 3}  # pictures are stored at 19 px


def test_a_plan_is_a_function_of_seed_and_step(split):
    def plan(seed, step):
        return [v.tolist() for v in PairBatches(split, batch_size=3, seed=seed, side=16).plan(step)]

    assert plan(0, 5) == plan(0, 5)
    assert plan(0, 5) != plan(0, 6) and plan(0, 5) != plan(1, 5)


def test_elements_match_their_plan_and_resume_anywhere(split):
    batches = PairBatches(split, batch_size=3, seed=0, side=16)
    elements = take(batches.dataset(0), 4)
    for step, element in enumerate(elements):
        plan = batches.plan(step)
        captions = [
            split.record(int(i))["captions"][j]
            for i, j in zip(plan.pictures, plan.captions, strict=True)
        ]
        assert element["indices"].tolist() == encode(captions).tolist()
        for png, (top, left), picture in zip(
            split.pictures(plan.pictures, 19), plan.offsets, element["picture"], strict=True
        ):
            crop = np.asarray(Image.open(io.BytesIO(png)))[top : top + 16, left : left + 16]
            np.testing.assert_allclose(picture, to_float(crop), atol=1e-6)
    (later,) = take(batches.dataset(3), 1)
    for name in later:
        np.testing.assert_array_equal(later[name], elements[3][name])


def test_small_pictures_are_means_of_the_stored_ones(split):
    assert family(split, 16) == (16, 19) and family(split, 32) == (32, 38)
    assert family(split, 8) == (16, 19)
    full, half = (
        take(PairBatches(split, batch_size=2, seed=0, side=side).dataset(0), 1)[0]["picture"]
        for side in (16, 8)
    )
    means = full.reshape(2, 8, 2, 8, 2, 3).mean((2, 4))
    np.testing.assert_allclose(half, means, atol=1e-6)
    np.testing.assert_array_equal(shrunk(full, 16), full)


def test_replicas_share_the_global_batch(split):
    features = np.arange(24, dtype=np.float32).reshape(12, 2)
    batches = PairBatches(split, batch_size=2, seed=0, side=16, features=features)
    whole = take(batches.dataset(1), 2)
    for pipelines in (1, 2):
        local = 2 // pipelines
        parts = [
            take(
                batches.dataset(
                    1,
                    SimpleNamespace(
                        num_replicas_in_sync=2, num_input_pipelines=pipelines, input_pipeline_id=i
                    ),
                ),
                2 * local,
            )
            for i in range(pipelines)
        ]
        for step in range(2):
            slices = [part[step * local + j] for part in parts for j in range(local)]
            for name in ("indices", "picture"):
                together = np.concatenate([piece[name] for piece in slices])
                np.testing.assert_array_equal(together, whole[step][name])


def test_features_take_the_place_of_pictures_and_views_are_drawn(split):
    features = np.arange(12 * 2 * 3, dtype=np.float32).reshape(12, 2, 3)
    batches = PairBatches(split, batch_size=3, seed=0, side=999, features=features)
    seen = set()
    for step, element in enumerate(take(batches.dataset(0), 20)):
        plan = batches.plan(step)
        expected = [features[i, :, v] for i, v in zip(plan.pictures, plan.views, strict=True)]
        np.testing.assert_array_equal(element["picture"], np.array(expected))
        seen |= set(plan.views.tolist())
    assert seen == {0, 1, 2}


def test_mistakes_are_named(split, make_set):
    with pytest.raises(UserError, match="3 classes, but a batch takes 4 .* at most 3"):
        PairBatches(split, batch_size=4, seed=0, side=16)
    with pytest.raises(UserError, match=r"\[16, 32\] px, from which none of 64 px"):
        PairBatches(split, batch_size=2, seed=0, side=64)
    wordless = open_split(make_set(captions=0, width=None), "train")
    with pytest.raises(UserError, match="no captions"):
        PairBatches(wordless, batch_size=2, seed=0, side=16)
    context = SimpleNamespace(num_replicas_in_sync=2, num_input_pipelines=1, input_pipeline_id=0)
    with pytest.raises(UserError, match="batch of 3 cannot be shared by 2"):
        PairBatches(split, batch_size=3, seed=0, side=16).dataset(0, context)
