"""What is computed again is the same, and batch norm does not notice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from final.model import Discriminator as Discriminator2
from final.model import Generator as Generator2
from initial.model import Discriminator, Generator
from misc.networks.recompute import Recomputed
from misc.training.distribute import precision

TEXT, C, SMALL, LARGE = 8, 6, 16, 32
BUILD = {
    "Stage-I generator": lambda kind: Generator(
        gf_dim=8, c_dim=C, z_dim=5, text_dim=TEXT, imsize=LARGE, network_type=kind
    ),
    "Stage-I discriminator": lambda kind: Discriminator(
        df_dim=4, ef_dim=C, text_dim=TEXT, imsize=LARGE, network_type=kind
    ),
    "Stage-II generator": lambda kind: Generator2(
        gf_dim=8, c_dim=C, text_dim=TEXT, lr_imsize=SMALL, hr_imsize=LARGE, network_type=kind
    ),
    "Stage-II discriminator": lambda kind: Discriminator2(
        df_dim=4, ef_dim=C, text_dim=TEXT, imsize=LARGE, network_type=kind
    ),
}


def made(name, kind="default"):
    """A network and inputs for it, always the same."""
    keras.utils.set_random_seed(0)
    network, random = BUILD[name](kind), np.random.default_rng(1)
    shapes = [(4, *place.shape[1:]) for place in network.inputs]
    return network, [tf.constant(random.normal(size=shape), tf.float32) for shape in shapes]


def learn(network, call, inputs):
    """Batch norms in its graph; outputs, gradients by weights and inputs, weights afterwards."""

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = {k: v for k, v in call(inputs, training=True).items() if v is not None}
            loss = sum(tf.reduce_mean(tf.square(v)) for v in outputs.values())
        return outputs, tape.gradient(loss, [network.trainable_variables, inputs])

    outputs, gradients = run(inputs)
    operations = run.get_concrete_function(inputs).graph.get_operations()
    norms = sum(op.type == "FusedBatchNormV3" for op in operations)
    return norms, outputs, gradients, [w.numpy() for w in network.weights]


def check(name, kind, tolerance):
    network, inputs = made(name, kind)
    plain = learn(network, network, inputs)
    network, inputs = made(name, kind)
    again = learn(network, Recomputed(network), inputs)
    assert again[0] == 2 * plain[0] > 0
    for a, b in zip(*map(tf.nest.flatten, (plain[1:], again[1:])), strict=True):
        scale = np.abs(a).max()
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale + 1e-9)


@pytest.mark.parametrize(("name", "kind"), [*zip(BUILD, ("default", "pytorch") * 2, strict=True)])
def test_outputs_gradients_and_moving_values_are_the_plain_ones(name, kind):
    check(name, kind, 1e-4)


def test_in_bfloat16():
    with precision("bfloat16"):
        check("Stage-I generator", "pytorch", 0.02)


def test_segments_end_where_the_size_of_the_picture_changes():
    network, _ = made("Stage-II generator")
    passed = [
        {p.shape[1] for p in made if len(p.shape) == 4}
        for _, _, made in Recomputed(network)._segments
    ]
    assert passed == [{16}, {8}, {16}, {32}]  # 4 px are too small for one of their own


def test_sampling_does_not_touch_what_was_learned():
    network, inputs = made("Stage-I generator")
    before = [w.numpy() for w in network.weights]
    plain, again = (call(inputs, training=False) for call in (network, Recomputed(network)))
    np.testing.assert_allclose(plain["image"], again["image"], atol=1e-6)
    for a, b in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    run = tf.function(lambda: Recomputed(network)(inputs, training=False)["image"])
    kinds = {op.type for op in run.get_concrete_function().graph.get_operations()}
    assert "AssignVariableOp" not in kinds
