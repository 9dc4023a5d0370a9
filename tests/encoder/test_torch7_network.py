"""Published encoders in Torch7 files: every part is checked, and what is not ours is refused."""

import numpy as np
import pytest

from encoder.torch7_network import read_network, run
from misc.config.errors import UserError
from misc.data.torch7 import read_t7


@pytest.fixture
def changed(t7_files, write_t7, tmp_path):
    """`changed(change, name="rnn", cuda=False)`: `read_network` of a genuine file, changed.

    `change(layers, value)` is given the six layers and the whole file, and may return another one.
    """

    def read(change, name="rnn", cuda=False):
        value = read_t7(t7_files / f"tiny_charcnn_{name}.t7")
        other = change(value["protos"]["enc_doc"]["modules"], value)
        return read_network(write_t7(tmp_path / "changed.t7", other or value, cuda))

    return read


def modules_of(value, known=None):
    """Every module in a file, once."""
    known, queue = {}, [value]
    for one in queue:
        if isinstance(one, dict | list | tuple) and id(one) not in known:
            known[id(one)] = one
            queue += one.values() if isinstance(one, dict) else one
    return [one for one in known.values() if type(one) is dict and "train" in one]


def trunk(layers):
    return layers[1]["modules"]


def step_maps(layers):
    """The linear maps of the recurrence as its steps use them."""
    steps = [m for m in layers[3]["modules"] if m["torch_typename"] == "nn.Sequential"]
    return [step["modules"][0] for step in steps]


def cudnn(layers, value):
    for module in modules_of(value):
        kind = module["torch_typename"].removeprefix("nn.")
        if kind == "TemporalConvolution":
            module |= {"kW": module["inputFrameSize"], "kH": 4, "dH": 1, "padW": 0, "padH": 0}
        if kind in {"TemporalConvolution", "ReLU", "Sigmoid", "Tanh", "Threshold"}:
            module["torch_typename"] = f"cudnn.{kind}"


def with_activations(layers, value):
    for module in modules_of(value):
        rows = np.ones((2, 3), np.float32)
        module["output"] = [rows, rows] if module["torch_typename"] == "nn.SplitTable" else rows
        module["gradInput"] = rows[:0]


def without_modules(layers, value):
    del layers[3]["modules"], value["protos"]["enc_doc"]["modules"]


def in_doubles(layers, value):
    for module in modules_of(value):
        for name in ("weight", "bias"):
            if name in module:
                module[name] = module[name].astype(np.float64)


def same(found, other):
    assert (found.recurrence, found.steps) == (other.recurrence, other.steps)
    for ours, theirs in zip(
        [*found.convolutions, *found.maps, found.output],
        [*other.convolutions, *other.maps, other.output],
        strict=True,
    ):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)
    states = list(np.random.default_rng(0).normal(size=(found.steps, 2, 5)))
    np.testing.assert_allclose(run(found.graph, states), run(other.graph, states), atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "gru"])
@pytest.mark.parametrize(
    "change",
    [
        lambda layers, value: None,  # written anew: each tensor with a storage of its own
        lambda layers, value: value["protos"]["enc_doc"],  # saved alone, as COCO's
        cudnn,
        with_activations,
        without_modules,
        in_doubles,
    ],
)
def test_other_ways_to_save_the_same(changed, t7_files, change, name):
    same(changed(change, name), read_network(t7_files / f"tiny_charcnn_{name}.t7"))


def test_tensors_of_a_gpu(changed, t7_files):
    found = changed(lambda *_: None, cuda=True)
    assert found.iteration == 1
    same(found, read_network(t7_files / "tiny_charcnn_rnn.t7"))


def extra_layer(layers, value):
    trunk(layers).append(dict(trunk(layers)[1]))


def without_a_pool(layers, value):
    trunk(layers).pop()


def other_kernel(layers, value):
    trunk(layers)[3]["kW"] = 3


def other_stride(layers, value):
    trunk(layers)[0]["dW"] = 2


def padded(layers, value):
    trunk(layers)[0] |= {"kH": 4, "dH": 1, "padH": 1}


def other_pool(layers, value):
    trunk(layers)[8]["dW"] = 3


def other_threshold(layers, value):
    trunk(layers)[4]["threshold"] = 0


def other_alphabet(layers, value):
    trunk(layers)[0]["weight"] = trunk(layers)[0]["weight"][:, :276]


def wide_link(layers, value):
    trunk(layers)[3]["weight"] = np.ones((8, 28), np.float32)


def without_bias(layers, value):
    del layers[5]["bias"]


def no_number(layers, value):
    weight = layers[5]["weight"].copy()
    weight[0, 0] = np.nan
    layers[5]["weight"] = weight


def too_large(layers, value):
    trunk(layers)[0]["bias"] = np.full(6, 1e300)


def third_map(layers, value):
    step_maps(layers)[4]["weight"] = np.ones((5, 5), np.float32)


