"""Stage-I's trainer: where it starts, and that two devices do what one does."""

import numpy as np
import pytest

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


@pytest.mark.slow
def test_two_devices_do_what_one_does(gan_yml, on_two_devices):
    (losses, weights, states), (_, _, large) = on_two_devices(
        "initial", "--cfg", gan_yml(TRAIN__EMA=0.9)
    )
    assert len(losses) == 14 and len(weights) > 30
    assert max(losses) < 1e-5
    assert max(weights) < 1e-4
    # Adam's steps hardly depend on the size of a gradient; what it remembers of it does.
    for far, size in zip(states, large, strict=True):
        assert far <= 1e-3 * size + 1e-12
