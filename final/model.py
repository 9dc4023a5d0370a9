"""The Stage-II networks in their two published layouts ("default" and "pytorch")."""

import math

import keras
from keras import layers

from misc.networks.layers import (
    ConditioningAugmentation,
    UpConv,
    bottleneck,
    conv,
    discriminator_tail,
    encode_image,
    logit,
    norm_act,
    tile_condition,
)


class Generator(keras.Model):
    """Stage-II generator with its own conditioning augmentation; Stage-I is not part of it.

    Inputs: small (n, lr_imsize, lr_imsize, 3), the Stage-I picture in [-1, 1]; embedding
    (n, text_dim); eps (n, c_dim), noise of deviation 1. There is no z: Stage-I had it.
    Returns: dict of `image` float32 (n, hr_imsize, hr_imsize, 3) in [-1, 1]; `mu`, `logvar`.
    Paper: StackGAN, Stage-II. 26,290,080 trainable parameters at the defaults; both layouts.
    """

    def __init__(
        self,
        *,
        gf_dim: int = 128,
        c_dim: int = 128,
        text_dim: int = 1024,
        lr_imsize: int = 64,
        hr_imsize: int = 256,
        r_num: int = 4,
        network_type: str = "default",
        augment: bool = True,
        synchronized: bool = False,
    ):
        truncated = network_type != "pytorch"
        small = keras.Input((lr_imsize, lr_imsize, 3), name="small")
        embedding = keras.Input((text_dim,), name="embedding")
        eps = keras.Input((c_dim,), name="eps")
        augmentation = ConditioningAugmentation(c_dim, network_type=network_type, sample=augment)
        c, mu, logvar = augmentation(embedding, eps)

        x = layers.ReLU()(conv(small, gf_dim, 3, truncated=truncated))
        for i in (1, 2):
            x = norm_act(conv(x, gf_dim << i, 4, 2, truncated=truncated), "relu", synchronized)
        x = layers.Concatenate()([x, tile_condition(c, lr_imsize // 4)])
        x = norm_act(conv(x, 4 * gf_dim, 3, truncated=truncated), "relu", synchronized)
        for _ in range(r_num):
            h = norm_act(conv(x, 4 * gf_dim, 3, truncated=truncated), "relu", synchronized)
            h = norm_act(conv(h, 4 * gf_dim, 3, truncated=truncated), None, synchronized)
            x = layers.ReLU()(layers.Add()([x, h]))
        for i in range(int(math.log2(hr_imsize // lr_imsize)) + 2):
            width = max(2 * gf_dim >> i, gf_dim // 4)
            x = norm_act(UpConv(width, truncated=truncated)(x), "relu", synchronized)
        image = layers.Activation("tanh", dtype="float32")(conv(x, 3, 3, truncated=truncated))
        outputs = {"image": image, "mu": mu, "logvar": logvar}
        super().__init__([small, embedding, eps], outputs, name="generator")


class Discriminator(keras.Model):
    """Stage-II discriminator: does the large picture match the text?

    Inputs: image (n, imsize, imsize, 3) in [-1, 1]; condition: the raw embedding (n, text_dim), or
    in the "pytorch" layout the generator's mu (n, c_dim).
    Returns: dict of `conditional` logits float32 (n,) and, in the "pytorch" layout, `unconditional`
    ones (does it look real at all), else None.
    Paper: StackGAN, Stage-II. 48,603,520 trainable parameters at the defaults.
    """

    def __init__(
        self,
        *,
        df_dim: int = 64,
        ef_dim: int = 128,
        text_dim: int = 1024,
        imsize: int = 256,
        network_type: str = "default",
        synchronized: bool = False,
    ):
        torch_layout = network_type == "pytorch"
        truncated = not torch_layout
        image = keras.Input((imsize, imsize, 3), name="image")
        condition = keras.Input((ef_dim if torch_layout else text_dim,), name="condition")
        x = encode_image(image, df_dim, truncated=truncated, synchronized=synchronized)
        # The code narrows to 8 df by halves, without losing places.
        for i in reversed(range(3, int(math.log2(imsize)) - 3)):
            x = conv(x, df_dim << i, 3 if torch_layout else 1, truncated=truncated)
            # Quirk of TF1's layout: nothing before its residual block.
            bare = not torch_layout and i == 3
            x = norm_act(x, None if bare else "leaky", synchronized)
        if not torch_layout:
            x = bottleneck(x, "leaky", synchronized)
        outputs = {
            "conditional": discriminator_tail(
                x, condition, ef_dim=ef_dim, network_type=network_type, synchronized=synchronized
            )
        }
        if torch_layout:
            outputs["unconditional"] = logit(x, torch_layout)
        super().__init__([image, condition], outputs, name="discriminator")

    def call(self, inputs, training=None, mask=None):
        logits = super().call(inputs, training=training, mask=mask)
        return {"unconditional": None, **logits}
