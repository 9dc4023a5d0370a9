"""The networks that grow: from 4x4 pixels, a block a stage, each faded in over the one before.

Stage 0 is 4x4, stage s is 4 << s pixels wide. All variables of all stages are there from the
beginning. Papers: Karras et al., "Progressive Growing of GANs"; T2F, whose discriminator reads the
text in its last block.
"""

import keras
import tensorflow as tf
from keras import layers, ops

from faces.layers import (
    Conv,
    Dense,
    Seed,
    batch_statistic,
    blend,
    doubled,
    grown_up,
    half,
    kept,
    leaky,
    pixel_norm,
    widths,
)

CONDITIONS = ("concat", "projection", "readme", "none")


class Start(layers.Layer):
    """Latent vector (n, latent_size) -> maps (n, 4, 4, filters)."""

    def __init__(self, filters: int, *, equalised: bool = True, **options):
        super().__init__(**options)
        self.seed = Seed(filters, equalised=equalised)
        self.conv = Conv(filters, equalised=equalised)

    def build(self, shape):
        self.seed.build(shape)
        self.conv.build((None, 4, 4, self.seed.filters))

    def call(self, latent):
        return pixel_norm(leaky(self.conv(leaky(self.seed(latent)))))


class Up(layers.Layer):
    """Maps (n, h, w, c) -> (n, 2h, 2w, filters)."""

    def __init__(self, filters: int, *, equalised: bool = True, **options):
        super().__init__(**options)
        self.first = Conv(filters, up=True, equalised=equalised)
        self.second = Conv(filters, equalised=equalised)

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], self.first.filters))

    def call(self, x):
        x = pixel_norm(leaky(self.first(x)))
        return pixel_norm(leaky(self.second(x)))


class Down(layers.Layer):
    """Maps (n, 2h, 2w, c) -> (n, h, w, filters)."""

    def __init__(self, filters: int, *, equalised: bool = True, **options):
        super().__init__(**options)
        self.filters, self.equalised = filters, equalised

    def build(self, shape):
        self.first = Conv(shape[-1], equalised=self.equalised)
        self.second = Conv(self.filters, equalised=self.equalised)
        self.first.build(shape)
        self.second.build(shape)

    def call(self, x):
        return half(leaky(self.second(leaky(self.first(x)))))


class End(layers.Layer):
    """Maps (n, 4, 4, c) and text (n, text_size) -> logits (n,).

    Where the text enters (`condition`):
    - "concat": compressed, laid behind the maps at every place, mixed with them by a 1x1
      convolution (T2F's last code);
    - "projection": its product with the picture's vector is added to the logit (Miyato and Koyama,
      "cGANs with Projection Discriminator"; divided by sqrt(c), so that it begins at its size);
    - "readme": as T2F's README has it, raw, beside the picture's vector, before the one weight of
      each. What the logit gains from the text is then the same for every picture: it cannot tell
      whether the two match, and its gradient by the picture knows the text by its sign alone. So
      this is no default; the published leaky ReLU of the logit is kept;
    - "none": nowhere.
    """

    def __init__(
        self,
        *,
        text_size: int,
        compressed_size: int,
        condition: str,
        statistic: str,
        equalised: bool,
        **options,
    ):
        super().__init__(**options)
        if condition not in CONDITIONS:
            raise ValueError(f"the condition is {condition!r}, expected one of {CONDITIONS}")
        self.text_size, self.compressed_size = text_size, compressed_size
        self.condition, self.statistic, self.equalised = condition, statistic, equalised

    def build(self, shape):
        width, equalised = shape[-1], self.equalised
        self.conv = Conv(width, equalised=equalised)
        self.conv.build((None, 4, 4, width + 1))
        self.flat = Conv(width, 4, padding="VALID", equalised=equalised)
        self.flat.build(shape)
        self.logit = Conv(1, 1, equalised=equalised, dtype="float32")
        seen = width + (self.text_size if self.condition == "readme" else 0)
        self.logit.build((None, 1, 1, seen))
        if self.condition in ("concat", "projection"):
            code = self.compressed_size if self.condition == "concat" else width
            self.compress = Dense(code, equalised=equalised)
            self.compress.build((None, self.text_size))
        if self.condition == "concat":
            self.mix = Conv(width, 1, equalised=equalised)
            self.mix.build((None, 4, 4, width + self.compressed_size))

    def call(self, x, text):
        x = tf.concat([x, batch_statistic(x, self.statistic)], -1)
        x = leaky(self.conv(x))
        if self.condition == "concat":
            code = self.compress(text)[:, None, None]
            x = leaky(self.mix(tf.concat([x, tf.tile(code, (1, 4, 4, 1))], -1)))
        x = ops.cast(leaky(self.flat(x)), "float32")  # (n, 1, 1, c)
        if self.condition == "readme":
            text = ops.cast(text, "float32")[:, None, None]
            return leaky(self.logit(tf.concat([x, text], -1)))[:, 0, 0, 0]
        logits = self.logit(x)[:, 0, 0, 0]
        if self.condition == "projection":
            code = ops.cast(self.compress(text), "float32")
            logits += tf.reduce_sum(x[:, 0, 0] * code, -1) * x.shape[-1] ** -0.5
        return logits


