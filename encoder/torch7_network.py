"""A char-CNN-RNN in a Torch7 file, as Reed et al. published theirs: taken apart and checked.

The file says how the encoder is built (HybridCNN or HybridCNNLong, FixedRNN or FixedGRU, at any
widths). Nothing of that is taken for granted: what our layers do not compute is refused by name.
"""

import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from encoder.alphabet import ALPHABET
from misc.data.torch7 import read_t7
from misc.data.untrusted import Refused, refusals

EXPECTED = "a char-CNN-RNN text encoder as Reed et al. published theirs, saved by Torch7"
LAYERS = ["Identity", "Sequential", "SplitTable", "gModule", "Dropout", "Linear"]
CONVOLVED = ["TemporalConvolution", "Threshold", "TemporalMaxPooling"]
POOLS = (3, 3, 2)  # steps by which they move
FRAMES = 4  # that a convolution sees
RECURRENCES = {2: "rnn", 6: "gru"}  # by how many linear maps they have


class Linear(NamedTuple):
    """An affine map: weight float32 (out, in), bias float32 (out,)."""

    weight: np.ndarray
    bias: np.ndarray


class Torch7Network(NamedTuple):
    """What a file holds of a text encoder.

    Attributes:
      convolutions: three `Linear`s of weight (out, 4 in), frame by frame.
      recurrence: "rnn" or "gru".   steps: 8 or 18.
      maps: its `Linear`s by their first use: W, U of the rnn; W, Wz, Uz, Wr, Ur, U of the gru.
      graph: the recurrent network as the file has it, for `run`.
      output: the last `Linear`.
      iteration: updates it was trained for, 0 if the file does not say.
    """

    convolutions: list[Linear]
    recurrence: str
    steps: int
    maps: list[Linear]
    graph: dict
    output: Linear
    iteration: int


def read_network(path: str | Path) -> Torch7Network:
    """Read a checkpoint of the published training (protos.enc_doc), or a network saved alone.

    Raises: UserError as `read_t7`, and for any other structure, shape or number than expected.
    """
    path = Path(path)
    with refusals(path, EXPECTED):
        value = read_t7(path)
        if not isinstance(value, dict):
            raise Refused("it holds no network")
        network = value["protos"].get("enc_doc") if "protos" in value else value
        _expect("the outermost module", _kind(network), "gModule")
        layers = _chain(network)
        _expect("its layers", [_kind(layer) for layer in layers], LAYERS)
        _, trunk, split, recurrent, dropout, output = layers
        convolutions, steps = _convolutions(trunk["modules"])
        _expect("the dimension that is split", split["dimension"], 2)
        # The first version of nn.Dropout scales what passes in evaluation, the second in training.
        if not dropout.get("v2"):
            _expect("the rate of its first-version nn.Dropout", dropout["p"], 0)
        width = len(convolutions[2].bias)
        recurrence, maps = _maps(recurrent, steps, width)
        iteration = value.get("i", 0)
        return Torch7Network(
            convolutions,
            recurrence,
            steps,
            maps,
            recurrent,
            _linear(output, "the last layer", (None, width)),
            iteration if type(iteration) is int and 0 <= iteration < 2**31 else 0,
        )


def run(graph: dict, inputs: list[np.ndarray]) -> np.ndarray:
    """What a checked recurrent network of a file makes of float (n, width) a step; in NumPy."""
    values = {}
    for data in _nodes(graph):
        given = [values[id(parent)] for parent in _parents(data)]
        if "module" in data:
            value = _OPERATIONS[_kind(data["module"])](data["module"], *given)
        elif "selectindex" in data:
            value = given[0][data["selectindex"] - 1]
        else:  # inputs, or what comes in is handed on
            value = given[0] if given else inputs
        values[id(data)] = value
    return value


_OPERATIONS = {
    "Identity": lambda module, x: x,
    "Sequential": lambda module, x: _affine(module["modules"][0], x),
    "ReLU": lambda module, x: np.maximum(x, 0),
    "Sigmoid": lambda module, x: 1 / (1 + np.exp(-x)),
    "Tanh": lambda module, x: np.tanh(x),
    "CAddTable": lambda module, *xs: sum(xs),
    "CMulTable": lambda module, *xs: math.prod(xs),
    "MulConstant": lambda module, x: x * float(module["constant_scalar"]),
    "AddConstant": lambda module, x: x + float(module["constant_scalar"]),
}


def _affine(module, x):
    return x @ module["weight"].T + module["bias"]


def _expect(what, found, expected):
    if found != expected:
        raise Refused(f"{what}: {_listed(found)}, expected {_listed(expected)}")


def _listed(value):
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:300]


def _kind(module):
    """Its class without the package: cudnn.ReLU is nn.ReLU on another device."""
    name = module.get("torch_typename") if isinstance(module, dict) else None
    return name.rpartition(".")[2] if name else "no module"


