"""The one training loop: steps, checkpoints, interruption, NaN, resume to the same bits."""

import contextlib
import math
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

import tensorflow as tf
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.pipeline import reading
from misc.training.distribute import is_chief
from misc.training.hooks import Reporter, Silent
from misc.training.live import Live
from misc.training.runs import complete_checkpoints, newest_checkpoint, restore, rewind_log
from misc.training.stopping import Wishes
from misc.training.timetable import one_stage

KEPT_CHECKPOINTS = 2


def loop(trainer, data, strategy, folder: Path, cfg: EasyDict, live: Live | None = None) -> int:
    """Train to the end of the timetable, from the newest checkpoint in `folder` if there is one.

    The timetable is that of `data`, else of one stage that ends with TRAIN.MAX_EPOCH. `live`
    evaluates in the chief alone; the others wait for it in the next step.
    Returns: 0 at the end; 128 + the signal's number after Ctrl-C or SIGTERM, with all steps saved.
    Raises: UserError on NaN, on a checkpoint that does not fit, on data that turns out damaged, and
      when something cannot be written.
    """
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    checkpoints = Checkpoints(trainer, step, folder, chief=is_chief(strategy))
    start = checkpoints.restore()
    timetable = getattr(data, "timetable", None) or one_stage(
        cfg, data.steps_per_epoch, getattr(trainer, "first_epoch", 0)
    )
    total = timetable.total
    if start >= total:
        print(f"{folder}: already trained to step {start}; {timetable.longer}")
        return 0
    if start:
        print(f"{folder}: goes on from step {start}")
    reporter, chief = Silent(), is_chief(strategy)
    if chief:
        rewind_log(folder, start)
        if live:
            live.begin(folder, start, checkpoints.save)
        reporter = Reporter(folder, start=start, timetable=timetable)

    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    wishes = Wishes(cfg.TRAIN.SNAPSHOT_MINUTES, chief=chief, several=several)

    @tf.function
    def run(batch, *stage):  # a Python number, so that every stage has a graph of its own
        names = []

        def replica(batch):
            values = trainer.train_step(batch, step, *stage) | wishes.tensors()
            names[:] = values
            return tf.stack([tf.cast(value, tf.float32) for value in values.values()])

        # As one vector: workers that are far apart wait for every message.
        means = strategy.reduce("MEAN", strategy.run(replica, args=(batch,)), axis=None)
        if hasattr(trainer, "average"):
            trainer.average.update(step)
        step.assign_add(1)
        return dict(zip(names, tf.unstack(means), strict=True))

    entered = None
    with contextlib.closing(reporter), wishes:
        for done in range(start + 1, total + 1):
            stage = timetable.stage_of(done - 1)
            if stage != entered:
                source = partial(data.dataset, done - 1)
                batches = iter(strategy.distribute_datasets_from_function(source))
                entered = stage
            began = time.monotonic()
            with reading():
                batch = next(batches)
            waited = time.monotonic() - began
            wishes.say()
            losses = run(batch, *([stage] if len(timetable.stages) > 1 else []))
            reporter.stepped(waited)
            # Asked once a step: a signal that comes further down has the next step saved.
            wishes.hear(losses)
            last = done == total or wishes.stop
            if last or done % cfg.TRAIN.LOG_INTERVAL == 0:
                values = {name: float(value) for name, value in losses.items()}
                checkpoints.refuse_nan(values)
                reporter.losses(done, values)
            if timetable.grid_due(done):
                reporter.snapshot(done, *trainer.snapshot(data))
            # Before the checkpoint, so that none is saved of a step whose evaluation is missing.
            if live and chief and done % live.interval == 0:
                reporter.snapshot(done, live(done), None)
            if last or wishes.save or timetable.save_due(done):
                checkpoints.refuse_nan({k: float(v) for k, v in losses.items()})
                checkpoints.save()
                wishes.saved()
            if last:
                break
    if done < total:
        print(f"{folder}: stopped and saved at step {done}; the same command goes on from here")
        return 128 + wishes.stop
    print(f"{folder}: trained to step {done}")
    return 0


