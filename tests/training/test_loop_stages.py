"""A run of two stages: each step meets its stage's batch and number, also after a kill."""

import json
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.config.load import load_config
from misc.training import hooks
from misc.training import loop as loop_module
from misc.training.hooks import Reporter
from misc.training.loop import loop
from misc.training.timetable import Stage, Timetable

TABLE = Timetable([Stage(2, 2, 4, 3, 9), Stage(1, 3, 2, 2, 9)], longer="that is all")


class Data:
    """Batch k is filled with k, and as large as its stage says."""

    timetable, steps_per_epoch = TABLE, (2, 3)

    def __init__(self):
        self.asked = []

    def dataset(self, start, context):
        self.asked.append(start)
        size = TABLE.stages[TABLE.stage_of(start)].batch_size
        return tf.data.Dataset.range(start, 100).map(lambda k: tf.fill([size], k))


class Trainer:
    """Its weight becomes what is met; `met` are the stages that graphs were made of."""

    def __init__(self):
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3, use_bias=False)])
        self.networks, self.optimizers = {"generator": network}, {}
        self.weight, self.met = network.weights[0], []
        self.weight.assign(tf.zeros((1, 3)))

    def train_step(self, batch, step, stage):
        assert type(stage) is int
        self.met.append(stage)
        number = tf.cast(batch[0], tf.float32)
        row = tf.stack([tf.cast(step, tf.float32), number, tf.cast(tf.size(batch), tf.float32)])
        # What was is kept in every later value: a step left out or done twice shows at the end.
        self.weight.assign(0.5 * self.weight + row[None])
        return {"g_loss": number, "stage": tf.constant(float(stage))}

    def snapshot(self, data):
        return {"seen": float(self.weight[0, 0])}, None


@pytest.fixture
def sit(monkeypatch):
    """`sit(folder, stop=step, data=Data)` -> (exit code, trainer, data, log) of one sitting."""
    cfg = load_config("faces", None, ["TRAIN.LOG_INTERVAL=1"])

    def run(folder, stop=None, data=Data):
        folder.mkdir(exist_ok=True)
        trainer, data, stepped = Trainer(), data(), Reporter.stepped

        def stopped(self, waited):
            stepped(self, waited)
            if self.bar.n == stop:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(Reporter, "stepped", stopped)
        code = loop(trainer, data, tf.distribute.get_strategy(), folder, cfg)
        monkeypatch.undo()
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        return code, trainer, data, lines

    return run


def test_each_step_meets_the_batch_and_the_number_of_its_stage(sit, tmp_path, capsys):
    code, trainer, data, lines = sit(tmp_path / "run")
    assert code == 0 and data.asked == [0, 4] and trainer.met == [0, 1]
    steps = [line for line in lines if "stage" in line]
    assert [line["stage"] for line in steps] == [0, 0, 0, 0, 1, 1, 1]
    assert [line["g_loss"] for line in steps] == list(range(7))
    assert [line["epoch"] for line in steps] == [0.5, 1, 1.5, 2, 2.333, 2.667, 3]
    assert [line["step"] for line in lines if "seen" in line] == [3, 4, 6, 7]
    kept = sorted(path.stem for path in (tmp_path / "run" / "checkpoints").glob("*.index"))
    assert kept == ["ckpt-4", "ckpt-7"]
    weight = np.zeros(3)
    for step in range(7):
        weight = 0.5 * weight + [step, step, 4 if step < 4 else 2]
    np.testing.assert_allclose(trainer.weight[0], weight)
    assert sit(tmp_path / "run")[0] == 0
    assert "already trained to step 7; that is all" in capsys.readouterr().out


@pytest.mark.parametrize(("stop", "asked"), [(3, [3, 4]), (4, [4]), (5, [5])])
def test_a_run_goes_on_in_the_stage_it_was_stopped_in(stop, asked, sit, tmp_path):
    whole = sit(tmp_path / "whole")
    assert sit(tmp_path / "run", stop)[0] == 128 + signal.SIGTERM
    code, trainer, data, lines = sit(tmp_path / "run")
    assert code == 0 and data.asked == asked
    assert (trainer.weight.numpy() == whole[1].weight.numpy()).all()
    assert [line["step"] for line in lines if "stage" in line] == list(range(1, 8))


def test_the_share_of_the_time_that_steps_wait_for_slow_data_is_logged(sit, tmp_path, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    class Slow(Data):
        def dataset(self, start, context):
            def read(number, batch):
                clock.now += float(number)
                return batch

            def slowly(number, batch):
                return tf.ensure_shape(tf.numpy_function(read, (number, batch), tf.int64), [None])

            options = tf.data.Options()
            options.experimental_optimization.inject_prefetch = False
            batches = super().dataset(start, context).enumerate(start)
            return batches.map(slowly).with_options(options)

    clock, stepped = Clock(), Reporter.stepped

    def one_second(self, waited):
        clock.now += 1
        stepped(self, waited)

    for module in (hooks, loop_module):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(Reporter, "stepped", one_second)
    lines = sit(tmp_path / "run", data=Slow)[3]
    waits = [line["data_wait"] for line in lines if "stage" in line]
    # Batch k takes k seconds, and the rest of each step one.
    assert waits == [round(k / (k + 1), 4) for k in range(7)]
