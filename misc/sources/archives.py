"""Raw sets as they are downloaded: an archive unpacked beside itself, whole or not at all."""

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors
from misc.data.captions import path_inside
from misc.data.untrusted import BOMB, Refused, refusals

# Pictures hardly shrink in an archive and tables of words to a tenth: what grows more is no set.
GROWTH = 64
PADDING = 2**20  # what the smallest may grow by: a .tgz of one line is 10,240 bytes of .tar
MOST_MEMBERS = 2_000_000
DEEPEST = 32  # folders
CHUNK = 2**20  # bytes read at once; the headers of a .tar are far smaller


def unpack_missing(root: Path, wanted: str, *archives: str) -> None:
    """Unpack the first of `archives` that lies in `root` into it, if `root/wanted` is not there.

    Nothing happens without such an archive: who reads `wanted` knows best what to say. It is told
    apart by its content (.tar, .tar.gz or .zip), unpacked aside and then moved, `wanted` last, so
    that an interrupted run leaves nothing that looks whole. What is there already is kept.

    Args: wanted: a file or folder that the archives hold.   archives: names of files in `root`.
    Raises: UserError if the archive is damaged, does not hold `wanted`, names a place outside
      `root`, holds links, devices or two entries of one name, is encrypted, grows to more than
      `GROWTH` times its size, or the disk is full.
    """
    archive = next((root / name for name in archives if (root / name).is_file()), None)
    if archive is None or (root / wanted).exists():
        return
    aside = root / f".{archive.name}.partial"
    shutil.rmtree(aside, ignore_errors=True)  # of a run that was killed
    try:
        with refusals(archive, "a .tar, .tar.gz or .zip archive"), open(archive, "rb") as file:
            _unpack(file, aside)
        if not (aside / wanted).exists():
            raise UserError(
                f"{archive} does not hold {wanted}; expected the original archive: download it "
                "again, or unpack it by hand"
            )
        with disk_errors(root):
            _move(aside, root, wanted.partition("/")[0])
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class _Bounded:
    """A file of which no more than `total` bytes, and `at_once` in one go, are read.

    What goes wrong in reading is no `OSError` of its own, so that those left are of writing.
    """

    def __init__(self, file: BinaryIO, total: int, at_once: int):
        self.file, self.total, self.at_once = file, total, at_once
        self.tell, self.seek, self.seekable = file.tell, file.seek, file.seekable

    def read(self, size=-1):
        size = self.at_once if size < 0 else size
        if size > self.at_once:
            raise Refused("it has a header that is longer than any honest one")
        try:
            content = self.file.read(size)
        except (OSError, zlib.error) as error:
            raise Refused(f"it cannot be read ({error}): download it again") from error
        if self.file.tell() > self.total:
            raise Refused(BOMB)
        return content


def _unpack(file: BinaryIO, aside: Path) -> None:
    name, size = Path(file.name), os.fstat(file.fileno()).st_size
    start = file.read(4)
    file.seek(0)
    members = _zip_members if start[:2] == b"PK" else _tar_members
    with (
        disk_errors(aside),
        tqdm(
            desc=f"unpack {name.name}", total=size, unit="B", unit_scale=True, disable=None
        ) as bar,
    ):
        aside.mkdir()
        for number, (member, source) in enumerate(members(file, size)):
            inside = path_inside(member, name.parent, str(name))
            if number >= MOST_MEMBERS or inside.count("/") > DEEPEST:
                raise Refused("it has more files, or folders in folders, than any set")
            place = aside / inside
            try:
                (place if source is None else place.parent).mkdir(parents=True, exist_ok=True)
                if source is not None:
                    with source, open(place, "xb") as target:
                        shutil.copyfileobj(source, target, CHUNK)
            except (FileExistsError, NotADirectoryError) as error:
                raise Refused(f"it has two entries named {member[:60]!r}") from error
            bar.update(file.tell() - bar.n)


def _tar_members(file: BinaryIO, size: int) -> Iterator[tuple[str, BinaryIO | None]]:
    """(name, content; None: a folder) of each entry, to be read before the next is asked for."""
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    # Not all checks could be made on the entries: tarfile reads long headers into memory unasked.
    bounded = _Bounded(gzip.open(file) if zipped else file, GROWTH * size + PADDING, CHUNK)
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        for info in archive:
            if not (info.isreg() or info.isdir()) or info.issparse():
                raise Refused(f"its entry {info.name[:60]!r} is a link, a device or has holes")
            yield info.name, None if info.isdir() else archive.extractfile(info)
        # A damaged header looks like the end to tarfile, which is a block of zeros.
        bounded.seek(archive.offset)
        if bounded.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError
        while bounded.read(CHUNK):  # to the checksum
            pass


def _zip_members(file: BinaryIO, size: int) -> Iterator[tuple[str, BinaryIO | None]]:
    """The same of a .zip, in the order in which they lie there."""
    with zipfile.ZipFile(_Bounded(file, size, size)) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        if sum(info.file_size for info in infos) > GROWTH * size + PADDING:
            raise Refused(BOMB)
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & 1:
                raise Refused(f"its entry {info.filename[:60]!r} is a link, a device or encrypted")
            yield info.filename, None if info.is_dir() else archive.open(info)


def _move(source: Path, target: Path, last: str = "") -> None:
    """Move what is in one folder into another, `last` at the end; files that are there stay."""
    for entry in sorted(source.iterdir(), key=lambda entry: (entry.name == last, entry.name)):
        place = target / entry.name
        if entry.is_dir() and place.is_dir():
            _move(entry, place)
        elif not place.exists():
            os.replace(entry, place)
