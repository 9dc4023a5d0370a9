"""Rows of numbers in one file: a SHA-256, and the float32 behind it that it is of."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from misc.data.atomic import replace_with

_DIGEST = hashlib.sha256().digest_size


def write_rows(path: Path, blocks: Iterable[np.ndarray]) -> None:
    """Write blocks, float (rows, width), one after the other; no more than one is held at a time.

    The file appears when all is written; if a block fails or the disk is full, there is none.
    Raises: UserError if it cannot be written.
    """
    digest = hashlib.sha256()
    with replace_with(path) as partial, open(partial, "wb") as file:
        file.write(bytes(_DIGEST))
        for block in blocks:
            values = np.ascontiguousarray(block, "<f4").data
            digest.update(values)
            file.write(values)
        file.seek(0)
        file.write(digest.digest())


def read_rows(path: Path, width: int) -> np.ndarray | None:
    """The rows, float32 (n, width), memory-mapped; None if they are not there, or damaged."""
    try:
        with open(path, "rb") as file:
            expected = file.read(_DIGEST)
            if hashlib.file_digest(file, "sha256").digest() != expected:
                return None
            count, rest = divmod(file.tell() - _DIGEST, 4 * width)
            if rest or not count:
                return None
            return np.memmap(file, "<f4", "r", _DIGEST, (count, width))
    except OSError:
        return None
