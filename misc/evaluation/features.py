"""What a pretrained network sees in pictures: features for FID and KID, classes for the IS.

Numbers compare only under one network, one file of its weights and one way to resize; `judge` and
`digest` say which.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder
from misc.evaluation.resize import RESIZES
from misc.evaluation.row_file import read_rows, write_rows

NETWORKS = ("efficientnet-lite0", "mobilenet-v2", "inception-2015", "inception-v3")
KEPT = 32  # files of features in one folder
BATCH = 32  # pictures at once, always: the network's graph is made for this number


class Features(NamedTuple):
    """What a network says of n pictures: features (n, d) and probabilities (n, k), float32."""

    features: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class Network:
    """A pretrained network; call it with pictures.

    Attributes:
      name: one of `NETWORKS`.
      digest: SHA-256 of its weights file.
      resize: "clean" or "tf1", see `misc.evaluation.resize`.
      note: what a reader of its numbers must know, or "".
      infer: as in `misc.evaluation.loaded.Loaded`, of `BATCH` pictures.
      size: the side of the pictures it sees; width, classes: d and k.
    """

    name: str
    digest: str
    resize: str
    note: str
    infer: Callable
    size: int
    width: int
    classes: int

    @property
    def judge(self) -> str:
        """What `protocols.protocol` takes: the name, and the way to resize."""
        return f"{self.name}-{self.resize}"

    def __call__(self, pictures: np.ndarray) -> Features:
        """uint8 (n, h, w, 3) of any size -> features (n, d) and probabilities (n, k).

        Raises: ValueError for anything else, or no picture; UserError for weights that give numbers
          that are not finite.
        """
        return self._parted(np.concatenate([*self._rows([pictures])]))

    def features_of(
        self,
        batches: Iterable[np.ndarray],
        where: Path | None = None,
        digest: str = "",
        total: int | None = None,
    ) -> Features:
        """The same of many pictures, with a progress bar on stderr.

        Args:
          batches: uint8 (n, h, w, 3), taken one at a time; h and w may change between them.
          where: a folder, made when needed. The arrays are then memory-mapped from a file in it, so
            that memory does not grow with the pictures; without, they are in memory.
          digest: of the pictures' content, needed with `where`: a whole file that this network has
            left there under this digest is taken as it is, and no batch is asked for. Of more
            than `KEPT` files the oldest go.
          total: how many pictures will come, for the bar.
        Raises: ValueError as the call; UserError if the file cannot be written.
        """
        if where is None:
            return self._parted(np.concatenate([*self._rows(self._shown(batches, total))]))
        if not digest:
            raise ValueError("features_of: a file needs the digest of what it is about")
        key = json.dumps([self.judge, self.digest, BATCH, digest])
        path = make_folder(where) / f"{hashlib.sha256(key.encode()).hexdigest()}.f4"
        width = self.width + self.classes
        if (rows := read_rows(path, width)) is None:
            write_rows(path, self._rows(self._shown(batches, total)))
            rows = read_rows(path, width)
            _forget(where)
        return self._parted(rows)

    def _shown(self, batches, total):
        with tqdm(total=total, desc=self.name, unit="picture", disable=None) as bar:
            for pictures in batches:
                yield pictures
                bar.update(len(pictures))

    def _rows(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """float32 (at most BATCH, d + k): features and probabilities side by side."""
        waiting = np.zeros((BATCH, self.size, self.size, 3), np.float32)
        count = seen = 0
        for pictures in batches:
            if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3:
                raise ValueError(
                    f"{self.name}: uint8 (n, h, w, 3), got {pictures.dtype} {pictures.shape}"
                )
            seen += len(pictures)
            while len(pictures):
                taken = pictures[: BATCH - count]
                waiting[count : count + len(taken)] = RESIZES[self.resize](taken, self.size)
                count, pictures = count + len(taken), pictures[len(taken) :]
                if count == BATCH:
                    yield self._look(waiting)
                    count = 0
        if not seen:
            raise ValueError(f"{self.name}: no picture to look at")
        if count:
            waiting[count:] = 0
            yield self._look(waiting)[:count]

    def _look(self, pictures: np.ndarray) -> np.ndarray:
        rows = np.concatenate(self.infer(pictures), axis=1)
        if not np.isfinite(rows).all():
            raise UserError(
                f"network {self.name}: its weights, SHA-256 {self.digest[:12]}, give numbers that "
                "are not finite; take another file of them"
            )
        return rows

    def _parted(self, rows: np.ndarray) -> Features:
        return Features(rows[:, : self.width], rows[:, self.width :])


def _forget(folder: Path) -> None:
    """Leave the newest files: a mapped one that goes stays readable for who has it."""
    with disk_errors(folder):
        files = sorted(folder.glob("*.f4"), key=lambda file: file.stat().st_mtime)
        for file in files[:-KEPT]:
            file.unlink(missing_ok=True)


def load(name: str, weights: str = "") -> Network:
    """The network of this name, one of `NETWORKS`.

    `weights`: a file of them; else those of the Python package that brings them, or for the two
    Inceptions the official ones, from the cache or downloaded, which stderr tells.
    Raises: UserError if the name is unknown, or the weights are not there, damaged or of another
      network; it says where to get them.
    """
    if name not in NETWORKS:
        raise UserError(f"network {name!r} is not known; expected one of {', '.join(NETWORKS)}")
    inception = name.startswith("inception")
    if inception:
        from misc.evaluation.inception import LOADERS
    else:
        from misc.evaluation.inverted_residuals import LOADERS
    found = LOADERS[name](Path(weights) if weights else None, BATCH)
    with open(found.path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    resize = "tf1" if name == "inception-2015" else "clean"
    sizes = {"size": found.size, "width": found.width, "classes": found.classes}
    note = "not run against the real file" if inception else ""
    return Network(name, digest, resize, note, found.infer, **sizes)
