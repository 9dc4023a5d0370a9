"""COCO's pictures with their captions, of 2017 or 2014."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from misc.config.errors import UserError
from misc.data.captions import find_pictures, read_captions
from misc.data.picture import Picture, Pictures
from misc.sources.archives import unpack_missing
from misc.sources.source import Source, card

DOWNLOADS = "http://images.cocodataset.org"
LICENCE = (
    "pictures of their owners, under the terms of Flickr; captions CC BY 4.0: "
    "https://cocodataset.org/#termsofuse"
)
SPLITS = {"train": "train", "test": "val"}  # ours, and COCO's name of it


def coco(root: Path, year: int = 2017) -> Source:
    """COCO's pictures and captions, in one folder; for 2014 all names have that year.

    root/train2017/, root/val2017/       the pictures; train2017.zip and val2017.zip are unpacked
    root/annotations/captions_train2017.json, captions_val2017.json     if these are not there, and
                                         so is annotations_trainval2017.zip

    The validation pictures are the test, for the captions of COCO's own test are not published. A
    picture has five captions, some six or seven, and all are kept. It is a class of its own: any
    other picture is a wrong one. Pictures without captions are left out. Of 2017, 118,287 pictures
    are for training and 5,000 for the test; reading all their captions takes 0.5 GB of memory.

    Raises: UserError for what is missing (with where to get it) or damaged, and for captions of
      pictures that are not there.
    """
    splits, left_out = {}, 0
    for part, name in SPLITS.items():
        folder, table = root / f"{name}{year}", root / f"annotations/captions_{name}{year}.json"
        archives = (f"zips/{folder.name}.zip", f"annotations/annotations_trainval{year}.zip")
        for wanted, archive in zip((folder, table), archives, strict=True):
            file = Path(archive).name
            unpack_missing(root, wanted.relative_to(root).as_posix(), file)
            if not wanted.exists():
                raise UserError(
                    f"{wanted} is missing; expected it, or {file} in {root}: get it from "
                    f"{DOWNLOADS}/{archive}"
                )
        sentences, _ = read_captions(table, folder)
        left_out += len(find_pictures(folder)) - len(sentences)
        splits[part] = Pictures(partial(_pictures, folder, sentences), len(sentences))
    rule = f"COCO's own: train{year} to train, val{year} to test"
    return Source(splits, card(f"COCO {year} layout in {root}", rule, "class", LICENCE, left_out))


def _pictures(folder: Path, sentences: dict[str, tuple[str, ...]]) -> Iterator[Picture]:
    for file, captions in sentences.items():
        yield Picture(folder / file, file.rpartition(".")[0], None, captions)
