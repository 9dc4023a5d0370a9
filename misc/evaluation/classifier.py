"""The network that judges pictures: a set's own small classifier, or Inception-v3 from a file.

A score under the set's own classifier compares only within that set and that classifier, which is
why every report carries the `network`, `digest` and `accuracy` of the one that was used. Inception
here is Keras' ImageNet network: neither the 2015 graph of the literature nor the ones that the
StackGAN authors fine-tuned to 50 bird and 20 flower classes, so those scores are not comparable
with published ones either.
"""

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from misc.config.errors import UserError
from misc.data.atomic import make_folder, replace_with, write_atomic
from misc.data.images import to_float

SIZE = 64
WIDTHS = (32, 64, 128, 256)
FORMAT = 1
_CARD, _WEIGHTS = "classifier.json", "classifier.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_INCEPTION_SIZE, _INCEPTION_CLASSES = 299, 1000


def build(classes: int, attributes: int) -> keras.Model:
    """The set's own classifier: a species head and, if there are attributes, an attribute head.

    float32 (n, 64, 64, 3) in [-1, 1] -> {"species": logits (n, classes), "attributes": logits
    (n, attributes)}; the second is absent without attributes. A species is a set of coloured parts,
    so one trunk learns both, and the average over the last 4x4 cells forgets where the bird sat.
    """
    inputs = x = layers.Input((SIZE, SIZE, 3))
    for width in WIDTHS:
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    heads = {"species": layers.Dense(classes, name="species")(x)}
    if attributes:
        heads["attributes"] = layers.Dense(attributes, name="attributes")(x)
    return keras.Model(inputs, heads)


@dataclass(frozen=True)
class Classifier:
    """A trained network; call it with pictures.

    Attributes:
      network: what it is, in words, for reports.
      digest: SHA-256 of its weights file.
      accuracy: share of held-out individuals whose species it names; None for Inception.
      classes, attributes: names of the columns it returns; Inception's classes have none.
    """

    network: str
    digest: str
    accuracy: float | None
    classes: list[str]
    attributes: list[str]
    infer: Callable  # tf.function: uint8 (n, h, w, 3) -> probabilities by head

    def __call__(self, pictures: np.ndarray, batch: int = 64) -> dict[str, np.ndarray]:
        """uint8 (n, h, w, 3) of any size -> {"species": (n, k), "attributes": (n, a)}.

        And "features" (n, d), what the heads see: the penultimate layer.
        float32 probabilities: a row of species sums to 1; each attribute stands for itself.
        """
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or not len(pictures):
            raise ValueError(f"classify: uint8 (n, h, w, 3), got {pictures.dtype} {pictures.shape}")
        parts = [self.infer(pictures[i : i + batch]) for i in range(0, len(pictures), batch)]
        return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}


def save(folder: Path, model: keras.Model, facts: dict) -> Path:
    """Write weights and card; a kill in between leaves no classifier, never a mixture.

    `facts`: `classes` and `attributes` (names), `accuracy`, and whatever belongs on the card.
    """
    make_folder(folder)
    with tempfile.TemporaryDirectory() as aside:
        weights = Path(aside) / _WEIGHTS
        model.save_weights(weights)
        content = weights.read_bytes()
    card = {"format": FORMAT, "size": SIZE, "weights": _digest(content), **facts}
    with replace_with(folder / _WEIGHTS) as partial:
        partial.write_bytes(content)
        (folder / _CARD).unlink(missing_ok=True)  # not before the new weights found room
    write_atomic(folder / _CARD, json.dumps(card, indent=1).encode())
    return folder / _CARD


def load(path: str | Path) -> Classifier:
    """The classifier in a folder that `train_classifier` wrote, or in an Inception-v3 weights file.

    Raises: UserError if it is not there, incomplete, of another format or another architecture.
    """
    path = Path(path)
    if path.is_file():
        return _load_inception(path)
    try:
        card = json.loads((path / _CARD).read_text(encoding="utf-8"))
        content = (path / _WEIGHTS).read_bytes()
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: no classifier here ({error}); train one: "
            f"python -m misc.evaluation.train_classifier --data data/NAME --out {path}"
        ) from error
    if card.get("format") != FORMAT or card.get("weights") != _digest(content):
        raise UserError(f"{path}: {_WEIGHTS} does not belong to {_CARD}; train it again")
    classes, attributes = card["classes"], card["attributes"]
    model = build(len(classes), len(attributes))
    _load_weights(model, path / _WEIGHTS)
    seen = model.get_layer("species").input
    model = keras.Model(model.input, {**model.output, "features": seen})

    def heads(x):
        logits = model(x, training=False)
        none = tf.zeros((tf.shape(x)[0], 0))
        return {
            "features": logits["features"],
            "species": tf.nn.softmax(logits["species"]),
            "attributes": tf.sigmoid(logits.get("attributes", none)),
        }

    name = f"{len(classes)} classes of {card.get('name', 'the set')}, {SIZE} px"
    return Classifier(
        name, card["weights"], card["accuracy"], classes, attributes, _function(heads, SIZE)
    )


def _load_inception(path: Path) -> Classifier:
    """Keras' Inception-v3 with its 1,000 classes: 299 px bilinear, x / 127.5 - 1."""
    content = path.read_bytes()
    if not content.startswith(_HDF5):  # before the network is built, which takes seconds
        raise UserError(f"{path}: not a weights file, expected HDF5 (.h5) of Keras' InceptionV3")
    model = keras.applications.InceptionV3(weights=None, classes=_INCEPTION_CLASSES)
    _load_weights(model, path)

    def heads(x):
        return {"species": model(x, training=False), "attributes": tf.zeros((tf.shape(x)[0], 0))}

    infer = _function(heads, _INCEPTION_SIZE, antialias=False)
    network = f"Keras Inception-v3, {_INCEPTION_CLASSES} classes, {_INCEPTION_SIZE} px"
    return Classifier(network, _digest(content), None, [], [], infer)


def _function(heads: Callable, size: int, antialias: bool = True) -> Callable:
    """One graph: resize to `size` (no low-pass for Inception, whose protocol has none), heads."""

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    def infer(pictures):
        resized = tf.image.resize(to_float(pictures), (size, size), antialias=antialias)
        return heads(resized)

    return lambda pictures: {k: v.numpy() for k, v in infer(pictures).items()}


def _load_weights(model: keras.Model, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that the file lacks, and leaves them at random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: not weights of this network ({first[:200]})") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
