"""Parameter counts of the published networks, and that every layout runs at every size."""

import numpy as np
import pytest
import tensorflow as tf

from initial.model import Discriminator, Generator


def counts(network):
    return [
        sum(int(np.prod(w.shape)) for w in weights)
        for weights in (network.trainable_weights, network.non_trainable_weights)
    ]


@pytest.mark.parametrize(
    ("layout", "generator", "discriminator"),
    [
        ("default", 14_264_192, 4_029_824),
        ("simple", 15_034_368, 3_225_472),
        ("pytorch", 10_301_248, 5_715_713),
    ],
)
def test_published_parameter_counts(layout, generator, discriminator):
    assert counts(Generator(network_type=layout))[0] == generator
    assert counts(Discriminator(network_type=layout))[0] == discriminator


def test_published_moving_statistics():
    assert counts(Generator())[1] == 39_168
    assert counts(Discriminator())[1] == 4_352


def test_coco_widths_of_the_pytorch_layout():
    assert counts(Generator(gf_dim=192, network_type="pytorch"))[0] == 20_020_832
    assert counts(Discriminator(df_dim=96, network_type="pytorch"))[0] == 12_407_425


@pytest.mark.parametrize("layout", ["default", "simple", "pytorch"])
@pytest.mark.parametrize("imsize", [16, 32, 128])
def test_shapes_ranges_and_dtypes_at_other_sizes(layout, imsize):
    generator = Generator(
        gf_dim=8, c_dim=6, z_dim=5, text_dim=7, imsize=imsize, network_type=layout
    )
    discriminator = Discriminator(
        df_dim=4, ef_dim=6, text_dim=7, imsize=imsize, network_type=layout
    )
    random = np.random.default_rng(0)
    inputs = [tf.constant(random.normal(size=(3, n)), tf.float32) for n in (7, 6, 5)]
    fake = generator(inputs, training=True)
    assert fake["image"].shape == (3, imsize, imsize, 3) and fake["mu"].shape == (3, 6)
    assert fake["image"].dtype == "float32" and np.abs(fake["image"]).max() <= 1
    condition = fake["mu"] if layout == "pytorch" else inputs[0]
    logits = discriminator([fake["image"], condition], training=True)
    assert logits["conditional"].shape == (3,) and logits["unconditional"] is None
    assert np.isfinite(logits["conditional"]).all()
