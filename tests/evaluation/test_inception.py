"""The graph of 2015 on a small one with the same names, hostile graphs, and Keras' Inception."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.evaluation import graph_def, inception
from misc.evaluation.features import BATCH, load
from misc.evaluation.graph_def import read_graph
from misc.evaluation.resize import tf1

WIDTH, CLASSES = 6, 4
NAMES = ("ExpandDims", "pool_3", "softmax/logits/MatMul")
RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(size=(5, 5, 3, 3)).astype(np.float32) / 5
NORM = RANDOM.uniform(0.5, 2, (4, 3)).astype(np.float32)  # mean, variance, beta, gamma
LAST = RANDOM.normal(size=(WIDTH, CLASSES)).astype(np.float32)


def add(graph, name, op, *inputs, **attributes):
    """A node; TensorFlow itself would no longer make one of 2015."""
    node = graph.node.add(name=name, op=op, input=inputs, device="/gpu:7")
    for key, value in attributes.items():
        attribute = node.attr[key]
        if isinstance(value, tf.DType):
            attribute.type = value.as_datatype_enum
        elif isinstance(value, np.ndarray):
            attribute.tensor.CopyFrom(tf.make_tensor_proto(value))
        elif isinstance(value, list):
            attribute.list.i.extend(value)
        elif isinstance(value, str):
            attribute.s = value.encode()
        else:
            setattr(attribute, {bool: "b", int: "i", float: "f"}[type(value)], value)
    return node


def constant(graph, name, value, dtype=np.float32):
    value = np.asarray(value, dtype)
    return add(graph, name, "Const", dtype=tf.as_dtype(value.dtype), value=value)


def tiny_graph():
    """The input path of Inception, one convolution as it has them, its last layers."""
    graph, kind = tf.compat.v1.GraphDef(), {"T": tf.float32}
    graph.versions.producer = 8  # the graph of 2015 is as old
    add(graph, "DecodeJpeg/contents", "Placeholder", dtype=tf.string)
    add(graph, "DecodeJpeg", "DecodeJpeg", "DecodeJpeg/contents", channels=3)
    add(graph, "Cast", "Cast", "DecodeJpeg", SrcT=tf.uint8, DstT=tf.float32)
    constant(graph, "ExpandDims/dim", 0, np.int32)
    add(graph, "ExpandDims", "ExpandDims", "Cast", "ExpandDims/dim", **kind)
    constant(graph, "ResizeBilinear/size", [299, 299], np.int32)
    add(graph, "ResizeBilinear", "ResizeBilinear", "ExpandDims", "ResizeBilinear/size", **kind)
    constant(graph, "Sub/y", 128)
    add(graph, "Sub", "Sub", "ResizeBilinear", "Sub/y", **kind)
    constant(graph, "Mul/y", 1 / 128)
    add(graph, "Mul", "Mul", "Sub", "Mul/y", **kind)
    constant(graph, "conv/params", KERNEL)
    strides = {"strides": [1, 49, 49, 1], "padding": "VALID"}
    add(graph, "conv/Conv2D", "Conv2D", "Mul", "conv/params", **strides, **kind)
    for name, value in zip(("mean", "variance", "beta", "gamma"), NORM, strict=True):
        constant(graph, f"conv/{name}", value)
    norms = [f"conv/{name}" for name in ("mean", "variance", "beta", "gamma")]
    facts = {"variance_epsilon": 0.001, "scale_after_normalization": False}
    norm = "BatchNormWithGlobalNormalization"
    add(graph, "conv/batchnorm", norm, "conv/Conv2D", *norms, **facts, **kind)
    add(graph, "conv/CheckNumerics", "CheckNumerics", "conv/batchnorm", message="", **kind)
    passed = ("conv/batchnorm", "^conv/CheckNumerics")
    add(graph, "conv/control_dependency", "Identity", *passed, **kind)
    add(graph, "conv", "Relu", "conv/control_dependency", **kind)
    constant(graph, "join/concat_dim", 3, np.int32)
    add(graph, "join", "Concat", "join/concat_dim", "conv", "conv", N=2, **kind)
    pool = {"ksize": [1, 7, 7, 1], "strides": [1, 1, 1, 1], "padding": "VALID"}
    add(graph, "pool_3", "AvgPool", "join", **pool, **kind)
    constant(graph, "pool_3/_reshape/shape", [1, WIDTH], np.int32)  # for one picture alone
    add(graph, "pool_3/_reshape", "Reshape", "pool_3", "pool_3/_reshape/shape", **kind)
    constant(graph, "softmax/weights", LAST)
    factors = ("pool_3/_reshape", "softmax/weights")
    add(graph, "softmax/logits/MatMul", "MatMul", *factors, **kind)
    return graph


def node_of(graph, name):
    return next(node for node in graph.node if node.name == name)


@pytest.fixture
def written(tmp_path):
    """`written(graph)` -> the path of a file of it."""

    def write(graph):
        path = tmp_path / "classify_image_graph_def.pb"
        path.write_bytes(graph.SerializeToString())
        return path

    return write


@pytest.fixture
def pictures():
    return np.random.default_rng(3).integers(0, 256, (3, 40, 64, 3), np.uint8)


def by_hand(resized):
    """What the small graph computes, from pictures of 299 px."""
    x = (resized.astype(np.float64) - 128) / 128
    windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), (1, 2))[:, ::49, ::49]
    x = np.einsum("nhwcij,ijco->nhwo", windows, KERNEL.astype(np.float64))
    mean, variance, beta, _ = NORM.astype(np.float64)  # gamma is there, but not used
    x = np.maximum((x - mean) / np.sqrt(variance + 0.001) + beta, 0)
    features = np.tile(x.mean(axis=(1, 2)), 2)
    powers = np.exp(features @ LAST)
    return features, powers / powers.sum(axis=1, keepdims=True)


def test_features_and_probabilities_of_the_small_graph(written, pictures):
    network = load("inception-2015", str(written(tiny_graph())))
    assert network.judge == "inception-2015-tf1" and len(network.digest) == 64
    assert network.note == "not run against the real file"
    assert (network.width, network.classes, network.size) == (WIDTH, CLASSES, 299)
    found = network(pictures)
    features, probabilities = by_hand(tf1(pictures, 299))
    np.testing.assert_allclose(found.features, features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, probabilities, rtol=1e-4)


def test_our_input_path_is_that_of_the_graph_layer_by_layer(written, pictures):
    # Published numbers feed whole pictures, which the graph resizes; ours come resized.
    path = written(tiny_graph())
    whole, _ = read_graph(path, *NAMES, pictures.shape)
    ours, _ = read_graph(path, *NAMES, (3, 299, 299, 3))
    resized = tf1(pictures, 299)
    layers = [f"{name}:0" for name in ("ResizeBilinear", "Sub", "Mul", "conv", "pool_3")]
    with tf.compat.v1.Session(graph=whole.graph) as session:
        expected = session.run(layers, {"ExpandDims:0": pictures})
    with tf.compat.v1.Session(graph=ours.graph) as session:
        found = session.run(layers, {"ExpandDims:0": resized})
    np.testing.assert_array_equal(found[0], resized)
    np.testing.assert_allclose(found[1], resized - 128)
    np.testing.assert_allclose(found[2], (resized - 128) / 128)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_the_wanted_tensors_do_not_need_is_left_out(written):
    graph = tiny_graph()
    add(graph, "steal", "WriteFile", "DecodeJpeg/contents", "DecodeJpeg/contents")
    constant(graph, "large", np.zeros(1)).attr["value"].tensor.tensor_shape.dim[0].size = 2**40
    pooled, _ = read_graph(written(graph), *NAMES, (1, 299, 299, 3))
    names = {operation.name for operation in pooled.graph.get_operations()}
    assert "steal" not in names and "DecodeJpeg" not in names and "large" not in names
    assert not any(operation.device for operation in pooled.graph.get_operations())


def hidden_write(graph):
    constant(graph, "file", 0)
    add(graph, "steal", "WriteFile", "file", "file")
    node_of(graph, "conv").input.append("^steal")


def splat(graph):
    node_of(graph, "conv/params").attr["value"].tensor.tensor_shape.dim[0].size = 2**40


def huge_resize(graph):
    size = tf.make_tensor_proto(np.array([60_000, 60_000], np.int32))
    node_of(graph, "ResizeBilinear/size").attr["value"].tensor.CopyFrom(size)


def fed_from_without(graph):
    node_of(graph, "conv").input[0] = "elsewhere:0"
    add(graph, "elsewhere", "Placeholder", dtype=tf.float32)


@pytest.mark.parametrize(
    "change, line",
    [
        (hidden_write, "its node 'steal' is a 'WriteFile', which is not allowed"),
        (fed_from_without, "its node 'elsewhere' is a 'Placeholder', which is not allowed"),
        (lambda g: g.library.function.add(), "a library in it has field 1"),
        (lambda g: node_of(g, "conv").attr["f"].func.MergeFromString(b""), "has field 10"),
        (splat, "unfolds to far more than its own size"),
        (huge_resize, "its 'ResizeBilinear:0' would have the shape"),
        (lambda g: g.node.append(g.node[0]), "two nodes of one name"),
        (lambda g: node_of(g, "conv").input.append("^nobody"), "it has no node 'nobody'"),
        (lambda g: g.node.remove(node_of(g, "pool_3")), "it has no node 'pool_3'"),
        (lambda g: g.node.remove(node_of(g, NAMES[2])), "it has no product 'softmax/logits"),
        (lambda g: node_of(g, "conv").attr.clear(), "is damaged or not what its name says"),
    ],
)
def test_hostile_and_damaged_graphs_are_refused(written, change, line):
    graph = tiny_graph()
    change(graph)
    with pytest.raises(UserError, match=line):
        read_graph(written(graph), *NAMES, (1, 299, 299, 3))


@pytest.mark.parametrize(
    "content, line",
    [
        (b"", "is empty"),
        (b"\x0a\x00" * (graph_def.MOST_FIELDS + 1), "unfolds to far more"),
        (b"\x0a\x7f", "ends too early"),
        (b"\x0a\xff", "ends too early"),
        (b"\x0a" + b"\xff" * 11, "a number of more than ten bytes"),
        (b"\x0b", "is damaged or not what its name says"),  # a group, which nobody writes
        (b"GIF89a", "has field"),
    ],
)
def test_other_bytes_are_refused(tmp_path, content, line):
    (tmp_path / "graph.pb").write_bytes(content)
    with pytest.raises(UserError, match=line):
        read_graph(tmp_path / "graph.pb", *NAMES, (1, 299, 299, 3))


def test_a_file_that_is_too_large_or_not_there(written, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load("inception-2015", str(tmp_path / "nothing.pb"))
    monkeypatch.setattr(graph_def, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match="it has [0-9,]+ bytes"):
        read_graph(written(tiny_graph()), *NAMES, (1, 299, 299, 3))


def test_a_graph_that_cannot_be_run_is_one_line(written):
    graph = tiny_graph()
    node_of(graph, "Mul/y").attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32("inf")))
    network = inception.load_graph(written(graph), 2)
    with pytest.raises(UserError, match=r"def\.pb: this graph cannot be run \(.*CheckNumerics"):
        network.infer(np.zeros((2, 299, 299, 3), np.float32))


def test_weights_of_classes_that_do_not_fit(written):
    graph = tiny_graph()
    narrow = tf.make_tensor_proto(np.zeros((WIDTH - 1, CLASSES), np.float32))
    node_of(graph, "softmax/weights").attr["value"].tensor.CopyFrom(narrow)
    with pytest.raises(UserError, match="do not belong together; expected classify_image_graph"):
        load("inception-2015", str(written(graph)))


def test_what_is_not_given_is_fetched(written, monkeypatch):
    path, asked = written(tiny_graph()), []
    monkeypatch.setattr(inception, "fetch", lambda source: asked.append(source) or path)
    assert load("inception-2015").width == WIDTH and asked == [inception.GRAPH]
    with pytest.raises(UserError, match="not a weights file, expected HDF5"):
        load("inception-v3")
    assert asked[1] == inception.KERAS
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load("inception-v3", "nothing.h5")


@pytest.mark.slow
def test_keras_inception_from_files_of_both_formats(tmp_path, pictures):
    keras.utils.set_random_seed(0)
    model = keras.applications.InceptionV3(weights=None)
    model.save_weights(tmp_path / "now.weights.h5")
    model.save(tmp_path / "then.h5")  # as the official file
    pool = keras.Model(model.input, model.get_layer("avg_pool").output)
    shown = np.random.default_rng(0).integers(0, 256, (2, 299, 299, 3), np.uint8)
    for name in ("now.weights.h5", "then.h5"):
        network = load("inception-v3", str(tmp_path / name))
        assert network.judge == "inception-v3-clean" and network.width == 2048
        found, x = network(shown), shown / np.float32(127.5) - 1
        np.testing.assert_allclose(found.features, pool(x, training=False), atol=1e-4)
        np.testing.assert_allclose(found.probabilities, model(x, training=False), atol=1e-5)
        assert len(network(pictures).features) == 3 < BATCH


@pytest.mark.slow
def test_weights_of_another_network_are_no_inception(tmp_path):
    small = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(UserError, match="not weights of this network"):
        load("inception-v3", str(tmp_path / "small.weights.h5"))
