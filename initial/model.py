"""The Stage-I networks in their three published layouts.

"default" and "simple" are TF1 StackGAN's, "pytorch" is StackGAN-Pytorch's. Their quirks are kept,
each where it stands. Widths and picture size are free; the published ones are the defaults.
"""

import math

import keras
from keras import layers

from misc.networks.batch_norm import BatchNorm
from misc.networks.layers import (
    ConditioningAugmentation,
    UpConv,
    bottleneck,
    conv,
    discriminator_tail,
    encode_image,
    norm_act,
    weights_init,
)


class Generator(keras.Model):
    """Stage-I generator, conditioning augmentation included.

    Inputs: embedding (n, text_dim); eps (n, c_dim) and z (n, z_dim), noise of deviation 1.
    Returns: dict of `image` float32 (n, imsize, imsize, 3) in [-1, 1]; `mu`, `logvar` (n, c_dim).
    Paper: StackGAN, Stage-I. 14,264,192 trainable parameters at the defaults.
    """

    def __init__(
        self,
        *,
        gf_dim: int = 128,
        c_dim: int = 128,
        z_dim: int = 100,
        text_dim: int = 1024,
        imsize: int = 64,
        network_type: str = "default",
        augment: bool = True,
        synchronized: bool = False,
    ):
        embedding = keras.Input((text_dim,), name="embedding")
        eps = keras.Input((c_dim,), name="eps")
        z = keras.Input((z_dim,), name="z")
        augmentation = ConditioningAugmentation(c_dim, network_type=network_type, sample=augment)
        c, mu, logvar = augmentation(embedding, eps)
        ups = int(math.log2(imsize)) - 2
        body = {"default": _default, "simple": _simple, "pytorch": _pytorch}[network_type]
        image = layers.Activation("tanh", dtype="float32")(body(c, z, gf_dim, ups, synchronized))
        outputs = {"image": image, "mu": mu, "logvar": logvar}
        super().__init__([embedding, eps, z], outputs, name="generator")


def _seed_block(code, gf_dim: int, use_bias: bool):
    init = weights_init(truncated=False)
    return layers.Dense(16 * 8 * gf_dim, use_bias=use_bias, kernel_initializer=init)(code)


def _default(c, z, gf_dim, ups, synchronized):
    x = _seed_block(layers.Concatenate()([c, z]), gf_dim, use_bias=True)
    # Quirk: no activation between the normalised seed and the residual block.
    x = layers.Reshape((4, 4, 8 * gf_dim))(BatchNorm(synchronized)(x))
    x = bottleneck(x, "relu", synchronized)
    for i in range(ups - 1):
        # Quirk: no activation before the second residual block either.
        x = norm_act(UpConv(_width(gf_dim, i))(x), "relu" if i else None, synchronized)
        if i == 0:
            x = bottleneck(x, "relu", synchronized)
    return UpConv(3)(x)


def _simple(c, z, gf_dim, ups, synchronized):
    x = _seed_block(layers.Concatenate()([c, z]), gf_dim, use_bias=True)
    # Here, unlike in the other layouts, the seed is normalised a channel, not a unit.
    x = norm_act(layers.Reshape((4, 4, 8 * gf_dim))(x), "relu", synchronized)
    for i in range(ups - 1):
        x = norm_act(_deconv(x, _width(gf_dim, i)), "relu", synchronized)
    return _deconv(x, 3)


def _pytorch(c, z, gf_dim, ups, synchronized):
    x = _seed_block(layers.Concatenate()([z, c]), gf_dim, use_bias=False)
    x = layers.ReLU()(BatchNorm(synchronized)(x))
    x = layers.Reshape((4, 4, 8 * gf_dim))(x)
    for i in range(ups):
        x = norm_act(UpConv(_width(gf_dim, i), truncated=False)(x), "relu", synchronized)
    return conv(x, 3, 3, truncated=False)


def _width(gf_dim: int, i: int) -> int:
    """Channels after the i-th doubling: 4 gf, 2 gf, gf, gf/2, then gf/4 for larger pictures."""
    return max(4 * gf_dim >> i, gf_dim // 4)


def _deconv(x, filters: int):
    init = weights_init(truncated=False)
    return layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False, kernel_initializer=init)(x)


class Discriminator(keras.Model):
    """Stage-I discriminator: does the picture match the text?

    Inputs: image (n, imsize, imsize, 3) in [-1, 1]; condition: the raw embedding (n, text_dim), or
    in the "pytorch" layout the generator's mu (n, c_dim).
    Returns: dict of `conditional` logits float32 (n,) and `unconditional`, None in Stage-I.
    Paper: StackGAN, Stage-I. 4,029,824 trainable parameters at the defaults.
    """

    def __init__(
        self,
        *,
        df_dim: int = 64,
        ef_dim: int = 128,
        text_dim: int = 1024,
        imsize: int = 64,
        network_type: str = "default",
        synchronized: bool = False,
    ):
        torch_layout = network_type == "pytorch"
        image = keras.Input((imsize, imsize, 3), name="image")
        condition = keras.Input((ef_dim if torch_layout else text_dim,), name="condition")
        # Quirk of TF1's default layout: nothing after the last two convolutions.
        x = encode_image(
            image,
            df_dim,
            truncated=not torch_layout,
            synchronized=synchronized,
            bare=2 if network_type == "default" else 0,
        )
        if network_type == "default":
            x = bottleneck(x, "leaky", synchronized)
        logits = discriminator_tail(
            x, condition, ef_dim=ef_dim, network_type=network_type, synchronized=synchronized
        )
        super().__init__([image, condition], {"conditional": logits}, name="discriminator")

    def call(self, inputs, training=None, mask=None):
        return {**super().call(inputs, training=training, mask=mask), "unconditional": None}
