"""Fitting the classifier: who is held out, the batches, the losses, the accuracies."""

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from misc.data.images import centre, to_float
from misc.evaluation.classifier import SIZE

HELD_OUT = 0.2
BATCH = 32
LEARNING_RATE = 0.002


def held_out_mask(labels: np.ndarray, seed: int) -> np.ndarray:
    """bool (n,): a fifth of each class, at least one of two or more, none of a single one."""
    random = np.random.default_rng([seed, 1])
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        count = max(1, round(HELD_OUT * len(members))) if len(members) > 1 else 0
        mask[members[:count]] = True
    return mask


def mirrored_columns(names: list[str]) -> np.ndarray:
    """Column of the attribute that is true of the mirrored picture: left and right change places.

    `names` are as in CUB, `has_facing::left`; whatever has no such partner keeps its own column.
    """
    swap = {"left": "right", "right": "left"}
    column = {name: k for k, name in enumerate(names)}
    parts = [name.rpartition("::") for name in names]
    mirrored = [f"{head}{colons}{swap.get(value, value)}" for head, colons, value in parts]
    return np.array([column.get(name, k) for k, name in enumerate(mirrored)], np.int64)


class Batches(keras.utils.PyDataset):
    """Shuffled batches, cropped and mirrored at random; a function of seed, epoch and batch."""

    def __init__(self, pictures, labels, attributes, mirrored, seed):
        super().__init__()
        self.pictures, self.labels, self.attributes = pictures, labels, attributes
        self.mirrored, self.seed, self.epoch = mirrored, seed, 0
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.labels) // BATCH)

    def on_epoch_end(self):
        self.epoch += 1
        self.order = np.random.default_rng([self.seed, 2, self.epoch]).permutation(len(self.labels))

    def __getitem__(self, k):
        rows = self.order[k * BATCH : (k + 1) * BATCH]
        random = np.random.default_rng([self.seed, 3, self.epoch, k])
        margin = self.pictures.shape[1] - SIZE
        corners = random.integers(0, margin + 1, (len(rows), 2))
        flips = random.random(len(rows)) < 0.5
        crops = np.empty((len(rows), SIZE, SIZE, 3), np.uint8)
        for crop, row, (y, x), flip in zip(crops, rows, corners, flips, strict=True):
            window = self.pictures[row, y : y + SIZE, x : x + SIZE]
            crop[:] = window[:, ::-1] if flip else window
        targets = {"species": self.labels[rows]}
        if self.attributes.shape[1]:
            attributes = self.attributes[rows]
            attributes[flips] = attributes[flips][:, self.mirrored]
            targets["attributes"] = attributes.astype(np.float32)
        return to_float(crops), targets


def masked_crossentropy(known, logits):
    """Mean binary cross-entropy over the attributes that are known.

    Args:
      known: float32 (n, a): 1 yes, 0 no, -1 unknown, which counts for nothing.
      logits: float32 (n, a).
    Returns: float32 (); 0 if nothing is known.
    """
    mask = tf.cast(known >= 0, tf.float32)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(tf.maximum(known, 0.0), logits)
    return tf.math.divide_no_nan(tf.reduce_sum(loss * mask), tf.reduce_sum(mask))


def fit(model, pictures, labels, attributes, mirrored, epochs: int, seed: int) -> None:
    """Train `model` in place with Adam and a cosine schedule; progress goes to stderr.

    Args:
      pictures: uint8 (n, s, s, 3), s >= 64.   labels: (n,).   attributes: int8 (n, a).
      mirrored: (a,), `mirrored_columns`.
    """
    batches = Batches(pictures, labels, attributes, mirrored, seed)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * len(batches))
    losses = {"species": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    if attributes.shape[1]:
        losses["attributes"] = masked_crossentropy
    model.compile(keras.optimizers.Adam(rate), loss=losses, jit_compile=False)
    model.fit(batches, epochs=epochs, verbose=0, callbacks=[_Progress()])


def accuracies(
    model, pictures: np.ndarray, labels: np.ndarray, attributes: np.ndarray
) -> tuple[float, list[float | None]]:
    """Share of species named right, and of each attribute's known values (None if none is known).

    pictures: uint8 (n, s, s, 3), of which the centre is shown; labels (n,); attributes (n, a).
    """
    logits = model.predict(to_float(centre(pictures, SIZE)), batch_size=BATCH, verbose=0)
    species = float(np.mean(logits["species"].argmax(axis=1) == labels))
    if not attributes.shape[1]:
        return species, []
    known = attributes >= 0
    right = ((logits["attributes"] > 0) == (attributes == 1)) & known
    counts = zip(right.sum(axis=0), known.sum(axis=0), strict=True)
    return species, [float(r / k) if k else None for r, k in counts]


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
