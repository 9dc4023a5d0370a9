"""The layout of CUB-200-2011, with the captions and the class lists of Reed et al.

CUB_200_2011/  images/CLASS/NAME.jpg, images.txt, classes.txt, image_class_labels.txt,
               bounding_boxes.txt, train_test_split.txt, attributes/
text_c10/CLASS/NAME.txt              ten captions, one a line
trainvalclasses.txt, testclasses.txt
"""

from collections.abc import Sequence
from pathlib import Path

from misc.drawings.layouts.entry import Entry, Item, write_class_lists, write_lines

CAPTIONS = 10
MOST = 2**24
ROOT = "CUB_200_2011"
IMAGES = f"{ROOT}/images/"
CERTAINTIES = ("1 not visible", "2 guessing", "3 probably", "4 definitely")


def places(items: Sequence[Item], classes, seed: int) -> dict[str, Item]:
    """See `entry`: class by class, `001.Blue_winged_Finch/Blue_winged_Finch_0001.jpg`."""
    folders = _folders(classes)
    return {
        f"{IMAGES}{folders[item.number]}/{classes[item.number].name}_{item.copy:04d}.jpg": item
        for item in items
    }


def write_tables(out: Path, entries: Sequence[Entry], classes, attribute_names) -> dict:
    """See `entry`; picture and attribute ids count from 1, class ids are the classes' own."""
    root, folders = out / ROOT, _folders(classes)
    files = [entry.path.removeprefix(IMAGES) for entry in entries]
    for file, entry in zip(files, entries, strict=True):
        write_lines(out / "text_c10" / Path(file).with_suffix(".txt"), entry.captions)
    write_class_lists(out, entries, classes, folders)

    used = sorted({entry.item.number for entry in entries})
    write_lines(root / "classes.txt", (f"{n + 1} {folders[n]}" for n in used))
    tables = {
        "images": files,
        "image_class_labels": [entry.item.number + 1 for entry in entries],
        "bounding_boxes": [" ".join(f"{v:.1f}" for v in entry.box) for entry in entries],
        # CUB's official split halves every class: here the odd numbers train.
        "train_test_split": [entry.item.copy % 2 for entry in entries],
        "attributes/attributes": attribute_names,
    }
    for name, values in tables.items():
        write_lines(root / f"{name}.txt", (f"{i} {value}" for i, value in enumerate(values, 1)))
    write_lines(root / "attributes" / "certainties.txt", CERTAINTIES)
    write_lines(
        root / "attributes" / "image_attribute_labels.txt",
        (
            f"{i} {a} {max(int(label), 0)} {1 if label < 0 else 4} 0.0"
            for i, entry in enumerate(entries, 1)
            for a, label in enumerate(entry.labels, 1)
        ),
    )
    return {}


def _folders(classes) -> list[str]:
    return [f"{number:03d}.{one.name}" for number, one in enumerate(classes, 1)]
