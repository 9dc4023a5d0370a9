"""The layout of CelebA, with captions as Face2Text has them.

    img_align_celeba/000001.jpg
    list_attr_celeba.txt      how many pictures; the attributes' names; a picture and 1 or -1 each,
                              or 0, which the original never has, where it cannot be seen
    list_eval_partition.txt   a picture and 0 (train), 1 (validation) or 2 (test), no one in two
    identity_CelebA.txt       a picture and the number of its person
    face2text.json            [{"img_id", "image", "descriptions": [{"desc_id", "text"}]}]

CelebA's list_bbox_celeba.txt is about its pictures in the wild, not about those in this folder; so
drawn faces have none. As in the original, one person's pictures are not neighbours.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from misc.drawings.layouts.entry import Entry, Item, write_lines

CAPTIONS = 5
MOST = 999_999
SIGNS = {1: 1, 0: -1, -1: 0}  # of labels, in its table
VALIDATION = 8  # every eighth person of the training split validates


def places(items: Sequence[Item], classes, seed: int) -> dict[str, Item]:
    """See `entry`: in an order that the seed shuffles."""
    order = np.random.default_rng(seed).permutation(len(items))
    return {f"img_align_celeba/{i:06d}.jpg": items[k] for i, k in enumerate(order, 1)}


def write_tables(out: Path, entries: Sequence[Entry], classes, attribute_names) -> dict:
    """See `entry`; persons count from 1."""
    files = [Path(entry.path).name for entry in entries]
    # Numbers are as wide as their signs need, as in the original: a reader must split at blanks.
    rows = [
        " ".join([file, *(f"{SIGNS[label]:2d}" for label in entry.labels.tolist())])
        for file, entry in zip(files, entries, strict=True)
    ]
    write_lines(out / "list_attr_celeba.txt", [str(len(rows)), " ".join(attribute_names), *rows])
    tables = {
        "list_eval_partition": [_part(entry.item.number, classes) for entry in entries],
        "identity_CelebA": [entry.item.number + 1 for entry in entries],
    }
    for name, values in tables.items():
        lines = (f"{file} {value}" for file, value in zip(files, values, strict=True))
        write_lines(out / f"{name}.txt", lines)
    write_lines(out / "face2text.json", [json.dumps(_descriptions(files, entries), indent=1)])
    used = sorted({entry.item.number for entry in entries})
    return {"people": {str(n + 1): classes[n].name for n in used}}


def _part(number: int, classes) -> int:
    if classes[number].split == "test":
        return 2
    return int(number % VALIDATION == VALIDATION - 1)


def _descriptions(files: list[str], entries: Sequence[Entry]) -> list[dict]:
    """Face2Text's records; pictures and descriptions are numbered through, from 1."""
    records, count = [], 0
    for i, (file, entry) in enumerate(zip(files, entries, strict=True), 1):
        texts = [{"desc_id": count + k, "text": t} for k, t in enumerate(entry.captions, 1)]
        count += len(texts)
        records.append({"img_id": i, "image": file, "descriptions": texts})
    return records
