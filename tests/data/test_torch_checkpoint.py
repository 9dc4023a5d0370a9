"""PyTorch checkpoints: PyTorch's own come out whole, made-up ones are refused."""

import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.torch_checkpoint import read_checkpoint

FIXTURES = Path(__file__).parents[1] / "fixtures" / "torch"
FOUR = {"0": np.arange(4, dtype="<f4").tobytes()}


# A checkpoint is put together from opcodes, since no PyTorch is here to write a wrong one.


def plain(value):
    return pickle.dumps(value, 2)[2:-1]


def name(full):
    module, _, attribute = full.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def call(function, *arguments):
    return name(function) + b"(" + b"".join(arguments) + b"tR"


def storage(kind="Float", key="0", count=4, *more):
    parts = map(plain, ("storage", key, "cpu", count, *more))
    first, *rest = parts
    return b"(" + first + name(f"torch.{kind}Storage") + b"".join(rest) + b"tQ"


def tensor(*below, offset=0, shape=(4,), strides=(1,)):
    hooks = call("collections.OrderedDict")
    numbers = (plain(offset), plain(shape), plain(strides), plain(False))
    return call("torch._utils._rebuild_tensor_v2", *(below or [storage()]), *numbers, hooks)


def state(**tensors):
    items = b"".join(plain(key) + value for key, value in tensors.items())
    return call("collections.OrderedDict") + b"(" + items + b"u"


