"""Noise is a function of seed, step, role and row, and of nothing else."""

import numpy as np
import tensorflow as tf

from misc.training.noise import EPS_D, MIX, Z_D, normal, rows_normal, uniform


def test_noise_depends_on_every_key():
    base = normal(1, 5, Z_D, 3, 4).numpy()
    np.testing.assert_array_equal(base, normal(1, 5, Z_D, 3, 4))
    for other in (normal(2, 5, Z_D, 3, 4), normal(1, 6, Z_D, 3, 4), normal(1, 5, EPS_D, 3, 4)):
        assert np.abs(base - other).min() > 0


def test_noise_is_standard_normal_and_truncation_truncates():
    free = normal(0, 0, Z_D, 400, 100).numpy()
    cut = normal(0, 0, EPS_D, 400, 100, truncated=True).numpy()
    assert abs(free.mean()) < 0.02 and abs(free.std() - 1) < 0.02 and np.abs(free).max() > 3
    assert np.abs(cut).max() <= 2


def test_uniform_numbers_are_from_0_to_1_and_another_draw_each():
    base = uniform(1, 5, MIX, 4000).numpy()
    assert base.shape == (4000,) and abs(base.mean() - 0.5) < 0.02
    assert 0 <= base.min() < 0.01 and 0.99 < base.max() < 1
    np.testing.assert_array_equal(base, uniform(1, 5, MIX, 4000))
    for other in (uniform(2, 5, MIX, 4000), uniform(1, 6, MIX, 4000), uniform(1, 5, MIX + 1, 4000)):
        assert np.mean(base != other.numpy()) > 0.99


def test_a_row_does_not_depend_on_its_batch():
    together = rows_normal(3, 0, 4, Z_D, 6).numpy()
    apart = [rows_normal(3, start, 1, Z_D, 6).numpy() for start in range(4)]
    np.testing.assert_array_equal(together, np.concatenate(apart))
    assert len(np.unique(together)) == together.size


def test_rows_inside_a_graph():
    run = tf.function(lambda start: rows_normal(3, start, 2, Z_D, 6))
    np.testing.assert_array_equal(run(tf.constant(1, tf.int64)), rows_normal(3, 1, 2, Z_D, 6))


def test_a_walk_goes_from_one_noise_to_the_next_and_stays_normal():
    way = np.linspace(0, 1, 5, dtype=np.float32)
    rows = rows_normal(3, 7, 5, Z_D, 4000, walk=way).numpy()
    ends = rows_normal(3, 7, 2, Z_D, 4000).numpy()
    np.testing.assert_array_equal(rows[0], ends[0])
    np.testing.assert_allclose(rows[-1], ends[1], atol=1e-6)
    assert np.all(np.abs(rows.std(axis=1) - 1) < 0.05)  # a straight line's middle: 0.71
    middle = np.corrcoef(rows[2], ends)[0, 1:]
    assert np.all(np.abs(middle - np.sqrt(0.5)) < 0.05)
