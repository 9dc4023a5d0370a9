"""The network that judges pictures: a set's own small classifier, with two heads.

The species head gives the Inception score of the StackGAN protocol, the attribute head is the
oracle of `attributes`. Numbers under it compare only within that set and that classifier, which is
why its digest is part of their protocol's name.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from misc.config.errors import UserError
from misc.data.atomic import make_folder, replace_with, write_atomic
from misc.data.images import to_float
from misc.evaluation.attributes import questions
from misc.evaluation.loaded import load_weights
from misc.evaluation.records import finite

SIZE = 64  # pixels a side, if nothing is said
SIZES = range(32, 257, 16)  # halved four times
WIDTHS = (32, 64, 128, 256)
GLANCES = 16
FORMAT = 2
_CARD, _WEIGHTS = "classifier.json", "classifier.weights.h5"


def build(classes: int, attributes: int, size: int = SIZE) -> keras.Model:
    """The set's own classifier: a species head and, if there are attributes, an attribute head.

    float32 (n, size, size, 3) in [-1, 1] -> {"species": logits (n, classes), "attributes": logits
    (n, attributes)}; the second is absent without attributes. `size`: of `SIZES`.

    Parts are small, and lie elsewhere in each picture: so the heads see `GLANCES` weighted means of
    the cells, each with weights that the network chooses for the picture, where one mean of all
    cells would mix the crown's colour with the wing's.
    """
    inputs = x = layers.Input((size, size, 3))
    cells = []
    for width in WIDTHS:
        x = _normal(layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x))
        cells.append(x)
    fine, coarse = cells[-2:]  # a cell of `fine` sees 15 pixels: the coarse ones tell where it is
    around = _normal(layers.Conv2D(WIDTHS[-2], 3, padding="same", use_bias=False)(coarse))
    fine = layers.Conv2D(WIDTHS[-2], 1, use_bias=False)(fine)
    x = _normal(layers.Add()([fine, layers.UpSampling2D(2)(around)]))
    x = layers.Reshape((-1, WIDTHS[-2]))(x)
    weights = layers.Softmax(axis=1)(layers.Dense(GLANCES)(x))
    x = layers.Dropout(0.2)(layers.Flatten()(layers.Dot(axes=1)([weights, x])))
    heads = {"species": layers.Dense(classes, name="species")(x)}
    if attributes:
        heads["attributes"] = layers.Dense(attributes, name="attributes")(x)
    return keras.Model(inputs, heads)


def _normal(x):
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


@dataclass(frozen=True)
class Classifier:
    """A trained network; call it with pictures.

    Attributes:
      network: what it is, in words, for reports.
      judge: what `protocols.protocol` takes: the set, and the beginning of the digest.
      digest: SHA-256 of its weights file.
      accuracy: share of held-out individuals whose species it names.
      classes, attributes: names of the columns it returns.
      weights: float32 (a, d), by which the attribute head weighs the features.
    """

    network: str
    judge: str
    digest: str
    accuracy: float
    classes: list[str]
    attributes: list[str]
    weights: np.ndarray
    infer: Callable  # tf.function: uint8 (n, h, w, 3) -> probabilities by head

    def __call__(self, pictures: np.ndarray, batch: int = 64) -> dict[str, np.ndarray]:
        """uint8 (n, h, w, 3) of any size -> {"species": (n, k), "attributes": (n, a)}.

        float32 probabilities: a row of species sums to 1, and so do the values of an attribute of
        which each picture that it was trained on has exactly one. And "features" (n, d), what the
        heads see.
        """
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or not len(pictures):
            raise ValueError(f"classify: uint8 (n, h, w, 3), got {pictures.dtype} {pictures.shape}")
        parts = [self.infer(pictures[i : i + batch]) for i in range(0, len(pictures), batch)]
        return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}


def save(folder: Path, model: keras.Model, facts: dict) -> Path:
    """Write weights and card; a kill in between leaves no classifier, never a mixture.

    `facts`: `classes` and `attributes` (names), `accuracy`, `one_of` (the `questions` that have one
    true value; none without), and whatever belongs on the card.
    """
    make_folder(folder)
    with tempfile.TemporaryDirectory() as aside:
        weights = Path(aside) / _WEIGHTS
        model.save_weights(weights)
        content = weights.read_bytes()
    card = {"format": FORMAT, "size": model.input_shape[1], "weights": _digest(content)}
    card |= {"one_of": [], **facts}
    with replace_with(folder / _WEIGHTS) as partial:
        partial.write_bytes(content)
        (folder / _CARD).unlink(missing_ok=True)  # not before the new weights found room
    write_atomic(folder / _CARD, json.dumps(card, indent=1).encode())
    return folder / _CARD


def load(folder: str | Path) -> Classifier:
    """The classifier in a folder that `train_classifier` wrote.

    Raises: UserError if it is not there, incomplete, of another format or another architecture.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        content = (folder / _WEIGHTS).read_bytes()
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(folder, f"no classifier here ({error})") from error
    if isinstance(card, dict) and card.get("format") != FORMAT:
        raise _refused(folder, f"of format {card.get('format')!r}, expected {FORMAT}")
    classes, attributes, size = _told(card, folder)
    if card.get("weights") != _digest(content):
        raise _refused(folder, f"{_WEIGHTS} does not belong to {_CARD}")
    model = build(len(classes), len(attributes), size)
    load_weights(model, folder / _WEIGHTS)
    seen = model.get_layer("species").input
    weights = np.zeros((0, seen.shape[1]), np.float32)
    if attributes:
        weights = model.get_layer("attributes").kernel.numpy().T
    model = keras.Model(model.input, {**model.output, "features": seen})
    asked = questions(attributes)
    one_of = [asked[name] for name in card["one_of"]]

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    def infer(pictures):
        resized = tf.image.resize(to_float(pictures), (size, size), antialias=True)
        logits = model(resized, training=False)
        none = tf.zeros((tf.shape(pictures)[0], 0))
        return {
            "species": tf.nn.softmax(logits["species"]),
            "attributes": probabilities(logits.get("attributes", none), one_of),
            "features": logits["features"],
        }

    name, digest = card.get("name", "the set"), card["weights"]
    return Classifier(
        network=f"{len(classes)} classes of {name}, {size} px",
        judge=f"{name}-{digest[:8]}",
        digest=digest,
        accuracy=card["accuracy"],
        classes=classes,
        attributes=attributes,
        weights=weights,
        infer=lambda pictures: {k: v.numpy() for k, v in infer(pictures).items()},
    )


