"""Reads a frozen GraphDef of TensorFlow: a network as a file, and a program unless it is checked.

A graph may hold operations that read and write files or call out; a message of two bytes may
unfold to a hundred in memory, a constant of ten bytes to gigabytes. So the file's fields are
counted before they are parsed, only what the wanted tensors need is taken out of it, and every
operation of that must be one that computes numbers from numbers.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow as tf

from misc.data.untrusted import BOMB, GROWTH, Refused, opened, refusals

MOST_BYTES = 1 << 28
MOST_FIELDS = 1 << 18  # Inception has some 50,000
MOST_ELEMENTS = 1 << 23  # of a tensor, by picture; Inception's largest has 1.4 million
OPERATIONS = frozenset(
    """Add AvgPool BatchNormWithGlobalNormalization BiasAdd CheckNumerics Concat ConcatV2 Const
    Conv2D Identity MatMul MaxPool Mul Relu Reshape ResizeBilinear Softmax Squeeze Sub""".split()
)
# What a field of a message holds: another message by its name, or (None) a value. Fields that are
# not here belong to functions, devices' handles and other things that no network's file needs.
_FIELDS = {
    "graph": {1: "node", 2: "library", 3: None, 4: "versions"},
    "library": {},
    "versions": {1: None, 2: None, 3: None},
    "node": {1: None, 2: None, 3: None, 4: None, 5: "attribute"},
    "attribute": {1: None, 2: "value"},
    "value": {1: "list", 2: None, 3: None, 4: None, 5: None, 6: None, 7: "shape", 8: "tensor"},
    "list": {2: None, 3: None, 4: None, 5: None, 6: None, 7: "shape"},
    "shape": {2: "size", 3: None},
    "size": {1: None, 2: None},
    "tensor": {2: "shape"} | dict.fromkeys((1, 3, 4, 5, 6, 7, 8, 10, 11, 13)),
}
_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}


def read_graph(
    path: Path, source: str, features: str, product: str, shape: tuple[int, ...]
) -> tuple[tf.Tensor, tf.Tensor]:
    """The part of a file's graph from a tensor to features, and the weights of their classes.

    Args:
      source: the node to feed, float32 of `shape`, whatever the file computes it from.
      features: the node whose output is wanted.
      product: a matrix product, whose second factor is wanted, and nothing else of it.
    Returns: both tensors, in a graph in which `source`:0 is a placeholder.
    Raises: UserError if the file is missing, damaged or larger than 256 MiB, lacks a node, or what
      is wanted of it asks for an operation that is not among `OPERATIONS` or for sizes that no
      network has. Nothing of it has run by then.
    """
    expected = "a frozen GraphDef of Inception, such as classify_image_graph_def.pb"
    with refusals(path, expected), opened(path) as content:
        if len(content) > MOST_BYTES:
            raise Refused(f"it has {len(content):,} bytes")
        _count_fields(content)
        whole = tf.compat.v1.GraphDef.FromString(content[:])
        nodes = {node.name: node for node in whole.node}
        if len(nodes) < len(whole.node):
            raise Refused("it has two nodes of one name")
        if product not in nodes or len(nodes[product].input) != 2:
            raise Refused(f"it has no product {product!r}")
        weights = _node_of(nodes[product].input[1])
        part = tf.compat.v1.GraphDef(versions=whole.versions)
        part.node.extend(_needed(nodes, source, (features, weights)))
        fed = part.node.add(name=source, op="Placeholder")
        fed.attr["dtype"].type = tf.float32.as_datatype_enum
        fed.attr["shape"].shape.CopyFrom(tf.TensorShape(shape).as_proto())
        _check_constants(part, GROWTH * len(content))
        graph = tf.Graph()
        with graph.as_default():
            tf.compat.v1.import_graph_def(part, name="")
        _check_shapes(graph, shape[0] * MOST_ELEMENTS)
        return tuple(graph.get_tensor_by_name(f"{name}:0") for name in (features, weights))


def _count_fields(content) -> None:
    """Raises: Refused for more than `MOST_FIELDS` fields, or one that is not in `_FIELDS`."""
    waiting, count = [("graph", 0, len(content))], 0
    while waiting:
        message, place, end = waiting.pop()
        while place < end:
            key, place = _number(content, place, end)
            field, kind = key >> 3, key & 7
            if field not in _FIELDS[message]:
                raise Refused(f"a {message} in it has field {field}, which no network needs")
            count += 1
            if count > MOST_FIELDS:
                raise Refused(BOMB)
            if kind == _VARINT:
                _, place = _number(content, place, end)
                continue
            length, place = (
                _number(content, place, end) if kind == _BYTES else (_FIXED[kind], place)
            )
            if length > end - place:
                raise EOFError
            if kind == _BYTES and (inner := _FIELDS[message][field]):
                waiting.append((inner, place, place + length))
            place += length


def _number(content, place: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = 0
    for i in range(10):
        if place + i >= end:
            raise EOFError
        byte = content[place + i]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, place + i + 1
    raise Refused("it holds a number of more than ten bytes")


def _needed(nodes: dict, source: str, outputs: Iterable[str]) -> Iterator:
    """The nodes that `outputs` depend on, not looking behind `source`."""
    waiting, seen = list(outputs), {source}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in nodes:
            raise Refused(f"it has no node {name[:60]!r}")
        node = nodes[name]
        if node.op not in OPERATIONS:
            raise Refused(f"its node {name[:60]!r} is a {node.op[:60]!r}, which is not allowed")
        node.device = ""
        yield node
        waiting += map(_node_of, node.input)


def _node_of(fed: str) -> str:
    """The node that an input of another one names: ^node, node or node:output."""
    return fed.removeprefix("^").split(":")[0]


def _check_constants(part, budget: int) -> None:
    for node in part.node:
        if node.op != "Const":
            continue
        tensor = node.attr["value"].tensor
        sizes = [size.size for size in tensor.tensor_shape.dim]
        if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
            raise Refused(f"its constant {node.name[:60]!r} has no known shape")
        if tensor.dtype not in (tf.float32.as_datatype_enum, tf.int32.as_datatype_enum):
            raise Refused(f"its constant {node.name[:60]!r} is neither of float32 nor of int32")
        budget -= 4 * math.prod(sizes)
        if budget < 0:
            raise Refused(BOMB)


def _check_shapes(graph: tf.Graph, most: int) -> None:
    """All shapes follow from that of the source, so what a run will take is known before it."""
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            if not tensor.shape.is_fully_defined() or tensor.shape.num_elements() > most:
                raise Refused(f"its {tensor.name[:60]!r} would have the shape {tensor.shape}")
