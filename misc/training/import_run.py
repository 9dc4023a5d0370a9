"""From a checkpoint of StackGAN or StackGAN-Pytorch to a run folder, as training leaves one."""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf
from easydict import EasyDict

from misc.config.errors import UserError
from misc.config.load import save_config
from misc.data.atomic import disk_errors
from misc.data.embeddings import ENCODER
from misc.data.tensors import Tensors, matched, tensors_of
from misc.data.torch_checkpoint import read_checkpoint
from misc.training.published import Entry, tf1_entries, torch_entries
from misc.training.text import Text

WIDTHS = "Z_DIM, TEXT.DIMENSION, TEST.LR_IMSIZE and all of GAN must be as they were in training"


class Part(NamedTuple):
    """A network that a checkpoint may hold.

    Attributes: name: in our checkpoints; build: () -> the network; scope: of its variables in TF1;
      modules: network -> StackGAN-Pytorch's names of its layers, see `torch_entries`.
    """

    name: str
    build: Callable[[], keras.Model]
    scope: str
    modules: Callable[[keras.Model], dict[str, list[str]]]


def import_networks(args: Namespace, cfg: EasyDict, parts: list[Part]) -> dict[str, keras.Model]:
    """Build the networks that the files hold, and fill them.

    TF1's one file holds all parts; StackGAN-Pytorch's --checkpoint the generators, --discriminator
    the part of this name.
    Returns: {name of the part: network}.
    Raises: UserError as `fill`, and if a file is missing or damaged.
    """
    torch = cfg.GAN.NETWORK_TYPE == "pytorch"
    files = [(args.checkpoint, [p for p in parts if not torch or "generator" in p.name])]
    if args.discriminator:
        files.append((args.discriminator, [p for p in parts if p.name == "discriminator"]))
    networks = {}
    for path, held in files:
        tensors = open_torch(Path(path)) if torch else open_tf1(Path(path))
        entries: dict[str, Entry] = {}
        for part in held:
            network = networks[part.name] = part.build()
            if torch:
                entries |= torch_entries(network, part.modules(network))
            else:
                entries |= tf1_entries(network, part.scope)
        fill(tensors, entries)
    return networks


def open_torch(path: Path) -> Tensors:
    """A StackGAN-Pytorch checkpoint, whole in memory. Raises: UserError as `read_checkpoint`."""
    return tensors_of(path, read_checkpoint(path))


def open_tf1(path: Path) -> Tensors:
    """A TF1 checkpoint: the one file of version 1, or what version 2's files begin with.

    Raises: UserError if there is none, or it is damaged.
    """
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    if not prefix.is_file() and not Path(f"{prefix}.index").is_file():
        raise UserError(f"{path}: no such checkpoint, nor {prefix.name}.index beside it")
    with _reading(path):
        reader = tf.compat.v1.train.NewCheckpointReader(str(prefix))
        shapes = {k: tuple(shape) for k, shape in reader.get_variable_to_shape_map().items()}

    def read(name):
        # Not the reader's `get_tensor`: of a tensor whose file holds but a slice of it, that one
        # returns the rest as memory happens to be.
        with _reading(path):
            return tf.raw_ops.RestoreV2(
                prefix=str(prefix),
                tensor_names=[name],
                shape_and_slices=[""],
                dtypes=[tf.float32],
            )[0].numpy()

    return Tensors(path, shapes, read)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (tf.errors.OpError, ValueError) as error:  # ValueError: a name that is not UTF-8
        reason = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error)).strip().split("\n")[0][:200]
        raise UserError(
            f"{path} is damaged or no TensorFlow checkpoint ({reason}); StackGAN-Pytorch's *.pth "
            "need GAN.NETWORK_TYPE pytorch"
        ) from error


def fill(tensors: Tensors, entries: dict[str, Entry], remedy: str = WIDTHS) -> None:
    """Give variables their values; every tensor of the file must have its place.

    `remedy`: what to do about a file that does not fit, for the message.
    Raises: UserError as `matched`.
    """
    wanted = {name: entry.shape for name, entry in entries.items()}
    for name, array in matched(tensors, wanted, remedy):
        entries[name].assign(array)


def write_run(args: Namespace, cfg: EasyDict, room: str, networks: dict[str, keras.Model]) -> None:
    """Write the run folder --out; prints one JSON line: `out`, `step`, `networks` (parameters).

    The step is the number in the checkpoint's name: updates in TF1's, epochs in StackGAN-Pytorch's.
    Raises: UserError if it cannot be written.
    """
    out = Path(args.out)
    number = re.search(r"_(\d{1,18})(\.\w+)*$", Path(args.checkpoint).name)
    step = int(number[1]) if number else 0
    with disk_errors(out):
        Text("", args.embeddings or ENCODER, "", cfg.TEXT.DIMENSION).save(out)
    save_networks(out, step, cfg, room, networks)
    sizes = {name: network.count_params() for name, network in networks.items()}
    print(json.dumps({"out": str(out), "step": step, "networks": sizes}))


def save_networks(
    out: Path, step: int, cfg: EasyDict, room: str, networks: dict[str, keras.Model]
) -> None:
    """Write a checkpoint of networks, by their names, and config.yml into the run folder `out`.

    Raises: UserError if it cannot be written.
    """
    checkpoint = tf.train.Checkpoint(step=tf.Variable(step, dtype=tf.int64), **networks)
    manager = tf.train.CheckpointManager(checkpoint, str(out / "checkpoints"), 1)
    with disk_errors(out):
        try:
            manager.save(checkpoint_number=step)
        except tf.errors.OpError as error:
            raise OSError(error.message.splitlines()[0]) from error
        save_config(cfg, room, out / "config.yml")  # last: with it, it is a run folder