def _told(card, folder: Path) -> tuple[list[str], list[str], int]:
    """Classes, attributes and size, if the card tells what `load` needs."""
    told = card if isinstance(card, dict) else {}
    classes, attributes, one_of = (told.get(key) for key in ("classes", "attributes", "one_of"))
    size = told.get("size")
    if (
        not all(isinstance(one, list) for one in (classes, attributes, one_of))
        or not all(isinstance(name, str) for name in [*classes, *attributes, *one_of])
        or not set(one_of) <= questions(attributes).keys()
        or not classes
        or not isinstance(size, int)
        or size not in SIZES
        or finite(told.get("accuracy")) is None
    ):
        raise _refused(folder, f"{_CARD} is not the card of a classifier")
    return classes, attributes, size


def _refused(folder: Path, why: str) -> UserError:
    return UserError(
        f"{folder}: {why}; train one: python -m misc.evaluation.train_classifier --data data/NAME "
        f"--out {folder}"
    )


def probabilities(logits: tf.Tensor, one_of: Sequence[Sequence[int]]) -> tf.Tensor:
    """float32 (n, attributes) of logits: a softmax over each of `one_of`, else each by itself."""
    columns = tf.unstack(tf.sigmoid(logits), axis=1)
    for group in one_of:
        values = tf.unstack(tf.nn.softmax(tf.gather(logits, group, axis=1)), axis=1)
        for column, value in zip(group, values, strict=True):
            columns[column] = value
    return tf.stack(columns, axis=1) if columns else logits


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
