"""Noise as a pure function of (seed, step, role, row), so that nothing needs saving."""

import math

import tensorflow as tf

# One role a draw within a step; a key is 64 * step + role.
Z_D, EPS_D, Z_G, EPS_G, EPS2_D, EPS2_G = range(6)
MIX = 32  # and from here on one for each of the discriminator's updates in a step


def normal(seed: int, step, role: int, rows, width: int, *, truncated: bool = False):
    """Noise of deviation 1 for this replica: its slice of one global draw.

    Args:
      seed: of the run; step: int64 scalar; role: one of this module's constants.
      rows: rows of this replica (a tensor will do); width: columns.
      truncated: redraw beyond two deviations, as TF1's truncated_normal.
    Returns: float32 (rows, width). A `SeedGenerator` would draw the same on every replica.
    """
    draw = tf.random.stateless_truncated_normal if truncated else tf.random.stateless_normal
    return _own(draw, seed, step, role, rows, width)


def uniform(seed: int, step, role: int, rows):
    """Numbers from 0 to 1, float32 (rows,), drawn as those of `normal`."""
    return _own(tf.random.stateless_uniform, seed, step, role, rows)


def _own(draw, seed: int, step, role: int, rows, *width):
    """The rows of this replica, of a draw for all."""
    key = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64) * 64 + role])
    context = tf.distribute.get_replica_context()
    full = draw((rows * context.num_replicas_in_sync, *width), key, alg="philox")
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * rows
    return full[first : first + rows]


def rows_normal(
    seed: int, start, rows: int, role: int, width: int, *, truncated: bool = False, walk=None
):
    """Noise whose row r depends on (seed, start + r, role) alone, not on the batch it is in.

    Args: walk: None, or float32 (rows,) from 0 to 1: row r then lies so far on the way from noise
      number `start` to the next. The way is a quarter of an ellipse, a cos t + b sin t: every point
      of it is normal with deviation 1 again; halfway on the straight line it would be 0.7.
    Returns: float32 (rows, width).
    """
    if walk is not None:
        ends = rows_normal(seed, start, 2, role, width, truncated=truncated)
        turn = walk[:, None] * (math.pi / 2)
        return tf.cos(turn) * ends[0] + tf.sin(turn) * ends[1]
    draw = tf.random.stateless_truncated_normal if truncated else tf.random.stateless_normal

    def row(index):
        key = tf.stack([tf.cast(seed, tf.int64), index * 64 + role])
        return draw((width,), key, alg="philox")

    return tf.map_fn(row, tf.range(rows, dtype=tf.int64) + start, fn_output_signature=tf.float32)
