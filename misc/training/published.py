"""What our networks' variables are called in the ancestors' checkpoints, and how they lie there.

TF1 StackGAN names a variable by its scope, its operation and how many of these came before:
g_net/custom_conv2d_3/custom_conv2d_3/w (as prettytensor 0.7.2 on TensorFlow 0.12.1 does).
StackGAN-Pytorch names it by its module, which each room lists. Within a kind of layers (dense,
conv, deconv, norm) ours come in the order of theirs.
"""

from collections import Counter
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from misc.networks.layers import ConditioningAugmentation, UpConv

KINDS = {
    ConditioningAugmentation: "dense",
    layers.Dense: "dense",
    layers.Conv2D: "conv",
    UpConv: "conv",
    layers.Conv2DTranspose: "deconv",
    layers.BatchNormalization: "norm",
}
OPERATIONS = {
    "dense": "custom_fully_connected",
    "conv": "custom_conv2d",
    "deconv": "custom_deconv2d",
    "norm": "conv_batch_norm",
}
# Our name of a layer's variable: TF1's and StackGAN-Pytorch's.
ROLES = {
    "kernel": ("w", "weight"),
    "bias": ("bias", "bias"),
    "gamma": ("gamma", "weight"),
    "beta": ("beta", "bias"),
    "moving_mean": ("mean", "running_mean"),
    "moving_variance": ("variance", "running_var"),
}


class Entry(NamedTuple):
    """Where a variable's values lie in a file.

    Attributes: variable: ours; shape: theirs; split: the same with an axis parted in two, if need
      be; axes: which axis of `split` is our first, second ...
    """

    variable: keras.Variable
    shape: tuple[int, ...]
    split: tuple[int, ...]
    axes: tuple[int, ...]

    def assign(self, array: np.ndarray) -> None:
        """Give the variable the file's values, an array of `shape`."""
        ours = array.reshape(self.split).transpose(self.axes)
        self.variable.assign(ours.reshape(self.variable.shape))


def by_kind(network: keras.Model) -> dict[str, list]:
    """{kind: the layers of a network that hold variables, in the order they are applied}."""
    found = {kind: [] for kind in OPERATIONS}
    for layer in network.layers:
        if layer.weights:
            found[next(kind for c, kind in KINDS.items() if isinstance(layer, c))].append(layer)
    return found


def tf1_entries(network: keras.Model, scope: str) -> dict[str, Entry]:
    """{name of a tensor in TF1 StackGAN's checkpoints: its place in a network of that scope}."""
    entries, counts = {}, Counter()
    for kind, found in by_kind(network).items():
        for layer in found:
            flat = kind == "norm" and len(layer.input.shape) == 2
            operation = "fc_batch_norm" if flat else OPERATIONS[kind]
            number = counts[operation]
            counts[operation] += 1
            outer = f"{operation}_{number}" if number else operation
            inner = "Linear" if kind == "dense" else "batch_norm" if flat else outer
            for role, variable in _variables(layer):
                name = "Matrix" if (kind, role) == ("dense", "kernel") else ROLES[role][0]
                shape = tuple(variable.shape)
                entry = Entry(variable, shape, shape, tuple(range(len(shape))))
                entries[f"{scope}/{outer}/{inner}/{name}"] = entry
    return entries


def torch_entries(network: keras.Model, modules: dict[str, list[str]]) -> dict[str, Entry]:
    """{name of a tensor in StackGAN-Pytorch's state_dicts: its place in a network}.

    Args: modules: {kind: names of the modules of that kind, in the order they are applied}.
    """
    entries = {}
    for kind, found in by_kind(network).items():
        for layer, module in zip(found, modules.get(kind, []), strict=True):
            # The 4x4 seed of Stage-I: there channels come before places, here behind them.
            flat_norm = kind == "norm" and len(layer.input.shape) == 2
            seed = flat_norm or isinstance(layer, layers.Dense)
            for role, variable in _variables(layer):
                entries[f"{module}.{ROLES[role][1]}"] = _torch_entry(variable, seed)
    return entries


def _torch_entry(variable, seed: bool) -> Entry:
    shape = tuple(variable.shape)
    if len(shape) == 4:  # (out, in, height, width) there
        theirs = (shape[3], shape[2], *shape[:2])
        return Entry(variable, theirs, theirs, (2, 3, 1, 0))
    theirs = shape[::-1]  # (out, in), or (out,)
    split = (theirs[0] // 16, 16, *theirs[1:]) if seed else theirs
    return Entry(variable, theirs, split, tuple(range(len(split)))[::-1])


def _variables(layer) -> list[tuple[str, keras.Variable]]:
    layer = getattr(layer, "project", layer)  # what is inside a ConditioningAugmentation
    found = [(role, getattr(layer, role, None)) for role in ROLES]
    return [(role, variable) for role, variable in found if variable is not None]
