"""A stage's training step as its loop runs it, on noise: replicas, running average, mean losses."""

import importlib
from pathlib import Path

import keras
import tensorflow as tf
from easydict import EasyDict

from misc.config.defaults.faces import final_size, stages
from misc.training.distribute import precision


def two_devices():
    """A strategy of two devices made of the CPU; before TensorFlow computes anything."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def batch_size(room: str, cfg) -> int:
    """How many pictures a step takes; in faces, the last stage's."""
    return cfg.BATCH_SIZES[-1] if room == "faces" else cfg.TRAIN.BATCH_SIZE


def build(room: str, cfg, strategy, replicas: int):
    """The trainer of a configuration, for as many replicas as are in sync with this one.

    Stage-II's Stage-I has the configuration of its run, or if there is none, Stage-II's own.
    """
    make = importlib.import_module(f"{room}.trainer").build
    if room == "faces":  # which sees that replicas can share a batch: here each has a whole one
        cfg = EasyDict(cfg, BATCH_SIZES=[replicas * size for size in cfg.BATCH_SIZES])
    with strategy.scope(), precision(cfg.PRECISION):
        keras.utils.set_random_seed(0)
        trainer = make(cfg, replicas, 100)
        if room == "final":
            from final.sample import stage1_config

            there = Path(cfg.TRAIN.PRETRAINED_MODEL, "config.yml").is_file()
            trainer.add_stage1(stage1_config(cfg) if there else cfg)
    return trainer


def step(room: str, cfg, strategy, trainer):
    """A tf.function without arguments: one step of all replicas, each on the same `batch_size`
    pictures.

    That of faces is the last stage's, on captions as long as they may be.
    """
    batch, number = _batch(room, cfg), tf.constant(0, tf.int64)
    stage = [stages(cfg) - 1] if room == "faces" else []

    @tf.function
    def run():
        names = []

        def replica():
            losses = trainer.train_step(batch, number, *stage)
            names[:] = losses
            return tf.stack(list(losses.values()))  # one all-reduce of them all, as in the loop

        means = strategy.reduce("MEAN", strategy.run(replica), axis=None)
        trainer.average.update(number)
        return dict(zip(names, tf.unstack(means), strict=True))

    return run


def _batch(room: str, cfg) -> dict:
    count = batch_size(room, cfg)
    if room == "faces":
        from benchmarks.faces_variants import noise_batch

        return noise_batch(cfg, count, final_size(cfg))
    side = cfg.TEST.LR_IMSIZE if room == "initial" else cfg.TEST.HR_IMSIZE
    pictures = tf.random.stateless_uniform((2, count, side, side, 3), (1, 1), -1.0, 1.0)
    embedding = tf.random.stateless_normal((count, cfg.TEXT.DIMENSION), (0, 0))
    return {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
