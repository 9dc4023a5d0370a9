"""A folder of pictures as batches, for metrics that need nothing but pictures."""

import hashlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.images import FORMATS, open_picture

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
            digest.update(f"{file.relative_to(folder)}\0".encode())
            with open(file, "rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.files)

    def batches(self, most: int) -> Iterator[np.ndarray]:
        """uint8 (at most `most`, h, w, 3), the pictures of one size after those of another.

        Raises: UserError naming the first file that is no whole picture.
        """
        sized = sorted((_size(file), file) for file in self.files)
        with tqdm(total=len(sized), desc=self.folder.name, unit="picture", disable=None) as bar:
            for _, same in groupby(sized, key=lambda pair: pair[0]):
                files = [file for _, file in same]
                for start in range(0, len(files), most):
                    part = files[start : start + most]
                    yield from _equal([np.asarray(open_picture(file)) for file in part])
                    bar.update(len(part))


def _equal(pictures: list[np.ndarray]) -> Iterator[np.ndarray]:
    # Turned upright by EXIF, pictures of one size may become of two.
    for _, same in groupby(pictures, key=np.shape):
        yield np.stack(list(same))


def _size(file: Path) -> tuple[int, int]:
    """Width and height by the header, (0, 0) for what will be refused when it is read."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 0, 0
