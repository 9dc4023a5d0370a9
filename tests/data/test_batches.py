"""GAN batches: a function of (seed, step), fair draws, the same on one replica and on many."""

import collections
import io

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.data.batches import GanBatches
from misc.data.prepared import open_split


@pytest.fixture(scope="module")
def batches(tiny_set):
    """`batches(split="train", **changes)` -> GanBatches over the tiny set, batches of 4 of 12."""

    def make(split="train", **changes):
        split = open_split(tiny_set, split)
        options = {"imsize": 16, "batch_size": 4, "num_embedding": 2, "seed": 7, **changes}
        return GanBatches(split, split.embeddings("text"), **options)

    return make


def take(source, count, start=0, context=None):
    """The first elements of a dataset, as dicts of arrays."""
    elements = source.dataset(start, context).take(count).as_numpy_iterator()
    return list(elements)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


# The plan


def test_every_epoch_is_another_permutation(batches):
    source = batches(batch_size=5)  # 12 pictures: two batches, two pictures left out
    assert source.steps_per_epoch == 2
    orders = []
    for epoch in range(20):
        shown = np.concatenate([source.plan(2 * epoch + k).real for k in range(2)])
        assert len(set(shown.tolist())) == 10 and shown.min() >= 0 and shown.max() < 12
        orders.append(tuple(shown.tolist()))
    assert len(set(orders)) == 20
    assert {i for order in orders for i in order} == set(range(12))  # no picture is left out always


