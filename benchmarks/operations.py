"""The work that a traced graph says: floating point operations, bytes, and memory held at once.

Nothing is run: all comes from the static shapes of the operations that the graph's results and side
effects need, and of the functions that these call. A multiplication and an addition are two
operations; what a convolution multiplies with its padding counts, as usual.
"""

from collections import Counter
from math import prod
from typing import NamedTuple

import tensorflow as tf

# Give another name or shape to what is there already: nothing is moved, nothing allocated.
_NAMES = {"Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "StopGradient"}
_GIVEN = {"Const", "Placeholder", "ReadVariableOp", "NoOp", "VarHandleOp"}  # not by the graph
_CALLS = {"PartitionedCall": "f", "StatefulPartitionedCall": "f"}
_CALLS |= {"While": "body", "StatelessWhile": "body"}
_REDUCE = "CollectiveReduceV2"


class Operations(NamedTuple):
    """What one run of a graph does.

    Attributes: flop: floating point operations of products and convolutions, by their type.
      traffic: bytes that everything else reads and writes, operation by operation.  reduces,
      reduced: all-reduces, and the bytes of one replica that they sum.  held: the most bytes of
      intermediate results that are needed at once if it runs in the order of tracing; variables and
      what is fed are not among them.
    """

    flop: Counter
    traffic: float = 0
    reduces: float = 0
    reduced: float = 0
    held: float = 0

    @property
    def total(self) -> float:
        """Floating point operations in all."""
        return sum(self.flop.values())

    def share(self, replicas: int) -> "Operations":
        """Of one replica, of as many that are alike in one graph."""
        flop = Counter({kind: count / replicas for kind, count in self.flop.items()})
        return Operations(flop, *(number / replicas for number in self[1:]))


def count(graph: tf.Graph) -> Operations:
    """The work of a graph, such as a concrete function's `graph`.

    Raises: ValueError as `products` does, or if any other shape that it needs is not known.
    """
    traffic, reduces, reduced = 0, 0, 0
    inside, needed = {}, _needed(graph)
    for op in needed:
        if op.type in _CALLS:
            body, times = count(_body(op)), _times(op)
            traffic, reduces, reduced = (
                sum_ + times * own
                for sum_, own in zip((traffic, reduces, reduced), body[1:4], strict=True)
            )
            inside[op.name] = body.held
        elif op.type == _REDUCE:
            reduces, reduced = reduces + 1, reduced + _bytes(op.inputs[0])
        elif op.type not in _FLOP:
            traffic += _moved(op)
    return Operations(products(graph), traffic, reduces, reduced, _held(needed, graph, inside))


def products(graph: tf.Graph) -> Counter:
    """Floating point operations of a graph's products and convolutions, by their type.

    Raises: ValueError if a shape or the length of a loop that it needs is not known, or if there is
      a product that it cannot count.
    """
    flop = Counter()
    for op in _needed(graph):
        if op.type in _CALLS:
            body = products(_body(op))
            times = _times(op) if body else 0
            flop.update({kind: times * number for kind, number in body.items()})
        elif op.type in _FLOP:
            flop[op.type] += _FLOP[op.type](op)
        elif any(word in op.type for word in ("Conv", "MatMul", "RNN")):
            raise ValueError(f"{op.name}: operations of {op.type} cannot be counted")
    return flop


def _needed(graph) -> list:
    """Operations that outputs and side effects depend on, in the order of tracing."""
    found, todo = set(), [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    while todo:
        op = todo.pop()
        if op not in found:
            found.add(op)
            todo += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return [op for op in graph.get_operations() if op in found]


def _body(op):
    """The graph of what an operation calls."""
    return op.graph._get_function(op.get_attr(_CALLS[op.type]).name).graph


def _times(op) -> int:
    """How often a call runs: that of a loop is its bound, or that of the loop it is the gradient
    of, as TensorFlow's own loops have it in their second place."""
    if "While" not in op.type:
        return 1
    bound = op.inputs[1]
    while bound.op.type in _NAMES:
        bound = bound.op.inputs[0]
    if "While" in bound.op.type:
        return _times(bound.op)
    # Keras takes the largest of the lengths that it was given, a constant.
    known = tf.get_static_value(bound.op.inputs[0] if bound.op.type == "Max" else bound)
    known = -1 if known is None else known.max()
    if known < 0:
        raise ValueError(f"{op.name}: how often the loop runs is not known")
    return int(known)


def _shape(tensor) -> list[int]:
    if not tensor.shape.is_fully_defined():
        raise ValueError(
            f"{tensor.name}: its shape {tensor.shape} is not known; trace with a fixed batch"
        )
    return tensor.shape.as_list()


def _bytes(tensor) -> int:
    if tensor.dtype in (tf.resource, tf.variant, tf.string):
        return 0
    if tensor.op.type.startswith("FusedBatchNorm") and tensor.value_index == 5:
        return 0  # what only other devices fill
    return prod(_shape(tensor)) * tensor.dtype.size


def _moved(op) -> int:
    if op.type in _NAMES | _GIVEN:
        return 0
    if op.type.startswith("Assign"):  # in place: the variable is no tensor of the graph
        return 3 * sum(map(_bytes, op.inputs))
    return sum(map(_bytes, op.inputs)) + sum(map(_bytes, op.outputs))


def _held(needed: list, graph, inside: dict[str, float]) -> float:
    """The most bytes at once; a buffer goes after the last operation that reads it."""
    place, buffers, last = {op: i for i, op in enumerate(needed)}, {}, {}

    def buffer(tensor):
        while tensor.op.type in _NAMES:
            tensor = tensor.op.inputs[tensor.value_index if tensor.op.type == "IdentityN" else 0]
        return tensor

    for op in needed:
        for tensor in op.inputs:
            last[buffer(tensor).ref()] = place[op]
    last |= {buffer(tensor).ref(): len(needed) for tensor in graph.outputs}
    ends = {}
    now = most = 0
    for i, op in enumerate(needed):
        if op.type not in _NAMES | _GIVEN:
            for tensor in op.outputs:
                buffers[tensor.ref()] = _bytes(tensor)
                now += buffers[tensor.ref()]
                ends.setdefault(last.get(tensor.ref(), i), []).append(tensor.ref())
        most = max(most, now + inside.get(op.name, 0))
        now -= sum(buffers[ended] for ended in ends.pop(i, ()))
    return most


def _product(output, *sizes) -> int:
    return 2 * prod(_shape(output)) * prod(sizes)


def _matmul(op) -> int:
    turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
    return _product(op.outputs[0], _shape(op.inputs[0])[-2 if turned else -1])


def _einsum(op) -> int:
    equation = op.get_attr("equation").decode()
    if "." in equation:
        raise ValueError(f"{op.name}: operations of {equation} cannot be counted")
    left, _, right = equation.partition("->")
    sizes = {}
    for labels, tensor in zip(left.split(","), op.inputs, strict=True):
        sizes |= dict(zip(labels, _shape(tensor), strict=True))
    return _product(op.outputs[0], *(n for label, n in sizes.items() if label not in right))


# A kernel is (height, width, channels in a group, filters): each of the filters' results takes all
# of the rest; a depthwise one (height, width, channels, multiplier) takes no channels.
_KERNEL, _DEPTHWISE = slice(3), slice(2)


def _conv(result: str, kernel: str, rest: slice):
    """Operations of a convolution, forwards or either way back: those of what is its result going
    forwards. Args: which tensors these are: "in 2" is the third input."""

    def tensor(op, where):
        side, _, index = where.partition(" ")
        return (op.inputs if side == "in" else op.outputs)[int(index)]

    return lambda op: _product(tensor(op, result), *_shape(tensor(op, kernel))[rest])


_FLOP = {
    "MatMul": _matmul,
    "BatchMatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "BatchMatMulV3": _matmul,
    "Einsum": _einsum,
}
for _name, _rest in (("Conv2D", _KERNEL), ("DepthwiseConv2dNative", _DEPTHWISE)):
    _FLOP |= {
        _name: _conv("out 0", "in 1", _rest),
        f"{_name}BackpropInput": _conv("in 2", "in 1", _rest),
        f"{_name}BackpropFilter": _conv("in 2", "out 0", _rest),
    }
