"""The plain form of a step of faces is the same step: it may be slower, but not another one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import plain_faces
from faces.trainer import build
from misc.config.load import load_config
from misc.training import noise

SMALL = ["DEPTH=2", "LATENT_SIZE=8", "CA_OUT_SIZE=5", "EMBEDDING_SIZE=4", "HIDDEN_SIZE=6"]
SMALL += ["NUM_LAYERS=2", "COMPRESSED_LATENT_SIZE=4", "CAPTIONS_LENGTH=4", "VOCAB_SIZE=20"]
GROWING = ["EPOCHS=[1,1]", "FADE_IN_PERCENTAGE=[50,50]", "BATCH_SIZES=[8,8]"]
R1 = [*GROWING, "LOSS_FUNCTION=non-saturating", "TEXT_LEARNS_MATCHING=False"]
AT_ONCE = ["NETWORK_TYPE=multiscale", "EPOCHS=[1]", "FADE_IN_PERCENTAGE=[0]", "BATCH_SIZES=[8]"]
AT_ONCE += ["LOSS_FUNCTION=relativistic-hinge", "KL_WEIGHT=0.3"]


def pairs(trained, plain):
    """(variable of ours, its plain form, how that is turned to ours) of what both have."""
    ours, theirs = trained["text_encoder"], plain["text_encoder"].trainable_variables
    yield from zip([ours.words, *sum((one.weights for one in ours.lstm), [])], theirs, strict=True)
    project = trained["conditioning"].project
    yield from zip(project.weights, plain["conditioning"].weights, strict=True)
    for name in ("generator", "discriminator"):
        ours = trained[name]
        colours = ours.to_rgb if name == "generator" else ours.from_rgb
        for layer in plain[name].layers:
            if isinstance(layer, plain_faces.Equalised):
                kind, i, *part = layer.name.split("_")
                own = colours[int(i)] if kind == "colour" else ours.blocks[int(i)]
                own = getattr(own, part[0]) if part else own
                yield from zip(own.weights, layer.weights, strict=True)


def turned(array, shape):
    """Of a transposed convolution Keras has the inputs last; ours are first."""
    array = tf.convert_to_tensor(array)
    return array if array.shape == shape else tf.transpose(array, (3, 0, 1, 2))


class Caught:
    """Stands for an optimizer: keeps what it is given."""

    def __init__(self, found):
        self.found = found

    def apply(self, gradients, variables):
        for gradient, variable in zip(gradients, variables, strict=True):
            self.found[id(variable)] = gradient


@pytest.mark.parametrize(
    ("overrides", "stage", "number"),
    [(GROWING, 1, 4), (R1, 1, 5), (AT_ONCE, 0, 1)],
)
def test_the_plain_gradients_are_those_of_the_trainer(overrides, stage, number):
    cfg = load_config("faces", None, [*SMALL, *overrides])
    keras.utils.set_random_seed(0)
    trainer, number = build(cfg, 1, 4), tf.constant(number, tf.int64)
    alpha = trainer._growth.alpha(number, stage)
    fading, last = float(alpha) < 1, stage if len(cfg.EPOCHS) > 1 else cfg.DEPTH - 1
    networks = plain_faces.build(cfg, last, fading)
    assert float(alpha) in (0.5, 1.0)  # the plain form knows no other
    for one, other in pairs(trainer.networks, networks):
        one.assign(turned(other, one.shape))
        one.assign_add(tf.random.stateless_normal(one.shape, (5, 5), stddev=0.1))
        value = one if one.shape == other.shape else tf.transpose(one, (1, 2, 3, 0))
        other.assign(value)

    given, side = np.random.default_rng(0), 4 << last
    tokens = given.integers(1, 20, (8, 4)) * (np.arange(4) < given.integers(1, 5, (8, 1)))
    batch = {
        "real": tf.constant(given.uniform(-1, 1, (8, side, side, 3)), tf.float32),
        "tokens": tf.constant(tokens, tf.int32),
        "wrong": tf.constant(np.roll(np.arange(8), 3), tf.int32),
    }
    roles = {"eps": (noise.EPS_G, 5), "d": (noise.Z_D, 3), "g": (noise.Z_G, 3)}
    draws = {name: noise.normal(cfg.SEED, number, role, 8, n) for name, (role, n) in roles.items()}
    draws["mix"] = noise.uniform(cfg.SEED, number, noise.MIX, 8)
    wanted, found = {}, {}
    trainer.optimizers = dict.fromkeys(trainer.optimizers, Caught(wanted))
    trainer.train_step(batch, number, stage)
    optimizers = dict.fromkeys(networks, Caught(found))
    plain_faces.step(networks, optimizers, batch, draws, cfg, last, fading)

    both = list(pairs(trainer.networks, networks))
    others = wanted.keys() - {id(one) for one, _ in both}
    assert not any(tf.reduce_any(wanted[one] != 0) for one in others)  # what has faded out
    for one, other in both:
        mine, theirs = wanted[id(one)], turned(found[id(other)], one.shape)
        largest = float(tf.reduce_max(tf.abs(mine)))
        assert largest > 0
        np.testing.assert_allclose(theirs, mine, rtol=1e-3, atol=1e-4 * largest)


@pytest.mark.parametrize(
    ("overrides", "unseen", "d_count"), [([], 3, 5_760_769), (AT_ONCE, 0, 4_726_017)]
)
def test_the_plain_networks_have_the_parameters_of_ours(overrides, unseen, d_count, monkeypatch):
    monkeypatch.setattr(  # they take long to draw
        keras.initializers.RandomNormal, "__call__", lambda self, shape, dtype: tf.zeros(shape)
    )
    networks = plain_faces.build(load_config("faces", None, overrides), 4, True).values()
    found = [sum(int(np.prod(v.shape)) for v in one.trainable_variables) for one in networks]
    # From 32 to 64 px the colours of the three sizes below are not seen.
    g_count, d_count = 5_625_487 - unseen * (3 * 256 + 3), d_count - unseen * (3 * 256 + 256)
    assert found == [1_798_528, 91_492, g_count, d_count]
