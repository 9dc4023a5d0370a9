"""Configurations of an editor that is made in seconds."""

import pytest

from misc.config.load import load_config


@pytest.fixture(scope="session")
def small(tiny_set):
    """`small(*overrides)`: flags of run_exp.py for a narrow editor on `tiny_set`, 3 steps an epoch.

    The pictures are of 32 px.
    """
    keys = [
        "CONFIG_NAME=editor",
        "DATASET_NAME=tiny",
        f"DATA_DIR={tiny_set}",
        "GPU_ID=-1",
        "Z_DIM=5",
        "TRAIN.BATCH_SIZE=4",
        "TRAIN.MAX_EPOCH=1",
        "TRAIN.NUM_COPY=2",
        "TRAIN.LOG_INTERVAL=1",
        "IMAGE.SIZE=32",
        "GAN.WIDTH=0.05",
    ]

    def flags(*overrides):
        return [part for key in [*keys, *overrides] for part in ("--set", key)]

    return flags


@pytest.fixture(scope="session")
def small_config(small):
    """`small_config(*overrides)`: the same as a configuration."""

    def config(*overrides):
        return load_config("editor", None, small(*overrides)[1::2])

    return config
