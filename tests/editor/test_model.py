"""The networks against the published counts, shapes and ranges."""

import keras
import numpy as np
import pytest

from editor.model import Decoder, Discriminator, Encoder


def trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, (18_071_360, 4_693_155, 10_953_857)),
        ({"network_type": "def", "channels": 1}, (35_112_064, 5_834_753, 10_953_409)),
        # A colour picture has 2 channels more: in the first convolutions of 5x5x64 and 5x5x32, and
        # in the decoder's last, of 32 channels, with a bias for each.
        (
            {"network_type": "def"},
            (35_112_064 + 3_200, 5_834_753 + 1_600 + 2, 10_953_409 + 1_600),
        ),
        ({"imsize": 32}, (5_488_448, 2_481_187, 4_047_873)),
    ],
)
def test_the_published_counts(options, counts):
    networks = Encoder(**options), Decoder(**options), Discriminator(**options)
    assert tuple(map(trainable, networks)) == counts


def test_the_smaller_variant_is_counted_by_hand():
    # 4x4x256 in place of 8x8x256 before the encoder's dense layer of 1024.
    assert trainable(Encoder(imsize=32)) == 18_071_360 - 48 * 256 * 1024
    # Dense to 4x4x256, then 192, 128 and 32 channels by 5x5, two weights a channel of batch norm.
    seed = 128 * 4096 + 2 * 4096
    ups = 25 * (256 * 192 + 192 * 128 + 128 * 32) + 2 * (192 + 128 + 32)
    assert trainable(Decoder(imsize=32)) == seed + ups + 25 * 32 * 3 + 3


@pytest.fixture(scope="module", params=[("vaegan", 3), ("def", 1)], ids=["vaegan", "def"])
def small(request):
    """Encoder, decoder and discriminator at 32 px and an eighth of the widths, and a picture."""
    keras.utils.set_random_seed(0)
    network_type, channels = request.param
    options = {"imsize": 32, "channels": channels, "width": 0.125, "network_type": network_type}
    networks = Encoder(z_dim=6, **options), Decoder(z_dim=6, **options), Discriminator(**options)
    pictures = np.random.default_rng(0).uniform(-1, 1, (5, 32, 32, channels)).astype(np.float32)
    return *networks, pictures


def test_shapes_and_ranges(small):
    encoder, decoder, discriminator, pictures = small
    code = encoder(pictures, training=True)
    assert code.keys() == {"mu", "logvar"}
    assert all(value.shape == (5, 6) and value.dtype == "float32" for value in code.values())
    made = np.asarray(decoder(100 * np.asarray(code["mu"]), training=True))
    assert made.shape == pictures.shape and np.abs(made).max() <= 1
    judged = discriminator(pictures, training=True)
    assert judged["logits"].shape == (5,) and judged["features"].shape == (5, 4 * 4 * 32)
    assert all(value.dtype == "float32" for value in judged.values())


def test_the_features_are_those_of_the_convolution_asked_for(small):
    *_, pictures = small
    network_type = "def" if pictures.shape[3] == 1 else "vaegan"
    for layer, size in ((1, 16 * 16 * 16), (2, 8 * 8 * 24), (3, 4 * 4 * 32)):
        judge = Discriminator(
            imsize=32,
            channels=pictures.shape[3],
            width=0.125,
            layer=layer,
            network_type=network_type,
        )
        features = np.asarray(judge(pictures, training=True)["features"])
        assert features.shape == (5, size)
        places = features.reshape(-1, {1: 16, 2: 24, 3: 32}[layer])
        if network_type == "def":
            # After batch norm, whose mean is 0, and a leaky ReLU, which leaves a fifth below it.
            below = np.where(places < 0, places, 0).sum(axis=0)
            above = np.where(places > 0, places, 0).sum(axis=0)
            np.testing.assert_allclose(below, -0.2 * above, rtol=1e-2)
        else:
            # A convolution as it is: neither centred nor of deviation 1.
            assert places.min() < 0 and np.abs(places.std(axis=0) - 1).min() > 0.01


def test_batch_norm_is_as_published():
    def settings(**options):
        layers = [
            layer
            for network in (Encoder(**options), Decoder(**options), Discriminator(**options))
            for layer in network.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        assert {layer.momentum for layer in layers} == {0.9}
        starts = np.concatenate([np.asarray(layer.gamma) for layer in layers])
        by_rank = {(len(layer.input.shape), layer.epsilon) for layer in layers}
        return by_rank, float(starts.std())

    small = {"imsize": 32, "width": 0.25}
    assert settings(**small) == ({(4, 1e-6), (2, 1e-5)}, 0.0)
    by_rank, deviation = settings(**small, network_type="def")
    assert by_rank == {(4, 1e-5), (2, 1e-5)} and deviation == pytest.approx(0.02, rel=0.1)


def test_weights_begin_as_the_authors_fill_them():
    # Uniform within 1 / root(3 fan_in): the deviation is a third of 1 / root(fan_in).
    network = Encoder(imsize=32, width=0.5)
    kernels = [weight for weight in network.trainable_weights if len(weight.shape) > 1]
    for kernel in kernels:
        fan_in = int(np.prod(kernel.shape[:-1]))
        assert np.abs(np.asarray(kernel)).max() <= (3 * fan_in) ** -0.5 + 1e-7
        assert np.asarray(kernel).std() == pytest.approx(fan_in**-0.5 / 3, rel=0.05)
