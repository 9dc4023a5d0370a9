"""Losses of the faces' GANs, on logits alone; penalties on the gradient of the judge by pictures.

All in float32. Weights (of the penalties, of the drift) are the caller's.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from misc.networks.losses import sigmoid_loss


class Loss(NamedTuple):
    """What discriminator and generator minimise.

    Attributes:
      positive, negative: (the logits judged, those of the other kind) -> (n,): what the
        discriminator pays for real pictures, and for those that it should refuse.
      fooled: (real, fake) -> (n,): what the generator pays.
      penalty: which goes with it: "gradient", "r1" or None.
    """

    positive: Callable
    negative: Callable
    fooled: Callable
    penalty: str | None = None

    def discriminator(self, real, fake, wrong=None, *, summed: bool = False):
        """The discriminator's loss.

        Args:
          real, fake, wrong: logits (n,) of real pictures with their texts, of made ones, and of
            real ones with others' texts; `wrong` None where these are not used.
          summed: both negatives weigh 1, as in T2F: twice the positives; else half each.
        Returns: float32 scalar.
        """
        real, fake = _wide(real), _wide(fake)
        if wrong is None:
            return _mean(self.positive(real, fake)) + _mean(self.negative(fake, real))
        loss = 0.0
        for other in (fake, _wide(wrong)):
            loss += 0.5 * _mean(self.positive(real, other))
            loss += (1.0 if summed else 0.5) * _mean(self.negative(other, real))
        return loss

    def generator(self, real, fake):
        """The generator's loss, float32 scalar; only relativistic losses look at `real`."""
        return _mean(self.fooled(_wide(real), _wide(fake)))


def _wide(logits):
    return tf.cast(logits, "float32")


def _mean(values):
    return tf.reduce_mean(values)


def _hinge(x):
    """What x lacks of 1."""
    return tf.nn.relu(1.0 - x)


_WASSERSTEIN = Loss(
    positive=lambda real, other: -real,
    negative=lambda other, real: other,
    fooled=lambda real, fake: -fake,
)

# "wgan-gp" and T2F: Gulrajani et al., "Improved Training of Wasserstein GANs"; "wgan" is the same
# without the penalty. "relativistic-hinge": Jolicoeur-Martineau, "The relativistic discriminator",
# the average form. "hinge": Lim and Ye, "Geometric GAN". "lsgan": Mao et al., targets 0 and 1,
# halved. "non-saturating": Goodfellow et al., with R1 of Mescheder et al.
LOSSES: dict[str, Loss] = {
    "wgan-gp": _WASSERSTEIN._replace(penalty="gradient"),
    "wgan": _WASSERSTEIN,
    "relativistic-hinge": Loss(
        positive=lambda real, other: _hinge(real - _mean(other)),
        negative=lambda other, real: _hinge(_mean(real) - other),
        fooled=lambda real, fake: _hinge(_mean(fake) - real) + _hinge(fake - _mean(real)),
    ),
    "hinge": Loss(
        positive=lambda real, other: _hinge(real),
        negative=lambda other, real: _hinge(-other),
        fooled=lambda real, fake: -fake,
    ),
    "lsgan": Loss(
        positive=lambda real, other: 0.5 * tf.square(real - 1.0),
        negative=lambda other, real: 0.5 * tf.square(other),
        fooled=lambda real, fake: 0.5 * tf.square(fake - 1.0),
    ),
    "non-saturating": Loss(
        positive=lambda real, other: sigmoid_loss(real, 1.0),
        negative=lambda other, real: sigmoid_loss(other, 0.0),
        fooled=lambda real, fake: sigmoid_loss(fake, 1.0),
        penalty="r1",
    ),
}


def gradient_penalty(judge, real, fake, mix):
    """How far the judge's slope, between real and made pictures, is from 1.

    Args:
      judge: pictures -> logits (n,), for the texts of the real ones.
      real, fake: pictures (n, h, w, c), or lists of them, a size each; mix: (n,), 0 to 1: where
        between the two; the same for all sizes.
    Returns: float32 (n,), >= 0: (norm - 1)^2 of the gradient by a whole picture, of all its sizes.
    Paper: Gulrajani et al.  Differs from T2F, which took a norm for each pixel.
    """

    def between(real, fake):
        return real + tf.reshape(tf.cast(mix, real.dtype), (-1, 1, 1, 1)) * (fake - real)

    square = _slope(judge, tf.nest.map_structure(between, real, fake))
    # The root of 0 has no gradient: hence the small number.
    return tf.square(tf.sqrt(square + 1e-12) - 1.0)


def r1_penalty(judge, real):
    """How steep the judge is at real pictures.

    Args: as `gradient_penalty`'s.
    Returns: float32 (n,), >= 0: the squared norm of the gradient by a whole picture, of all its
      sizes.
    Paper: Mescheder et al., "Which Training Methods for GANs do actually Converge?", whose weight
      is gamma / 2.
    """
    return _slope(judge, real)


def _slope(judge, pictures):
    """The squared norm of the gradient of each picture's logit, (n,)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pictures)
        # The sum: its gradient by a picture is that of the picture's own logit, but for what the
        # pictures of a batch tell of one another.
        total = tf.reduce_sum(_wide(judge(pictures)))
    slopes = tf.nest.flatten(tape.gradient(total, pictures))
    return tf.add_n([tf.reduce_sum(tf.square(_wide(g)), (1, 2, 3)) for g in slopes])


def drift(real):
    """float32 (n,): the squared logits of real pictures, which hold them near 0.

    Paper: Karras et al., "Progressive Growing of GANs", A.1: weight 0.001.
    """
    return tf.square(_wide(real))
