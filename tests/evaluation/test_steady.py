"""Pixels that do not depend on how many pictures are asked for at once."""

import numpy as np
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.evaluation.steady import ROWS, steady


def rounding(embedding, seed, start):
    """Two stages that round as matrix products do: by the rows of a batch and the place in it."""
    numbers = start + np.arange(len(embedding))
    places = np.arange(len(embedding)) * 10 + len(embedding)
    values = embedding[:, 0] + numbers * 1000 + seed + places
    return values[:, None, None, None], -values[:, None, None, None]


EMBEDDING = np.arange(11, dtype=np.float32)[:, None] / 16


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 11])
def test_any_batch_gives_the_same(batch):
    def pictures(function):
        parts = [function(EMBEDDING[i : i + batch], 7, i) for i in range(0, 11, batch)]
        return [np.concatenate(stage) for stage in zip(*parts, strict=True)]

    whole = steady(rounding)(EMBEDDING, 7, 0)
    assert len(whole) == 2 and whole[0].shape == (11, 1, 1, 1)
    assert np.array_equal(whole[0].ravel() % 1, EMBEDDING[:, 0] % 1)
    for stage, expected in zip(pictures(steady(rounding)), whole, strict=True):
        assert np.array_equal(stage, expected)
    if batch < 11:  # without it they differ, so this test can fail
        assert not np.array_equal(pictures(rounding)[0], rounding(EMBEDDING, 7, 0)[0])


def test_every_call_has_the_same_number_of_rows():
    calls = []

    def stages(embedding, seed, start):
        calls.append((len(embedding), start))
        return rounding(embedding, seed, start)

    steady(stages)(EMBEDDING[:3], 0, 2 * ROWS - 1)
    assert calls == [(ROWS, ROWS), (ROWS, 2 * ROWS)]


def test_rows_of_a_walk_share_a_number_and_keep_their_places():
    calls = []

    def stages(embedding, seed, start, walk):
        calls.append((len(embedding), start, walk))
        return rounding(embedding, seed, start)

    count = ROWS + 3
    way = np.linspace(0, 1, count)
    embedding = np.zeros((count, 2), np.float32)
    (first, _), whole = (steady(stages)(embedding[:k], 7, 5, way[:k]) for k in (4, count))
    assert len(whole[0]) == count and np.array_equal(first, whole[0][:4])
    assert [(rows, start) for rows, start, _ in calls] == [(ROWS, 5)] * 3
    walked = np.concatenate([walk for *_, walk in calls[1:]])
    assert np.array_equal(walked[:count], way.astype(np.float32)) and walked.dtype == np.float32


def small_memory(most, calls):
    """A device that holds `most` pictures."""

    def stages(embedding, seed, start):
        calls.append(len(embedding))
        if len(embedding) > most:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return rounding(embedding, seed, start)

    return stages


def test_a_small_memory_gets_fewer_at_a_time_and_keeps_to_it(capsys):
    calls = []
    sample = steady(small_memory(4, calls))
    for _ in range(2):
        (pictures, _) = sample(EMBEDDING, 7, 0)
        assert np.array_equal(pictures.ravel() % 1, EMBEDDING[:, 0] % 1)
    assert calls == [16, 8, 4, 4, 4, 4, 4, 4]
    assert "from here on 4 pictures at a time" in capsys.readouterr().err


def test_a_memory_of_no_picture_is_an_error_for_people():
    with pytest.raises(UserError, match="does not hold one picture"):
        steady(small_memory(0, []))(EMBEDDING, 7, 0)
