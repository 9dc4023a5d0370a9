"""A pretrained network that is ready to look at pictures, and Keras networks made into one."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from misc.config.errors import UserError

_HDF5 = b"\x89HDF\r\n\x1a\n"


class Loaded(NamedTuple):
    """A network with its weights.

    Attributes:
      path: the file of the weights.
      infer: float32 (batch, size, size, 3) in [0, 255] -> features (batch, width), probabilities
        (batch, classes), float32; `batch` was chosen when it was loaded.
    """

    path: Path
    infer: Callable
    size: int
    width: int
    classes: int


def from_keras(model: keras.Model, path: Path, batch: int) -> Loaded:
    """A Keras network that gives [features, probabilities], as one graph for `batch` pictures."""
    size = model.input_shape[1]

    @tf.function(input_signature=[tf.TensorSpec((batch, size, size, 3))])
    def infer(pictures):
        return model(pictures, training=False)

    width, classes = (shape[-1] for shape in model.output_shape)
    return Loaded(path, lambda x: [part.numpy() for part in infer(x)], size, width, classes)


def check_hdf5(path: Path, what: str) -> None:
    """Raises: UserError if `path` is missing or does not begin like HDF5; `what` it should be."""
    try:
        with open(path, "rb") as file:
            begin = file.read(len(_HDF5))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; expected {what}") from error
    if begin != _HDF5:
        raise UserError(f"{path}: not a weights file, expected HDF5 (.h5) of {what}")


def load_weights(model: keras.Model, path: Path) -> None:
    """Fill a network. Raises: UserError if the file is damaged or of another architecture."""
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that the file lacks, and leaves them at random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: not weights of this network ({first[:200]})") from error
