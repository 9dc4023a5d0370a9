"""Tensors of a network's file by name: all that are wanted, each of its shape, and no other."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError

# Beside the networks: Adam's moments and powers, counters, the start of TF1's moving averages.
SPARE = re.compile(
    r"/Adam(_\d+)?$|/(biased|local_step)$|^(beta[12]_power(_\d+)?|global_step)$"
    r"|\.num_batches_tracked$"
)


class Tensors(NamedTuple):
    """A checkpoint file: the shapes of its tensors by name, and `read(name)`, the values of one."""

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]


def tensors_of(path: Path, arrays: Mapping[str, np.ndarray]) -> Tensors:
    """A file whose arrays were read already."""
    return Tensors(path, {name: array.shape for name, array in arrays.items()}, arrays.get)


def matched(
    tensors: Tensors, wanted: Mapping[str, tuple[int, ...]], remedy: str
) -> Iterator[tuple[str, np.ndarray]]:
    """Each wanted tensor with its values; every tensor of the file but `SPARE` ones is wanted.

    A tensor is read only once the shapes of all are known to be right, so a file cannot ask for
    more memory than the network does.
    Args: wanted: {name: shape}; remedy: what to do about a file that does not fit.
    Raises: UserError naming a tensor that is missing, left over, of another shape or not finite.
    """
    held = {name for name in tensors.shapes if not SPARE.search(name)}
    for name, what in (
        (min(wanted.keys() - held, default=""), "is missing"),
        (min(held - wanted.keys(), default=""), "is left over"),
    ):
        if name:
            raise UserError(
                f"{tensors.path}: {name} {what} (the file has {len(held)} tensors of networks, "
                f"expected {len(wanted)}); {remedy}"
            )
    for name, shape in wanted.items():
        if tensors.shapes[name] != shape:
            raise UserError(
                f"{tensors.path}: {name} has shape {tensors.shapes[name]}, expected {shape}; "
                f"{remedy}"
            )
    for name in wanted:
        array = tensors.read(name)
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UserError(f"{tensors.path}: {name} holds other values than finite numbers")
        yield name, array
