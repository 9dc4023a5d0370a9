"""One pass over the pictures and captions of a prepared split: some bytes about each are kept."""

import hashlib
import io
import unicodedata
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.check_alike import code_of, grid_of
from misc.data.images import open_picture
from misc.data.prepared import PreparedSplit, open_split

TASK = 256  # pictures that one process looks at before it reports
COARSE = 4  # cells a side of the grid that is kept of every picture
# Of 255: what compression leaves on a grey, and on a plain, picture.
COLOURLESS, PLAIN = 12, 8
IEND = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk of a PNG, with its checksum
FACTS = np.dtype(
    [
        ("pixels", "<u8"),  # digest of the high picture's pixels
        ("code", "<u8"),  # `code_of` the low picture
        ("mirrored", "<u8"),
        ("grid", "u1", (COARSE, COARSE, 3)),
        ("name", "<u8"),  # digest
        ("captions", "<i4"),  # sentences, which imported embeddings may lack
        ("unreadable", "?"),  # all above but name and captions are 0 then
        ("flat", "?"),
        ("grey", "?"),
        ("tiny", "?"),
        ("blank-caption", "?"),
        ("caption-twice", "?"),
        ("control-character", "?"),
    ]
)


class Limits(NamedTuple):
    """What counts as wrong.

    Attributes:
      tiny: pixels; a picture whose source is less wide or high.
      grey: share of colourless pixels from which on a picture is grey.
    """

    tiny: int
    grey: float


class Task(NamedTuple):
    """Pictures that one process looks at: rows of index.npy, int64 (n,)."""

    folder: Path
    split: str
    rows: np.ndarray
    limits: Limits


def facts_of(
    split: PreparedSplit, limits: Limits, executor: Executor
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each picture of a split, and digests of all its captions.

    Args: executor: as `processes` gives it.
    Returns: `FACTS` (n,), in the order of the split; uint64 (captions,), alike for captions that
      differ in case and spaces alone.
    """
    parts = [split.rows[k : k + TASK] for k in range(0, len(split), TASK)]
    tasks = [Task(split.folder.parent, split.split, part, limits) for part in parts]
    facts, said, done = np.zeros(len(split), FACTS), [], 0
    with tqdm(total=len(split), desc=split.split, unit="picture") as bar:
        for rows, digests in executor.map(look, tasks):
            facts[done : done + len(rows)] = rows
            said.append(digests)
            done += len(rows)
            bar.update(len(rows))
    return facts, np.concatenate(said)


def look(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """`FACTS` of a task's pictures, and digests of their captions, one after the other."""
    split = open_split(task.folder, task.split, whole=True)
    facts, said = np.zeros(len(task.rows), FACTS), []
    for fact, i in zip(facts, task.rows.tolist(), strict=True):
        record = split.record(i)
        _look_at_captions(record["captions"], fact, said)
        fact["name"] = digest(record["name"].encode("utf-8", "surrogatepass"))
        fact["tiny"] = min(record["side"]) < task.limits.tiny
        try:
            low, high = (stored_picture(split, i, size) for size in split.sizes)
        except UserError:
            fact["unreadable"] = True
            continue
        fact["pixels"] = digest(high.tobytes())
        fact["code"], fact["mirrored"] = code_of(low)
        fact["grid"] = grid_of(low, COARSE)
        pixels = np.asarray(low)
        fact["flat"] = np.ptp(pixels, axis=(0, 1)).max() <= PLAIN
        colourless = np.ptp(pixels, axis=2) <= COLOURLESS
        fact["grey"] = not fact["flat"] and colourless.mean() >= task.limits.grey
    return facts, np.array(said, np.uint64)


def stored_picture(split: PreparedSplit, i: int, size: int) -> Image.Image:
    """A stored picture as RGB; UserError if training could not read it."""
    (png,) = split.pictures([i], size)
    name = f"{split.folder}, picture {i}, {size} px"
    image = open_picture(png, name=name)
    if image.size != (size, size):
        raise UserError(f"{name}: it is {image.width} x {image.height}")
    if not png.endswith(IEND):
        raise UserError(f"{name}: its end is damaged")
    try:
        # Pillow reads past wrong checksums, TensorFlow does not.
        Image.open(io.BytesIO(png)).verify()
    except (OSError, SyntaxError) as error:
        raise UserError(f"{name}: {error}") from error
    return image


def digest(content: bytes) -> int:
    """64 bits; two of a million pictures have the same by chance once in 30 million sets."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


def _look_at_captions(captions: list[str], fact: np.void, said: list[int]) -> None:
    plain = [" ".join(caption.split()).casefold() for caption in captions]
    fact["captions"] = len(captions)
    fact["blank-caption"] = any(not any(map(str.isalnum, caption)) for caption in plain)
    fact["caption-twice"] = len(set(plain)) < len(plain)
    fact["control-character"] = any(map(_has_control, captions))
    said += [digest(caption.encode("utf-8", "surrogatepass")) for caption in plain]


def _has_control(caption: str) -> bool:
    """Whether there is a character in it that is none of a script; joiners are some."""
    if caption.isprintable():
        return False
    return any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} for c in caption)
