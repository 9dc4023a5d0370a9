"""Stage-I's trainer: where it starts, and that two devices do what one does."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from initial import trainer
from initial.sample import build_generator
from misc.config.load import load_config
from misc.training.runs import restore_networks


def test_it_can_begin_with_the_weights_of_another_run(gan_yml, trained):
    cfg = load_config("initial", gan_yml(TRAIN__PRETRAINED_MODEL=str(trained)))
    made, generator = trainer.build(cfg, 1, 1), build_generator(cfg)
    restore_networks(trained, {"generator": generator})
    made.begin()
    for a, b in zip(made.networks["generator"].weights, generator.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def operations(cfg):
    """How often each type of operation is in the graph of a step, and how many parts XLA gets."""
    made = trainer.build(cfg, 1, 10)
    pictures, width = tf.zeros((4, cfg.TEST.LR_IMSIZE, cfg.TEST.LR_IMSIZE, 3)), cfg.TEXT.DIMENSION
    batch = {"real": pictures, "wrong": pictures, "embedding": tf.zeros((4, width))}
    step = tf.function(made.train_step).get_concrete_function(batch, tf.constant(0, tf.int64))
    graph = step.graph.as_graph_def()
    functions = graph.library.function
    nodes = [*graph.node, *(node for function in functions for node in function.node_def)]
    compiled = sum("_XlaMustCompile" in function.attr for function in functions)
    return Counter(node.op for node in nodes) | {"compiled": compiled}


def test_the_keys_of_memory_and_speed_reach_the_step(gan_yml):
    plain, parts, again, compiled = (
        operations(load_config("initial", gan_yml(), list(keys)))
        for keys in ([], ["TRAIN.ACCUMULATE=2"], ["TRAIN.RECOMPUTE=True"], ["XLA=True"])
    )
    norm = "FusedBatchNormV3"
    assert parts[norm] == 2 * plain[norm] > 0
    assert again[norm] > plain[norm] and plain["compiled"] == 0 < compiled["compiled"]


@pytest.mark.parametrize("key", ["TRAIN.RECOMPUTE", pytest.param("XLA", marks=pytest.mark.slow)])
def test_a_step_is_the_same_when_computed_again_or_by_xla(key, gan_yml):
    found = []
    for value in (False, True):
        cfg = load_config("initial", gan_yml(), [f"{key}={value}"])
        data = trainer.make_data(cfg)
        keras.utils.set_random_seed(0)
        made = trainer.build(cfg, 1, data.steps_per_epoch)
        batch = next(iter(data.dataset(0, tf.distribute.InputContext())))
        losses = tf.function(made.train_step)(batch, tf.constant(0, tf.int64))
        weights = [w.value for network in made.networks.values() for w in network.weights]
        states = [v.value for opt in made.optimizers.values() for v in opt.variables]
        found.append([*losses.values(), *weights, *states])
    for plain, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, plain, rtol=1e-4, atol=1e-4 * np.abs(plain).max() + 2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys", [{}, {"TRAIN__ACCUMULATE": 2, "TRAIN__RECOMPUTE": True, "TRAIN__BATCH_SIZE": 8}]
)
def test_two_devices_do_what_one_does(keys, gan_yml, on_two_devices):
    (losses, weights, states), (_, _, large) = on_two_devices(
        "initial", "--cfg", gan_yml(TRAIN__EMA=0.9, **keys)
    )
    assert len(losses) == 14 and len(weights) > 30
    assert max(losses) < 1e-5
    assert max(weights) < 1e-4
    # Adam's steps hardly depend on the size of a gradient; what it remembers of it does.
    for far, size in zip(states, large, strict=True):
        assert far <= 1e-3 * size + 1e-12
