"""The variants that are timed do a step, and what cannot be compared is refused."""

import numpy as np
import pytest

from benchmarks import editor_steps
from misc.config.errors import UserError
from misc.config.load import load_config, save_config

SMALL = ["IMAGE.SIZE=32", "GAN.WIDTH=0.05", "Z_DIM=5", "TRAIN.BATCH_SIZE=2"]


@pytest.mark.parametrize("variant", ["plain float32", "float32"])
def test_a_step_of_each_variant(variant):
    step = editor_steps.make_step(load_config("editor", None, SMALL), variant)
    found = [step() for _ in range(2)]
    assert np.isfinite(found).all() and found[0] != found[1]  # something was learned


def test_only_like_is_compared_with_like(tmp_path):
    save_config(
        load_config("editor", None, ["IMAGE.CHANNELS=1"]), "editor", tmp_path / "config.yml"
    )
    with pytest.raises(UserError, match=r"of \['vaegan', 1, .* say --rounds 0"):
        editor_steps.measure(tmp_path, 1)


def test_the_table():
    row = {"work": "published", "variant": "float32", "steps_per_second": 1.5, "ratio": 1.2}
    assert editor_steps.table([row | {"peak_gib": 2.0}]).endswith(
        "| published | float32 | 1.5 | 1.2 | 2.0 |"
    )
