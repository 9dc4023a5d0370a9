"""One device, then two, train on the same batches; prints how far apart they end, as JSON.

    python tests/two_devices.py ROOM [--cfg FILE] [--set KEY=VALUE ...]

Two steps, or the first one of each stage. Printed are [how far, how large]: each is a list of
losses, one of weights and one of what optimizers remember, for each variable the largest number.
"""

import argparse
import importlib
import json

import keras
import numpy as np
import tensorflow as tf

from misc.config.load import load_config


def train(room, cfg, strategy):
    """Losses, weights and optimizers' states, in the order they were made."""
    data, replicas = room.make_data(cfg), strategy.num_replicas_in_sync
    with strategy.scope():
        keras.utils.set_random_seed(cfg.SEED)
        made = room.build(cfg, replicas, data.steps_per_epoch)
        step = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function
    def run(batch, *stage):
        losses = strategy.run(made.train_step, args=(batch, step, *stage))
        if hasattr(made, "average"):
            made.average.update(step)
        return {name: strategy.reduce("MEAN", v, axis=None) for name, v in losses.items()}

    staged = hasattr(data, "timetable")
    losses = []
    for stage, begin in enumerate(data.timetable.begins if staged else range(2)):
        step.assign(begin)
        batches = strategy.distribute_datasets_from_function(lambda c, k=begin: data.dataset(k, c))
        found = run(next(iter(batches)), *([stage] if staged else []))
        losses += [float(value) for value in found.values()]
    networks = made.networks | getattr(made, "frozen", {})
    weights = [w.numpy() for network in networks.values() for w in network.weights]
    states = [v.numpy() for opt in made.optimizers.values() for v in opt.variables]
    return losses, weights, states


def main():
    """Run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("room")
    parser.add_argument("--cfg")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    cfg = load_config(args.room, args.cfg, args.set)
    if args.room == "faces":
        from faces.data import with_vocabulary

        cfg = with_vocabulary(cfg)
    room = importlib.import_module(f"{args.room}.trainer")
    one = train(room, cfg, tf.distribute.OneDeviceStrategy("CPU:0"))
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert mirrored.num_replicas_in_sync == 2
    two = train(room, cfg, mirrored)
    far = [
        [float(np.abs(a - b).max()) for a, b in zip(*pair, strict=True)]
        for pair in zip(one, two, strict=True)
    ]
    large = [[float(np.abs(value).max()) for value in part] for part in one]
    print(json.dumps([far, large]))


if __name__ == "__main__":
    main()
