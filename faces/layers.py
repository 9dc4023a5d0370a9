"""Layers of progressive and multi-scale GANs: equalised learning rate, pixel norm, batch statistic.

Pictures are NHWC. Layers compute in Keras' policy; norms and statistics, always in float32.
"""

import math

import keras
import tensorflow as tf
from keras import layers, ops

from misc.networks.layers import LEAK, conv2d, doubled, doubled_conv, fastest_form

BATCH_STATISTICS = ("group", "batch", "map", "unbiased")
GROUP = 4


class Scaled(layers.Layer):
    """What the layers with a kernel and a bias have in common.

    Equalised: weights start at N(0, 1) and are multiplied by sqrt(2 / fan_in) whenever they are
    used, so that Adam's steps are equally large beside all of them; biases start at 0. Else both
    start uniform within 1 / sqrt(fan_in), as PyTorch's do, and are used as they are.
    Paper: Karras et al., "Progressive Growing of GANs", 4.1.  Differs from it: the last layers have
      the same scale as all others, as in pro-gan-pth 2.

    Attributes: gain: the factor; kernel: float32; bias: float32, or None.
    """

    def __init__(self, *, equalised: bool = True, use_bias: bool = True, **options):
        super().__init__(**options)
        self.equalised, self.use_bias = equalised, use_bias

    def make(self, shape: tuple[int, ...], fan_in: int, torch_fan_in: int | None = None) -> None:
        """Make the variables; `torch_fan_in`: what PyTorch takes for it, where that is another."""
        self.gain = math.sqrt(2 / fan_in) if self.equalised else 1.0
        bound = (torch_fan_in or fan_in) ** -0.5
        uniform = keras.initializers.RandomUniform(-bound, bound)
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(
            shape=shape,
            initializer=normal if self.equalised else uniform,
            name="kernel",
            autocast=False,  # it is scaled in float32
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=shape[-1:], initializer="zeros" if self.equalised else uniform, name="bias"
            )

    def used(self):
        """The kernel as it is applied, float32."""
        return tf.convert_to_tensor(self.kernel) * self.gain

    def biased(self, x):
        """x + bias."""
        return x if self.bias is None else tf.nn.bias_add(x, ops.cast(self.bias, x.dtype))


class Dense(Scaled):
    """(n, width) -> (n, units)."""

    def __init__(self, units: int, **options):
        super().__init__(**options)
        self.units = units

    def build(self, shape):
        self.make((shape[-1], self.units), shape[-1])

    def call(self, x):
        return self.biased(x @ ops.cast(self.used(), x.dtype))


class Seed(Scaled):
    """(n, width) -> (n, 4, 4, filters): a 4x4 transposed convolution of one pixel."""

    def __init__(self, filters: int, **options):
        super().__init__(**options)
        self.filters = filters

    def build(self, shape):
        self.make((shape[-1], 4, 4, self.filters), shape[-1], 16 * self.filters)

    def call(self, x):
        kernel = tf.reshape(self.used(), (x.shape[-1], -1))
        maps = tf.reshape(x @ ops.cast(kernel, x.dtype), (-1, 4, 4, self.filters))
        return self.biased(maps)


