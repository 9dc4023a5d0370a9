"""A folder of pictures, for metrics that need nothing but pictures."""

import hashlib
import os
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.images import open_picture
from misc.evaluation.features import Network

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm"}


class PictureFolder:
    """Every picture in a folder and the folders in it, links left aside.

    Attributes: files: sorted paths.   digest: SHA-256 of names and contents, in that order.
    Raises: UserError if the folder is missing or holds no picture.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; expected a folder of pictures")
        self.folder = folder
        self.files = sorted(
            file
            for file in folder.rglob("*")
            if file.suffix.lower() in _SUFFIXES and file.is_file() and not file.is_symlink()
        )
        if not self.files:
            kinds = " ".join(sorted(_SUFFIXES))
            raise UserError(f"{folder}: no pictures in it; expected files ending in {kinds}")
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(os.fsencode(file.relative_to(folder)) + b"\0")  # a name may be no UTF-8
            with open(file, "rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.files)

    def judged(self, network: Network, where: Path) -> dict[str, np.ndarray]:
        """What a network says of them, as `misc.evaluation.judging.judge` does, kept in `where`.

        Raises: UserError naming the first file that is no whole picture.
        """
        pictures = (np.asarray(open_picture(file))[None] for file in self.files)
        said = network.features_of(pictures, where, self.digest, len(self))
        return {f"network/{what}": values for what, values in said._asdict().items()}
