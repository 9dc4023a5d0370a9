"""Parameter counts of the published networks, and that both layouts run at other sizes."""

import numpy as np
import pytest
import tensorflow as tf

from final.model import Discriminator, Generator


def counts(network):
    return [
        sum(int(np.prod(w.shape)) for w in weights)
        for weights in (network.trainable_weights, network.non_trainable_weights)
    ]


def test_published_parameter_counts():
    assert counts(Generator()) == [26_290_080, 11_712]
    assert counts(Discriminator()) == [48_603_520, 13_568]


def test_pytorch_layout_at_the_same_widths():
    assert counts(Generator(network_type="pytorch"))[0] == 26_290_080
    assert counts(Discriminator(network_type="pytorch"))[0] == 71_269_122


def test_coco_widths_of_the_pytorch_layout():
    assert counts(Generator(gf_dim=192, r_num=2, network_type="pytorch"))[0] == 37_130_480
    assert counts(Discriminator(df_dim=96, network_type="pytorch"))[0] == 159_889_538


@pytest.mark.parametrize("layout", ["default", "pytorch"])
@pytest.mark.parametrize("sizes", [(16, 32), (16, 128), (32, 64)])
def test_shapes_ranges_and_dtypes_at_other_sizes(layout, sizes):
    small, large = sizes
    generator = Generator(
        gf_dim=8,
        c_dim=6,
        text_dim=7,
        lr_imsize=small,
        hr_imsize=large,
        r_num=1,
        network_type=layout,
    )
    discriminator = Discriminator(df_dim=4, ef_dim=6, text_dim=7, imsize=large, network_type=layout)
    random = np.random.default_rng(0)
    shapes = [(2, small, small, 3), (2, 7), (2, 6)]
    inputs = [tf.constant(random.normal(size=shape), tf.float32) for shape in shapes]
    fake = generator(inputs, training=True)
    assert fake["image"].shape == (2, large, large, 3)
    assert fake["image"].dtype == "float32" and np.abs(fake["image"]).max() <= 1
    condition = fake["mu"] if layout == "pytorch" else inputs[1]
    logits = discriminator([fake["image"], condition], training=True)
    assert logits["conditional"].shape == (2,)
    assert (logits["unconditional"] is None) == (layout == "default")
