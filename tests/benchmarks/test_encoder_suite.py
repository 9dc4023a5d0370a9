"""What is timed of the encoder: steps that learn by the same loss, and the work of an embedding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import plain
from benchmarks.suites import encoder
from encoder.losses import joint_embedding_loss


def test_the_plain_step_minimises_the_trainer_s_loss():
    given = tf.constant(np.random.default_rng(0).normal(size=(2, 5, 7)), tf.float32)
    networks = [keras.Sequential([keras.Input((7,)), keras.layers.Dense(7)]) for _ in range(2)]
    optimizers = [keras.optimizers.SGD(0.01) for _ in networks]
    texts, pictures = (network(one) for network, one in zip(networks, given, strict=True))
    before = plain.encoder_step(networks, given, optimizers)
    assert float(before) == pytest.approx(float(joint_embedding_loss(pictures, texts)), rel=1e-5)
    assert plain.encoder_step(networks, given, optimizers) < before


@pytest.mark.parametrize("variant", [encoder.PLAIN, "bfloat16"])
def test_a_training_step(variant, tmp_path):
    work = encoder.make(None, encoder.TRAINING, variant, str(tmp_path))
    before = work.step()
    assert work.count == 40 and np.isfinite(before) and work.step() != before
    assert work.facts()["gflop"] > 3 * 0.19  # forwards and two ways back through the text encoder


def test_the_work_of_an_embedding(tmp_path):
    second, third = 63 * 4 * 384 * 512, 18 * 4 * 512 * 512
    gates, last = 512 * 3 * 512, 512 * 1024
    # Ours looks the first convolution up, and begins the GRU without a state.
    ours = 2 * (second + third + (18 + 17) * gates + last)
    theirs = ours + 2 * (198 * 4 * 70 * 384 + gates)
    for variant, flop in (("float32", ours), (encoder.PLAIN, theirs)):
        work = encoder.make(None, encoder.EMBEDDING, variant, str(tmp_path))
        assert work.facts()["gflop"] == pytest.approx(flop / 1e9)