def narrow_map(layers, value):
    step_maps(layers)[1]["weight"] = np.ones((5, 4), np.float32)


def two_maps_in_one(layers, value):
    sequential = next(m for m in layers[3]["modules"] if m["torch_typename"] == "nn.Sequential")
    sequential["modules"].append(sequential["modules"][0])


def scaling_dropout(layers, value):
    layers[4] |= {"p": 0.5, "v2": False}


def other_order(layers, value):
    nodes = value["protos"]["enc_doc"]["forwardnodes"]
    nodes[5], nodes[6] = nodes[6], nodes[5]


def branching(layers, value):
    nodes = value["protos"]["enc_doc"]["forwardnodes"]
    nodes[3]["data"]["mapindex"] = nodes[2]["data"]["mapindex"]


def fewer_steps(layers, value):
    layers[3]["nInputs"] = 7


def no_encoder(layers, value):
    del value["protos"]["enc_doc"]


def some_sequence(layers, value):
    return layers[1]


@pytest.mark.parametrize(
    "change, reason",
    [
        (extra_layer, "its convolutions: .* Threshold, expected TemporalConvolution, Threshold"),
        (without_a_pool, "the steps of its recurrence: 8, expected 18"),
        (other_kernel, "frames of convolution 2: 3, expected 4"),
        (other_stride, "stride of convolution 1: 2, expected 1"),
        (padded, "padding of convolution 1: 1, expected 0"),
        (other_pool, "pooling 3: 3, 3, expected 3, 2"),
        (other_threshold, "threshold 2: 0, 0, expected 1e-06, 0"),
        (other_alphabet, r"convolution 1 has weights of shape \(6, 276\), expected \(any, 280\)"),
        (wide_link, r"convolution 2 has weights of shape \(8, 28\), expected \(any, 24\)"),
        (without_bias, "the last layer has no bias of 7 numbers"),
        (no_number, "the last layer holds other values than finite numbers"),
        (too_large, "convolution 1 holds other values than finite"),
        (third_map, "its recurrence has 3 different linear maps, expected 2 "),
        (narrow_map, r"a map of its recurrence has weights of shape \(5, 4\), expected \(5, 5\)"),
        (two_maps_in_one, "a map of its recurrence: Linear, Linear, expected Linear"),
        (scaling_dropout, "the rate of its first-version nn.Dropout: 0.5, expected 0"),
        (other_order, "its layers do not follow one another"),
        (branching, "its layers do not follow one another"),
        (fewer_steps, "the steps of its recurrence: 7, expected 8"),
        (no_encoder, "the outermost module: no module, expected gModule"),
        (some_sequence, "the outermost module: Sequential, expected gModule"),
    ],
)
def test_another_structure_is_refused_by_name(changed, change, reason):
    with pytest.raises(UserError, match=f"changed.t7 is refused: {reason}") as caught:
        changed(change)
    assert "\n" not in str(caught.value)


def rename(position, kind):
    """Gives a module of the recurrence another class."""

    def change(layers, value):
        layers[3]["modules"][position]["torch_typename"] = f"nn.{kind}"

    return change


@pytest.mark.parametrize(
    "name, change, reason",
    [
        ("rnn", rename(2, "Tanh"), "modules nn.ReLU of its rnn: 7, expected 8"),
        ("rnn", rename(45, "Identity"), "modules nn.Identity of its rnn: 9, expected 8"),
        ("gru", rename(7, "Tanh"), "modules nn.Sigmoid of its gru: 33, expected 34"),
        ("gru", rename(343, "LogSoftMax"), "modules nn.LogSoftMax of its gru: 1, expected 0"),
    ],
)
def test_another_recurrence_is_refused_by_name(changed, name, change, reason):
    with pytest.raises(UserError, match=reason):
        changed(change, name)


def gateless(layers, value):
    """Every reset gate's maps become the update gate's."""
    maps = step_maps(layers)
    update, reset = maps[1:3], maps[4:6]
    for module in maps:
        for old, new in zip(reset, update, strict=True):
            if module is not old and np.array_equal(module["weight"], old["weight"]):
                module |= {"weight": new["weight"], "bias": new["bias"]}
    for old, new in zip(reset, update, strict=True):
        old |= {"weight": new["weight"], "bias": new["bias"]}


def test_a_missing_gate_is_refused(changed):
    with pytest.raises(UserError, match="has 4 different linear maps, expected 2 .* or 6"):
        changed(gateless, "gru")


def test_files_of_something_else(t7_files):
    with pytest.raises(UserError, match="captions.t7 is refused: the outermost module: no module"):
        read_network(t7_files / "captions.t7")
    with pytest.raises(UserError, match="cub_images.t7 is refused: it holds no network"):
        read_network(t7_files / "cub_images.t7")
    with pytest.raises(UserError, match="nothing.t7 cannot be read"):
        read_network(t7_files / "nothing.t7")
