"""What training shows: a progress bar, log.jsonl, TensorBoard, and sample grids as PNG."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from misc.data.atomic import disk_errors, replace_with
from misc.training.timetable import Timetable


class Reporter:
    """Writes down what a run does; every worker but the chief gets a silent one.

    Args:
      folder: run folder.  start: steps done before.
      timetable: says where the run ends, and turns steps into epochs and pictures.
    Raises: UserError, from every method but `stepped`, if something cannot be written.
    """

    def __init__(self, folder: Path, *, start: int, timetable: Timetable):
        self.folder, self.timetable = folder, timetable
        self.tensorboard = folder / "tensorboard"
        with _writing(self.tensorboard):
            self.writer = tf.summary.create_file_writer(str(self.tensorboard))
        self.bar = tqdm(
            total=timetable.total,
            initial=start,
            unit="step",
            desc=folder.name,
            # In a file every refresh stays: it gets fewer.
            mininterval=0.5 if sys.stderr.isatty() else 10,
            smoothing=0.1,
        )
        self._mark = (start, time.monotonic())

    def stepped(self) -> None:
        """Move the progress bar by one step."""
        self.bar.update()

    def losses(self, step: int, values: dict[str, float]) -> None:
        """Log losses and the rate since the last log, to the bar, log.jsonl and TensorBoard."""
        before, since = self._mark
        now = time.monotonic()
        self._mark = (step, now)
        shown = self.timetable.pictures(step) - self.timetable.pictures(before)
        rate = shown / max(now - since, 1e-9)
        losses = {k: f"{v:.3f}" for k, v in values.items() if k.endswith("loss")}
        self.bar.set_postfix(losses, refresh=False)
        self._write(step, values | {"images_per_second": round(rate, 2)})

    def snapshot(self, step: int, scalars: dict[str, float], picture) -> None:
        """Keep a trainer's sample grid (a Pillow image or None) and its held-out numbers."""
        if picture is not None:
            with replace_with(self.folder / "grids" / f"step-{step:07d}.png") as partial:
                picture.save(partial)
            with _writing(self.tensorboard), self.writer.as_default():
                tf.summary.image("grid", np.asarray(picture)[None], step=step)
        if scalars:
            self._write(step, scalars)
        with _writing(self.tensorboard):
            self.writer.flush()
        self._mark = (step, time.monotonic())  # the grid's time is not training's

    def close(self) -> None:
        """End the bar and the event file."""
        self.bar.close()
        with _writing(self.tensorboard):
            self.writer.close()

    def _write(self, step: int, values: dict[str, float]) -> None:
        line = {"step": step, "epoch": round(self.timetable.epochs(step), 3), **values}
        path = self.folder / "log.jsonl"
        with disk_errors(path), open(path, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        with _writing(self.tensorboard), self.writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """`disk_errors` for what TensorFlow writes, which has exceptions of its own."""
    with disk_errors(path):
        try:
            yield
        except tf.errors.OpError as error:
            raise OSError(error.message.splitlines()[0]) from error


class Silent:
    """The Reporter of a worker that is not the chief: it says nothing."""

    def __getattr__(self, name):
        return lambda *args, **options: None
