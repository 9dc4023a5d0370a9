"""Faces that are trained in seconds: their configurations, and a trained run."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from misc.config.load import load_config


@pytest.fixture(autouse=True)
def same_weights():
    """Networks begin alike in every run of a test."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture
def quick_weights(monkeypatch):
    """Weights of 0: those of the large networks take long to draw."""
    import keras
    import tensorflow as tf

    def zeros(self, shape, dtype=None):
        return tf.zeros(shape, dtype)

    monkeypatch.setattr(keras.initializers.RandomNormal, "__call__", zeros)


@pytest.fixture
def check_checkpoint(tmp_path):
    """`check_checkpoint(make)`: a checkpoint of one of two networks makes the other like it."""
    import tensorflow as tf

    def check(make):
        one, other = make(), make()
        one.set_weights([weight + 1 for weight in one.get_weights()])
        prefix = tf.train.Checkpoint(network=one).save(str(tmp_path / "checkpoint"))
        tf.train.Checkpoint(network=other).restore(prefix).assert_consumed()
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    return check


@pytest.fixture(scope="session")
def small(tiny_set):
    """`small(*overrides)`: flags of run_exp.py for narrow networks on `tiny_set`, 16 px at the end.

    Three stages of three steps; of the second and the third, the first two fade.
    """
    keys = [
        "CONFIG_NAME=faces",
        "DATASET_NAME=tiny",
        f"DATA_DIR={tiny_set}",
        "GPU_ID=-1",
        "DEPTH=3",
        "LATENT_SIZE=8",
        "CA_OUT_SIZE=5",
        "EMBEDDING_SIZE=4",
        "HIDDEN_SIZE=6",
        "NUM_LAYERS=1",
        "COMPRESSED_LATENT_SIZE=4",
        "CAPTIONS_LENGTH=8",
        "VOCAB_SIZE=20",
        "EPOCHS=[1, 1, 1]",
        "FADE_IN_PERCENTAGE=[67, 67, 67]",
        "BATCH_SIZES=[4, 4, 4]",
        "FEEDBACK_FACTOR=1",
        "JITTER=0",
        "TRAIN.NUM_COPY=2",
        "TRAIN.LOG_INTERVAL=1",
    ]

    def flags(*overrides):
        return [part for key in [*keys, *overrides] for part in ("--set", key)]

    return flags


@pytest.fixture(scope="session")
def small_config(small):
    """`small_config(*overrides)`: the same as a configuration."""

    def config(*overrides):
        return load_config("faces", None, small(*overrides)[1::2])

    return config


@pytest.fixture(scope="session")
def one_stage():
    """Overrides that make it the run of multi-scale networks."""
    return (
        "NETWORK_TYPE=multiscale",
        "EPOCHS=[1]",
        "FADE_IN_PERCENTAGE=[0]",
        "BATCH_SIZES=[4]",
    )


@pytest.fixture(scope="session")
def trained(small, tmp_path_factory):
    """A run that has grown up, and what the program that made it said; write to `run` instead."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    process = subprocess.run(
        [sys.executable, "faces/run_exp.py", *small(), "--run", str(run)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    return run, process


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """A copy of the trained run for the tests of one module: each sees what it wrote alone."""
    return shutil.copytree(trained[0], tmp_path_factory.mktemp("copies") / "run")
