"""The structured joint embedding loss: matching pictures and captions score highest."""

from keras import ops


def joint_embedding_loss(pictures, texts, margin=1.0, symmetric=True):
    """How far other captions, and other pictures, come within `margin` of the matching score.

    The score of a pair is the dot product of its features; row i of `pictures` matches row i of
    `texts`, and every other row of the batch is of another class.

    Args:
      pictures, texts: float (b, d), unbounded.
      margin: distance in score from which a wrong pair costs nothing.
      symmetric: both directions (DS-SJE); else each picture against the captions alone (DA-SJE).
    Returns: float scalar, >= 0: 1/b^2 times the sum over wrong pairs.
    Paper: Reed et al. 2016, section 3, with one caption a class for the average over the class and
      the divisor b^2 (not b (b - 1)), as the released code has it.
    """
    scores = ops.matmul(pictures, ops.transpose(texts))  # (b, b), picture by text
    matching = ops.diagonal(scores)
    wrong_text = ops.relu(margin + scores - matching[:, None])
    cost = wrong_text
    if symmetric:
        cost = cost + ops.relu(margin + scores - matching[None, :])
    b = pictures.shape[0] or ops.shape(pictures)[0]
    wrong_pair = 1.0 - ops.eye(b, dtype=scores.dtype)
    return ops.sum(cost * wrong_pair) / ops.cast(b * b, scores.dtype)