class Generator(keras.Model):
    """From a latent vector to a face of the stage's size.

    Call arguments: latent (n, latent_size), the condition and noise; stage, a number; alpha, how
      far the stage has faded in, 0 to 1: the number 1 spares the stage before.
    Returns: float32 (n, 4 << stage, 4 << stage, 3), about [-1, 1].
    Args: rgb: "linear", or "tanh" as the first T2F: each size's picture through tanh, no bias.
    Raises: ValueError as `widths`.
    5,625,487 parameters at the defaults, 5,625,472 with "tanh".
    """

    def __init__(
        self,
        *,
        depth: int = 5,
        latent_size: int = 256,
        rgb: str = "linear",
        equalised: bool = True,
        name: str = "generator",
    ):
        # Casting is the layers' own: alpha would be too coarse in bfloat16.
        super().__init__(name=name, dtype="float32")
        if rgb not in ("linear", "tanh"):
            raise ValueError(f"rgb is {rgb!r}, expected linear or tanh")
        self.depth, self.latent_size, self.rgb = depth, latent_size, rgb
        maps = widths(depth, latent_size)
        ups = [Up(width, equalised=equalised) for width in maps[1:]]
        self.blocks = kept(self, "block", [Start(maps[0], equalised=equalised), *ups])
        colours = [Conv(3, 1, equalised=equalised, use_bias=rgb == "linear") for _ in maps]
        self.to_rgb = kept(self, "colour", colours)
        shape = (None, latent_size)
        for i, width in enumerate(maps):
            self.blocks[i].build(shape)
            self.to_rgb[i].build((None, 4 << i, 4 << i, width))
            shape = (None, 4 << i, 4 << i, width)
        self.built = True

    def grown(self, stage: int) -> list:
        """The trainable variables that this stage adds."""
        return [v for part in (self.blocks, self.to_rgb) for v in part[stage].trainable_variables]

    def call(self, latent, stage, alpha=1.0):
        x = old = latent
        for block in self.blocks[: stage + 1]:
            x, old = block(x), x
        picture = self._painted(x, stage)
        if stage == 0 or grown_up(alpha):
            return picture
        return blend(picture, doubled(self._painted(old, stage - 1)), alpha)

    def _painted(self, x, stage):
        picture = ops.cast(self.to_rgb[stage](x), "float32")
        return tf.tanh(picture) if self.rgb == "tanh" else picture


class Discriminator(keras.Model):
    """Is a face of the stage's size real, and is it the described one?

    Call arguments: picture (n, 4 << stage, 4 << stage, 3), of one kind, for its block of the batch
      statistic compares them; text (n, text_size); stage and alpha as the generator's.
    Returns: logits float32 (n,), linear but in "readme".
    Args: condition, compressed_size: see `End`; minibatch_std: see `batch_statistic`.
    Raises: ValueError as `widths`, and for another condition.
    5,760,769 parameters at the defaults; "readme": 5,628,417.
    """

    def __init__(
        self,
        *,
        depth: int = 5,
        latent_size: int = 256,
        text_size: int = 256,
        compressed_size: int = 128,
        condition: str = "concat",
        minibatch_std: str = "group",
        equalised: bool = True,
        name: str = "discriminator",
    ):
        super().__init__(name=name, dtype="float32")
        self.depth = depth
        maps = widths(depth, latent_size)
        end = End(
            text_size=text_size,
            compressed_size=compressed_size,
            condition=condition,
            statistic=minibatch_std,
            equalised=equalised,
        )
        downs = [Down(width, equalised=equalised) for width in maps[:-1]]
        self.blocks = kept(self, "block", [end, *downs])
        bias = condition != "readme"  # the first T2F has none here
        colours = [Conv(width, 1, equalised=equalised, use_bias=bias) for width in maps]
        self.from_rgb = kept(self, "colour", colours)
        for i, width in enumerate(maps):
            self.blocks[i].build((None, 4 << i, 4 << i, width))
            self.from_rgb[i].build((None, 4 << i, 4 << i, 3))
        self.built = True

    def grown(self, stage: int) -> list:
        """The trainable variables that this stage adds."""
        return [v for part in (self.blocks, self.from_rgb) for v in part[stage].trainable_variables]

    def call(self, picture, text, stage, alpha=1.0):
        return self.match(self.look(picture, stage, alpha), text)

    def look(self, picture, stage, alpha=1.0):
        """What is made of a picture before the text comes in: maps (n, 4, 4, latent_size)."""
        x = self.from_rgb[stage](picture)
        for i in range(stage, 0, -1):
            x = self.blocks[i](x)
            if i == stage and not grown_up(alpha):
                x = blend(x, self.from_rgb[stage - 1](half(picture)), alpha)
        return x

    def match(self, seen, text):
        """The logits of what `look` made of pictures, for a text each."""
        return self.blocks[0](seen, text)
