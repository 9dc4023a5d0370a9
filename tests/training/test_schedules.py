"""Halving at the epochs that the published code halves at, falling, and being switched off."""

import pytest

from misc.training.schedules import Anneal, Decay, Switch


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


def test_a_rate_that_falls_fast_at_first():
    anneal = Anneal(0.02, steps_per_epoch=250, epochs=16, end=0.5)
    # 0.02 - (epoch / 16)^0.75 (0.02 - 0.01), in whole epochs; 1/16 to the power of 0.75 is 1/8.
    rates = [float(anneal(step)) for step in (0, 249, 250, 499, 16 * 250, 99 * 250)]
    assert rates == pytest.approx([0.02, 0.02, 0.01875, 0.01875, 0.01, 0.01])


def test_a_switch_is_off_within_its_block_alone():
    switch = Switch(Decay(0.5, steps_per_epoch=1, every=9))
    assert float(switch(0)) == 0.5
    with switch.set(False):
        assert float(switch(0)) == 0.0
    with switch.set(True):
        assert float(switch(0)) == 0.5
    with pytest.raises(RuntimeError), switch.set(False):
        raise RuntimeError
    assert float(switch(0)) == 0.5
