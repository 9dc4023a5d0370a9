"""Stage-I's trainer: where it starts, and that two devices do what one does."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from initial import trainer
from initial.sample import build_generator
from misc.config.load import load_config
from misc.training.runs import restore_networks

ROOT = Path(__file__).parents[2]


def test_it_can_begin_with_the_weights_of_another_run(gan_yml, trained):
    cfg = load_config("initial", gan_yml(TRAIN__PRETRAINED_MODEL=str(trained)))
    made, generator = trainer.build(cfg, 1, 1), build_generator(cfg)
    restore_networks(trained, {"generator": generator})
    made.begin()
    for a, b in zip(made.networks["generator"].weights, generator.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


# One device, then two, train for two steps on the same batches; prints how far apart they end.
TWO_STEPS = """
import json, sys
import numpy as np, keras, tensorflow as tf
from initial import trainer
from misc.config.load import load_config

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
cfg = load_config("initial", sys.argv[1])


def two_steps(strategy):
    data, replicas = trainer.make_data(cfg), strategy.num_replicas_in_sync
    with strategy.scope():
        keras.utils.set_random_seed(cfg.SEED)
        made = trainer.build(cfg, replicas, data.steps_per_epoch)
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
    batches = iter(strategy.distribute_datasets_from_function(lambda c: data.dataset(0, c)))

    @tf.function
    def run(batch):
        losses = strategy.run(made.train_step, args=(batch, step))
        made.average.update(step)
        step.assign_add(1)
        return {name: strategy.reduce("MEAN", v, axis=None) for name, v in losses.items()}

    steps = [run(next(batches)) for _ in range(2)]
    losses = [float(value) for losses in steps for value in losses.values()]
    weights = [w.numpy() for network in (made.networks | made.frozen).values()
               for w in network.weights]
    states = [v.numpy() for opt in made.optimizers.values() for v in opt.variables]
    return replicas, losses, weights, states


_, *one = two_steps(tf.distribute.OneDeviceStrategy("CPU:0"))
replicas, *two = two_steps(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
far = [[float(np.abs(a - b).max()) for a, b in zip(*pair, strict=True)]
       for pair in zip(one, two, strict=True)]
large = [float(np.abs(state).max()) for state in one[2]]
print(json.dumps([replicas, *far, large]))
"""


@pytest.mark.slow
def test_two_devices_do_what_one_does(gan_yml):
    process = subprocess.run(
        [sys.executable, "-c", TWO_STEPS, str(gan_yml(TRAIN__EMA=0.9))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    replicas, losses, weights, states, large = json.loads(process.stdout.splitlines()[-1])
    assert replicas == 2 and len(losses) == 14 and len(weights) > 30
    assert max(losses) < 1e-5
    assert max(weights) < 1e-4
    # Adam's steps hardly depend on the size of a gradient; what it remembers of it does.
    for far, size in zip(states, large, strict=True):
        assert far <= 1e-3 * size + 1e-12
