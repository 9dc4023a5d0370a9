"""How a run grows: which stage a step is in, and how far that has been faded in."""

import json
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from easydict import EasyDict

from misc.config.defaults.faces import final_size, stages
from misc.config.errors import UserError
from misc.training.runs import write_changed
from misc.training.timetable import Stage, Timetable

FILE = "growth.json"


class Growth:
    """The stages of a run: one a size of picture, or of a multi-scale run one for all.

    Args: steps_per_epoch: of each stage.
    Attributes: timetable; sides: px of the pictures of each stage, the largest if it has several.
    """

    def __init__(self, cfg: EasyDict, steps_per_epoch: Sequence[int]):
        several = cfg.NETWORK_TYPE == "progressive"
        self.sides = [4 << i for i in range(cfg.DEPTH)] if several else [final_size(cfg)]
        plans = zip(cfg.EPOCHS, cfg.BATCH_SIZES, steps_per_epoch, strict=True)
        parts = [
            Stage(
                epochs,
                steps,
                size,
                grid_interval=max(1, steps // cfg.FEEDBACK_FACTOR),
                save_interval=cfg.CHECKPOINT_FACTOR * steps,
            )
            for epochs, size, steps in plans
        ]
        longer = "it has grown up: for a longer run name another folder with --run"
        self.timetable = Timetable(parts, longer=longer)
        # At 4x4 px there is nothing to fade from.
        shares = [0, *cfg.FADE_IN_PERCENTAGE[1:]]
        self._fades = [
            int(share / 100 * part.steps) for share, part in zip(shares, parts, strict=True)
        ]

    def alpha(self, step, stage: int):
        """How far the stage has faded in when `step`, an int64 scalar, is taken: t / F at its t-th.

        F is the stage's share of FADE_IN_PERCENTAGE, in steps.
        Returns: float32 scalar in (0, 1], or the number 1.0 where nothing is faded.
        Source: T2F's last version, which counts from 1; the README's counted epochs.
        """
        if not self._fades[stage]:
            return 1.0
        passed = tf.cast(step - self.timetable.begins[stage] + 1, tf.float32)
        return tf.minimum(passed / self._fades[stage], 1.0)

    def at(self, done: int) -> tuple[int, float]:
        """The size's number, 0 for 4x4, and alpha that a checkpoint of `done` steps samples at."""
        stage = self.timetable.stage_of(done - 1)
        alpha = float(self.alpha(tf.constant(done - 1, tf.int64), stage))
        return self.sides[stage].bit_length() - 3, alpha

    def save(self, folder: Path) -> None:
        """Write into a run folder what its configuration does not say. Raises: UserError."""
        steps = [stage.steps_per_epoch for stage in self.timetable.stages]
        write_changed(folder / FILE, json.dumps({"steps_per_epoch": steps}).encode() + b"\n")

    @classmethod
    def load(cls, folder: str | Path, cfg: EasyDict) -> "Growth":
        """Read what `save` wrote. Raises: UserError if it is missing or damaged."""
        path = Path(folder) / FILE
        try:
            steps = json.loads(path.read_text(encoding="utf-8"))["steps_per_epoch"]
            if not all(type(one) is int and 0 < one < 2**40 for one in steps):
                raise ValueError("not the numbers of steps of stages")
            if len(steps) != stages(cfg):
                raise ValueError(f"{len(steps)} stages, not {stages(cfg)}")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path} is missing or damaged ({error!s:.100}): put back a copy of it, or run the "
                "command that trained the run again, which writes it anew"
            ) from error
        return cls(cfg, steps)
