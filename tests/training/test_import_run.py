"""Files of the ancestors that must not become runs."""

from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.tensors import Tensors, tensors_of
from misc.training.import_run import fill, import_networks, open_tf1, write_run
from misc.training.published import tf1_entries
from misc.training.runs import load_run

NAME = "g_net/custom_fully_connected/Linear"


@pytest.fixture
def entries():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    return tf1_entries(network, "g_net")


def tensors(**changes):
    arrays = {f"{NAME}/Matrix": np.ones((2, 3), "f4"), f"{NAME}/bias": np.ones(3, "f4")}
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    return tensors_of(Path("model"), arrays)


def test_all_in_place(entries):
    fill(tensors(global_step=np.int64(7)), entries)
    assert all((entry.variable.numpy() == 1).all() for entry in entries.values())


@pytest.mark.parametrize(
    "changes, line",
    [
        ({f"{NAME}/bias": None}, f"model: {NAME}/bias is missing .the file has 1 .* 2"),
        ({"other": np.ones(1)}, "model: other is left over .the file has 3 .* 2"),
        ({f"{NAME}/bias": np.ones(4)}, r"bias has shape \(4,\), expected \(3,\)"),
        ({f"{NAME}/Matrix": np.ones((3, 2))}, r"Matrix has shape \(3, 2\), expected \(2, 3\)"),
        ({f"{NAME}/bias": np.array([1, np.nan, 1])}, "bias holds other values than finite"),
        ({f"{NAME}/bias": np.ones(3, int)}, "bias holds other values than finite"),
    ],
)
def test_what_does_not_fit(entries, changes, line):
    with pytest.raises(UserError, match=line):
        fill(tensors(**changes), entries)


def test_nothing_is_read_before_all_shapes_fit(entries):
    def read(name):
        raise AssertionError(f"{name} was read")

    huge = {f"{NAME}/Matrix": (2, 3), f"{NAME}/bias": (2**40,)}
    with pytest.raises(UserError, match="expected"):
        fill(Tensors(Path("model"), huge, read), entries)


@pytest.fixture
def checkpoint(plain, tmp_path):
    """`checkpoint(version)` -> path of a TF1 checkpoint of one tensor, of 1,000 numbers."""

    def make(version):
        array = np.random.default_rng(0).normal(size=1000).astype(np.float32)
        plain.save_tf1(tmp_path / "model_7.ckpt", {f"{NAME}/bias": array}, version)
        return tmp_path / "model_7.ckpt"

    return make


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_both_versions_are_read(checkpoint, version):
    found = open_tf1(checkpoint(version))
    assert found.shapes[f"{NAME}/bias"] == (1000,)
    expected = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    np.testing.assert_array_equal(found.read(f"{NAME}/bias"), expected)


def test_an_index_stands_for_its_checkpoint(checkpoint):
    path = checkpoint("V2")
    assert open_tf1(path.with_name(f"{path.name}.index")).shapes == open_tf1(path).shapes


@pytest.mark.parametrize("version", ["V1", "V2"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_file(checkpoint, version, damage):
    path = checkpoint(version)
    file = path if version == "V1" else path.with_name(f"{path.name}.data-00000-of-00001")
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[2000:]
    else:  # a byte of the numbers
        content[1000] ^= 255
    file.write_bytes(content)
    with pytest.raises(UserError, match="is damaged or no TensorFlow checkpoint"):
        open_tf1(path).read(f"{NAME}/bias")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and so on", bytes(range(256)) * 9])
def test_a_file_of_another_kind(tmp_path, content):
    (tmp_path / "model.ckpt").write_bytes(content)
    with pytest.raises(UserError, match="no TensorFlow checkpoint .*GAN.NETWORK_TYPE pytorch"):
        open_tf1(tmp_path / "model.ckpt")


@pytest.mark.parametrize("name", ["model.ckpt", "model.ckpt.index", "nowhere/model.ckpt"])
def test_no_file(tmp_path, name):
    with pytest.raises(UserError, match="no such checkpoint"):
        open_tf1(tmp_path / name)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_slice_is_not_taken_for_the_whole(tmp_path, version):
    """TensorFlow's own reader fills the rest of a version 1 tensor with whatever memory holds."""
    v1 = tf.compat.v1
    path = tmp_path / "model.ckpt"
    with tf.Graph().as_default(), v1.Session() as session:
        halves = v1.fixed_size_partitioner(2)
        with v1.variable_scope("g", partitioner=halves, use_resource=False):
            variable = v1.get_variable("w", (1000,), initializer=v1.ones_initializer())
        session.run(v1.global_variables_initializer())
        wanted = getattr(v1.train.SaverDef, version)
        v1.train.Saver([list(variable)[0]], write_version=wanted).save(session, str(path))
    found = open_tf1(path)
    assert found.shapes == {"g/w": (1000,)}
    with pytest.raises(UserError, match="is damaged"):
        found.read("g/w")


def test_a_name_that_is_no_text(tmp_path):
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt"),
        tensor_names=[b"\xff"],
        shape_and_slices=[""],
        tensors=[tf.ones(3)],
    )
    with pytest.raises(UserError, match="is damaged"):
        open_tf1(tmp_path / "model.ckpt")


def test_other_numbers_than_floats(tmp_path):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("g", initializer=["text"], use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    with pytest.raises(UserError, match="is damaged"):
        open_tf1(tmp_path / "model.ckpt").read("g")


def test_a_pth_that_is_none(tmp_path):
    (tmp_path / "netG.pth").write_bytes(b"PK\3\4")
    cfg = load_config("initial", None, ["GAN.NETWORK_TYPE=pytorch"])
    args = Namespace(checkpoint=tmp_path / "netG.pth", discriminator=None)
    with pytest.raises(UserError, match="netG.pth"):
        import_networks(args, cfg, [])


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    args = Namespace(checkpoint="model_7.ckpt", out=tmp_path / "file" / "run", embeddings=None)
    with pytest.raises(UserError, match="cannot write"):
        write_run(args, load_config("initial", None), "initial", {})


@pytest.mark.parametrize("name, step", [("netG_epoch_90.pth", 90), ("netG.pth", 0)])
def test_the_number_in_the_name_is_the_step(tmp_path, name, step):
    args = Namespace(checkpoint=name, out=tmp_path / "run", embeddings=None)
    write_run(args, load_config("initial", None), "initial", {})
    assert load_run(tmp_path / "run")[0] == "initial"
    assert (tmp_path / "run" / "checkpoints" / f"ckpt-{step}.index").is_file()
