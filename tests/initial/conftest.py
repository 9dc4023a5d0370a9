"""A trained Stage-I, small enough to be made in seconds."""

import pytest

from initial.run_exp import main


@pytest.fixture(scope="session")
def trained(gan_yml, tmp_path_factory):
    """A run of one epoch, on standardised embeddings: read it, or copy it."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    yml = gan_yml(TRAIN__MAX_EPOCH=1, TEXT__STANDARDIZE=True)
    assert main(["--cfg", str(yml), "--run", str(run)]) == 0
    return run
