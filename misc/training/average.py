"""The running average of a generator's weights, which is sampled in its place."""

from collections.abc import Callable

import keras
import tensorflow as tf
from easydict import EasyDict


def sampled(cfg: EasyDict) -> str:
    """The name, in a run's checkpoints, of the generator to sample."""
    return "average_generator" if cfg.TRAIN.EMA else "generator"


class RunningAverage:
    """The mean of what a generator was in its last 1 / (1 - decay) steps, or so.

    Batch norm's statistics are averaged too, so that they belong to the averaged weights.
    Paper: Karras et al., "Progressive Growing of GANs", which samples such an average.

    Args:
      generator: built; build: () -> another of the same layout, whose own first weights are
        forgotten within some ten steps; decay: the share that a step keeps, in [0, 1), less in the
        first 10 / (1 - decay) steps; 0: no average.
    Attributes: network: the average, or without one `generator`; saved: what checkpoints must hold.
    """

    def __init__(self, generator: keras.Model, build: Callable[[], keras.Model], decay: float):
        self.network = build() if decay else generator
        self.saved = {"average_generator": self.network} if decay else {}
        self._decay, self._pairs = decay, []
        if decay:
            self._pairs = list(zip(self.network.variables, generator.variables, strict=True))

    def update(self, step) -> None:
        """Take in the weights after `step` (from 0); called outside of the replicas."""
        step = tf.cast(step, tf.float32)
        kept = tf.minimum(self._decay, (1.0 + step) / (10.0 + step))
        for mean, variable in self._pairs:
            mean.assign(kept * mean + (1.0 - kept) * variable)
