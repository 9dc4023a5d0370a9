"""An encoder's eye: pictures of several sizes, and runs that have none."""

import numpy as np
import pytest
import tensorflow as tf

from encoder import look
from encoder.model import ImageTower
from misc.config.errors import UserError
from misc.config.load import load_config, save_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "encoder"
    folder.mkdir()
    small = ["IMAGE.SIZE=16", "IMAGE.WIDTH=4", "IMAGE.GRID=4", "TEXT.DIMENSION=6"]
    save_config(load_config("encoder", None, small), "encoder", folder / "config.yml")
    tower = ImageTower(16, 4, 6, 4)
    saved = tf.train.Checkpoint(step=tf.Variable(7, dtype=tf.int64), image_tower=tower)
    tf.train.CheckpointManager(saved, str(folder / "checkpoints"), 1).save(7)
    return folder


def test_a_larger_picture_is_seen_as_its_shrunk_one(run):
    eye = look.load(run)
    small = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    large = small.repeat(4, axis=1).repeat(4, axis=2)
    assert eye(small).shape == (3, 6) and eye.step == 7
    np.testing.assert_allclose(eye(large), eye(small), atol=1e-5)
    assert np.ptp(eye(small), axis=0).max() > 1e-3  # it does tell pictures apart


@pytest.mark.parametrize("shape", [(2, 24, 24, 3), (2, 32, 16, 3)])
def test_sizes_that_cannot_be_shrunk_are_refused(run, shape):
    with pytest.raises(UserError, match="looks at pictures of 16 x 16 px"):
        look.load(run)(np.zeros(shape, np.uint8))


def test_an_encoder_without_an_eye_is_refused(run, tmp_path):
    blind = tmp_path / "blind"
    blind.mkdir()
    (blind / "config.yml").write_bytes((run / "config.yml").read_bytes())
    with pytest.raises(UserError, match="has no image tower"):
        look.load(blind)
    saved = tf.train.Checkpoint(step=tf.Variable(7, dtype=tf.int64))
    tf.train.CheckpointManager(saved, str(blind / "checkpoints"), 1).save(7)
    with pytest.raises(UserError, match="has no image tower"):
        look.load(blind)
