"""Embeddings of captions kept on disk, so that the same ones are not computed twice."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import write_atomic

LIMIT = 1 << 28  # bytes of all files of a cache
_DIGEST = hashlib.sha256().digest_size


class Cache:
    """Lists of captions with their embeddings, a file each: a SHA-256 and the float32 behind it.

    Whatever is amiss costs time, not correctness: a damaged file is as good as none, and in a
    folder that cannot be written nothing is kept.

    Args: folder: made when needed; encoder: digest of the encoder, for a file is found by the
      digest of encoder and captions; limit: bytes; the oldest files make room.
    """

    def __init__(self, folder: Path, encoder: str, limit: int = LIMIT):
        self.folder, self.encoder, self.limit = folder, encoder, limit

    def read(self, captions: list[str], width: int) -> np.ndarray | None:
        """Embeddings float32 (captions, width), or None if they are not here, or damaged."""
        path, size = self._path(captions), 4 * width * len(captions)
        try:
            if path.stat().st_size != _DIGEST + size:
                return None
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            return None
        rows = np.frombuffer(content, "<f4", offset=_DIGEST).reshape(len(captions), width)
        return rows if np.isfinite(rows).all() else None

    def write(self, captions: list[str], rows: np.ndarray) -> None:
        """Keep embeddings float32 (captions, width), unless they are too many."""
        values = np.ascontiguousarray(rows, "<f4").tobytes()
        if _DIGEST + len(values) > self.limit:
            return
        with suppress(UserError):  # a full disk, or somebody else's run folder
            write_atomic(self._path(captions), hashlib.sha256(values).digest() + values)
            self._make_room()

    def _path(self, captions):
        digest = hashlib.sha256(json.dumps([self.encoder, captions]).encode())
        return self.folder / f"{digest.hexdigest()}.f4"

    def _make_room(self):
        with suppress(OSError):  # another process that makes room, too
            files = [(path.stat(), path) for path in self.folder.glob("*.f4")]
            total = sum(found.st_size for found, _ in files)
            for found, path in sorted(files, key=lambda file: file[0].st_mtime_ns):
                if total <= self.limit:
                    break
                path.unlink()
                total -= found.st_size
