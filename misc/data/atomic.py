"""Files that are whole or not there: written aside, synced to the disk, then renamed into place."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from misc.config.errors import UserError

# Nobody pauses this long within a file: its writer was killed. Ids of processes tell less, as
# machines and containers that share a disk use the same ones.
ABANDONED = 3600.0  # seconds
_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some of your quota and run the same command again",
    errno.EFBIG: "files of this size are not allowed here: raise the limit (ulimit -f)",
    errno.ENOTDIR: "a part of this path is a file where a folder is needed: choose another path",
    errno.EEXIST: "there is a file where a folder is needed: choose another path",
    errno.EISDIR: "there is a folder where a file is needed: choose another path",
    errno.EACCES: "choose a path you may write to",
    errno.EPERM: "choose a path you may write to",
    errno.EROFS: "choose a path you may write to",
}


@contextmanager
def disk_errors(path: Path | str) -> Iterator[None]:
    """Turn an `OSError` raised inside into a `UserError` that names `path` as what was written.

    Only writing belongs inside: an `OSError` of a file being read would be blamed on `path`.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno, "check the path and the disk")
        reason = error.strerror or str(error) or type(error).__name__
        raise UserError(f"cannot write {path}: {reason}; {remedy}") from error


def make_folder(path: Path | str) -> Path:
    """Make a folder with its parents, if it is not there; `UserError` if a file is in the way."""
    path = Path(path)
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def sync(path: Path | str) -> None:
    """Wait until a closed file's bytes are on the disk: a later rename must not outrun them."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def replace_with(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it takes the place of `path`.

    The block writes and closes the temporary file, which carries the suffix of `path`. If the block
    raises, or the process is killed, the old file stays as it was; what killed writers of `path`
    left is removed after an hour. Missing folders are made.

    Raises: UserError for any `OSError` (disk full, a path below a regular file, no permission).
    """
    path = Path(path)
    make_folder(path.parent)
    begin = f".{path.stem}.partial-"
    partial = path.with_name(f"{begin}{os.getpid()}{path.suffix}")
    with disk_errors(path):
        for other in path.parent.iterdir():
            if other.name.startswith(begin) and other.suffix == path.suffix:
                _remove_abandoned(other)
        try:
            yield partial
            sync(partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def _remove_abandoned(partial: Path) -> None:
    with suppress(FileNotFoundError):  # its writer, or another one that cleans up, was faster
        if time.time() - partial.stat().st_mtime > ABANDONED:
            partial.unlink()


def write_atomic(path: Path | str, content: bytes) -> None:
    """Write a whole file or leave the old one untouched; raises as `replace_with`."""
    with replace_with(path) as partial:
        partial.write_bytes(content)
