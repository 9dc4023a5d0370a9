"""The pictures that an editor sees: which, from where, mirrored when, and beside what."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from editor.data import EditorData, PictureBatches, centres, from_network, to_network
from misc.config.errors import UserError
from misc.data.images import to_float
from misc.data.prepared import open_split
from misc.data.writer import write_set
from misc.sources.source import card


@pytest.fixture(scope="module")
def batches(tiny_set):
    """`batches(**changes)` -> PictureBatches of 32 px over the tiny set, 4 of 12 pictures."""

    def make(**changes):
        options = {"imsize": 32, "channels": 3, "batch_size": 4, "seed": 7, "jitter": 0}
        return PictureBatches(
            open_split(tiny_set, "train"), **options | {"mirror": False} | changes
        )

    return make


def take(source, count, start=0, context=None):
    elements = source.dataset(start, context).take(count).as_numpy_iterator()
    return [element["real"] for element in elements]


def test_every_epoch_shows_every_picture_once(batches):
    source = batches()
    assert source.steps_per_epoch == 3
    epochs = [
        np.concatenate([source.plan(3 * epoch + k).pictures for k in range(3)])
        for epoch in range(4)
    ]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_without_jitter_and_mirror_it_is_the_middle(batches):
    source = batches()
    (shown,) = take(source, 1)
    middle = centres(source.split, source.plan(0).pictures, 32)
    np.testing.assert_array_equal(shown, to_float(middle))
    assert middle.shape == (4, 32, 32, 3) and middle.dtype == np.uint8


def test_jitter_and_mirror(batches):
    source = batches(jitter=2, mirror=True)
    plans = [source.plan(step) for step in range(60)]
    # Stored at 38 px, so that the middle begins at 3.
    offsets = np.concatenate([plan.offsets for plan in plans])
    assert {tuple(range(1, 6))} == {tuple(np.unique(axis)) for axis in offsets.T}
    assert all(len(set(plan.mirrored.tolist())) == 1 for plan in plans)
    assert 15 < sum(plan.mirrored[0] for plan in plans) < 45
    number = next(step for step, plan in enumerate(plans) if plan.mirrored[0])
    whole = np.stack([p for p in take(source, 1, number)[0]])
    straight = batches(jitter=2)
    assert (straight.plan(number).offsets == plans[number].offsets).all()
    np.testing.assert_array_equal(whole, take(straight, 1, number)[0][:, :, ::-1])


def test_batches_are_those_of_their_step_on_any_number_of_replicas(batches):
    source = batches(jitter=3, mirror=True)
    whole = take(source, 4, 5)
    np.testing.assert_array_equal(take(batches(jitter=3, mirror=True), 1, 8)[0], whole[3])
    halves = take(source, 8, 5, tf.distribute.InputContext(1, 0, 2))
    np.testing.assert_array_equal(np.concatenate(halves), np.concatenate(whole))
    other = take(batches(jitter=3, mirror=True, seed=8), 1, 5)
    assert (other[0] != whole[0]).any()


def test_grey_pictures_are_of_one_channel_and_come_back_as_three(batches):
    (grey,) = take(batches(channels=1), 1)
    (colour,) = take(batches(), 1)
    assert grey.shape == (4, 32, 32, 1)
    np.testing.assert_allclose(grey[..., 0], colour @ [0.2989, 0.587, 0.114], atol=1e-3)
    back = from_network(grey)
    assert back.shape == (4, 32, 32, 3) and (back == back[..., :1]).all()
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    np.testing.assert_array_equal(from_network(to_network(pictures, 3)), pictures)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"imsize": 64}, r"prepared for pictures of \[16, 32\] px, not 64; set IMAGE.SIZE"),
        ({"jitter": 4}, "IMAGE.JITTER 4 is more than the 3 px about the middle 32"),
        ({"batch_size": 13}, "12 pictures are less than one batch of 13"),
    ],
)
def test_what_does_not_fit_is_named(changes, said, batches):
    with pytest.raises(UserError, match=said):
        batches(**changes)


def test_what_is_shown_and_held_out(small_config, tiny_set):
    data = EditorData(small_config())
    assert data.steps_per_epoch == 3 and data.heldout.shape == (8, 32, 32, 3)
    assert data.shown.shape == (4, 32, 32, 3)
    both = [
        centres(open_split(tiny_set, split), range(count), 32)
        for split, count in (("train", 12), ("test", 8))
    ]
    for number, picture in enumerate(data.shown):
        found = [(picture == one).all(axis=(1, 2, 3)).any() for one in both]
        assert found == [number % 2 == 0, number % 2 == 1]
    np.testing.assert_array_equal(EditorData(small_config()).shown, data.shown)
    sheet = np.asarray(data.grid(data.shown // 2, np.zeros_like(data.shown)))
    # Two pairs of train and test, of three tiles of 64 px each, the last of them black.
    assert (sheet == 0).all(axis=2).sum() >= 4 * 64 * 64
    assert sheet.shape[1] > 6 * 64


def test_more_pictures_than_there_are_are_not_shown(small_config):
    assert len(EditorData(small_config("TRAIN.NUM_COPY=100")).shown) == 2 * 8


def test_a_set_without_attributes_does_and_it_is_said_what_will_lack(
    small_config, make_pictures, tmp_path, capsys
):
    splits = {
        split: [
            replace(picture, captions=(), attributes=())
            for picture in make_pictures(tmp_path / "raw", colours, per_class=6)
        ]
        for split, colours in (("train", ("red",)), ("test", ("blue",)))
    }
    folder, facts = tmp_path / "mute", card("the tests", "by colour", "class", "ours")
    write_set(folder, splits, name="mute", imsizes=(16, 32), card=facts, workers=1)
    EditorData(small_config(f"DATA_DIR={folder}")).save(tmp_path / "run")
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"{folder}: the set has no attributes: {tmp_path / 'run'} will encode")
    EditorData(small_config()).save(tmp_path / "run")
    assert not capsys.readouterr().err
