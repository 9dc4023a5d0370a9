"""The losses of the VAE/GAN, one value a picture; means and weights are the caller's.

They are sums over dimensions or features, as published. A weight of means is another number: of
DEF-GAN's models.py, whose features are 16,384, 15 times the mean squared difference is here a gamma
of 15 * 2 / 16,384; and 1 / 128 of the prior beside 5 such means in its encoder is a prior of 12.8.
"""

from keras import ops

from misc.networks.losses import kl_divergence, sigmoid_loss


def prior_loss(mu, logvar):
    """Distance of N(mu, exp(logvar)) from N(0, I).

    Args: mu, logvar: (n, z_dim); `logvar` is the log of the variance.
    Returns: float32 (n,), >= 0, nats, summed over the dimensions.
    Paper: Larsen et al., L_prior.
    """
    return mu.shape[1] * kl_divergence(mu, logvar)


def likeness_loss(made, real):
    """How far features, or pixels, of a reconstruction are from the original's.

    Args: made, real: (n, ...) of one shape.
    Returns: float32 (n,), >= 0: half the squared difference, summed over all but the first axis.
    Paper: Larsen et al., L_like: the log likelihood of unit variance, without its constant.
    """
    axes = tuple(range(1, len(made.shape)))
    difference = ops.cast(made, "float32") - ops.cast(real, "float32")
    return 0.5 * ops.sum(ops.square(difference), axis=axes)


def discriminator_costs(real, fakes):
    """What the discriminator pays for real pictures and for made ones.

    Args: real: logits (n,); fakes: logits (m,), of reconstructions and of samples of the prior.
    Returns: two float32 scalars, >= 0: means of -log D(real) and of -log(1 - D(fake)).
    Paper: Larsen et al., L_GAN.  Differs from it: a mean for the sum over pictures, and
      without the 1e-3 that the authors' code adds within the logarithm.
    """
    return ops.mean(sigmoid_loss(real, 1.0)), ops.mean(sigmoid_loss(fakes, 0.0))


def who_moves(real_cost, fake_cost, equilibrium: float, margin: float):
    """Whether decoder and discriminator are updated: the one that is far ahead waits.

    Args: real_cost, fake_cost: scalars of the whole batch, as `discriminator_costs` gives them.
    Returns: two bool scalars: decoder, discriminator; never both False.
    Source: the authors' code.
    """
    ahead = ops.minimum(real_cost, fake_cost) < equilibrium - margin
    behind = ops.maximum(real_cost, fake_cost) > equilibrium + margin
    both = ops.logical_and(ahead, behind)
    decoder = ops.logical_or(ops.logical_not(behind), both)
    return decoder, ops.logical_or(ops.logical_not(ahead), both)
