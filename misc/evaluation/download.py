"""Files from their official place into a cache, whole and checked, and never without a word."""

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, replace_with

PATIENCE = 30.0  # seconds that a host has to connect, and for each part of its answer
_PART = 1 << 20
_MOST_MEMBERS = 64  # of an archive, looked at before the wanted one
_MOST = 1 << 28  # bytes that are unpacked


class Download(NamedTuple):
    """A file of the network.

    Attributes:
      url: where; size: its bytes, exactly; md5: its digest, "" where none was ever published.
      member: the one file that is wanted of it if it is a .tgz.
      name: of what is kept, in the cache.
    """

    url: str
    size: int
    name: str
    md5: str = ""
    member: str = ""


def cache_folder() -> Path:
    """Where downloads are kept: that of Keras if KERAS_HOME names one, else ~/.cache/def-gan."""
    home = os.environ.get("KERAS_HOME")
    return Path(home) / "models" if home else Path.home() / ".cache" / "def-gan"


def fetch(source: Download) -> Path:
    """The file in the cache, downloaded if it is not there or not as it should be; says so.

    Raises: UserError if the host does not answer, what it sends is not the file, or it cannot be
      written.
    """
    path = cache_folder() / source.name
    if path.is_file() and (not source.md5 or _md5(path) == source.md5):
        return path
    print(
        f"downloading {source.url} ({source.size / 1e6:.0f} MB) to {path}",
        file=sys.stderr,
        flush=True,
    )
    with disk_errors(path), tempfile.TemporaryFile() as aside, replace_with(path) as partial:
        digest, size = hashlib.md5(usedforsecurity=False), 0
        for part in _parts(source):
            size += len(part)
            digest.update(part)
            aside.write(part)
        if size != source.size or source.md5 not in ("", digest.hexdigest()):
            raise UserError(
                f"{source.url} sent {size:,} bytes with MD5 {digest.hexdigest()}, expected "
                f"{source.size:,} with MD5 {source.md5 or '(any)'}; {_by_hand(source)}"
            )
        aside.seek(0)
        with open(partial, "wb") as file:
            if source.member:
                _unpack(aside, source, file)
            else:
                shutil.copyfileobj(aside, file)
    return path


def _parts(source: Download) -> Iterator[bytes]:
    """What the host sends, but at most one part more than it should."""
    host, left = urlsplit(source.url).hostname, source.size
    bar = tqdm(total=source.size, desc=source.name, unit="B", unit_scale=True, disable=None)
    try:
        with bar, urlopen(source.url, timeout=PATIENCE) as answer:
            while left >= 0 and (part := answer.read(_PART)):
                left -= len(part)
                bar.update(len(part))
                yield part
    except HTTPError as error:
        raise UserError(
            f"{source.url}: {host} answers {error.code} {error.reason}; {_by_hand(source)}"
        ) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{source.url} cannot be downloaded: {host} does not answer ({reason}); check the "
            f"network (HTTPS_PROXY is honoured), or {_by_hand(source)}"
        ) from error


def _unpack(archive: IO[bytes], source: Download, file: IO[bytes]) -> None:
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as members:
            for member, _ in zip(members, range(_MOST_MEMBERS), strict=False):
                if Path(member.name).name != source.member or not member.isfile():
                    continue
                if member.size <= _MOST:
                    shutil.copyfileobj(members.extractfile(member), file)
                    return
    except (tarfile.TarError, EOFError) as error:
        raise UserError(
            f"{source.url} sent a damaged archive ({error}); {_by_hand(source)}"
        ) from error
    raise UserError(f"{source.url} sent an archive without {source.member}; {_by_hand(source)}")


def _by_hand(source: Download) -> str:
    return f"get {source.member or source.name} by hand and name it (EVAL.WEIGHTS, --weights)"


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
