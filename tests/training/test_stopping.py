"""Wishes to save and to stop, of one worker and of several."""

import os
import signal

import pytest
import tensorflow as tf

from misc.training.stopping import Wishes


@pytest.fixture
def signalled():
    """A handler for SIGTERM instead of the end of the tests: the numbers that came to it."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


def heard(wishes, losses=None):
    """What several workers follow after a step in which all others wished what `losses` say."""
    wishes.say()
    own = wishes.tensors()
    wishes.hear(losses or own)
    return wishes.stop, wishes.save


def test_one_worker_follows_a_signal_at_once_and_a_second_one_interrupts(signalled):
    with Wishes(10.0, chief=True, several=False) as wishes:
        assert not wishes.tensors() and heard(wishes) == (0, False)
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard(wishes) == (signal.SIGTERM, False) and not signalled
        os.kill(os.getpid(), signal.SIGTERM)
    assert signalled == [signal.SIGTERM]


def test_the_clock_is_the_chiefs():
    chief, other = (Wishes(0.0, chief=chief, several=True) for chief in (True, False))
    assert heard(chief) == (0, False) and heard(chief) == (0, True)
    chief.saved()
    assert heard(chief) == (0, False), "the wish on its way was fulfilled"
    assert [heard(other) for _ in range(3)] == [(0, False)] * 3


def test_several_follow_the_sum_one_step_later(signalled):
    with Wishes(10.0, chief=True, several=True) as wishes:
        means = dict.fromkeys(wishes.tensors(), tf.constant(0.0))
        losses = means | {"wish SIGINT": tf.constant(0.5), "d_loss": tf.constant(1.0)}
        assert heard(wishes, losses) == (0, False)
        assert losses.keys() == {"d_loss"}
        assert heard(wishes, dict(means)) == (signal.SIGINT, False)
        assert heard(wishes, dict(means)) == (0, False)
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard(wishes) == (0, False)
        wishes.saved()
        assert heard(wishes) == (0, False) and heard(wishes) == (signal.SIGTERM, False)
    assert not signalled