def test_plan_depends_on_seed_and_step_alone(batches):
    one, other = batches(), batches()
    for step in (5, 0, 1000, 3):
        for ours, theirs in zip(one.plan(step), other.plan(step), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert (one.plan(0).flips != one.plan(3).flips).any()
    assert any(
        (one.plan(k).real != batches(seed=8).plan(k).real).any()
        and (one.plan(k).offsets != batches(seed=8).plan(k).offsets).any()
        for k in range(3)
    )


def test_wrong_pictures_are_of_another_class_each_equally_likely(tmp_path, make_set):
    split = open_split(make_set(train=("red", "green"), per_class=3, captions=1), "train")
    # One class of 3, one of 2, one of 1, to see that the draw is by picture, not by class.
    split.labels = np.array([2, 0, 0, 2, 4, 2], np.int32)
    source = GanBatches(
        split, split.embeddings("text"), imsize=16, batch_size=6, num_embedding=1, seed=1
    )
    pairs = collections.Counter()
    for step in range(2000):
        plan = source.plan(step)
        pairs.update(zip(plan.real.tolist(), plan.wrong.tolist(), strict=True))
    assert all(split.labels[real] != split.labels[wrong] for real, wrong in pairs)
    for real in range(6):
        others = np.flatnonzero(split.labels != split.labels[real])
        shares = np.array([pairs[real, wrong] for wrong in others.tolist()]) / 2000
        # Standard deviation of a share below 0.011; five of them.
        np.testing.assert_allclose(shares, 1 / len(others), atol=0.055)


def test_captions_are_distinct_and_the_pictures_own(batches):
    source = batches(num_embedding=2)
    seen = collections.defaultdict(set)
    for step in range(200):
        plan = source.plan(step)
        for picture, rows in zip(plan.real.tolist(), plan.captions.tolist(), strict=True):
            assert len(set(rows)) == 2
            assert all(3 * picture <= row < 3 * picture + 3 for row in rows)
            seen[picture].update(rows)
    assert all(len(rows) == 3 for rows in seen.values())


def test_embedding_is_the_mean_of_the_chosen_captions(batches):
    source = batches(num_embedding=2)
    rows = np.asarray(source.embeddings)
    plan = source.plan(3)
    embedding = take(source, 1, start=3)[0]["embedding"]
    assert embedding.dtype == np.float32
    expected = (rows[plan.captions[:, 0]] + rows[plan.captions[:, 1]]) / 2
    np.testing.assert_allclose(embedding, expected, rtol=1e-6, atol=1e-7)


def test_all_captions_if_there_are_fewer(batches):
    source = batches(num_embedding=5)
    plan = source.plan(0)
    assert (plan.captions[:, 3:] == -1).all()
    expected = [np.asarray(source.embeddings)[3 * i : 3 * i + 3].mean(axis=0) for i in plan.real]
    np.testing.assert_allclose(source.embed(plan.captions), expected, rtol=1e-5, atol=1e-6)


def test_standardized_after_the_mean(batches):
    mean, deviation = np.linspace(-1, 1, 8), np.linspace(0.5, 2, 8)
    plain, standard = batches(), batches(mean=mean, deviation=deviation)
    captions = plain.plan(0).captions
    expected = (plain.embed(captions) - mean) / deviation
    np.testing.assert_allclose(standard.embed(captions), expected, rtol=1e-5, atol=1e-6)
    assert standard.embed(captions).dtype == np.float32


def test_crops_and_flips_of_real_and_wrong_are_independent(batches):
    source = batches(batch_size=12)
    plans = [source.plan(step) for step in range(300)]
    offsets = np.concatenate([plan.offsets for plan in plans]).reshape(-1, 4)
    flips = np.concatenate([plan.flips for plan in plans])
    # Stored 19, seen 16: StackGAN's floor(3 * U[0, 1)) gives 0, 1 and 2.
    for column in offsets.T:
        np.testing.assert_allclose(np.bincount(column) / len(column), [1 / 3] * 3, atol=0.04)
    assert np.abs(np.corrcoef(offsets.T) - np.eye(4)).max() < 0.08
    np.testing.assert_allclose(flips.mean(axis=0), [0.5, 0.5], atol=0.04)
    assert abs(np.corrcoef(flips.T)[0, 1]) < 0.08


# The dataset


@pytest.mark.parametrize("imsize", [16, 32])
def test_pictures_are_the_planned_crops_flipped_and_in_range(batches, imsize):
    source = batches(imsize=imsize)
    element = take(source, 1, start=2)[0]
    plan = source.plan(2)
    for kind, name in enumerate(("real", "wrong")):
        indices = (plan.real, plan.wrong)[kind]
        assert element[name].shape == (4, imsize, imsize, 3) and element[name].dtype == np.float32
        for i, png in enumerate(source.split.pictures(indices, source.size)):
            top, left = plan.offsets[i, kind]
            assert 0 <= top <= source.size - imsize and 0 <= left <= source.size - imsize
            pixels = np.asarray(Image.open(io.BytesIO(png)), np.float64)
            crop = pixels[top : top + imsize, left : left + imsize]
            crop = crop[:, ::-1] if plan.flips[i, kind] else crop
            np.testing.assert_allclose(element[name][i], crop * 2 / 255 - 1, atol=1e-6)
        assert element[name].min() >= -1 and element[name].max() <= 1


def test_starting_at_a_step_equals_getting_there(batches):
    whole, late = take(batches(), 9), take(batches(), 4, start=5)
    for ours, theirs in zip(whole[5:], late, strict=True):
        assert_same(ours, theirs)


def test_without_wrong_pictures_one_class_is_enough(make_set):
    split = open_split(make_set(train=("red",)), "train")
    options = {"imsize": 16, "batch_size": 2, "num_embedding": 1, "seed": 0}
    element = take(GanBatches(split, split.embeddings("text"), wrong=False, **options), 1)[0]
    assert set(element) == {"real", "embedding"}
    with pytest.raises(UserError, match="one class.*B_WRONG"):
        GanBatches(split, split.embeddings("text"), **options)


@pytest.mark.parametrize("pipelines", [1, 2])
def test_slices_of_two_replicas_make_the_global_batch(batches, pipelines):
    import tensorflow as tf

    source = batches()
    whole = take(source, 3, start=1)
    slices = [[], []]
    for pipeline in range(pipelines):
        context = tf.distribute.InputContext(pipelines, pipeline, 2)
        elements = take(source, 6 // pipelines, start=1, context=context)
        for i, element in enumerate(elements):
            slices[pipeline + i % (2 // pipelines)].append(element)
    for step in range(3):
        parts = [slices[replica][step] for replica in range(2)]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in whole[step]}
        assert_same(joined, whole[step])


def test_a_strategy_takes_the_dataset(batches):
    import tensorflow as tf

    source = batches()
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    dataset = strategy.distribute_datasets_from_function(lambda context: source.dataset(4, context))
    element = {name: value.numpy() for name, value in next(iter(dataset)).items()}
    assert_same(element, take(source, 1, start=4)[0])


# Mistakes


def test_mistakes_are_told_when_the_batches_are_made(batches, tiny_set):
    import tensorflow as tf

    with pytest.raises(UserError, match="12 pictures are less than one batch of 13"):
        batches(batch_size=13)
    with pytest.raises(UserError, match=r"\[16, 32\] px, not 64"):
        batches(imsize=64)
    with pytest.raises(UserError, match="8 wide but the stored mean"):
        batches(mean=np.zeros(9), deviation=np.ones(9))
    split = open_split(tiny_set, "train")
    with pytest.raises(UserError, match=r"\(24, 8\), expected 36 rows"):
        GanBatches(
            split,
            open_split(tiny_set, "test").embeddings("text"),
            imsize=16,
            batch_size=4,
            num_embedding=2,
            seed=0,
        )
    with pytest.raises(UserError, match="4 cannot be shared by 3 replicas"):
        batches().dataset(0, tf.distribute.InputContext(1, 0, 3))


def test_a_picture_without_captions_is_named(make_set):
    split = open_split(make_set(captions=0, width=None), "train")
    options = {"imsize": 16, "batch_size": 2, "num_embedding": 1, "seed": 0}
    with pytest.raises(UserError, match="red/red_00 has no captions"):
        GanBatches(split, np.zeros((0, 8), np.float32), **options)
