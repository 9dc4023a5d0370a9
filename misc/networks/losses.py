"""The losses of conditional GANs, one value an example; means and weights are the caller's."""

from keras import ops


def sigmoid_loss(logits, target: float):
    """Cross entropy of sigmoid(`logits`) with `target`.

    Args:
      logits: (n,), before any sigmoid, unbounded.
      target: 1.0 for "real and matching", 0.0 for "not".
    Returns: float32 (n,), >= 0, nats.
    Paper: Goodfellow et al., "Generative Adversarial Nets"; target 1 on fakes is the
      non-saturating generator loss.
    """
    logits = ops.cast(logits, "float32")
    return ops.softplus(logits) - target * logits


def kl_divergence(mu, logvar):
    """Distance of N(mu, exp(logvar)) from N(0, I), the pull that keeps `c` smooth.

    Args:
      mu, logvar: (n, c_dim); `logvar` is the log of the variance, unbounded.
    Returns: float32 (n,), >= 0, nats a dimension: averaged over c_dim, as released StackGAN does.
    Raises: ValueError if the shapes differ.
    Paper: Zhang et al., "StackGAN", conditioning augmentation. Differs from it: the paper sums.
    """
    if mu.shape != logvar.shape:
        raise ValueError(f"mu {mu.shape} and logvar {logvar.shape} must have one shape")
    mu, logvar = ops.cast(mu, "float32"), ops.cast(logvar, "float32")
    return 0.5 * ops.mean(ops.exp(logvar) + ops.square(mu) - 1.0 - logvar, axis=-1)


def stage1_distance(image, small):
    """How far a Stage-II picture is from the Stage-I picture, enlarged, that it was made of.

    Args:
      image: (n, side, side, 3); small: (n, small side, small side, 3), both in [-1, 1].
    Returns: float32 (n,): mean squared difference, 0 to 4.
    Not in the StackGAN papers. Its successor's colour consistency (StackGAN++) compares means and
      covariances of the colours alone, which let parts of a bird swap theirs.
    """
    enlarged = ops.image.resize(ops.cast(small, "float32"), image.shape[1:3], "bilinear")
    return ops.mean(ops.square(ops.cast(image, "float32") - enlarged), axis=(1, 2, 3))


def discriminator_loss(real, wrong, fake):
    """Stage losses of the matching-aware discriminator.

    Args:
      real, wrong, fake: dicts of logits (n,): "conditional", and "unconditional" or None;
        `wrong` is None where mismatched pairs are not used.
    Returns: dict of float32 scalars: `d_loss` (what is minimised) and its parts.
    Paper: StackGAN: real + (wrong + fake) / 2; with an unconditional head StackGAN-Pytorch's
      (real_c + real_u) / 2 + (fake_c + wrong_c + fake_u) / 3.
    """
    parts = {
        "d_real": ops.mean(sigmoid_loss(real["conditional"], 1.0)),
        "d_fake": ops.mean(sigmoid_loss(fake["conditional"], 0.0)),
    }
    if wrong is not None:
        parts["d_wrong"] = ops.mean(sigmoid_loss(wrong["conditional"], 0.0))
    negatives = [parts["d_fake"]] + ([parts["d_wrong"]] if wrong is not None else [])
    positives = [parts["d_real"]]
    if real["unconditional"] is not None:
        parts["d_real_image"] = ops.mean(sigmoid_loss(real["unconditional"], 1.0))
        parts["d_fake_image"] = ops.mean(sigmoid_loss(fake["unconditional"], 0.0))
        positives.append(parts["d_real_image"])
        negatives.append(parts["d_fake_image"])
    parts["d_loss"] = sum(positives) / len(positives) + sum(negatives) / len(negatives)
    return parts


def generator_loss(fake, mu, logvar, kl_weight: float):
    """Non-saturating generator loss plus the weighted KL of the conditioning augmentation.

    Args:
      fake: dict of logits (n,) as in `discriminator_loss`; mu, logvar: (n, c_dim).
      kl_weight: 0 leaves the KL term out.
    Returns: dict of float32 scalars: `g_loss` (adversarial), `kl_loss` (unweighted), `g_total`.
    """
    g_loss = ops.mean(sigmoid_loss(fake["conditional"], 1.0))
    if fake["unconditional"] is not None:
        g_loss = g_loss + ops.mean(sigmoid_loss(fake["unconditional"], 1.0))
    kl_loss = ops.mean(kl_divergence(mu, logvar))
    return {"g_loss": g_loss, "kl_loss": kl_loss, "g_total": g_loss + kl_weight * kl_loss}
