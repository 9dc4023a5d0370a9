"""A trained Stage-I and Stage-II, small enough to be made in seconds."""

import pytest
import tensorflow as tf

from final.run_exp import main as final_main
from initial.run_exp import main as initial_main


@pytest.fixture(scope="session")
def stage1_run(gan_yml, tmp_path_factory):
    """A Stage-I run of one epoch: read it, or copy it."""
    run = tmp_path_factory.mktemp("stage1") / "run"
    assert initial_main(["--cfg", str(gan_yml(TRAIN__MAX_EPOCH=1)), "--run", str(run)]) == 0
    return run


@pytest.fixture(scope="session")
def final_yml(gan_yml, stage1_run):
    """`final_yml(**keys)`: like `gan_yml`, for an epoch of Stage-II on `stage1_run`."""

    def write(**keys):
        stage2 = {"TRAIN__PRETRAINED_MODEL": str(stage1_run), "TRAIN__PRETRAINED_EPOCH": 1}
        return gan_yml(**{"GAN__NETWORK_TYPE": "default", "TRAIN__MAX_EPOCH": 2} | stage2 | keys)

    return write


@pytest.fixture(scope="session")
def stage2_run(final_yml, tmp_path_factory):
    """A Stage-II run of one epoch on the frozen Stage-I: read it, or copy it."""
    run = tmp_path_factory.mktemp("stage2") / "run"
    assert final_main(["--cfg", str(final_yml()), "--run", str(run)]) == 0
    return run


@pytest.fixture(scope="session")
def saved():
    """`saved(run)`: every variable of a run's newest checkpoint, by its path in there."""

    def read(run):
        reader = tf.train.load_checkpoint(str(run / "checkpoints"))
        end = "/.ATTRIBUTES/VARIABLE_VALUE"
        names = [n for n in reader.get_variable_to_shape_map() if n.endswith(end)]
        return {n.removesuffix(end): reader.get_tensor(n) for n in names if "counter" not in n}

    return read
