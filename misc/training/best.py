"""The best checkpoint of a run by what evaluation during training says."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from misc.data.atomic import disk_errors, make_folder, write_atomic
from misc.training.runs import complete_checkpoints, read_best


class Best:
    """The best checkpoint of a run, in its folder best/: ckpt-STEP.*, and then best.json.

    best.json names the step, so a kill leaves the old checkpoint or the new one, whole. One of a
    step that a killed run has to do again is kept: its weights are real and were measured as all
    others are, and the step, done again, comes to the same ones.

    Args:
      run: its folder.
      rule: `metric`, and what else values compare under: those of another rule do not count.
      save: writes a checkpoint to a prefix.
    Raises: UserError if there is a best.json that cannot be read.
    """

    def __init__(self, run: Path, rule: dict, save: Callable[[str], None]):
        self.folder, self._rule, self._save = run / "best", rule, save
        self._known = read_best(run)
        if self._known is None:
            return
        if self._prefix(self._known["step"]) not in complete_checkpoints(self.folder):
            self._known = None
        elif any(self._known.get(key) != value for key, value in rule.items()):
            print(
                f"{self.folder}: chosen by another metric, network or number of captions than now "
                "asked for: the next evaluation replaces it",
                file=sys.stderr,
            )
            self._known = None

    def offer(self, step: int, value: float) -> None:
        """Keep the weights of this step if no other value was as good.

        Raises: UserError if they cannot be written, or `save` does.
        """
        if not math.isfinite(value) or (self._known and not self._better(value)):
            return
        make_folder(self.folder)
        self._save(self._prefix(step))
        before = self._known["history"] if self._known else []
        history = [*(one for one in before if one["step"] < step), {"step": step, "value": value}]
        self._known = {"step": step, "value": value, **self._rule, "history": history}
        write_atomic(self.folder / "best.json", json.dumps(self._known, indent=1).encode() + b"\n")
        with disk_errors(self.folder):
            for path in self.folder.glob("ckpt-*"):
                if path.name.split(".")[0] != f"ckpt-{step}":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _better(self, value: float) -> bool:
        sign = 1 if self._rule["metric"] == "live_attributes" else -1
        return sign * value > sign * self._known["value"]

    def _prefix(self, step: int) -> str:
        return str(self.folder / f"ckpt-{step}")
