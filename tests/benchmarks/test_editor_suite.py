"""The variants that are timed do a step, and what cannot be compared is refused."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks.suites import editor
from misc.config.errors import UserError
from misc.config.load import load_config

SMALL = ["IMAGE.SIZE=32", "GAN.WIDTH=0.05", "Z_DIM=5", "TRAIN.BATCH_SIZE=2"]


@pytest.mark.parametrize("variant", ["plain float32", "float32"])
def test_a_step_of_each_variant(variant):
    step = editor.make_step(load_config("editor", None, SMALL), variant)
    found = [float(step()) for _ in range(2)]
    assert np.isfinite(found).all() and found[0] != found[1]  # something was learned


def test_only_like_is_compared_with_like():
    args = Namespace(cfg=None, gpu=None, set=["IMAGE.CHANNELS=1"])
    with pytest.raises(UserError, match=r"of \['vaegan', 1, .* but the plain form is of"):
        editor.check(args)
    args.set = []
    editor.check(args)
    assert list(editor.works(args)) == ["as configured", "published"]
