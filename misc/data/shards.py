"""Pack pictures into shards: in parallel, restartable, the same bytes whatever the processes."""

import hashlib
import math
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from array_record.python.array_record_module import ArrayRecordWriter
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, sync
from misc.data.images import open_picture, prepare

Source = tuple[Path, tuple[float, float, float, float] | None]  # picture file and box
RULES = 1  # raise it whenever the same source picture would give other bytes


@dataclass(frozen=True)
class Shard:
    """Pictures that one task packs into `folder`, which appears only when all of them are in it.

    The folder is named by a digest of all that its content depends on, so a folder that is there is
    right, whichever run made it. It holds one ArrayRecord file a size, `file(size)`.
    """

    folder: Path
    sources: list[Source]
    sizes: tuple[int, int]
    stretch: bool

    def file(self, size: int) -> Path:
        """The file of one family, with one PNG of `size` px a record."""
        return self.folder / f"{size}.array_record"

    def is_done(self) -> bool:
        """Whether it is packed; not so if its files were being moved when a run was broken off."""
        return all(self.file(size).is_file() for size in self.sizes)


def plan_shards(
    folder: Path, sources: Sequence[Source], sizes: tuple[int, int], stretch: bool
) -> list[Shard]:
    """Deal pictures, in order, to shards below `folder`; all but the last hold as many.

    A picture counts as unchanged while its path, size and time of change are: reading it would cost
    what keeping its shard is to save. Raises: UserError naming a picture that is not there.
    """
    # Some dozens of shards, to keep every core busy to the end, of at most 1,000 pictures.
    length = min(1000, max(64, math.ceil(len(sources) / 64)))
    shards = []
    for first in range(0, len(sources), length):
        members = list(sources[first : first + length])
        digest = hashlib.sha256(repr((RULES, sizes, stretch)).encode())
        for path, box in members:
            try:
                state = os.stat(path)
            except OSError as error:
                raise UserError(f"{path}: cannot read the picture: {error.strerror}") from error
            digest.update(repr((str(path), box, state.st_size, state.st_mtime_ns)).encode())
        number = f"{first // length:05d}-{digest.hexdigest()[:16]}"
        shards.append(Shard(folder / number, members, sizes, stretch))
    return shards


def write_shards(shards: Sequence[Shard], description: str, workers: int | None = None) -> None:
    """Pack every shard that is not there yet, with a progress bar on stderr.

    Args:
      workers: processes; None: one a core; 1: all in this process.

    Raises: UserError for a picture that cannot be read or used, naming it, or a full disk. Shards
      finished by then stay.
    """
    todo = [shard for shard in shards if not shard.is_done()]
    total = sum(len(shard.sources) for shard in shards)
    done = total - sum(len(shard.sources) for shard in todo)
    # Windows waits for at most 61 processes at once.
    workers = min(workers or os.cpu_count() or 1, len(todo), 61)
    with tqdm(total=total, initial=done, desc=description, unit="picture") as bar:
        if workers <= 1:
            for shard in todo:
                bar.update(_write_shard(shard))
            return
        executor = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_die_quietly
        )
        try:
            for future in as_completed([executor.submit(_write_shard, shard) for shard in todo]):
                bar.update(future.result())
        except BrokenProcessPool as error:
            raise UserError(
                "a process that prepared pictures was killed, probably for want of memory; run the "
                "same command again with fewer workers, what is finished is kept"
            ) from error
        finally:
            executor.shutdown(cancel_futures=True)


def _die_quietly() -> None:
    # Ctrl-C reaches every process; the parent alone reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def packing(shard: Shard) -> Iterator[dict[int, ArrayRecordWriter]]:
    """Give {size: writer of that file}; when the block ends well, the shard is packed.

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
        yield writers
        for writer in writers.values():
            writer.close()
    except RuntimeError as error:  # how ArrayRecord tells that it cannot write
        raise UserError(
            f"cannot write {aside}: {error}; free some space and run the same command again"
        ) from error
    with disk_errors(shard.folder):
        for file in files.values():
            sync(file)
        shutil.rmtree(shard.folder, ignore_errors=True)
        os.replace(aside, shard.folder)


def _write_shard(shard: Shard) -> int:
    """Pack one shard and return its number of pictures."""
    with packing(shard) as writers:
        for path, box in shard.sources:
            image = open_picture(path)
            try:
                pngs = prepare(image, box, shard.sizes, shard.stretch)
            except UserError as error:
                raise UserError(f"{path}: {error}") from error
            for size, png in zip(shard.sizes, pngs, strict=True):
                writers[size].write(png)
    return len(shard.sources)
