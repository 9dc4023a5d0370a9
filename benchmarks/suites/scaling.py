"""Stage-I steps (layout pytorch, published widths, float32) on one core, and on twice as many: two
devices of one process (MirroredStrategy), two workers over the loopback, a core each
(MultiWorkerMirroredStrategy). 16 pictures a core and step; batch normalisation is synchronised.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack

from benchmarks.turns import Work

UNIT, ROUNDS = "images", 3
WORK = "Stage-I step, 16 a core"
ONE, DEVICES, WORKERS = "one core", "two devices", "two workers"
_SECOND = "the second worker"  # of WORKERS; it follows the first
BATCH = 16
_KEYS = ("GAN.NETWORK_TYPE=pytorch", "TRAIN.REUSE_FAKE=true", "GPU_ID=-1")


def works(_args) -> dict[str, tuple[str, ...]]:
    """One work."""
    return {WORK: (ONE, DEVICES, WORKERS)}


def make(_args, _work: str, variant: str, folder: str) -> Work:
    """One step of all replicas."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise RuntimeError("scaling needs two cores")
    if variant == WORKERS:
        ports = _free_ports(2)
        os.environ["TF_CONFIG"] = _cluster(ports, 0)
        program = [sys.executable, "-m", "benchmarks", "--suite", "scaling", "--serve", WORK]
        environment = os.environ | {"TF_CONFIG": _cluster(ports, 1)}
        subprocess.Popen([*program, _SECOND, folder], env=environment)
    if variant != DEVICES:
        os.sched_setaffinity(0, {cores[variant == _SECOND]})
    step = _step(*_strategy(variant))
    while variant == _SECOND:  # until the first one ends, and the step fails
        step()
    return Work(step, BATCH * (1 if variant == ONE else 2))


def _strategy(variant: str):
    """A strategy, and its replicas in this process."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    if variant == ONE:
        return tf.distribute.OneDeviceStrategy("CPU:0"), 1
    if variant != DEVICES:
        return tf.distribute.MultiWorkerMirroredStrategy(), 1
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), 2


def _step(strategy, here: int):
    """A function that does one step on pictures of noise, and waits for it."""
    import keras
    import tensorflow as tf

    from initial.trainer import build
    from misc.config.load import load_config

    cfg, replicas = load_config("initial", None, list(_KEYS)), strategy.num_replicas_in_sync
    with strategy.scope():
        keras.utils.set_random_seed(0)
        trainer = build(cfg, replicas, 100)
    pictures = tf.random.stateless_uniform((2, here * BATCH, 64, 64, 3), (1, 1), -1.0, 1.0)
    embedding = tf.random.stateless_normal((here * BATCH, cfg.TEXT.DIMENSION), (0, 0))
    batch = {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
    data = tf.data.Dataset.from_tensor_slices(batch).batch(BATCH).repeat()
    batches = iter(strategy.distribute_datasets_from_function(lambda _: data))
    number = tf.constant(0, tf.int64)

    @tf.function
    def run(batch):
        losses = strategy.run(trainer.train_step, args=(batch, number))
        return strategy.reduce("MEAN", losses["d_loss"], axis=None)

    return lambda: float(run(next(batches)))


def _free_ports(count: int) -> list[int]:
    import socket

    with ExitStack() as open_at_once:
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for one in taken:
            open_at_once.enter_context(one)
        return [one.getsockname()[1] for one in taken]


def _cluster(ports: list[int], index: int) -> str:
    workers = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