class Checkpoints:
    """The checkpoints of one run: networks and optimizers under their own names, and the step.

    A file that a kill or a full disk left unfinished is removed; complete ones are not touched.

    Raises: UserError if there are checkpoints but none can be read.
    """

    def __init__(self, trainer, step: tf.Variable, folder: Path, *, chief: bool):
        self.step = step
        self.networks = trainer.networks | getattr(trainer, "frozen", {})
        optimizers = {f"optimizer_{k}": v for k, v in trainer.optimizers.items()}
        self.checkpoint = tf.train.Checkpoint(step=step, **self.networks, **optimizers)
        _ = self.checkpoint.save_counter  # made by asking, and expected in whatever is restored
        self.chief_folder = self._own = folder / "checkpoints"
        self.newest = newest_checkpoint(folder)
        if chief:
            self._sweep()
            self._relist()
        else:
            # Every worker must save; what is not the chief's is thrown away.
            self._aside = tempfile.TemporaryDirectory()
            self._own = Path(self._aside.name)
        self.manager = tf.train.CheckpointManager(self.checkpoint, str(self._own), KEPT_CHECKPOINTS)
        self._finite = tf.function(self._all_finite)

    def restore(self) -> int:
        """Restore the newest checkpoint, if any; returns its step, else 0."""
        if self.newest is not None:
            restore(self.checkpoint, self.newest)
        return int(self.step.numpy())

    def save(self, prefix: str = "") -> None:
        """Save now, or with a `prefix` there, outside of the run's own checkpoints.

        Raises: UserError on NaN weights or if the file cannot be written.
        """
        step = int(self.step.numpy())
        if not self._finite():
            raise self._nan("a weight")
        try:
            if prefix:
                self.checkpoint.write(prefix)
            else:
                self.manager.save(checkpoint_number=step)
        except (OSError, tf.errors.OpError) as error:
            self._sweep()
            raise UserError(
                f"{self.chief_folder}: the checkpoint of step {step} cannot be written "
                f"(...{str(error).splitlines()[0][-120:]}); {self._last_good()}; free some "
                "space and run the same command again"
            ) from error

    def refuse_nan(self, losses: dict[str, float]) -> None:
        """Raise a UserError that names the step and the last good checkpoint if a loss is NaN."""
        for name, value in losses.items():
            if not math.isfinite(value):
                raise self._nan(name)

    def _nan(self, what: str) -> UserError:
        return UserError(
            f"step {int(self.step.numpy())}: {what} is not a finite number; {self._last_good()}; "
            "try a lower learning rate or PRECISION: float32 in another run folder"
        )

    def _last_good(self) -> str:
        last = self.manager.latest_checkpoint
        return f"the last good checkpoint is {last}" if last else "there is no checkpoint yet"

    def _all_finite(self):
        weights = [w for network in self.networks.values() for w in network.weights]
        return tf.reduce_all([tf.reduce_all(tf.math.is_finite(w.value)) for w in weights])

    def _sweep(self) -> None:
        """Remove what an unfinished save left behind."""
        complete = {Path(prefix).name for prefix in complete_checkpoints(self._own)}
        for path in self._own.glob("ckpt-*"):
            if path.name.split(".")[0] not in complete:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _relist(self) -> None:
        """Have TensorFlow's own list of the checkpoints agree with the files that are there.

        It may be lost, damaged or older than a kill; the manager fails on some of these, and never
        removes a checkpoint that is not in it.
        """
        folder, complete = str(self._own), complete_checkpoints(self._own)
        try:
            state = tf.train.get_checkpoint_state(folder)
        except ValueError:
            state = None
        if complete and (state is None or list(state.all_model_checkpoint_paths) != complete):
            times = [float(i) for i in range(1, len(complete) + 1)]
            tf.compat.v1.train.update_checkpoint_state(
                folder,
                complete[-1],
                complete,
                all_model_checkpoint_timestamps=times,
                last_preserved_timestamp=0.0,
            )
        elif not complete:
            (self._own / "checkpoint").unlink(missing_ok=True)
