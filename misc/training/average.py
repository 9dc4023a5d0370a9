"""Running averages of networks' weights, which are sampled in their place."""

from collections.abc import Callable

import keras
import tensorflow as tf
from easydict import EasyDict


def sampled(cfg: EasyDict) -> str:
    """The name, in a run's checkpoints, of the generator to sample."""
    return "average_generator" if cfg.TRAIN.EMA else "generator"


class RunningAverages:
    """The means of what networks were in their last 1 / (1 - decay) steps, or so.

    Batch norm's statistics are averaged too, so that they belong to the averaged weights.
    Paper: Karras et al., "Progressive Growing of GANs", which samples such an average.

    Args:
      networks: built, by name; build: () -> others of the same layout, by the same names, whose own
        first weights are forgotten within some ten steps; decay: the share that a step keeps, in
        [0, 1), less in the first 10 / (1 - decay) steps; 0: no average.
      begins: the first step of variables that are not trained from the beginning, by their `id`:
        from there they, too, keep less at first.
    Attributes: networks: the averages, or without one those given; saved: what checkpoints must
      hold, by name.
    """

    def __init__(
        self,
        networks: dict[str, keras.Model],
        build: Callable[[], dict[str, keras.Model]],
        decay: float,
        begins: dict[int, int] | None = None,
    ):
        self._decay, self._pairs = decay, {}
        self.networks, self.saved = networks, {}
        if not decay:
            return
        built = build()
        self.networks = {name: built[name] for name in networks}
        self.saved = {f"average_{name}": network for name, network in self.networks.items()}
        for name, network in networks.items():
            for pair in zip(self.networks[name].weights, network.weights, strict=True):
                begin = (begins or {}).get(id(pair[1]), 0)
                self._pairs.setdefault(begin, []).append(pair)

    def update(self, step) -> None:
        """Take in the weights after `step` (from 0); called outside of the replicas."""
        for begin, pairs in self._pairs.items():
            passed = tf.cast(tf.maximum(step - begin, 0), tf.float32)
            kept = tf.minimum(self._decay, (1.0 + passed) / (10.0 + passed))
            for mean, variable in pairs:
                mean.assign(kept * mean + (1.0 - kept) * variable)


class RunningAverage(RunningAverages):
    """That of a generator alone.

    Args: generator, build, decay: as those of `RunningAverages`, but of one network.
    Attributes: network: the average, or without one `generator`; saved: what checkpoints must hold.
    """

    def __init__(self, generator: keras.Model, build: Callable[[], keras.Model], decay: float):
        super().__init__({"generator": generator}, lambda: {"generator": build()}, decay)
        self.network = self.networks["generator"]
