"""The one real/wrong/fake training step, shared by Stage-I and Stage-II."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from misc.networks.losses import discriminator_loss, generator_loss, stage1_distance
from misc.networks.recompute import Recomputed


@dataclass
class ConditionalGan:
    """One discriminator update, then one generator update, against the same pictures and texts.

    Attributes:
      draw: (rows, step, second) -> noise: a dict of tensors of so many rows; `second` is False for
        the discriminator's fakes and True for the generator's, which get fresh noise (as TF1
        StackGAN's two session runs do).
      generate: (embedding, noise) -> dict of `image`, `mu`, `logvar`, in training mode (and of
        `small`, the Stage-I picture that `image` was made of, if `stage1` is above 0).
      discriminator: ([image, condition], training) -> dict of logits.
      updates: (optimizer, variables) pairs that follow the generator's loss.
      d_update: that of the discriminator: its optimizer, and its variables.
      replicas: number in sync; gradients are summed over them, so losses are divided by it.
      kl: weight of the KL term.  wrong: use mismatched pairs.  reuse_fake: one fake batch for
        both updates, as StackGAN-Pytorch.
      stage1: weight of the distance between a fake and the Stage-I picture it was made of.
      condition_on_mu: the discriminator sees the generator's mu (StackGAN-Pytorch), not the text.
      parts: in which the batch is gone through, one after another, for the sum of their gradients;
        it must be divisible by them. With reuse_fake the parts make their fakes twice, alike.
    """

    draw: Callable[..., dict[str, tf.Tensor]]
    generate: Callable[..., dict[str, tf.Tensor]]
    discriminator: Callable[..., dict[str, tf.Tensor]]
    updates: list[tuple[Any, list]]
    d_update: tuple[Any, list]
    replicas: int
    kl: float
    wrong: bool = True
    reuse_fake: bool = False
    condition_on_mu: bool = False
    stage1: float = 0.0
    parts: int = 1

    def d_step(self, inputs, fake=None) -> dict[str, tf.Tensor]:
        """Update the discriminator on real, wrong and fake pairs; returns its losses.

        Args: inputs: the batch and the `noise` of its fakes; fake: instead of noise, if there is
          one part.
        Raises: ValueError if there are fakes, but several parts.
        """
        if fake and self.parts > 1:
            raise ValueError(f"these fakes are of one part, and there are {self.parts}")
        optimizer, variables = self.d_update
        losses, gradients = self._in_parts(partial(self._d_gradients, fake=fake), inputs)
        optimizer.apply(gradients, variables)
        return losses

    def train_step(self, batch, step) -> dict[str, tf.Tensor]:
        """Both updates on one replica's batch of `real`, `wrong` and `embedding`; all losses."""
        rows = tf.shape(batch["embedding"])[0]
        inputs = batch | {"noise": self.draw(rows, step, second=True)}
        d_losses, between = {}, None
        if self.reuse_fake and self.parts == 1:
            between = partial(self.d_step, batch)
        elif self.reuse_fake:
            d_losses = self.d_step(inputs)
        else:
            d_losses = self.d_step(batch | {"noise": self.draw(rows, step, second=False)})
        # It waits for the discriminator's gradients, or its first activations lie about meanwhile.
        g_losses, gradients = self._in_parts(
            partial(self._g_gradients, between=between), inputs, after=d_losses.values()
        )
        for (optimizer, variables), own in zip(self.updates, gradients, strict=True):
            optimizer.apply(own, variables)
        return d_losses | g_losses

    def _in_parts(self, compute, inputs, after=()):
        """Mean losses and summed gradients, (losses, gradients) = `compute`(a part of the inputs).

        Each part waits for the one before, the first for `after`, and losses for gradients: a graph
        would run the parts at once.
        """
        total = None
        for number in range(self.parts):
            # Rows that lie apart: so a part is of the same ones on however many devices.
            with tf.control_dependencies(after):
                part = [tf.identity(x[number :: self.parts]) for x in tf.nest.flatten(inputs)]
            found = compute(tf.nest.pack_sequence_as(inputs, part))
            total = found if total is None else tf.nest.map_structure(tf.add, total, found)
            after = tf.nest.flatten(total)
        losses, gradients = total
        with tf.control_dependencies(tf.nest.flatten(gradients)):
            losses = {name: value / self.parts for name, value in losses.items()}
        return losses, gradients

    def _d_gradients(self, part, fake=None):
        fake = fake or self.generate(part["embedding"], part["noise"])
        condition = tf.stop_gradient(self._condition(part, fake))
        with tf.GradientTape() as tape:
            # Three passes: each kind of pair is normalised by its own statistics, as published.
            real = self._judge(part["real"], condition)
            wrong = self._judge(part["wrong"], condition) if self.wrong else None
            forged = self._judge(tf.stop_gradient(fake["image"]), condition)
            losses = discriminator_loss(real, wrong, forged)
            scaled = losses["d_loss"] / (self.replicas * self.parts)
        return losses, tape.gradient(scaled, self.d_update[1])

    def _g_gradients(self, part, between=None):
        """`between`: fake -> losses, a step of the discriminator that these fakes are for, too."""
        with tf.GradientTape() as tape:
            fake = self.generate(part["embedding"], part["noise"])
            with tape.stop_recording():
                losses = between(fake) if between else {}
            condition = tf.stop_gradient(self._condition(part, fake))
            forged = self._judge(fake["image"], condition)
            losses |= generator_loss(forged, fake["mu"], fake["logvar"], self.kl)
            if self.stage1:
                losses["distance"] = tf.reduce_mean(
                    stage1_distance(fake["image"], tf.stop_gradient(fake["small"]))
                )
                losses["g_total"] += self.stage1 * losses["distance"]
            scaled = losses["g_total"] / (self.replicas * self.parts)
        return losses, tape.gradient(scaled, [variables for _, variables in self.updates])

    def _condition(self, part, fake):
        return fake["mu"] if self.condition_on_mu else part["embedding"]

    def _judge(self, image, condition):
        return {"unconditional": None, **self.discriminator([image, condition], training=True)}


def in_training(network: keras.Model, *, recompute: bool = False, xla: bool = False) -> Callable:
    """(inputs, training) -> what the network returns, computed as training is to: `recompute`: see
    `Recomputed`; `xla`: by XLA, with its gradient, but without noise and updates, which differ
    there or cannot be (one device alone: synchronised batch norm cannot be either).
    """
    call = Recomputed(network) if recompute else network
    if not xla:
        return call
    return tf.function(lambda inputs, training: call(inputs, training=training), jit_compile=True)


def adam(schedule, network: keras.Model) -> keras.optimizers.Adam:
    """Adam as StackGAN sets it (beta1 0.5, epsilon 1e-8), built on the network's variables."""
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.5, epsilon=1e-8)
    optimizer.build(network.trainable_variables)
    return optimizer
