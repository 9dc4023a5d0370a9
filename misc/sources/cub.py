"""CUB-200-2011: its tables, boxes, attributes and splits, the captions of Reed et al."""

import csv
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import path_inside
from misc.data.embeddings import ENCODER, SPLITS, published_embeddings
from misc.data.picture import FARTHEST, Picture
from misc.sources.archives import unpack_missing
from misc.sources.reed import caption_reader, class_split
from misc.sources.source import Source, Split, card, check_classes, licence_in

CUB_HOME = "https://www.vision.caltech.edu/datasets/cub_200_2011/"
LICENCE = f"pictures of their owners, for non-commercial research and education: {CUB_HOME}"
NOT_VISIBLE = 1  # certainty in CUB's image_attribute_labels.txt


def cub(root: Path, split: str = "class", seed: int = 0) -> Source:
    """CUB-200-2011 and the captions of Reed et al., in one folder.

    root/CUB_200_2011.tgz    is unpacked, if there is no
    root/CUB_200_2011/   images/CLASS/NAME.jpg, images.txt, bounding_boxes.txt; used if there:
                         attributes/image_attribute_labels.txt, train_test_split.txt
    root/attributes.txt  or in CUB_200_2011/ or in its attributes/
    root/text_c10/CLASS/NAME.txt         one caption a line
    root/{train,test}/filenames.pickle, char-CNN-RNN-embeddings.pickle   StackGAN's, if there

    Args:
      split: "class" keeps whole classes for the test: filenames.pickle, else trainvalclasses.txt
        and testclasses.txt in `root`, else a quarter of the classes, drawn by `seed`. "official" is
        train_test_split.txt, which splits every class's pictures.

    Attributes are 1 (present), 0, or -1 where the annotator called the part not visible. Of the
    captions as many are kept as there are embeddings; without text_c10 the embeddings must do.
    Raises: UserError for a missing or damaged file (with where to get it) and for files that do not
      fit together.
    """
    unpack_missing(root, "CUB_200_2011", "CUB_200_2011.tgz")
    folder = root / "CUB_200_2011"
    files = _table(folder / "images.txt", {"file": str})["file"]
    for file in files:
        path_inside(file, folder / "images", f"{folder}/images.txt")
    names = files.str.rsplit(".", n=1).str[0]
    if not names.is_unique:
        twice = names[names.duplicated()].iloc[0]
        raise UserError(
            f"{folder}/images.txt has two pictures named {twice}; get it again from {CUB_HOME}"
        )
    boxes = _table(
        folder / "bounding_boxes.txt", dict.fromkeys(("x", "y", "width", "height"), float)
    )
    if not files.index.isin(boxes.index).all():
        raise UserError(f"{folder}/bounding_boxes.txt has no box for some pictures of images.txt")
    if not (boxes.abs() < FARTHEST).all(axis=None):
        raise UserError(
            f"{folder}/bounding_boxes.txt has numbers of {FARTHEST:,} and more; expected pixels: "
            f"get it again from {CUB_HOME}"
        )
    attribute_names, attributes = _cub_attributes(root, files.index)

    classes = {name: name.rpartition("/")[0] for name in names}
    parted = _cub_split(root, names, classes, split, seed)
    embeddings = published_embeddings(root, parted.lists)
    captions = caption_reader(root, embeddings)
    ids = {name: identity for identity, name in names.items()}

    def picture(name):
        identity = ids[name]
        return Picture(
            image=folder / "images" / files[identity],
            name=name,
            class_name=classes[name],
            captions=captions(name),
            box=tuple(boxes.loc[identity].tolist()),
            attributes=tuple(attributes[files.index.get_loc(identity)].tolist()),
        )

    splits = {part: [picture(name) for name in parted.lists[part]] for part in SPLITS}
    check_classes(splits["train"], root)
    left_out = len(files) - sum(map(len, splits.values()))
    licence = licence_in(root, LICENCE)
    return Source(
        splits,
        card(f"CUB-200-2011 layout in {root}", parted.rule, parted.by, licence, left_out),
        attribute_names,
        {ENCODER: embeddings} if embeddings else {},
    )


def _table(path: Path, columns: dict[str, type], ragged: bool = False):
    """One of CUB's tables: an integer id, then these columns.

    `ragged`: many lines may have the same id, and up to four fields behind the columns are unread.
    """
    import pandas as pd

    if not path.is_file():
        raise UserError(f"{path} is missing; expected CUB-200-2011 from {CUB_HOME}")
    types = {"id": np.int64, **columns}
    try:
        table = pd.read_csv(
            path,
            sep=r"\s+",
            header=None,
            names=[*types, *range(4 * ragged)],
            dtype=types,
            index_col="id",
            quoting=csv.QUOTE_NONE,
            keep_default_na=False,
            na_values=[""],
        )[list(columns)]
    except (ValueError, OverflowError) as error:  # what pandas raises is a kind of one
        raise UserError(f"{path} is damaged ({error}); get it again from {CUB_HOME}") from error
    if table.empty or table.isna().any(axis=None) or not (ragged or table.index.is_unique):
        raise UserError(
            f"{path} is empty, has lines cut short or an id twice; get it again from {CUB_HOME}"
        )
    return table


def _cub_attributes(root: Path, pictures) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and int8 (pictures, names) in the order of the index `pictures`; none if not there."""
    folder = root / "CUB_200_2011" / "attributes"
    labels = folder / "image_attribute_labels.txt"
    if not labels.is_file():
        return (), np.empty((len(pictures), 0), np.int8)
    # In the original archive it lies at the root; unpacked copies move it.
    places = [place / "attributes.txt" for place in (folder, folder.parent, root)]
    names = _table(next(filter(Path.is_file, places), places[0]), {"name": str})["name"]
    # Some original lines have a field or two too many, behind those that matter.
    columns = dict.fromkeys(("attribute", "present", "certainty"), np.int64)
    table = _table(labels, columns, ragged=True)
    row, column = pictures.get_indexer(table.index), names.index.get_indexer(table["attribute"])
    if min(row.min(), column.min()) < 0 or not table["present"].isin((0, 1)).all():
        raise UserError(
            f"{labels} names pictures or attributes that images.txt and attributes.txt do not, or "
            f"has other values than 0 and 1; get it again from {CUB_HOME}"
        )
    values = np.full((len(pictures), len(names)), -1, np.int8)
    values[row, column] = np.where(table["certainty"] == NOT_VISIBLE, -1, table["present"])
    return tuple(names), values


def _cub_split(root: Path, names, classes: dict[str, str], split: str, seed: int) -> Split:
    """See `cub`."""
    if split == "official":
        path = root / "CUB_200_2011" / "train_test_split.txt"
        train = _table(path, {"train": np.int64})["train"].reindex(names.index)
        if not train.isin((0, 1)).all():
            raise UserError(f"{path} does not say 1 (train) or 0 (test) of every picture")
        lists = {"train": list(names[train == 1]), "test": list(names[train == 0])}
        return Split(lists, "train_test_split.txt, official: pictures of every class", "picture")
    return class_split(root, classes, "images.txt", 0.25, seed)
