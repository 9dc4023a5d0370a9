"""Pictures that a prepared set keeps but does not show: {train,test}/quarantine.jsonl.

One line a picture, {"row": of index.npy, "name": ..., "reason": kind of finding}. A line, or the
file, that is removed brings its pictures back; nothing else of the set is touched.
"""

import json
from pathlib import Path
from typing import NamedTuple

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, replace_with

FILE = "quarantine.jsonl"
LONGEST = 2**16  # bytes of a line: a path is at most 4,096 characters, a JSON escape six bytes each


class Quarantined(NamedTuple):
    """A picture in quarantine: its name and why, the `kind` of a finding."""

    name: str
    reason: str


def read_quarantine(split_folder: Path | str) -> dict[int, Quarantined]:
    """{row of index.npy: what is in quarantine there}, by row; {} without the file.

    Raises: UserError naming the line that is no such entry.
    """
    path = Path(split_folder) / FILE
    found = {}
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
                entry = _parse(line)
                if entry is None:
                    raise UserError(
                        f"{path}, line {number}: not of the form "
                        '{"row": 0, "name": "...", "reason": "..."}; remove the line (its picture '
                        "comes back), or the file (all do)"
                    )
                found[entry[0]] = entry[1]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); mend that, or remove it: its pictures "
            "then come back"
        ) from error
    return dict(sorted(found.items()))


def write_quarantine(split_folder: Path | str, entries: dict[int, Quarantined]) -> None:
    """Replace a split's quarantine, as a whole or not at all; without entries there is no file.

    Raises: UserError if that cannot be written.
    """
    path = Path(split_folder) / FILE
    if not entries:
        with disk_errors(path):
            path.unlink(missing_ok=True)
        return
    with replace_with(path) as partial, open(partial, "w", encoding="utf-8") as file:
        for row, (name, reason) in sorted(entries.items()):
            file.write(json.dumps({"row": row, "name": name, "reason": reason}) + "\n")


def _parse(line: bytes) -> tuple[int, Quarantined] | None:
    try:
        entry = json.loads(line)
        row, name, reason = entry["row"], entry["name"], entry["reason"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = type(row) is int and row >= 0 and isinstance(name, str) and isinstance(reason, str)
    return (row, Quarantined(name, reason)) if fits else None
