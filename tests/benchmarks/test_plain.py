"""The plain form of the editor's step is the same step: it may be slower, but not another one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import plain
from editor.trainer import build
from misc.config.load import load_config


def test_the_plain_networks_are_the_published_ones():
    sizes = [
        sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
        for network in plain.editor()
    ]
    assert sizes == [18_071_360, 4_693_155, 10_953_857]


@pytest.mark.parametrize("imsize, saturating", [(32, True), (64, False)])
def test_the_plain_gradients_are_those_of_the_trainer(imsize, saturating):
    overrides = [f"IMAGE.SIZE={imsize}", "GAN.WIDTH=0.05", "Z_DIM=5", "LOSS.GAMMA=0.01"]
    overrides += [f"LOSS.SATURATING={saturating}", "LOSS.REAL_SHARE=0.4", "LOSS.LAYER=2"]
    overrides += ["LOSS.PIXELS=0.3"]
    cfg = load_config("editor", None, overrides)
    keras.utils.set_random_seed(0)
    trainer = build(cfg, 1, 3)
    networks = plain.editor(imsize, z_dim=5, width=0.05, layer=2)
    for ours, theirs in zip(trainer.networks.values(), networks, strict=True):
        theirs.set_weights(ours.get_weights())
    given = np.random.default_rng(0)
    real = tf.constant(given.uniform(-1, 1, (4, imsize, imsize, 3)), tf.float32)
    eps, prior = (tf.constant(given.normal(size=(4, 5)), tf.float32) for _ in range(2))
    wanted, _ = trainer.gradients(real, eps, prior)
    found = plain.editor_gradients(networks, real, eps, prior, cfg.LOSS)
    for name, theirs in zip(wanted, found, strict=True):
        largest = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in wanted[name])
        assert largest > 0
        for one, other in zip(wanted[name], theirs, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * largest)
