"""Halving at the epochs that the published code halves at."""

import pytest

from misc.training.schedules import Decay


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1.0), (49, 1.0), (50, 0.5), (100, 0.25), (599, 1 / 2**11)]
)
def test_stage1_halves_eleven_times_in_600_epochs(epoch, rate):
    decay = Decay(1.0, steps_per_epoch=138, every=50)
    assert float(decay(epoch * 138)) == pytest.approx(rate)
    assert float(decay(epoch * 138 + 137)) == pytest.approx(rate)


@pytest.mark.parametrize(("epoch", "rate"), [(600, 1.0), (699, 1.0), (700, 0.5), (1199, 1 / 32)])
def test_stage2_halves_above_epoch_600(epoch, rate):
    decay = Decay(1.0, steps_per_epoch=10, every=100, first_epoch=600)
    assert float(decay((epoch - 600) * 10)) == pytest.approx(rate)


def test_other_factors():
    decay = Decay(7e-4, steps_per_epoch=1, every=1, factor=0.98)
    assert float(decay(200)) == pytest.approx(7e-4 * 0.98**200, rel=1e-4)
