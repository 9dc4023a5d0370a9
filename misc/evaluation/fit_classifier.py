"""Fitting the classifier: who is held out, the batches, the losses, the accuracies."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from misc.data.images import centre, to_float
from misc.evaluation.attributes import questions

HELD_OUT = 0.2
BATCH = 32
LEARNING_RATE = 0.002
ATTRIBUTES = 3.0  # weight of the attributes' loss, a mean over questions, beside the species'


def held_out_mask(labels: np.ndarray, seed: int) -> np.ndarray:
    """bool (n,): a fifth of each class, at least one of two or more, none of a single one."""
    random = np.random.default_rng([seed, 1])
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        count = max(1, round(HELD_OUT * len(members))) if len(members) > 1 else 0
        mask[members[:count]] = True
    return mask


def mirrored_columns(names: Sequence[str]) -> np.ndarray:
    """Column of the attribute that is true of the mirrored picture: left and right change places.

    `names` are as in CUB, `has_facing::left`; whatever has no such partner keeps its own column.
    """
    swap = {"left": "right", "right": "left"}
    column = {name: k for k, name in enumerate(names)}
    parts = [name.rpartition("::") for name in names]
    mirrored = [f"{head}{colons}{swap.get(value, value)}" for head, colons, value in parts]
    return np.array([column.get(name, k) for k, name in enumerate(mirrored)], np.int64)


def one_of(names: Sequence[str], attributes: np.ndarray) -> list[str]:
    """Those of the `questions` about `names` that have one true value in each row that knows them.

    attributes: int8 (n, a): 1 yes, 0 no, -1 unknown.
    """
    found = []
    for question, columns in questions(names).items():
        known = attributes[:, columns]
        known = known[(known >= 0).any(axis=1)]
        if len(columns) > 1 and len(known) and known.min() >= 0 and (known.sum(axis=1) == 1).all():
            found.append(question)
    return found


class Batches(keras.utils.PyDataset):
    """Shuffled batches, cropped and mirrored at random; a function of seed, epoch and batch.

    Arguments as of `fit`.
    """

    def __init__(self, pictures, labels, attributes, mirrored, size, seed):
        super().__init__()
        self.pictures, self.labels, self.attributes = pictures, labels, attributes
        self.mirrored, self.size, self.seed, self.epoch = mirrored, size, seed, 0
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.labels) // BATCH)

    def on_epoch_end(self):
        self.epoch += 1
        self.order = np.random.default_rng([self.seed, 2, self.epoch]).permutation(len(self.labels))

    def __getitem__(self, k):
        rows = self.order[k * BATCH : (k + 1) * BATCH]
        random = np.random.default_rng([self.seed, 3, self.epoch, k])
        size, margin = self.size, self.pictures.shape[1] - self.size
        corners = random.integers(0, margin + 1, (len(rows), 2))
        flips = random.random(len(rows)) < 0.5
        crops = np.empty((len(rows), size, size, 3), np.uint8)
        for crop, row, (y, x), flip in zip(crops, rows, corners, flips, strict=True):
            window = self.pictures[row, y : y + size, x : x + size]
            crop[:] = window[:, ::-1] if flip else window
        targets = {"species": self.labels[rows]}
        if self.attributes.shape[1]:
            attributes = self.attributes[rows]
            attributes[flips] = attributes[flips][:, self.mirrored]
            targets["attributes"] = attributes.astype(np.float32)
        return to_float(crops), targets


def species_loss(labels, logits):
    """Mean cross-entropy of the pictures whose class is known; 0 if none is.

    Args: labels: (n, 1) or (n,), -1 where not known.   logits: float32 (n, classes).
    """
    labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), logits)
    return _mean_known(loss, labels >= 0)


def attribute_loss(asked: Sequence[tuple[Sequence[int], bool]]):
    """`ATTRIBUTES` times the mean over questions of the cross-entropy of their known answers.

    Args: asked: of each question, its columns, and whether exactly one of them is true.
    Returns: a loss of known float32 (n, a), 1 yes, 0 no, -1 unknown, which counts for nothing, and
      of logits (n, a): float32 (); 0 if nothing is known.
    """

    def loss(known, logits):
        total = 0.0
        for columns, one in asked:
            told, said = (tf.gather(array, columns, axis=1) for array in (known, logits))
            truth = tf.maximum(told, 0.0)
            if one:
                each = tf.nn.softmax_cross_entropy_with_logits(truth, said)
                total += _mean_known(each, told[:, 0] >= 0)
            else:
                each = tf.nn.sigmoid_cross_entropy_with_logits(truth, said)
                total += _mean_known(each, told >= 0)
        return total * (ATTRIBUTES / len(asked))

    return loss


def _mean_known(values, known):
    mask = tf.cast(known, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(values * mask), tf.reduce_sum(mask))


def fit(model, pictures, labels, attributes, names, single, epochs: int, seed: int) -> None:
    """Train `model` in place with Adam and a cosine schedule; progress goes to stderr.

    Args:
      pictures: uint8 (n, s, s, 3), s at least the model's size.
      labels: (n,), -1 where the class is not known.
      attributes: int8 (n, a): 1 yes, 0 no, -1 unknown.
      names: of the a columns.   single: what `one_of` says of them.
    """
    size = model.input_shape[1]
    batches = Batches(pictures, labels, attributes, mirrored_columns(names), size, seed)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * len(batches))
    losses = {"species": species_loss}
    if names:
        asked = [(columns, name in single) for name, columns in questions(names).items()]
        losses["attributes"] = attribute_loss(asked)
    model.compile(keras.optimizers.Adam(rate), loss=losses, jit_compile=False)
    model.fit(batches, epochs=epochs, verbose=0, callbacks=[_Progress()])


def accuracies(
    model, pictures: np.ndarray, labels: np.ndarray, attributes: np.ndarray, names, single
) -> tuple[float | None, dict[str, float]]:
    """Share of known species named right, and of each attribute's known answers, if any is known.

    An attribute of which exactly one value is true is answered by the most probable; of others each
    column counts by itself. Arguments as of `fit`, of other pictures; their centres are shown.
    """
    shown = to_float(centre(pictures, model.input_shape[1]))
    logits = model.predict(shown, batch_size=BATCH, verbose=0)
    known = labels >= 0
    right = logits["species"].argmax(axis=1)[known] == labels[known]
    species = float(right.mean()) if known.any() else None
    shares = {}
    for question, columns in questions(names).items():
        read, truth = logits["attributes"][:, columns], attributes[:, columns]
        if question in single:
            right = (read.argmax(axis=1) == truth.argmax(axis=1))[truth[:, 0] >= 0]
        else:
            right = ((read > 0) == (truth == 1))[truth >= 0]
        if right.size:
            shares[question] = float(right.mean())
    return species, shares


class _Progress(keras.callbacks.Callback):
    """A bar over all batches, on stderr; Keras' own would go to stdout."""

    def on_train_begin(self, logs=None):
        total = self.params["epochs"] * self.params["steps"]
        self.bar = tqdm(total=total, desc="classifier", unit="step", disable=None)

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
        self.bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)

    def on_train_end(self, logs=None):
        self.bar.close()
