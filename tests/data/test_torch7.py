"""Torch7 files: genuine ones come out whole, no number of a hostile one is believed."""

import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.torch7 import MAX_DEPTH, read_t7

FIXTURES = Path(__file__).parents[1] / "fixtures" / "t7"
RECURSION = sys.getrecursionlimit()


def ints(*numbers):
    return struct.pack(f"<{len(numbers)}i", *numbers)


def longs(*numbers):
    return struct.pack(f"<{len(numbers)}q", *numbers)


def string(text):
    return ints(len(text)) + text


def number(value):
    return ints(1) + struct.pack("<d", value)


def table(index, *items, count=None):
    return ints(3, index, len(items) // 2 if count is None else count) + b"".join(items)


def torch(index, name, payload):
    return ints(4, index) + string(b"V 1") + string(name) + payload


def storage(index, values, count=None, kind=b"Float"):
    content = np.array(values, "<f4").tobytes()
    count = len(values) if count is None else count
    return torch(index, b"torch." + kind + b"Storage", longs(count) + content)


def tensor(index, shape, strides, below, offset=1, kind=b"Float", dimensions=None):
    head = ints(len(shape) if dimensions is None else dimensions) + longs(*shape, *strides, offset)
    return torch(index, b"torch." + kind + b"Tensor", head + below)


THREE = storage(2, [1, 2, 3])


def load(tmp_path, content):
    path = tmp_path / "content.t7"
    path.write_bytes(content)
    return read_t7(path)


def refusal(tmp_path, content):
    with pytest.raises(UserError) as caught:
        load(tmp_path, content)
    message = str(caught.value)
    assert "content.t7" in message and "\n" not in message and len(message) < 400
    return message


def genuine(name):
    return read_t7(FIXTURES / f"{name}.t7")


def test_a_genuine_caption_table():
    found = genuine("captions")
    assert sorted(found) == ["fea_txt", "raw_txt"] and len(found["raw_txt"]) == 3
    assert found["raw_txt"][0] == "this vibrant red bird has a pointed black beak"
    assert [row.shape for row in found["fea_txt"]] == [(1, 16)] * 3
    assert found["fea_txt"][1].dtype == np.float32
    assert found["fea_txt"][1][0, :2] == pytest.approx([1.0611578, 0.36631307])


def test_genuine_scalars():
    found = genuine("scalars")
    assert found["list"] == [10, 20, 30] and found["sparse"] == {1: 1, 3: 3}
    assert found["empty"] == [] and found["s"] == "" and found["utf8"] == "caf\xe9"
    assert found["t"] is True and found["f"] is False and found["neg"] == -1
    assert found["d"] == 3.25 and found["big"] == 2**53 and found[0.5] == "half"
    assert [found[1], found[2]] == ["a", "b"]


def test_genuine_tensors_of_every_type():
    types = {name: (array.dtype.name, array.tolist()) for name, array in genuine("types").items()}
    assert types == {
        "byte": ("uint8", [1, 255]),
        "char": ("int8", [-1, 5]),
        "short": ("int16", [-300, 7]),
        "int": ("int32", [-70000, 9]),
        "long": ("int64", [2**40, -1]),
        "float": ("float32", [1.5]),
        "double": ("float64", [1e300]),
        "empty": ("float32", []),
        "storage": ("int64", [4, 5]),
    }
    half = genuine("half")
    assert half.dtype == np.float16 and half.tolist() == [1.5, 2.0]


def test_genuine_pictures_and_captions_of_reed():
    assert genuine("cub_images").shape == (3, 8, 10)
    item = genuine("icml_item")
    assert item["img"] == "001.Some_bird/Some_Bird_0001.jpg"
    assert item["txt"].shape == (10, 16) and item["char"].shape == (201, 10)
    assert item["char"].max() <= 70


def test_a_genuine_network_with_shared_weights_and_cycles():
    network, io = genuine("tiny_charcnn_rnn")["protos"]["enc_doc"], genuine("tiny_charcnn_rnn_io")
    kinds = [module["torch_typename"].split(".")[1] for module in network["modules"]]
    assert kinds == ["Identity", "Sequential", "SplitTable", "gModule", "Dropout", "Linear"]
    linear = network["modules"][5]
    assert linear["weight"].shape[0] == linear["bias"].shape[0] == io["output"].shape[1]
    # All parameters are views of one storage, and the steps of the RNN share theirs.
    assert linear["weight"].base is linear["bias"].base
    steps = network["modules"][3]["modules"]
    first, second = (steps[k]["modules"][0]["weight"] for k in (1, 4))
    assert np.shares_memory(first, second) and np.array_equal(first, second)
    # nngraph keeps a node's children as {number: node, node: number}.
    children = network["forwardnodes"][0]["children"]
    (child,) = (value for key, value in children if key == 1)
    assert any(child is key for key, _ in children)
    assert any(child is node for node in network["forwardnodes"])


@pytest.mark.parametrize(
    "name, reason",
    [
        ("ascii", "ASCII format"),
        ("bigendian", "it is big-endian"),
        ("long4", "4-byte longs"),
        ("func", "Lua function, which is a program"),
    ],
)
def test_other_variants_are_refused_with_the_reason(name, reason):
    with pytest.raises(UserError, match=rf"{name}\.t7 is refused: .*{reason}"):
        genuine(name)


def test_views_of_one_storage_share_it(tmp_path):
    again = tensor(4, (3,), (1,), ints(4, 2))
    views = table(9, number(1), tensor(1, (3, 1), (1, 1), THREE), number(2), again)
    first, second = load(tmp_path, views)
    assert first.tolist() == [[1], [2], [3]] and np.shares_memory(first, second)
    assert not first.flags.writeable


def test_cuda_tensors_are_arrays(tmp_path):
    for kind in (b"Cuda", b"CudaDouble", b"CudaLong", b"CudaHalf"):
        size = {b"CudaDouble": 2, b"CudaLong": 2, b"CudaHalf": 0.5}.get(kind, 1)
        below = storage(2, [0, 1, 0, 1], int(4 / size), kind)
        assert load(tmp_path, tensor(1, (2,), (1,), below, kind=kind)).shape == (2,)


def test_text_that_is_not_utf8_is_latin1(tmp_path):
    assert load(tmp_path, ints(2) + string(b"caf\xe9")) == "caf\xe9"


def test_cycles_are_read_and_end(tmp_path):
    own = load(tmp_path, table(1, number(1), ints(3, 1)))
    assert own[0] is own
    own = load(tmp_path, torch(1, b"nn.Own", table(2, ints(2) + string(b"me"), ints(4, 1))))
    assert own["me"] is own and own["torch_typename"] == "nn.Own"


def test_tables_as_keys_become_pairs(tmp_path):
    ((key, value),) = load(tmp_path, table(1, table(2), number(7)))
    assert key == [] and value == 7


@pytest.mark.parametrize(
    "content, reason",
    [
        (tensor(1, (4,), (1,), THREE), "reaches to element 4 of a storage of 3"),
        (tensor(1, (3,), (1,), THREE, offset=2), "reaches to element 4"),
        (tensor(1, (3,), (1,), THREE, offset=0), "no tensor has"),
        (tensor(1, (3,), (1,), THREE, offset=-(2**62)), "no tensor has"),
        (tensor(1, (2, 2), (2, 1), THREE), "reaches to element 4"),
        (tensor(1, (2,), (-1,), THREE, offset=3), "no tensor has"),
        (tensor(1, (2,), (2**61,), THREE), "no tensor has"),
        (tensor(1, (2**60,), (0,), THREE), "4-byte longs"),
        (tensor(1, (-3,), (1,), THREE), "4-byte longs"),
        (tensor(1, (0,), (1,), THREE), "of the sizes"),
        (tensor(1, (2000, 2000), (0, 0), THREE), "more than its own size"),
        (tensor(1, (3,), (1,), ints(0)), "without a storage"),
        (tensor(1, (3,), (1,), ints(4, 1)), "without a storage"),
        (tensor(1, (3,), (1,), THREE, kind=b"Double"), "without a storage of its type"),
        (tensor(1, (1,), (1,), tensor(2, (3, 1), (1, 1), storage(3, [1, 2, 3]))), "a storage"),
        (tensor(1, (), (), ints(0), dimensions=2**30), "of 1073741824 dimensions"),
        (tensor(1, (), (), ints(0), dimensions=-1), "of -1 dimensions"),
        (tensor(1, (1,) * 40, (1,) * 40, THREE), "of 40 dimensions"),
        (storage(1, [1.0], 2**60), "announces 1152921504606846976 items of 4 bytes"),
        (storage(1, [1.0], -1), "announces -1 items"),
        (storage(1, [1.0], 2), "announces 2 items"),
        (table(1, count=2**31 - 1), "a table of 2147483647"),
        (table(1, count=-1), "a table of -1"),
        (table(1, number(1), number(2), count=4), "a table of 4"),
        (ints(2, 2**31 - 1), "announces 2147483647 items"),
        (ints(2, -1), "announces -1 items"),
        (ints(6, 1, 4) + b"code", "Lua function"),
        (ints(7, 1, 4) + b"code", "Lua function"),
        (table(1, number(1), ints(8, 2, 4) + b"code"), "Lua function"),
        (ints(9), "unknown type 9"),
        (ints(-1), "unknown type -1"),
        (number(1) + b"more", "4 bytes follow"),
        (torch(1, b"nn.Linear", number(1)), "'nn.Linear' without named fields"),
        (torch(1, b"nn.\x1b[2J", ints(4, 1)), r"'nn.\x1b[2J' without"),
        (torch(1, b"nn.Linear", table(2, table(3), number(1))), "without named fields"),
        (torch(1, b"tds.Vec", ints(2**31 - 1, 0)), "announces 1 items"),
        (ints(4, 1) + string(b"V inf") + string(b"nn.A"), "damaged"),
    ],
)
def test_what_does_not_fit_the_file_is_refused(tmp_path, content, reason):
    assert reason in refusal(tmp_path, content)


def test_a_tensor_that_repeats_itself_is_no_storage(tmp_path):
    # Taken for a storage of 100 elements, this view of one would lead out of the file.
    repeated = tensor(3, (100,), (0,), storage(4, [1.0]))
    content = tensor(1, (100,), (1,), repeated)
    assert "damaged" in refusal(tmp_path, content)


def test_many_views_of_one_storage_do_not_add_up(tmp_path):
    big = tensor(1, (4000,), (1,), storage(2, [0.0] * 4000))
    views = [number(1), big]
    for index in range(3, 1500):
        views += [number(index), tensor(index, (4000,), (1,), ints(4, 2))]
    assert isinstance(load(tmp_path, table(0, *views[:40])), dict)
    assert "more than its own size" in refusal(tmp_path, table(0, *views))


def test_nesting(tmp_path):
    def nested(levels):
        return b"".join(table(k, count=1) + number(1) for k in range(levels)) + ints(0)

    assert load(tmp_path, nested(MAX_DEPTH - 10))
    assert "deeper" in refusal(tmp_path, nested(MAX_DEPTH + 10))
    objects = b"".join(torch(k, b"nn.A", b"") for k in range(100_000))
    assert "deeper" in refusal(tmp_path, objects)
    assert sys.getrecursionlimit() == RECURSION


def test_a_long_chain_of_references_is_walked_without_recursion(tmp_path):
    # Depth is counted while reading; a cycle through many tables is deep only afterwards.
    rows = [x for k in range(1, 5000) for x in (number(k), table(k, number(1), ints(3, k - 1)))]
    assert len(load(tmp_path, table(0, *rows))) == 4999


def test_a_file_cut_anywhere_is_a_user_error(tmp_path):
    for name in ("captions", "types"):
        content = (FIXTURES / f"{name}.t7").read_bytes()
        for length in range(len(content)):
            refusal(tmp_path, content[:length])


def test_a_count_of_2_to_the_60_allocates_nothing(tmp_path):
    tracemalloc.start()
    try:
        refusal(tmp_path, storage(1, [1.0], 2**60))
        refusal(tmp_path, tensor(1, (2**60,), (1,), THREE))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_no_t7_file_at_all(tmp_path):
    assert "empty" in refusal(tmp_path, b"")
    refusal(tmp_path, b"<!DOCTYPE html><html>404</html>")
    with pytest.raises(UserError, match=r"nowhere\.t7 cannot be read"):
        read_t7(tmp_path / "nowhere.t7")
    with pytest.raises(UserError, match="cannot be read"):
        read_t7(tmp_path)
