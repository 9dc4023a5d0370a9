"""One update of the encoder: RMSProp as published, who moves, the schedule, replicas."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from encoder.trainer import build
from misc.config.load import load_config

ROOT = Path(__file__).parents[2]
SMALL = ["TRAIN.BATCH_SIZE=3", "TEXT.DIMENSION=4", "TEXT.CNN_DIM=5", "TEXT.WIDTHS=[6, 5]"]
SMALL += [
    "TEXT.RECURRENCE=rnn",
    "TEXT.STEPS=8",
    "TEXT.SPREAD=0.4",
    "IMAGE.SIZE=16",
    "IMAGE.WIDTH=4",
]


def config(*keys):
    return load_config("encoder", None, [*SMALL, *keys])


def batch(rng, features=False):
    shape = (3, 4) if features else (3, 16, 16, 3)
    return {
        "indices": tf.constant(rng.integers(0, 71, (3, 201)), tf.int32),
        "picture": tf.constant(rng.uniform(-1, 1, shape), tf.float32),
    }


def test_a_step_moves_both_networks_and_learning_follows_the_epochs():
    trainer = build(config("TRAIN.LEARNING_RATE=0.001"), 1, 2)
    before = {n: [np.asarray(w) for w in net.weights] for n, net in trainer.networks.items()}
    given = batch(np.random.default_rng(0))
    step = tf.function(lambda: trainer.train_step(given, 0)["loss"])
    losses = [float(step()) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    for name, network in trainer.networks.items():
        after = [np.asarray(w) for w in network.weights]
        assert all((a != b).any() for a, b in zip(after, before[name], strict=True)), name
    # 40 steps are 20 epochs of 2 classes.
    rates = [float(optimizer.learning_rate) for optimizer in trainer.optimizers.values()]
    assert rates == pytest.approx([0.001 * 0.98**20] * 2, rel=1e-5)


def test_features_need_no_tower():
    trainer = build(config("TRAIN.IMAGE_FEATURES=net"), 1, 3)
    assert trainer.networks.keys() == trainer.optimizers.keys() == {"text_encoder"}
    values = trainer.train_step(batch(np.random.default_rng(0), features=True), 0)
    assert values["loss"] > 0 and 0 <= values["accuracy"] <= 1


def test_one_direction_costs_less_than_two():
    losses = []
    for symmetric in (True, False):
        keras.utils.set_random_seed(0)
        trainer = build(config(f"TRAIN.SYMMETRIC={symmetric}"), 1, 3)
        losses.append(float(trainer.train_step(batch(np.random.default_rng(0)), 0)["loss"]))
    assert losses[1] < losses[0]


# One device, then two, train for two steps on the same batches; prints how far apart they end.
TWO_STEPS = """
import json, sys
import numpy as np, keras, tensorflow as tf
from encoder.trainer import build
from misc.config.load import load_config

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
cfg = load_config("encoder", None, json.loads(sys.argv[1]))
rng = np.random.default_rng(0)
indices = rng.integers(0, 71, (2, 4, 201)).astype(np.int32)
pictures = rng.uniform(-1, 1, (2, 4, 16, 16, 3)).astype(np.float32)


def two_steps(strategy):
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        keras.utils.set_random_seed(0)
        made = build(cfg, replicas, 3)

    def share(step, context):
        part = slice(context.replica_id_in_sync_group * 4 // replicas, None)
        return {"indices": tf.constant(indices[step, part][: 4 // replicas]),
                "picture": tf.constant(pictures[step, part][: 4 // replicas])}

    @tf.function
    def run(batch):
        return strategy.run(made.train_step, args=(batch, 0))

    losses = []
    for step in range(2):
        given = strategy.experimental_distribute_values_from_function(lambda c: share(step, c))
        for name, value in run(given).items():
            losses += [float(v) for v in strategy.experimental_local_results(value)]
    return losses, [v.numpy() for opt in made.optimizers.values() for v in opt.variables]


one, alone = two_steps(tf.distribute.OneDeviceStrategy("CPU:0"))
two, mirrored = two_steps(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
far = [[float(np.abs(a - b).max()), float(np.abs(a).max())] for a, b in zip(alone, mirrored)]
print(json.dumps([one, two, far]))
"""


@pytest.mark.slow
def test_two_devices_do_what_one_does():
    process = subprocess.run(
        [sys.executable, "-c", TWO_STEPS, json.dumps([*SMALL, "TRAIN.BATCH_SIZE=4"])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    one, two, states = json.loads(process.stdout.splitlines()[-1])
    # Each replica reports the loss of all pairs, and the accuracy among them.
    assert two == pytest.approx([value for value in one for _ in range(2)], rel=1e-4)
    # What RMSProp remembers of the gradients; its steps turn mere rounding into whole ones.
    assert len(states) > 15 and max(size for _, size in states[1:]) > 1e-8
    for far, size in states:
        assert far <= 1e-3 * size + 1e-12
