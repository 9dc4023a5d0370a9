"""An editor that is made in seconds: its configurations, and a trained run."""

import subprocess
import sys
from pathlib import Path

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


@pytest.fixture(scope="session")
def trained(small, tmp_path_factory):
    """A run of one epoch, and what the program that made it said: read it, or copy it."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    process = subprocess.run(
        [sys.executable, "editor/run_exp.py", *small(), "--run", str(run)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    return run, process
