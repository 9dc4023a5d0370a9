"""Batches as a dataset: from any step, cut for replicas, and no trouble when the program ends."""

import subprocess
import sys

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.pipeline import batches_from


def take(count, start=0, context=None):
    """Elements of a dataset of batches of 4, each example being (step, place in the batch)."""
    import tensorflow as tf

    def read(step, part):
        return np.full(4, step, np.int32)[part], np.arange(4, dtype=np.int32)[part]

    def finish(length, steps, places):
        return {"example": tf.ensure_shape(tf.stack([steps, places], 1), (length, 2))}

    types = (tf.int32, tf.int32)
    dataset = batches_from(start, read, types, finish, batch_size=4, context=context)
    return [element["example"].tolist() for element in dataset.take(count).as_numpy_iterator()]


def test_batches_are_counted_from_the_start_step():
    assert take(2, start=7) == [[[7, 0], [7, 1], [7, 2], [7, 3]], [[8, 0], [8, 1], [8, 2], [8, 3]]]


def test_a_pipeline_yields_the_slices_of_its_replicas_in_order():
    import tensorflow as tf

    one = take(4, 7, tf.distribute.InputContext(1, 0, 2))
    assert one == [[[7, 0], [7, 1]], [[7, 2], [7, 3]], [[8, 0], [8, 1]], [[8, 2], [8, 3]]]
    second_of_two = take(3, 7, tf.distribute.InputContext(2, 1, 4))
    assert second_of_two == [[[7, 2]], [[7, 3]], [[8, 2]]]


def test_a_batch_must_be_divisible_among_the_replicas():
    import tensorflow as tf

    with pytest.raises(UserError, match="batch of 4 cannot be shared by 3 replicas"):
        take(1, 0, tf.distribute.InputContext(1, 0, 3))


def test_a_program_may_end_while_batches_are_read(tiny_set):
    """TensorFlow's threads must not call into an interpreter that is gone: an abort or a hang."""
    program = f"""
import time
import numpy as np
import tensorflow as tf
from misc.data.pipeline import batches_from
from misc.data.prepared import open_split

split = open_split({str(tiny_set)!r}, "train")

def read(step, part):
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        split.pictures(range(12), 19)  # gives the interpreter up and asks for it again
    return (np.zeros(1, np.float32),)

finish = lambda length, zeros: dict(zeros=zeros)
iterator = iter(batches_from(0, read, (tf.float32,), finish, batch_size=1))
next(iterator)
1 / 0
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "ZeroDivisionError" in done.stderr and "terminate called" not in done.stderr
