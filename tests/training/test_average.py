"""The running average of a generator: its arithmetic, what is saved of it, what is sampled."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from final import trainer as final_trainer
from initial.run_exp import main
from initial.sample import build_generator, load
from misc.config.load import load_config
from misc.training.average import RunningAverage
from misc.training.runs import load_run, restore_networks


def dense(value=None):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    if value is not None:
        network.weights[0].assign([[value]])
    return network


@pytest.mark.parametrize(
    ("step", "kept"), [(0, 1 / 10), (8, 1 / 2), (10**6, 0.9)], ids=["first", "early", "late"]
)
def test_a_step_keeps_its_share(step, kept):
    generator = dense(3.0)
    average = RunningAverage(generator, lambda: dense(1.0), 0.9)
    average.update(tf.constant(step, tf.int64))
    expected = kept * 1.0 + (1 - kept) * 3.0
    np.testing.assert_allclose(average.network.weights[0], [[expected]], rtol=1e-6)
    np.testing.assert_array_equal(generator.weights[0], [[3.0]])


def test_without_a_share_the_generator_is_its_own_average():
    generator = dense()
    average = RunningAverage(generator, pytest.fail, 0.0)
    average.update(tf.constant(0, tf.int64))
    assert average.network is generator and average.saved == {}


@pytest.fixture(scope="module")
def averaged(gan_yml, tmp_path_factory):
    """A Stage-I run that kept an average."""
    run = tmp_path_factory.mktemp("runs") / "averaged"
    assert main(["--cfg", str(gan_yml(TRAIN__MAX_EPOCH=1, TRAIN__EMA=0.9)), "--run", str(run)]) == 0
    return run


def weights_of(run, name):
    generator = build_generator(load_run(run)[1])
    restore_networks(run, {name: generator})
    return [weight.numpy() for weight in generator.weights]


def test_the_average_is_sampled(averaged):
    sampled = [weight.numpy() for weight in load(averaged)._generator.weights]
    average, trained = (weights_of(averaged, n) for n in ("average_generator", "generator"))
    for a, b in zip(sampled, average, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(average, trained, strict=True))


def test_stage2_builds_on_the_average(averaged, gan_yml):
    keys = {"TRAIN__PRETRAINED_MODEL": str(averaged), "GAN__NETWORK_TYPE": "default"}
    made = final_trainer.build(load_config("final", gan_yml(**keys)), 1, 1)
    made.begin()
    stage1 = made.frozen["stage1_generator"]
    for a, b in zip(stage1.weights, weights_of(averaged, "average_generator"), strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
