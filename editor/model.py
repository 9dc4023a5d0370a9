"""The three networks of the VAE/GAN in two published layouts.

"vaegan" is that of Larsen et al. as their code has it, for 64 and for 32 px; "def" is that of
DEF-GAN's models.py, which is wider, has biases, leaky ReLUs and 6x6 kernels in its decoder, and
compares features after the activation. Widths other than the published ones come by a factor.

Paper: Larsen, Sonderby, Larochelle, Winther, "Autoencoding beyond pixels using a learned similarity
metric" (ICML 2016).  Differs from it: batch norm keeps 0.9 of its statistics a step in both
layouts; PyTorch's momentum of 0.9, which DEF-GAN has, would keep 0.1.
"""

import keras
from keras import layers

from misc.networks.batch_norm import BatchNorm
from misc.networks.layers import leaky, weights_init

# Channels after each doubling of the decoder and each halving of the discriminator.
_UP = {64: (256, 128, 32), 32: (192, 128, 32)}
_DOWN = {64: (128, 256, 256), 32: (128, 192, 256)}
_ENCODER = (64, 128, 256)
_SEED = 256  # channels of what the decoder begins with, at an eighth of the picture's side


class Encoder(keras.Model):
    """From a picture to the Gaussian of its code.

    Input: picture (n, imsize, imsize, channels) in [-1, 1].
    Returns: dict of `mu` and `logvar`, the log of the variance, float32 (n, z_dim), unbounded.
    18,071,360 trainable parameters at the defaults; "def" with one channel: 35,112,064.
    """

    def __init__(
        self,
        *,
        imsize: int = 64,
        channels: int = 3,
        z_dim: int = 128,
        width: float = 1.0,
        network_type: str = "vaegan",
        synchronized: bool = False,
    ):
        make = _Layers(network_type, width, synchronized)
        picture = x = keras.Input((imsize, imsize, channels), name="picture")
        for filters in _ENCODER:
            x = make.halved(x, filters)
        x = make.dense(layers.Flatten()(x), 2048 if make.torch else 1024)
        code = {name: make.head(x, z_dim, name) for name in ("mu", "logvar")}
        super().__init__(picture, code, name="encoder")


class Decoder(keras.Model):
    """From a code to a picture; the generator of the GAN.

    Input: z (n, z_dim).
    Returns: float32 (n, imsize, imsize, channels) in [-1, 1].
    4,693,155 trainable parameters at the defaults; "def" with one channel: 5,834,753.
    """

    def __init__(
        self,
        *,
        imsize: int = 64,
        channels: int = 3,
        z_dim: int = 128,
        width: float = 1.0,
        network_type: str = "vaegan",
        synchronized: bool = False,
    ):
        make = _Layers(network_type, width, synchronized)
        z = keras.Input((z_dim,), name="z")
        side, seed = imsize // 8, make.scaled(_SEED)
        x = layers.Reshape((side, side, seed))(make.dense(z, side * side * seed, scale=False))
        for filters in _UP[imsize]:
            x = make.doubled(x, filters)
        last = layers.Conv2DTranspose if make.torch else layers.Conv2D
        x = last(channels, 5, padding="same", kernel_initializer=make.init)(x)
        picture = layers.Activation("tanh", dtype="float32")(x)
        super().__init__(z, picture, name="decoder")


class Discriminator(keras.Model):
    """Is a picture real, and what is it like?

    Input: picture (n, imsize, imsize, channels) in [-1, 1].
    Returns: dict of `logits` float32 (n,), and `features` float32 (n, d): what the `layer`-th
    convolution of stride 2 (1 to 3) gives, in "vaegan" before batch norm and ReLU, in "def" after
    them; d is 16,384 at the defaults.
    10,953,857 trainable parameters at the defaults; "def" with one channel: 10,953,409.
    """

    def __init__(
        self,
        *,
        imsize: int = 64,
        channels: int = 3,
        width: float = 1.0,
        layer: int = 3,
        network_type: str = "vaegan",
        synchronized: bool = False,
    ):
        make = _Layers(network_type, width, synchronized)
        picture = keras.Input((imsize, imsize, channels), name="picture")
        # The first convolution is not normalised, and has a bias in both layouts.
        x = make.active(make.conv(picture, make.scaled(32), stride=1, use_bias=True))
        seen = []
        for filters in _DOWN[imsize]:
            raw = make.conv(x, make.scaled(filters))
            x = make.active(make.norm(raw))
            seen.append(x if make.torch else raw)
        features = layers.Activation("linear", dtype="float32")(layers.Flatten()(seen[layer - 1]))
        x = make.dense(layers.Flatten()(x), 512)
        logits = layers.Reshape((), dtype="float32")(make.head(x, 1, "logit"))
        super().__init__(picture, {"logits": logits, "features": features}, name="discriminator")


class _Layers:
    """Layers as a layout has them.

    Attributes: torch: whether it is "def".  init: what weights of convolutions start from.
    """

    def __init__(self, network_type: str, width: float, synchronized: bool):
        self.torch, self._width, self._synchronized = network_type == "def", width, synchronized
        # Uniform within 1 / root(3 fan_in); of PyTorch's dense layers, within 1 / root(fan_in).
        share = 1 / 3 if self.torch else 1 / 9
        self._dense_init = keras.initializers.VarianceScaling(share, "fan_in", "uniform")
        self.init = weights_init(truncated=False) if self.torch else self._dense_init

    def scaled(self, width: int) -> int:
        """A published width, times the factor."""
        return max(1, round(width * self._width))

    def conv(self, x, filters, stride=2, use_bias=None):
        """5x5 convolution to just `filters` channels; `use_bias` None: as the layout has it."""
        bias = self.torch if use_bias is None else use_bias
        options = {"padding": "same", "use_bias": bias, "kernel_initializer": self.init}
        return layers.Conv2D(filters, 5, stride, **options)(x)

    def halved(self, x, filters):
        """Convolution to half the side, normalised and active."""
        return self.active(self.norm(self.conv(x, self.scaled(filters))))

    def doubled(self, x, filters):
        """Transposed convolution to twice the side, normalised and active."""
        kernel = 6 if self.torch else 5
        options = {"padding": "same", "use_bias": self.torch, "kernel_initializer": self.init}
        x = layers.Conv2DTranspose(self.scaled(filters), kernel, 2, **options)(x)
        return self.active(self.norm(x))

    def dense(self, x, units, scale=True):
        """Dense layer, normalised and active."""
        units = self.scaled(units) if scale else units
        options = {"use_bias": self.torch, "kernel_initializer": self._dense_init}
        return self.active(self.norm(layers.Dense(units, **options)(x)))

    def head(self, x, units, name):
        """Dense layer with a bias, in float32."""
        options = {"kernel_initializer": self._dense_init, "dtype": "float32"}
        return layers.Dense(units, name=name, **options)(x)

    def norm(self, x):
        """Batch norm: PyTorch's of deviation 0.02 about 1, or the authors', who begin at 1."""
        if self.torch:
            return BatchNorm(self._synchronized)(x)
        epsilon = 1e-6 if len(x.shape) == 4 else 1e-5
        return BatchNorm(self._synchronized, epsilon=epsilon, gamma_initializer="ones")(x)

    def active(self, x):
        """ReLU, or leaky ReLU."""
        return leaky(x) if self.torch else layers.ReLU()(x)
