"""Learning rates as functions of the step."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops


class Decay(keras.optimizers.schedules.LearningRateSchedule):
    """`rate` times `factor` for each multiple of `every` epochs passed since `first_epoch`.

    The step counts the optimizer's own updates; epoch = first_epoch + step // steps_per_epoch.
    Source: StackGAN halves at the multiples of LR_DECAY_EPOCH, in Stage-II at those above
    PRETRAINED_EPOCH. Differs from it: a resumed run keeps its place.
    """

    def __init__(
        self,
        rate: float,
        *,
        steps_per_epoch: int,
        every: int,
        factor: float = 0.5,
        first_epoch: int = 0,
    ):
        self.rate, self.factor, self.every = rate, factor, every
        self.steps_per_epoch, self.first_epoch = steps_per_epoch, first_epoch

    def __call__(self, step):
        epoch = self.first_epoch + ops.cast(step, "int64") // self.steps_per_epoch
        passed = epoch // self.every - self.first_epoch // self.every
        return self.rate * ops.power(self.factor, ops.cast(passed, "float32"))


class Anneal(keras.optimizers.schedules.LearningRateSchedule):
    """`rate`, falling by (epoch / epochs)^0.75 to the share `end` of it, where it stays.

    The step counts the optimizer's own updates; epoch = step // steps_per_epoch.
    Source: DeepPy's annealer, as the VAE/GAN of Larsen et al. was trained with.
    """

    def __init__(self, rate: float, *, steps_per_epoch: int, epochs: int, end: float):
        self.rate, self.end = rate, end
        self.steps_per_epoch, self.epochs = steps_per_epoch, epochs

    def __call__(self, step):
        epoch = ops.cast(ops.cast(step, "int64") // self.steps_per_epoch, "float32")
        passed = ops.power(ops.minimum(epoch / self.epochs, 1.0), 0.75)
        return self.rate * (1.0 - passed * (1.0 - self.end))


class Switch(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule that can be switched off, to 0, for an update.

    Unlike a condition about the update this works under every strategy: what decides travels to the
    replicas' common update with the rate. An optimizer has to take a rate of 0 for no update.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule):
        self.schedule, self._on = schedule, None

    @contextmanager
    def set(self, on) -> Iterator[None]:
        """Within the block the rate is that of the schedule where `on`, a bool scalar, is True."""
        self._on = on
        try:
            yield
        finally:
            self._on = None

    def __call__(self, step):
        rate = self.schedule(step)
        return rate if self._on is None else ops.where(self._on, rate, 0.0)
