"""The layout of Oxford's 102 flowers, with the captions and the class lists of Reed et al.

    jpg/image_00001.jpg
    imagelabels.mat                      labels: uint8 (1, pictures), classes counted from 1
    setid.mat                            trnid, valid, tstid: uint16 (1, pictures of that split)
    text_c10/class_00001/image_00001.txt ten captions, one a line
    trainvalclasses.txt, testclasses.txt

The official split of setid.mat has pictures of every class in each part; that of Reed et al. keeps
whole classes for the test. The classes' names have no file: drawn.json says them.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from misc.drawings.layouts.entry import Entry, Item, write_class_lists, write_lines

CAPTIONS = 10
MOST = 2**16 - 1  # of setid.mat's numbers
# Of four pictures of a class one trains, one validates and two test.
PARTS = ("trnid", "valid", "tstid", "tstid")
HEADER = b"MATLAB 5.0 MAT-file of a drawn set".ljust(116)


def places(items: Sequence[Item], classes, seed: int) -> dict[str, Item]:
    """See `entry`: class by class, with numbers for names."""
    return {f"jpg/image_{i:05d}.jpg": item for i, item in enumerate(items, 1)}


def write_tables(out: Path, entries: Sequence[Entry], classes, attribute_names) -> dict:
    """See `entry`; the original has no boxes and no attributes, so neither has this."""
    folders = [f"class_{number:05d}" for number in range(1, len(classes) + 1)]
    parts = {part: [] for part in PARTS}
    for i, entry in enumerate(entries, 1):
        number, copy = entry.item.number, entry.item.copy
        # Counted from another part in each class: a few pictures of many classes fill all parts.
        parts[PARTS[(number + copy) % len(PARTS)]].append(i)
        text = out / "text_c10" / folders[number] / f"{Path(entry.path).stem}.txt"
        write_lines(text, entry.captions)
    write_class_lists(out, entries, classes, folders)
    labels = np.array([[entry.item.number + 1 for entry in entries]], np.uint8)
    _write_mat(out / "imagelabels.mat", {"labels": labels})
    numbers = {part: np.array([ids], np.uint16) for part, ids in parts.items()}
    _write_mat(out / "setid.mat", numbers)
    used = sorted({entry.item.number for entry in entries})
    return {"classes": {folders[n]: classes[n].name for n in used}}


def _write_mat(path: Path, arrays: dict[str, np.ndarray]) -> None:
    from scipy.io import savemat  # only here: other kinds are drawn without it

    file = io.BytesIO()
    savemat(file, arrays)
    # SciPy begins with the time and the system; a set's bytes follow from its seed alone.
    path.write_bytes(HEADER + file.getvalue()[len(HEADER) :])