def zipped(path, content, storages=FOUR, more=(), **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("net/data.pkl", b"\x80\x02" + content + b".")
        for key, data in storages.items():
            archive.writestr(f"net/data/{key}", data)
        for entry, data in more:
            archive.writestr(entry, data)
    return path


def older(path, content, storages=FOUR, size=4, system=None, keys=None, magic=None):
    system = system or {"protocol_version": 1001, "little_endian": True}
    heads = [magic or 0x1950A86A20F9469CFC6C, 1001, system]
    parts = [pickle.dumps(value, 2) for value in heads] + [b"\x80\x02" + content + b"."]
    parts.append(pickle.dumps(list(storages) if keys is None else keys, 2))
    for data in storages.values():
        parts.append(struct.pack("<q", len(data) // size) + data)
    path.write_bytes(b"".join(parts))
    return path


FLOAT, STORAGE, GOOD = name("torch.FloatStorage"), storage(), state(a=tensor())


@pytest.fixture(params=[zipped, older], ids=["zip", "older"])
def save(request, tmp_path):
    return lambda *given, **options: request.param(tmp_path / "net.pth", *given, **options)


def refusal(path):
    with pytest.raises(UserError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and len(message) < 400
    return message


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_genuine_tensors_of_every_type(form):
    found = read_checkpoint(FIXTURES / f"tensors_{form}.pth")
    signed = [-2, -1, 0, 1, 2]
    values = {key: (array.dtype.name, array.tolist()) for key, array in found.items()}
    grid = np.arange(12.0).reshape(3, 4)
    assert values == {
        "float": ("float32", signed),
        "double": ("float64", signed),
        "half": ("float16", signed),
        "bfloat16": ("float32", signed),
        "byte": ("uint8", [0, 1, 2]),
        "char": ("int8", signed),
        "short": ("int16", signed),
        "int": ("int32", signed),
        "long": ("int64", signed),
        "bool": ("bool", [False, True, True]),
        "grid": ("float32", grid.tolist()),
        "transposed": ("float32", grid.T.tolist()),
        "column": ("float32", [1, 5, 9]),
        "expanded": ("float32", [[3, 3], [3, 3]]),
        "scalar": ("int64", 7),
        "empty": ("float32", []),
        "parameter": ("float32", [0.5]),
    }
    assert found["empty"].shape == (0, 5) and found["scalar"].shape == ()
    assert np.shares_memory(found["grid"], found["transposed"])
    assert not found["grid"].flags.writeable


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_genuine_network(form):
    found = read_checkpoint(FIXTURES / f"network_{form}.pth")
    linear, norm = ["0.weight", "0.bias"], ["1.weight", "1.bias", "1.running_mean", "1.running_var"]
    assert list(found) == [*linear, *norm, "1.num_batches_tracked"]
    assert found["0.weight"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found["1.bias"].tolist() == [0.75, 1.75, 2.75]


def test_files_of_python_2(save):
    pairs = b"(l(" + b"U\x01a" + tensor() + b"la"  # OrderedDict([["a", tensor]])
    content = call("collections.OrderedDict", pairs)
    content += b"}U\x09_metadata" + call("collections.OrderedDict") + b"sb"
    found = read_checkpoint(save(content))
    assert list(found) == ["a"] and found["a"].tolist() == [0, 1, 2, 3]


def test_a_parameter_and_the_oldest_rebuild(save):
    parts = storage(), plain(1), plain((3,)), plain((1,))
    old = call("torch._utils._rebuild_tensor", *parts)
    content = state(a=old, b=call("torch._utils._rebuild_parameter", tensor(), plain(True)))
    found = read_checkpoint(save(content))
    assert found["a"].tolist() == [1, 2, 3] and found["b"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "content, reason",
    [
        (call("os.system", plain("touch witness")), "'os.system'"),
        (call("posix.system", plain("touch witness")), "'posix.system'"),
        (call("builtins.eval", plain("1")), "'builtins.eval'"),
        (call("torch.load", plain("x")), "'torch.load'"),
        (call("numpy.core.multiarray._reconstruct"), "_reconstruct"),
        (name("__torch__.Net") + b")\x81", "'__torch__.Net'"),
        (name("collections.OrderedDict") + b")\x81", "NEWOBJ"),
        (b"c\x1b[2J\nx\n", r"'\x1b[2J.x'"),
        (call("torch.FloatStorage"), "damaged"),
        (name("collections.OrderedDict") + b"}b", "state of a method"),
        (call("collections.OrderedDict", plain(3)), "a dict of an unknown form"),
        (tensor(), "it holds a Tensor;"),
        (plain([1]), "it holds a list;"),
        (state(epoch=plain(3)), "a int under 'epoch'"),
        (state(model=state(a=tensor())), "a dict under 'model'"),
        (b"}K\x01" + tensor() + b"s", "a Tensor under '1'"),
        (state(a=storage()), "a Storage under 'a'"),
        (state(a=tensor(plain("0"))), "a tensor described"),
        (state(a=tensor(shape=[4])), "a tensor described"),
        (state(a=tensor(strides=None)), "a tensor described"),
        (state(a=tensor(shape=(5,))), "reaches to element 5 of a storage of 4"),
        (state(a=tensor(offset=1)), "reaches to element 5"),
        (state(a=tensor(offset=-1, shape=(1,))), "no tensor has"),
        (state(a=tensor(strides=(-1,), offset=3)), "no tensor has"),
        (state(a=tensor(shape=(2**62,), strides=(2**62,))), "no tensor has"),
        (state(a=tensor(shape=(2**47,), strides=(0,))), "more than its own size"),
        (state(a=tensor(shape=(2.0,))), "no tensor has"),
        (state(a=tensor(shape=(1, 1))), "2 sizes and 1 strides"),
        (state(a=tensor(storage(count=2**60))), "impossible size"),
        (state(a=tensor(storage(count=-4))), "impossible size"),
        (state(a=tensor(storage(count=2**40))), "storage 0"),
        (state(a=tensor(storage("Half"))), "storage"),
        (state(a=tensor(storage("Quantized"))), "'torch.QuantizedStorage'"),
        (state(a=tensor(STORAGE.replace(FLOAT, plain("Complex")))), "described in an unknown way"),
        (state(a=tensor(storage("Float", "../../etc/passwd"))), "described in an unknown way"),
        (state(a=tensor(storage("Float", "0", 4, ("1", 0, 2)))), "described in an unknown way"),
        (state(a=tensor(), b=tensor(storage("Int"))), "describes storage 0 in two ways"),
        (state(a=tensor(plain("0") + b"Q")), "damaged"),
    ],
)
def test_anything_but_tensors_by_name_is_refused(save, tmp_path, monkeypatch, content, reason):
    monkeypatch.chdir(tmp_path)
    assert reason in refusal(save(content))
    assert not (tmp_path / "witness").exists()


def test_nothing_is_hashed_before_its_type_is_known(save):
    deep = b")" + b"\x85" * 200_000
    for kind in (FLOAT, plain("0")):
        assert "described" in refusal(save(state(a=tensor(STORAGE.replace(kind, deep)))))


def test_keys_of_the_older_format_are_not_hashed_before_their_type_is_known(tmp_path):
    content = older(tmp_path / "net.pth", GOOD).read_bytes()
    keys = pickle.dumps(["0"], 2)
    deep = b"\x80\x02](" + b")" + b"\x85" * 200_000 + b"e."
    (tmp_path / "net.pth").write_bytes(content.replace(keys, deep))
    assert "other storages" in refusal(tmp_path / "net.pth")


def test_bools_that_are_none(tmp_path):
    content = state(a=tensor(storage("Bool", "0", 2), shape=(2,)))
    assert "neither 0 nor 1" in refusal(zipped(tmp_path / "a.pth", content, {"0": b"\1\7"}))
    assert "neither 0 nor 1" in refusal(older(tmp_path / "b.pth", content, {"0": b"\1\7"}, size=1))


def test_dicts_copied_again_and_again(save):
    pairs = b"(l" + (b"(" + plain("key") + b"Nla") * 1000 + b"p0\n0"
    assert "more than its own size" in refusal(
        save(pairs + (name("collections.OrderedDict") + b"(g0\ntR0") * 1000 + b"N")
    )


def test_a_storage_that_is_not_there(save):
    assert "storage" in refusal(save(state(a=tensor()), {}))


def test_a_file_cut_anywhere_is_a_user_error(save, tmp_path):
    content = save(state(a=tensor())).read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.pth").write_bytes(content[:length])
        refusal(tmp_path / "cut.pth")


def test_zip_entries_that_lead_elsewhere(tmp_path):
    path = tmp_path / "net.pth"
    for entry in ("../evil", "net/../../evil", "/etc/passwd", "net/a\\b", "c:/evil", "net//a"):
        assert "an entry named" in refusal(zipped(path, GOOD, more=[(entry, b"")]))
    link = zipfile.ZipInfo("net/link")
    link.external_attr = 0o120777 << 16
    assert "is a link" in refusal(zipped(path, GOOD, more=[(link, b"/etc/passwd")]))


def test_zip_entries_that_are_compressed_double_or_of_another_folder(tmp_path):
    path = tmp_path / "net.pth"
    bomb = {"0": bytes(10_000_000)}
    content = state(a=tensor(storage(count=2_500_000), shape=(2_500_000,)))
    zipped(path, content, bomb, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000 and "compressed" in refusal(path)
    assert "two folders" in refusal(zipped(path, GOOD, more=[("other/data/1", b"")]))
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(path, GOOD, more=[("net/data/0", FOUR["0"])])
    assert "two entries" in refusal(path)


def changed(path, *fields):
    """The archive with other numbers for entry data/0 in the directory at its end."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\1\2", 0, content.rindex(b"net/data/0"))
    for offset, value in fields:
        content[start + offset : start + offset + 4] = struct.pack("<I", value)
    path.write_bytes(content)
    return path


def test_zip_entries_that_claim_more_or_share_their_bytes(tmp_path):
    path = tmp_path / "net.pth"
    stored, size, flags, start = 20, 24, 8, 42  # where the directory keeps them
    both = changed(zipped(path, GOOD), (stored, 2**31), (size, 2**31))
    assert "longer than the file" in refusal(both)
    assert "two sizes" in refusal(changed(zipped(path, GOOD), (size, 2**31)))
    assert "overlaps" in refusal(changed(zipped(path, GOOD), (start, 10)))
    assert "encrypted" in refusal(changed(zipped(path, GOOD), (flags, 1)))


def test_a_zip_entry_with_other_bytes_than_its_checksum(tmp_path):
    path = zipped(tmp_path / "net.pth", GOOD)
    path.write_bytes(path.read_bytes().replace(FOUR["0"], FOUR["0"][::-1]))
    assert "damaged" in refusal(path)


def test_byte_orders(tmp_path):
    little = zipped(tmp_path / "a.pth", GOOD, more=[("net/byteorder", b"little")])
    assert list(read_checkpoint(little)) == ["a"]
    big = zipped(tmp_path / "b.pth", GOOD, more=[("net/byteorder", b"big")])
    assert "big-endian" in refusal(big)
    big = older(tmp_path / "c.pth", GOOD, system={"little_endian": False})
    assert "big-endian" in refusal(big)


def test_the_frame_of_the_older_format(tmp_path):
    path = tmp_path / "net.pth"
    assert "does not begin" in refusal(older(path, GOOD, magic=7))
    assert "other storages" in refusal(older(path, GOOD, keys=[]))
    assert "other storages" in refusal(older(path, GOOD, keys="0"))
    assert "other storages" in refusal(older(path, GOOD, keys=["1"]))
    assert "other storages" in refusal(older(path, GOOD, keys=["0", "0"]))
    assert "has 2 elements, not 4" in refusal(older(path, GOOD, size=8))
    path.write_bytes(older(path, GOOD).read_bytes()[:-4])
    assert "ends too early" in refusal(path)
    path.write_bytes(older(path, GOOD).read_bytes() + b"more")
    assert "4 bytes follow" in refusal(path)


def test_sizes_beyond_the_file_allocate_nothing(save):
    path = save(state(a=tensor(storage(count=2**40))))
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_no_checkpoint_at_all(tmp_path):
    path = tmp_path / "net.pth"
    for content in (b"", b"<!DOCTYPE html>", b"PK\3\4", b"PK\3\4" + bytes(100)):
        path.write_bytes(content)
        refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/readme", b"")
    assert "without data.pkl" in refusal(path)
    with pytest.raises(UserError, match=r"nowhere\.pth cannot be read"):
        read_checkpoint(tmp_path / "nowhere.pth")
