"""Layers of the StackGAN family: NHWC, convolutions without bias, weights of deviation 0.02."""

import math

import keras
import tensorflow as tf
from keras import layers, ops

from misc.networks.batch_norm import BatchNorm

LEAK = 0.2
# Where a product of matrices was measured to be faster than a convolution: px of a side of what
# comes out, at most, and weights of the kernel for each place of it in the batch, more than.
_SMALL, _WEIGHTS = 4, 8192


def weights_init(truncated: bool = True) -> keras.initializers.Initializer:
    """Deviation 0.02: truncated normal (TF1 convolutions) or normal (everything else)."""
    if truncated:
        return keras.initializers.TruncatedNormal(stddev=0.02)
    return keras.initializers.RandomNormal(stddev=0.02)


def conv2d(x, kernel, stride: int = 1, padding: str = "SAME"):
    """`tf.nn.conv2d`, in the form that is the faster on a CPU.

    Where few places come out, the weights are by far the larger part, and turning them about for a
    convolution takes longer than multiplying by them: there it is a product of matrices.

    Args: x: (n, h, w, c), h and w known, and n too if it shall be a product; kernel: (height,
      width, c, filters).
    Returns: (n, h / stride, w / stride, filters) of x's type, or less without padding ("VALID").
    """
    kernel = tf.cast(kernel, x.dtype)
    height, width, channels, filters = kernel.shape
    h, w = (-(-size // stride) for size in x.shape[1:3])
    if padding == "VALID":
        h, w = (x.shape[1] - height) // stride + 1, (x.shape[2] - width) // stride + 1
    places = (x.shape[0] or math.inf) * h * w
    if max(h, w) > _SMALL or kernel.shape.num_elements() <= _WEIGHTS * places:
        return tf.nn.conv2d(x, kernel, stride, padding)
    missing = (h - 1) * stride + height - x.shape[1], (w - 1) * stride + width - x.shape[2]
    x = tf.pad(x, [(0, 0), *((max(0, m) // 2, (max(0, m) + 1) // 2) for m in missing), (0, 0)])
    parts = [
        x[:, i : i + (h - 1) * stride + 1 : stride, j : j + (w - 1) * stride + 1 : stride]
        for i in range(height)
        for j in range(width)
    ]
    rows = tf.reshape(tf.concat(parts, -1), (-1, height * width * channels))
    return tf.reshape(rows @ tf.reshape(kernel, (-1, filters)), (-1, h, w, filters))


class Conv2D(layers.Conv2D):
    """Keras' layer, by `conv2d`; of square strides, and not dilated."""

    def convolution_op(self, inputs, kernel):
        """What Keras' layer calls, before it adds the bias."""
        return conv2d(inputs, kernel, self.strides[0], self.padding.upper())


def conv(x, filters: int, kernel: int, stride: int = 1, *, truncated: bool = True, **options):
    """Convolution without bias, SAME padding; `options` go to Conv2D."""
    options = {"use_bias": False, "padding": "same"} | options
    init = weights_init(truncated)
    return Conv2D(filters, kernel, stride, kernel_initializer=init, **options)(x)


def leaky(x):
    """max(x, 0.2 x)."""
    return layers.LeakyReLU(LEAK)(x)


def doubled(x):
    """Nearest-neighbour x2: (n, h, w, c) -> (n, 2h, 2w, c)."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def fastest_form(side: int) -> str:
    """The `form` of `doubled_conv` that is the faster on a CPU for maps of this side."""
    return "plain" if side <= 4 else "transposed"


def doubled_conv(x, kernel, form: str):
    """`doubled` and then a 3x3 convolution (no bias, SAME), as one operation.

    Upsampling repeats each pixel, so the 3x3 kernel meets the same value twice along an axis: the
    pair equals one transposed convolution of stride 2 whose 4x4 kernel is the 3x3 one spread by a
    2x2 box, at 4/9 of the multiplications.

    Args: x: (n, h, w, c), h and w known; kernel: (3, 3, c, filters), float32, so that it is spread
      in float32 whatever x is; form: "plain" or "transposed".
    Returns: (n, 2h, 2w, filters) of x's type.
    """
    if form == "plain":
        return tf.nn.conv2d(doubled(x), tf.cast(kernel, x.dtype), 1, "SAME")
    spread = kernel[::-1, ::-1]
    for axis in (0, 1):
        before = [[0, 0]] * 4
        after = [[0, 0]] * 4
        before[axis], after[axis] = [0, 1], [1, 0]
        spread = tf.pad(spread, before) + tf.pad(spread, after)
    spread = tf.cast(tf.transpose(spread, (0, 1, 3, 2)), x.dtype)
    n, h, w = tf.shape(x)[0], x.shape[1], x.shape[2]
    return tf.nn.conv2d_transpose(x, spread, (n, 2 * h, 2 * w, kernel.shape[-1]), 2, "SAME")


class UpConv(layers.Layer):
    """Nearest-neighbour x2 and then a 3x3 convolution (no bias, SAME): see `doubled_conv`.

    Call argument: x (n, h, w, c) -> (n, 2h, 2w, filters).
    """

    def __init__(self, filters: int, *, truncated: bool = True, form: str = "fastest", **options):
        super().__init__(**options)
        if form not in ("fastest", "plain", "transposed"):
            raise ValueError(f"form is {form!r}, expected fastest, plain or transposed")
        self.filters, self.truncated, self.form = filters, truncated, form

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=(3, 3, shape[-1], self.filters),
            initializer=weights_init(self.truncated),
            name="kernel",
            autocast=False,  # the spread kernel is summed in float32
        )
        if self.form == "fastest":
            self.form = fastest_form(shape[1])

    def compute_output_shape(self, shape):
        n, h, w, _ = shape
        return (n, 2 * h, 2 * w, self.filters)

    def call(self, x):
        return doubled_conv(x, tf.convert_to_tensor(self.kernel), self.form)


class ConditioningAugmentation(layers.Layer):
    """From a text embedding to a condition drawn from its own small Gaussian.

    Call arguments: embedding (n, text_dim); eps (n, c_dim), noise of deviation 1.
    Returns: c, mu, logvar, each float32 (n, c_dim); c = mu + exp(logvar / 2) eps.
    Layouts: "default" and "simple" follow TF1 StackGAN: leaky ReLU over all outputs, whose second
    half is the log of the deviation; "pytorch" has ReLU, and its second half is the log of the
    variance (so sigma >= 1 always).
    Paper: StackGAN, conditioning augmentation.
    """

    def __init__(
        self, c_dim: int, *, network_type: str = "default", sample: bool = True, **options
    ):
        super().__init__(dtype="float32", **options)
        self.c_dim, self.sample, self.torch_layout = c_dim, sample, network_type == "pytorch"
        self.project = layers.Dense(
            2 * c_dim, kernel_initializer=weights_init(truncated=False), dtype="float32"
        )

    def build(self, embedding_shape, eps_shape=None):
        self.project.build(embedding_shape)

    def call(self, embedding, eps):
        h = self.project(embedding)
        h = ops.relu(h) if self.torch_layout else ops.leaky_relu(h, LEAK)
        mu, spread = ops.split(h, 2, axis=-1)
        logvar = spread if self.torch_layout else 2.0 * spread
        c = mu + ops.exp(0.5 * logvar) * eps if self.sample else mu
        return c, mu, logvar

    def compute_output_spec(self, embedding, eps):
        return tuple(keras.KerasTensor((embedding.shape[0], self.c_dim)) for _ in range(3))


def norm_act(x, activation: str | None, synchronized: bool):
    """Batch normalisation, then "relu", "leaky" or nothing."""
    x = BatchNorm(synchronized)(x)
    if activation == "leaky":
        return leaky(x)
    return layers.ReLU()(x) if activation == "relu" else x


def bottleneck(x, activation: str, synchronized: bool):
    """StackGAN's residual block: 1x1, then 3x3 at a quarter of the width, 3x3 back to it, sum."""
    wide = x.shape[-1]
    h = norm_act(conv(x, wide // 4, 1), activation, synchronized)
    h = norm_act(conv(h, wide // 4, 3), activation, synchronized)
    h = norm_act(conv(h, wide, 3), None, synchronized)
    x = layers.Add()([x, h])
    return leaky(x) if activation == "leaky" else layers.ReLU()(x)


def tile_condition(c, size: int):
    """(n, c_dim) -> (n, size, size, c_dim), the same condition at every place."""
    width = c.shape[-1]
    return layers.UpSampling2D(size)(layers.Reshape((1, 1, width))(c))


def encode_image(image, df_dim: int, *, truncated: bool, synchronized: bool, bare: int = 0):
    """The discriminators' trunk: 4x4 convolutions of stride 2 down to a 4x4 code.

    Widths df_dim, 2 df_dim, 4 df_dim ...; the first convolution is not normalised, and the last
    `bare` ones have no activation.
    """
    downs = int(math.log2(image.shape[1])) - 2
    x = leaky(conv(image, df_dim, 4, 2, truncated=truncated))
    for i in range(1, downs):
        x = conv(x, df_dim << i, 4, 2, truncated=truncated)
        x = norm_act(x, None if i >= downs - bare else "leaky", synchronized)
    return x


def discriminator_tail(code, condition, *, ef_dim: int, network_type: str, synchronized: bool):
    """From the 4x4 image code and the condition to logits.

    Args:
      code: (n, 4, 4, width); condition: the raw embedding ("default", "simple") or mu ("pytorch").
      ef_dim: width to which TF1's discriminator projects the embedding itself.
    Returns: conditional logits, float32 (n,).
    """
    width = code.shape[-1]
    torch_layout = network_type == "pytorch"
    if not torch_layout:
        init = weights_init(truncated=False)
        condition = leaky(layers.Dense(ef_dim, kernel_initializer=init)(condition))
    x = layers.Concatenate()([code, tile_condition(condition, 4)])
    x = conv(x, width, 3 if torch_layout else 1, truncated=not torch_layout)
    x = leaky(BatchNorm(synchronized)(x))
    return logit(x, torch_layout)


def logit(x, torch_layout: bool):
    """4x4 code -> one logit, float32 (n,); StackGAN-Pytorch's convolution has a bias."""
    x = conv(
        x,
        1,
        4,
        4,
        truncated=not torch_layout,
        padding="valid",
        use_bias=torch_layout,
        dtype="float32",
    )
    return layers.Reshape((), dtype="float32")(x)