def _nodes(graph):
    """Data of a graph's nodes, each after those that it needs.

    `forwardnodes` is in every file and says how the modules are wired; `modules`, which newer ones
    have too, is the same in other words.
    """
    return [node["data"] for node in graph["forwardnodes"]]


def _parents(data):
    """Data of the nodes that feed one, in order; nngraph's table leads from numbers and back."""
    numbered = {key: value for key, value in data.get("mapindex", []) if type(key) is int}
    return [numbered[number] for number in range(1, len(numbered) + 1)]


def _chain(graph):
    """Modules of a graph without branches, from its input to its output."""
    nodes = _nodes(graph)
    for before, data in zip(nodes, nodes[1:], strict=False):
        parents = _parents(data)
        if len(parents) != 1 or parents[0] is not before:
            raise Refused("its layers do not follow one another")
    return [data["module"] for data in nodes[1:-1]]


def _convolutions(modules):
    """The three convolutions, and the steps that they leave."""
    kinds = [_kind(module) for module in modules]
    steps = 18 if len(kinds) == 8 else 8  # HybridCNNLong lacks the third pooling
    _expect("its convolutions", kinds, (CONVOLVED * 3)[: 8 if steps == 18 else 9])
    found, channels = [], len(ALPHABET)
    for number, module in enumerate(modules[::3], 1):
        what = f"convolution {number}"
        # cuDNN's class has the width in kW, and the length, and the like, in kH.
        length, stride = (module.get(c + "H", module[c + "W"]) for c in "kd")
        _expect(f"frames of {what}", length, FRAMES)
        _expect(f"stride of {what}", stride, 1)
        _expect(f"padding of {what}", module.get("padH", 0), 0)
        found.append(_linear(module, what, (None, FRAMES * channels)))
        channels = len(found[-1].bias)
    for number, module in enumerate(modules[1::3], 1):
        _expect(f"threshold {number}", [module["threshold"], module["val"]], [1e-6, 0])
    for number, (module, stride) in enumerate(zip(modules[2::3], POOLS, strict=False), 1):
        _expect(f"pooling {number}", [module["kW"], module["dW"]], [3, stride])
    return found, steps


def _maps(recurrent, steps, width):
    """Which recurrence it is, and its different linear maps in the order of their first use."""
    _expect("the steps of its recurrence", recurrent["nInputs"], steps)
    modules = [data["module"] for data in _nodes(recurrent) if "module" in data]
    maps = {}
    for module in modules:
        if _kind(module) == "Sequential":
            _expect("a map of its recurrence", [_kind(m) for m in module["modules"]], ["Linear"])
            linear = _linear(module["modules"][0], "a map of its recurrence", (width, width))
            # The steps share theirs, in one storage or, in some files, as copies.
            maps[linear.weight.tobytes(), linear.bias.tobytes()] = linear
    if len(maps) not in RECURRENCES:
        raise Refused(
            f"its recurrence has {len(maps)} different linear maps, expected 2 (FixedRNN) or "
            "6 (FixedGRU)"
        )
    recurrence = RECURRENCES[len(maps)]
    found, expected = Counter(map(_kind, modules)), _counts(recurrence, steps)
    for kind in sorted(found | expected):
        _expect(f"modules nn.{kind} of its {recurrence}", found[kind], expected[kind])
    return recurrence, list(maps.values())


def _counts(recurrence, steps):
    """How many modules of each kind the published recurrences have; the output is a mean."""
    later = steps - 1  # the first step knows no state
    if recurrence == "rnn":
        kinds = {"Sequential": 1 + 2 * later, "ReLU": steps, "CAddTable": 2 * later}
        return Counter(kinds | {"Identity": steps, "MulConstant": 1})
    kinds = {"Sequential": 1 + 6 * later, "Tanh": steps, "Sigmoid": 2 * later}
    kinds |= {"CAddTable": 5 * later, "CMulTable": 3 * later, "AddConstant": later}
    return Counter(kinds | {"Identity": steps, "MulConstant": steps})


def _linear(module, what, shape):
    """Weight and bias of a module; `shape` of the weight, None where the file decides."""
    weight, bias = module["weight"], module.get("bias")
    if weight.ndim != 2 or any(
        n not in (None, m) for n, m in zip(shape, weight.shape, strict=True)
    ):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise Refused(f"{what} has weights of shape {weight.shape}, expected ({expected})")
    if bias is None or bias.shape != weight.shape[:1]:
        raise Refused(f"{what} has no bias of {len(weight)} numbers")
    with np.errstate(over="ignore"):  # what is too large for float32 is found below
        found = Linear(weight.astype(np.float32), bias.astype(np.float32))
    if not all(np.isfinite(array).all() for array in found):
        raise Refused(f"{what} holds other values than finite numbers")
    return found
