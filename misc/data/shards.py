"""Pack pictures into shards: in parallel, restartable, the same bytes whatever the processes."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, sync
from misc.data.images import crop_to_box, encode_png, open_picture, prepare
from misc.data.picture import Picture
from misc.data.processes import how_many, processes

RULES = 2  # raise it whenever the same source picture would give other bytes
# The first shards are small, to keep every core busy with a small set; the later ones large, so
# that a million pictures are some hundreds of files.
SMALLEST, LARGEST, DOUBLE_EVERY = 64, 4096, 16  # pictures, pictures, shards
MOST_BYTES = 2**26  # of pictures out of an archive, which wait in memory


@dataclass(frozen=True)
class Shard:
    """Pictures that one task packs into `folder`, which appears only when all of them are in it.

    The folder is named by a digest of all that its content depends on, so a folder that is there is
    right, whichever run made it. It holds one ArrayRecord file a size, `file(size)`, and `records`:
    a line of JSON a picture, `name`, `class`, `captions`, `attributes`, then `side` (width and
    height before it was resized) and `sha256` (of its high PNG), or `broken`, why it is not here.
    """

    folder: Path
    pictures: list[Picture]
    sizes: tuple[int, int]
    stretch: bool
    skip_broken: bool

    def file(self, size: int) -> Path:
        """The file of one family, with one PNG of `size` px a record."""
        return self.folder / f"{size}.array_record"

    @property
    def records(self) -> Path:
        """What is known of each of its pictures."""
        return self.folder / "records.jsonl"

    def is_done(self) -> bool:
        """Whether it is packed; not so if its files were being moved when a run was broken off."""
        return self.records.is_file() and all(self.file(size).is_file() for size in self.sizes)


def deal(
    folder: Path,
    pictures: Iterable[Picture],
    sizes: tuple[int, int],
    stretch: bool,
    skip_broken: bool = False,
) -> Iterator[Shard]:
    """Deal pictures, in order, to shards below `folder`; only one shard is held at a time.

    A picture file counts as unchanged while its path, size and time of change are: reading it would
    cost what keeping its shard is to save. Raises: UserError naming a picture that is not there.
    """
    start = hashlib.sha256(repr((RULES, sizes, stretch, skip_broken)).encode())

    def shard() -> Shard:
        name = f"{number:05d}-{digest.hexdigest()[:16]}"
        return Shard(folder / name, members, sizes, stretch, skip_broken)

    number, members, held, digest = 0, [], 0, start.copy()
    for picture in pictures:
        members.append(picture)
        held += _identify(picture, digest)
        length = min(LARGEST, SMALLEST << number // DOUBLE_EVERY)
        if len(members) == length or held >= MOST_BYTES:
            yield shard()
            number, members, held, digest = number + 1, [], 0, start.copy()
    if members:
        yield shard()


def _identify(picture: Picture, digest) -> int:
    """Add to `digest` all that the stored picture depends on; returns the bytes held in memory."""
    digest.update(json.dumps([_facts(picture), picture.box]).encode())
    image = picture.image
    if isinstance(image, Path):
        try:
            state = os.stat(image)
        except OSError as error:
            raise UserError(f"{image}: cannot read the picture: {error.strerror}") from error
        digest.update(repr((str(image), state.st_size, state.st_mtime_ns)).encode())
        return 0
    parts = [image] if isinstance(image, bytes) else [np.ascontiguousarray(a).data for a in image]
    for part in parts:
        digest.update(part)
    return sum(memoryview(part).nbytes for part in parts)


def write_shards(
    shards: Iterable[Shard], description: str, pictures: int | None, workers: int | None = None
) -> list[Shard]:
    """Pack every shard that is not there yet, with a progress bar on stderr.

    Args:
      pictures: how many there are, for the time left; None: unknown.
      workers: processes; None: one a core; 1: all in this process.

    Returns: the shards, without their pictures.
    Raises: UserError for a picture that cannot be read or used, naming it, a full disk, or a
      process that is killed. Shards finished by then stay.
    """
    workers = how_many(workers)
    seen: list[Shard] = []
    with (
        tqdm(total=pictures, desc=description, unit="picture") as bar,
        processes(workers, "prepared pictures", "; what is finished is kept") as executor,
    ):
        waiting: dict[Future, int] = {}

        def collect(most: int) -> None:
            while len(waiting) > most:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    future.result()
                    bar.update(waiting.pop(future))

        for shard in shards:
            count = len(shard.pictures)
            seen.append(Shard(shard.folder, [], shard.sizes, shard.stretch, shard.skip_broken))
            if shard.is_done():
                bar.initial += count
                bar.update(count)
            else:
                waiting[executor.submit(_write_shard, shard)] = count
            collect(workers)  # one more than there are processes, so that none waits for work
        collect(0)
    return seen


@contextmanager
def _packing(shard: Shard) -> Iterator[tuple[dict[int, ArrayRecordWriter], object]]:
    """Give {size: writer of that file} and the file of records; in the end the shard is packed.

    Raises: UserError for a full disk.
    """
    aside = shard.folder.with_name(shard.folder.name + ".writing")
    shutil.rmtree(aside, ignore_errors=True)
    make_folder(aside)
    files = {size: aside / shard.file(size).name for size in shard.sizes}
    try:
        # One record a group: any picture is read alone. PNGs do not compress any further.
        options = "group_size:1,uncompressed"
        writers = {size: ArrayRecordWriter(str(file), options) for size, file in files.items()}
        records = aside / shard.records.name
        with disk_errors(shard.folder), open(records, "w", encoding="utf-8") as lines:
            yield writers, lines
        for writer in writers.values():
            writer.close()
    except RuntimeError as error:  # how ArrayRecord tells that it cannot write
        raise UserError(
            f"cannot write {aside}: {error}; free some space and run the same command again"
        ) from error
    with disk_errors(shard.folder):
        for file in (*files.values(), records):
            sync(file)
        shutil.rmtree(shard.folder, ignore_errors=True)
        os.replace(aside, shard.folder)


def _write_shard(shard: Shard) -> None:
    with _packing(shard) as (writers, lines):
        for picture in shard.pictures:
            record = _facts(picture)
            try:
                side, pngs = _stored(picture, shard.sizes, shard.stretch)
            except UserError as error:
                if not shard.skip_broken:
                    raise
                record["broken"] = str(error)
            else:
                for size, png in zip(shard.sizes, pngs, strict=True):
                    writers[size].write(png)
                record |= {"side": side, "sha256": hashlib.sha256(pngs[1]).hexdigest()}
            lines.write(json.dumps(record) + "\n")


def _facts(picture: Picture) -> dict:
    return {
        "name": picture.name,
        "class": picture.class_name,
        "captions": picture.captions,
        "attributes": picture.attributes,
    }


def _stored(picture: Picture, sizes: tuple[int, int], stretch: bool):
    """([width, height] before the resize, (low PNG, high PNG)); `UserError` names the picture."""
    if isinstance(picture.image, tuple):
        low, high = map(Image.fromarray, picture.image)
        return list(high.size), (encode_png(low), encode_png(high))
    where = picture.image if isinstance(picture.image, Path) else picture.name
    image = open_picture(picture.image, name=str(where))
    try:
        if picture.box is not None:
            image = crop_to_box(image, picture.box)
        return list(image.size), prepare(image, sizes, stretch)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
