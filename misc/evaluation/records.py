"""The numbers that an evaluation leaves in RUN/evaluation/, and how they are read back.

metrics.jsonl     one JSON object a number, as `protocols.line` makes it; the last of a protocol
                  counts
replicates.json   {protocol: [float, ...]} of those, for intervals of differences between runs
samples.json, pictures/   see misc.evaluation.samples
report.html       see misc.evaluation.report
"""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import write_atomic
from misc.data.captions import parse_json, read_text
from misc.evaluation.bootstrap import Estimate
from misc.evaluation.ranking import SIDES

FOLDER = "evaluation"
MOST_BYTES = 64 * 2**20  # of one of these files
_NUMBERS, _REPLICATES = "metrics.jsonl", "replicates.json"


class Metric(NamedTuple):
    """What a reader has to know about one.

    higher: more of it is better.  biased: it changes with the number of pictures.
    """

    title: str
    higher: bool
    biased: bool


TITLES = {
    "is": "Inception score",
    "fid": "FID",
    "kid": "KID",
    "pr": "Precision and recall (F1)",
    "diversity": "Diversity for one caption",
    "r_precision": "R-precision",
    "attributes": "Attribute accuracy",
    "colour": "Colour correlation",
}
_BIASED = ("is", "fid", "pr")
METRICS = {
    name: Metric(TITLES[name], higher, name in _BIASED)
    for side in SIDES.values()
    for name, higher in side.items()
}


class Number(NamedTuple):
    """One number read back.

    line: what was told; `metric` and `protocol` are text, `value` and `interval` finite or None.
    estimate: with the replicates; None if they are not of this line, as after a kill.
    """

    line: dict
    estimate: Estimate | None

    def get(self, key: str) -> float | None:
        """A field of the line if it is a finite number, else None."""
        return finite(self.line.get(key))


def finite(value) -> float | None:
    """`value` as a float if it is a finite number, else None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # JSON's whole numbers have no end
        return None


def keep(folder: Path, line: dict, estimate: Estimate | None = None) -> None:
    """Append a line to metrics.jsonl, and put the estimate's replicates beside it.

    Raises: UserError if `folder` cannot be written, or holds files of these names that are not
      ours; ValueError for a number that is not finite.
    """
    path, replicates = folder / _NUMBERS, _read_replicates(folder)
    replicates.pop(line["protocol"], None)
    if estimate is not None:
        replicates[line["protocol"]] = [float(value) for value in estimate.replicates]
    before = bounded_text(path) if path.exists() else ""
    # Whole files: a line cut off by a kill would take the next one with it.
    write_atomic(folder / _REPLICATES, json.dumps(replicates, allow_nan=False).encode())
    write_atomic(path, (before + json.dumps(line, allow_nan=False) + "\n").encode())


def read_numbers(folder: Path) -> dict[str, Number]:
    """The last number of each protocol, those told last in the end.

    Returns: {} if there is no metrics.jsonl.
    Raises: UserError, with file and line, for what `keep` does not write.
    """
    path, found = folder / _NUMBERS, {}
    if not path.exists():
        return found
    replicates = _read_replicates(folder)
    for number, text in enumerate(bounded_text(path).splitlines(), 1):
        line = parse_json(f"{path} line {number}", text)
        if not _is_number(line):
            raise UserError(
                f"{path} line {number}: not a number with its protocol; remove the line, or the "
                "file and run main.py again"
            )
        found.pop(line["protocol"], None)  # the newest last
        found[line["protocol"]] = line
    return {key: Number(line, _estimate(line, replicates)) for key, line in found.items()}


def bounded_text(path: Path) -> str:
    """A text of at most `MOST_BYTES`. Raises: UserError if it is larger, or not UTF-8."""
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise UserError(
            f"{path} has {path.stat().st_size:,} bytes, expected at most {MOST_BYTES:,}; remove it "
            "and run main.py again"
        )
    return read_text(path)


def _is_number(line) -> bool:
    if not isinstance(line, dict) or not {"metric", "value", "protocol"} <= line.keys():
        return False
    interval = line.get("interval")
    pair = isinstance(interval, list) and len(interval) == 2 and None not in map(finite, interval)
    names = (line["metric"], line["protocol"])
    return (
        all(isinstance(name, str) and len(name) <= 200 for name in names)
        and (line["value"] is None or finite(line["value"]) is not None)
        and (interval is None or pair)
    )


def _estimate(line: dict, replicates: dict) -> Estimate | None:
    drawn = replicates.get(line["protocol"])
    if not drawn or line["value"] is None or line.get("interval") is None:
        return None
    estimate = Estimate(float(line["value"]), np.array(drawn, np.float64))
    return estimate if np.allclose(estimate.interval, line["interval"]) else None


def _read_replicates(folder: Path) -> dict[str, list[float]]:
    path = folder / _REPLICATES
    if not path.exists():
        return {}
    content = parse_json(str(path), bounded_text(path))
    good = isinstance(content, dict) and all(
        isinstance(drawn, list) and None not in map(finite, drawn) for drawn in content.values()
    )
    if not good:
        raise UserError(
            f"{path}: expected lists of numbers by protocol; remove it and run main.py again"
        )
    return content
