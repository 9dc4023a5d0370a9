"""Learning rates as functions of the step."""

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
