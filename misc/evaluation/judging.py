"""One pass over pictures, through all that judges them; what is said of real ones is kept."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.data.atomic import disk_errors, make_folder

KEPT = 16  # sets of real pictures


class Judge(NamedTuple):
    """Something that judges pictures.

    Attributes:
      ask: uint8 (n, h, w, 3) -> what it says of each picture, by name: arrays (n, ...).
      facts: what the lines of its numbers tell: `judge`, its name in protocols, and more.
    """

    ask: Callable[[np.ndarray], Mapping[str, np.ndarray]]
    facts: dict


Said = dict[str, np.ndarray]


def judge(
    batches: Iterator[np.ndarray], count: int, judges: Mapping[str, Judge], folder: Path
) -> Said:
    """What each judge says of each picture: {"judge/what": (count, ...)}.

    The arrays are memory-mapped files in `folder`, so that memory does not grow with `count`.

    Args: batches: uint8 (n, h, w, 3), `count` pictures in all, each batch of one size.
    Raises: ValueError for another number of pictures; UserError if the disk is full.
    """
    said, done = {}, 0
    for pictures in batches:
        end = done + len(pictures)
        if end > count:
            raise ValueError(f"judge: expected {count} pictures, got more")
        for name, one in judges.items():
            for what, values in one.ask(pictures).items():
                key = f"{name}/{what}"
                if key not in said:
                    said[key] = _mapped(folder / _file(key), (count, *values.shape[1:]), values)
                said[key][done:end] = values
        done = end
    if done != count:
        raise ValueError(f"judge: expected {count} pictures, got {done}")
    return said


def judge_kept(
    batches: Callable[[], Iterator[np.ndarray]],
    count: int,
    judges: Mapping[str, Judge],
    content: str,
) -> Said:
    """The same, but of pictures that were judged before, by the same judges, it is read back.

    Each judge's answers lie in a folder of their own in the cache (`cache_folder`), which may be
    deleted; of the longest unused ones it forgets.

    Args:
      batches: gives the batches; not called if every judge's answers are there.
      content: a digest of all that decides what pictures these are.
    """
    said, missing, places = {}, {}, {}
    for name, one in judges.items():
        facts = f"{content}\n{sorted(one.facts.items())}"
        places[name] = cache_folder() / "judged" / hashlib.sha256(facts.encode()).hexdigest()[:32]
        kept = _read(places[name], name, count)
        said |= kept
        if not kept:
            missing[name] = one
    if missing:
        make_folder(cache_folder() / "judged")
        with disk_errors(cache_folder()):
            aside = Path(tempfile.mkdtemp(dir=cache_folder() / "judged", prefix=".partial-"))
        try:
            judge(batches(), count, missing, aside)
            for name in missing:
                said |= _keep(aside, places[name], name, count)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        _forget(cache_folder() / "judged")
    return said


def cache_folder() -> Path:
    """Where this project keeps what can be made again: $XDG_CACHE_HOME/def-gan."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "def-gan"


def _file(key: str) -> str:
    return key.replace("/", "_") + ".npy"


def _mapped(path: Path, shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    with disk_errors(path):
        return np.lib.format.open_memmap(path, "w+", dtype=values.dtype, shape=shape)


def _keep(aside: Path, place: Path, name: str, count: int) -> Said:
    """Move a judge's files to their place, all at once."""
    with disk_errors(place):
        one = aside / name
        one.mkdir()
        for file in aside.glob(f"{name}_*.npy"):
            file.rename(one / file.name)
        shutil.rmtree(place, ignore_errors=True)
        one.rename(place)
    return _read(place, name, count)


def _read(place: Path, name: str, count: int) -> Said:
    """What is kept in `place`, {} unless it is whole."""
    said = {}
    try:
        for file in place.glob(f"{name}_*.npy"):
            values = np.load(file, mmap_mode="r", allow_pickle=False)
            if len(values) != count:
                return {}
            said[f"{name}/{file.stem.removeprefix(f'{name}_')}"] = values
        os.utime(place)  # used now
    except (OSError, ValueError, EOFError):
        return {}
    return said


def _forget(folder: Path) -> None:
    kept = sorted(folder.glob("[!.]*"), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in kept[KEPT:]:
        shutil.rmtree(place, ignore_errors=True)
