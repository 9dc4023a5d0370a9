"""Where pictures' features come from, and whether there is anything to measure on."""

import shutil

import numpy as np
import pytest

from encoder.data import EncoderData, image_features
from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine


@pytest.fixture(scope="module")
def folder(make_set):
    """A set with features named `net` in both splits."""
    folder = make_set(width=None)
    for split, pictures in (("train", 12), ("test", 8)):
        (folder / split / "features").mkdir()
        values = np.random.default_rng(0).normal(size=(pictures, 4, 2)).astype(np.float32)
        np.save(folder / split / "features" / "net.npy", values)
    return folder


def config(folder, *keys):
    fixed = [f"DATA_DIR={folder}", "TRAIN.BATCH_SIZE=2", "TEXT.DIMENSION=4", "IMAGE.SIZE=16"]
    return load_config("encoder", None, [*fixed, *keys])


def test_pictures_are_the_default(folder):
    data = EncoderData(config(folder))
    assert data.steps_per_epoch == 3 and data.heldout is not None
    (element,) = data.dataset(0).take(1).as_numpy_iterator()
    assert element["picture"].shape == (2, 16, 16, 3)


def test_named_features_come_from_both_splits(folder):
    data = EncoderData(config(folder, "TRAIN.IMAGE_FEATURES=net"))
    (element,) = data.dataset(0).take(1).as_numpy_iterator()
    assert element["picture"].shape == (2, 4)
    assert data.heldout.features.shape == (8, 4, 2)


def test_features_of_pictures_in_quarantine_are_passed_over(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for split, name in (("train", "red/red_00"), ("test", "yellow/yellow_00")):
        write_quarantine(copy / split, {0: Quarantined(name, "near")})
        path = copy / split / "features" / "net.npy"
        values = np.load(path)
        values[:] = np.arange(len(values))[:, None, None]
        np.save(path, values)
    data = EncoderData(config(copy, "TRAIN.IMAGE_FEATURES=net", "TRAIN.BATCH_SIZE=3"))
    for step, element in enumerate(data.dataset(0).take(8).as_numpy_iterator()):
        pictures = data.batches.plan(step).pictures
        assert element["picture"][:, 0].tolist() == (pictures + 1).tolist()
    looked_at = []
    data.heldout.measure(
        lambda texts: np.zeros((len(texts), 4)), lambda rows: looked_at.append(rows) or rows
    )
    assert np.concatenate(looked_at)[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_features_file_is_the_training_splits_alone(folder):
    path = folder / "train" / "features" / "net.npy"
    data = EncoderData(config(folder, f"TRAIN.IMAGE_FEATURES={path}"))
    assert data.heldout is None


def test_features_that_do_not_fit_are_named(folder, tmp_path):
    split = open_split(folder, "train")
    with pytest.raises(UserError, match="nothing.npy: no readable picture features"):
        image_features(split, "nothing", 4)
    with pytest.raises(UserError, match=r"expected float32 of \(12, 5\)"):
        image_features(split, "net", 5)
    doubles = tmp_path / "doubles.npy"
    np.save(doubles, np.zeros((12, 4)))
    with pytest.raises(UserError, match="doubles.npy: float64"):
        image_features(split, str(doubles), 4)
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"\x93NUMPY")
    with pytest.raises(UserError, match="broken.npy"):
        image_features(split, str(broken), 4)
