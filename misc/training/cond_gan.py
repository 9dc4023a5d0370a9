"""The one real/wrong/fake training step, shared by Stage-I and Stage-II."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from misc.networks.losses import discriminator_loss, generator_loss, stage1_distance


@dataclass
class ConditionalGan:
    """One discriminator update, then one generator update, against the same pictures and texts.

    Attributes:
      generate: (embedding, step, second) -> dict of `image`, `mu`, `logvar`, in training mode
        (and of `small`, the Stage-I picture that `image` was made of, if `stage1` is above 0);
        `second` is False for the discriminator's fakes and True for the generator's, which get
        fresh noise (as TF1 StackGAN's two session runs do).
      discriminator: (image, condition) -> dict of logits.
      updates: (optimizer, variables) pairs that follow the generator's loss.
      d_optimizer: built on the discriminator's variables.
      replicas: number in sync; gradients are summed over them, so losses are divided by it.
      kl: weight of the KL term.  wrong: use mismatched pairs.  reuse_fake: one fake batch for
        both updates, as StackGAN-Pytorch.
      stage1: weight of the distance between a fake and the Stage-I picture it was made of.
      condition_on_mu: the discriminator sees the generator's mu (StackGAN-Pytorch), not the text.
    """

    generate: Callable[..., dict[str, tf.Tensor]]
    discriminator: keras.Model
    updates: list[tuple[Any, list]]
    d_optimizer: Any
    replicas: int
    kl: float
    wrong: bool = True
    reuse_fake: bool = False
    condition_on_mu: bool = False
    stage1: float = 0.0

    def d_step(self, batch, fake) -> dict[str, tf.Tensor]:
        """Update the discriminator on real, wrong and fake pairs; returns its losses."""
        condition = tf.stop_gradient(self._condition(batch, fake))
        with tf.GradientTape() as tape:
            # Three passes: each kind of pair is normalised by its own statistics, as published.
            real = self._judge(batch["real"], condition)
            wrong = self._judge(batch["wrong"], condition) if self.wrong else None
            forged = self._judge(tf.stop_gradient(fake["image"]), condition)
            losses = discriminator_loss(real, wrong, forged)
            scaled = losses["d_loss"] / self.replicas
        variables = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(scaled, variables), variables)
        return losses

    def train_step(self, batch, step) -> dict[str, tf.Tensor]:
        """Both updates on one replica's batch of `real`, `wrong` and `embedding`; all losses."""
        if not self.reuse_fake:
            d_losses = self.d_step(batch, self.generate(batch["embedding"], step, second=False))
        with tf.GradientTape() as tape:
            fake = self.generate(batch["embedding"], step, second=True)
            if self.reuse_fake:
                with tape.stop_recording():
                    d_losses = self.d_step(batch, fake)
            condition = tf.stop_gradient(self._condition(batch, fake))
            forged = self._judge(fake["image"], condition)
            g_losses = generator_loss(forged, fake["mu"], fake["logvar"], self.kl)
            if self.stage1:
                g_losses["distance"] = tf.reduce_mean(
                    stage1_distance(fake["image"], tf.stop_gradient(fake["small"]))
                )
                g_losses["g_total"] += self.stage1 * g_losses["distance"]
            scaled = g_losses["g_total"] / self.replicas
        gradients = tape.gradient(scaled, [variables for _, variables in self.updates])
        for (optimizer, variables), own in zip(self.updates, gradients, strict=True):
            optimizer.apply(own, variables)
        return d_losses | g_losses

    def _condition(self, batch, fake):
        return fake["mu"] if self.condition_on_mu else batch["embedding"]

    def _judge(self, image, condition):
        return self.discriminator([image, condition], training=True)


def adam(schedule, network: keras.Model) -> keras.optimizers.Adam:
    """Adam as StackGAN sets it (beta1 0.5, epsilon 1e-8), built on the network's variables."""
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.5, epsilon=1e-8)
    optimizer.build(network.trainable_variables)
    return optimizer
