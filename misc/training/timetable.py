"""How long a run is: its stages, each with epochs, batches and intervals of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Stage:
    """A part of a run in which nothing of this changes.

    Attributes:
      epochs, steps_per_epoch, batch_size: >= 1; pictures a step over all devices.
      grid_interval, save_interval: steps, from the stage's begin, between grids and checkpoints.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    grid_interval: int
    save_interval: int

    @property
    def steps(self) -> int:
        """Its length in steps."""
        return self.epochs * self.steps_per_epoch


class Timetable:
    """The stages of a run, one after the other; what most rooms train has one.

    Step k is the one after which k + 1 are done; `done` counts those that are.

    Args: stages: at least one.  first_epoch: what the first one's epochs are counted from.
      longer: what a user does who wants a finished run to go on.
    Attributes: stages; begins: the first step of each; total: steps of the whole run.
    """

    def __init__(self, stages: Sequence[Stage], *, first_epoch: int = 0, longer: str = ""):
        self.stages, self.first_epoch, self.longer = tuple(stages), first_epoch, longer
        ends = list(accumulate(stage.steps for stage in self.stages))
        self.begins, self.total = (0, *ends[:-1]), ends[-1]

    def stage_of(self, step: int) -> int:
        """The number of the stage that a step is in; that of the last for later ones."""
        return max(
            number for number, begin in enumerate(self.begins) if begin <= step or not number
        )

    def epochs(self, done: int) -> float:
        """The epoch that `done` steps have come to."""
        number, within = self._place(done)
        before = sum(stage.epochs for stage in self.stages[:number])
        return self.first_epoch + before + within / self.stages[number].steps_per_epoch

    def pictures(self, done: int) -> int:
        """Pictures shown in the first `done` steps."""
        number, within = self._place(done)
        before = sum(stage.steps * stage.batch_size for stage in self.stages[:number])
        return before + within * self.stages[number].batch_size

    def ends(self, done: int) -> bool:
        """Whether a stage, or the run, ends after `done` steps."""
        return done == self.total or done in self.begins[1:]

    def grid_due(self, done: int) -> bool:
        """Whether the last of `done` steps is to be followed by a sample grid."""
        number, within = self._place(done)
        return self.ends(done) or within % self.stages[number].grid_interval == 0

    def save_due(self, done: int) -> bool:
        """Whether it is to be followed by a checkpoint."""
        number, within = self._place(done)
        return self.ends(done) or within % self.stages[number].save_interval == 0

    def _place(self, done: int) -> tuple[int, int]:
        """The stage of the last of `done` steps, and how many of the stage's are done."""
        number = self.stage_of(done - 1)
        return number, done - self.begins[number]


def one_stage(cfg, steps_per_epoch: int, first_epoch: int = 0) -> Timetable:
    """The timetable of a room whose batches are alike, from `first_epoch` to TRAIN.MAX_EPOCH."""
    stage = Stage(
        epochs=cfg.TRAIN.MAX_EPOCH - first_epoch,
        steps_per_epoch=steps_per_epoch,
        batch_size=cfg.TRAIN.BATCH_SIZE,
        grid_interval=cfg.TRAIN.GRID_INTERVAL,
        save_interval=cfg.TRAIN.SNAPSHOT_INTERVAL,
    )
    longer = "raise TRAIN.MAX_EPOCH to go on"
    return Timetable([stage], first_epoch=first_epoch, longer=longer)