class Conv(Scaled):
    """Convolution of stride 1: (n, h, w, c) -> (n, h, w, filters), h and w known.

    Args: kernel_size: of a side; padding: "SAME", or "VALID", which makes the map smaller;
      up: of the map doubled, (n, 2h, 2w, filters); its kernel is 3x3.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        padding: str = "SAME",
        up: bool = False,
        **options,
    ):
        super().__init__(**options)
        self.filters, self.kernel_size, self.padding, self.up = filters, kernel_size, padding, up

    def build(self, shape):
        side = self.kernel_size
        self.make((side, side, shape[-1], self.filters), side * side * shape[-1])

    def call(self, x):
        if self.up:
            return self.biased(doubled_conv(x, self.used(), fastest_form(x.shape[1])))
        return self.biased(conv2d(x, self.used(), 1, self.padding))


def kept(model: keras.Model, name: str, parts: list) -> list:
    """`parts`, each an attribute of the model too: tf.train.Checkpoint passes over lists."""
    for i, part in enumerate(parts):
        setattr(model, f"{name}_{i}", part)
    return parts


@tf.custom_gradient
def leaky(x):
    """max(x, 0.2 x).

    Its gradient is told by the sign of what comes out: so x need not be kept, and a convolution
    before it becomes one operation with it.
    """
    y = tf.nn.leaky_relu(x, LEAK)
    sign = tf.stop_gradient(y)  # flat, so a second derivative has nothing to follow

    def gradient(slope):
        return tf.raw_ops.LeakyReluGrad(gradients=slope, features=sign, alpha=LEAK)

    return y, gradient


@tf.custom_gradient
def pixel_norm(x):
    """Each pixel's vector of channels brought to a mean square of 1; computed in float32.

    Its gradient is written down, for TensorFlow's own takes more passes over the maps.
    Paper: Karras et al., "Progressive Growing of GANs", 4.2.
    """
    wide = ops.cast(x, "float32")
    size = tf.math.reduce_euclidean_norm(wide, -1, keepdims=True)
    factor = tf.math.rsqrt(tf.square(size) / x.shape[-1] + 1e-8)
    y = wide * factor

    def gradient(slope):
        slope = ops.cast(slope, "float32")
        along = tf.reduce_mean(slope * y, -1, keepdims=True)
        return ops.cast(factor * (slope - along * y), x.dtype)

    return ops.cast(y, x.dtype), gradient


def batch_statistic(x, kind: str = "group"):
    """How much the pictures of a batch differ, for a discriminator that shall notice sameness.

    "group": of 4 pictures each, one after the other, so that devices that share a batch do what one
    does; of a whole batch where it is no larger (in pro-gan-pth 3 the four lie a quarter apart).
    "batch": of the whole batch (2.x). "map": of the whole batch, but for each place (1.3).
    "unbiased": "batch" with the divisor n - 1 (the first T2F).

    Args: x: (n, h, w, c); all real, or all made ones.
    Returns: (n, h, w, 1) of x's type: the deviation over the pictures, averaged over what is not
      told apart; computed in float32.
    Raises: ValueError for another kind, and if n is known and not a multiple of the group.
    Paper: Karras et al., "Progressive Growing of GANs", 3.
    """
    if kind not in BATCH_STATISTICS:
        raise ValueError(f"the batch statistic is {kind!r}, expected one of {BATCH_STATISTICS}")
    h, w, c = x.shape[1:]
    n = x.shape[0] or tf.shape(x)[0]
    group = n
    if kind == "group":
        group = min(GROUP, n) if isinstance(n, int) else tf.minimum(GROUP, n)
        if isinstance(n, int) and n % group:
            raise ValueError(f"a batch of {n} pictures cannot be parted into groups of {GROUP}")
    y = tf.reshape(ops.cast(x, "float32"), (-1, group, h, w, c))
    y -= tf.reduce_mean(y, 1, keepdims=True)
    divisor = ops.cast(group, "float32")
    if kind == "unbiased":
        divisor = tf.maximum(divisor - 1.0, 1.0)
    # The root of 0 has no gradient: hence the small number.
    y = tf.sqrt(tf.reduce_sum(tf.square(y), 1) / divisor + 1e-8)
    y = tf.reduce_mean(y, -1 if kind == "map" else (1, 2, 3), keepdims=True)
    y = tf.repeat(y, group, axis=0)
    return ops.cast(y if kind == "map" else tf.tile(y, (1, h, w, 1)), x.dtype)


def half(x):
    """Average of 2x2 pixels: (n, 2h, 2w, c) -> (n, h, w, c)."""
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def blend(new, old, alpha):
    """alpha new + (1 - alpha) old, in their type."""
    alpha = ops.cast(alpha, "float32")
    return ops.cast(alpha, new.dtype) * new + ops.cast(1.0 - alpha, new.dtype) * old


def grown_up(alpha) -> bool:
    """Whether alpha is the number 1: then nothing of the stage before need be computed."""
    return isinstance(alpha, int | float) and alpha >= 1


def progressive_real(pictures, stage: int, alpha):
    """Real pictures as a stage's discriminator should see them: no sharper than the made ones.

    Args:
      pictures: (n, side, side, 3); side is 4 << stage or a larger power of two.
      stage: 0 for 4x4; alpha: how far that stage has faded in.
    Returns: (n, 4 << stage, 4 << stage, 3): pictures made smaller, and blended with themselves
      enlarged from the stage before.
    Raises: ValueError if the pictures are too small.
    """
    side = 4 << stage
    if pictures.shape[1] < side:
        raise ValueError(f"pictures of {pictures.shape[1]} px, but stage {stage} has {side} px")
    while pictures.shape[1] > side:
        pictures = half(pictures)
    if stage == 0 or grown_up(alpha):
        return pictures
    return blend(pictures, doubled(half(pictures)), alpha)


def widths(depth: int, latent_size: int) -> list[int]:
    """Channels at 4x4, 8x8, ..., of `depth` sizes: the latent's up to 32x32, then halved each time.

    Raises: ValueError if the latent vector cannot be halved so often, or the depth is not 2 to 9.
    """
    if not 2 <= depth <= 9:
        raise ValueError(f"depth is {depth}, expected 2 (8x8) to 9 (1024x1024)")
    least = 1 << max(depth - 4, 0)
    if latent_size < least or latent_size % least:
        raise ValueError(
            f"a latent vector of {latent_size} is too small for depth {depth}: expected a "
            f"multiple of {least}, for it is halved {max(depth - 4, 0)} times"
        )
    return [latent_size >> max(i - 3, 0) for i in range(depth)]
