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
        self._begin(start)

    def _begin(self, step: int) -> None:
        """Measure rates from here on."""
        self._mark, self._waited = (step, time.monotonic()), 0.0

    def stepped(self, waited: float) -> None:
        """Move the progress bar by one step, which waited so many seconds for its batch."""
        self.bar.update()
        self._waited += waited

    def losses(self, step: int, values: dict[str, float]) -> None:
        """Log losses, and what follows since the last log, to the bar, log.jsonl and TensorBoard.

        `images_per_second`, and `data_wait`, the share of the time that steps waited for batches.
        """
        before, since = self._mark
        seconds = max(time.monotonic() - since, 1e-9)
        shown = self.timetable.pictures(step) - self.timetable.pictures(before)
        wait = self._waited / seconds
        losses = {k: f"{v:.3f}" for k, v in values.items() if k.endswith("loss")}
        self.bar.set_postfix(losses | {"data_wait": f"{wait:.0%}"}, refresh=False)
        pace = {"images_per_second": round(shown / seconds, 2), "data_wait": round(wait, 4)}
        self._begin(step)
        self._write(step, values | pace)

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
        self._begin(step)  # the grid's time is not training's

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
