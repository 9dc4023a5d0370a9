"""Raw sets, one layout a function: what `write_set` needs of their pictures, none decoded yet."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import find_pictures, path_inside, read_captions, read_lines
from misc.data.embeddings import ENCODER, HOME, SPLITS, published_embeddings, published_names
from misc.data.writer import Picture

CUB_HOME = "https://www.vision.caltech.edu/datasets/cub_200_2011/"
NOT_VISIBLE = 1  # certainty in CUB's image_attribute_labels.txt


@dataclass(frozen=True)
class Source:
    """A raw set, ready for `write_set`.

    Attributes:
      splits: {"train": pictures, "test": pictures}.
      card: facts for set.json: `source` and `split_rule`, one line each, and `left_out`, how many
        pictures are in neither split.
      attribute_names: what the numbers in each picture's `attributes` answer; may be empty.
      embeddings: {encoder: {split: float32 (pictures, captions, width)}} that came with the set.
      pack: see `write_set`; None: the pictures are cropped and resized as their files say.
    """

    splits: dict[str, list[Picture]]
    card: dict[str, str | int]
    attribute_names: tuple[str, ...] = ()
    embeddings: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    pack: Callable | None = None


def cub(root: Path, split: str = "class", seed: int = 0) -> Source:
    """CUB-200-2011 and the captions of Reed et al., unpacked into one folder.

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
    folder = root / "CUB_200_2011"
    files = _table(folder / "images.txt", {"file": str})["file"]
    for file in files:
        path_inside(file, folder / "images", f"{folder}/images.txt")
    names = files.str.rsplit(".", n=1).str[0]
    boxes = _table(
        folder / "bounding_boxes.txt", dict.fromkeys(("x", "y", "width", "height"), float)
    )
    if not files.index.isin(boxes.index).all():
        raise UserError(f"{folder}/bounding_boxes.txt has no box for some pictures of images.txt")
    attribute_names, attributes = _cub_attributes(root, files.index)

    classes = {name: name.rpartition("/")[0] for name in names}
    lists, rule = _cub_split(root, names, classes, split, seed)
    embeddings = published_embeddings(root, lists)
    texts = root / "text_c10"
    if not embeddings and not texts.is_dir():
        raise UserError(
            f"{texts} is missing; expected the captions, CLASS/NAME.txt; get it with {HOME}"
        )
    with_texts = texts.is_dir()
    count = embeddings["train"].shape[1] if embeddings else None
    ids = {name: identity for identity, name in names.items()}

    def picture(name):
        identity = ids[name]
        captions = read_lines(texts / f"{name}.txt")[:count] if with_texts else ()
        return Picture(
            path=folder / "images" / files[identity],
            name=name,
            class_name=classes[name],
            captions=captions,
            box=tuple(boxes.loc[identity].tolist()),
            attributes=tuple(attributes[files.index.get_loc(identity)].tolist()),
        )

    splits = {part: [picture(name) for name in lists[part]] for part in SPLITS}
    check_classes(splits["train"], root)
    return Source(
        splits,
        _card(f"CUB-200-2011 layout in {root}", rule, len(files), splits),
        attribute_names,
        {ENCODER: embeddings} if embeddings else {},
    )


def folder(
    images: Path,
    captions: Path | None = None,
    class_column: str | None = None,
    test_share: float = 0.1,
    seed: int = 0,
) -> Source:
    """A folder of pictures and their captions (see `captions.read_captions`).

    The class of a picture is what `class_column` says; else the sub-folder it lies in, if all lie
    in one and these are several; else pictures with the same captions form one class. A share of
    the classes, drawn by `seed`, is kept for the test. Pictures without captions are left out.

    Args:
      captions: caption file or folder; None: NAME.txt beside each picture.

    Raises: UserError as `read_captions`, and if no wrong picture is possible or none is left for
      the test.
    """
    sentences, classes = read_captions(captions or images, images, class_column)
    kind = f"column {class_column}"
    if not class_column:
        classes = {file: file.rpartition("/")[0] for file in sentences}
        kind = "sub-folder"
        if "" in classes.values() or len(set(classes.values())) == 1:
            classes = _caption_classes(sentences)
            kind = "captions that are the same"
    lists, rule = _seeded_split(classes, test_share, seed, images)
    splits = {
        part: [
            Picture(images / file, file.rpartition(".")[0], classes[file], sentences[file])
            for file in lists[part]
        ]
        for part in SPLITS
    }
    check_classes(splits["train"], captions or images)
    source = f"picture folder {images}, captions {captions or 'beside them'}, class by {kind}"
    return Source(splits, _card(source, rule, len(find_pictures(images)), splits))


def _table(path: Path, columns: dict[str, type], ragged: bool = False):
    """One of CUB's tables: an integer id, then these columns.

    `ragged`: many lines may have the same id, and up to four fields behind the columns are unread.
    """
    import pandas as pd

    if not path.is_file():
        raise UserError(f"{path} is missing; expected CUB-200-2011, unpacked, from {CUB_HOME}")
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
    except ValueError as error:  # what pandas raises is a kind of it
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


def _cub_split(root: Path, names, classes: dict[str, str], split: str, seed: int):
    """({split: names}, the rule in words); see `cub`."""
    if split == "official":
        path = root / "CUB_200_2011" / "train_test_split.txt"
        train = _table(path, {"train": np.int64})["train"].reindex(names.index)
        if not train.isin((0, 1)).all():
            raise UserError(f"{path} does not say 1 (train) or 0 (test) of every picture")
        lists = {"train": list(names[train == 1]), "test": list(names[train == 0])}
        return lists, "train_test_split.txt: the pictures of every class, official"
    if lists := published_names(root):
        files = ("train/filenames.pickle", "test/filenames.pickle")
        _check_lists(lists, files, classes, "a picture of images.txt")
        return lists, "as listed in {train,test}/filenames.pickle"
    texts = [root / "trainvalclasses.txt", root / "testclasses.txt"]
    if any(map(Path.exists, texts)):
        chosen = {part: list(read_lines(path)) for part, path in zip(SPLITS, texts, strict=True)}
        files = (texts[0].name, texts[1].name)
        _check_lists(chosen, files, set(classes.values()), "a class of images.txt")
        lists = {part: [n for n in names if classes[n] in chosen[part]] for part in SPLITS}
        return lists, "by class, as listed in trainvalclasses.txt and testclasses.txt"
    return _seeded_split(classes, 0.25, seed, root)


def _check_lists(lists: dict[str, list[str]], files: tuple[str, str], known, expected: str) -> None:
    for file, names in zip(files, lists.values(), strict=True):
        if unknown := [name for name in names if name not in known]:
            raise UserError(f"{file} names {unknown[0]!r}, which is not {expected}")
    if both := set(lists["train"]) & set(lists["test"]):
        raise UserError(f"{files[0]} and {files[1]} both name {min(both)!r}; expected one of them")


def _caption_classes(sentences: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """One class for each set of captions, named by a number and one of them."""
    keys = {file: tuple(sorted(set(captions))) for file, captions in sentences.items()}
    numbers = {key: number for number, key in enumerate(sorted(set(keys.values())))}
    return {file: f"{numbers[key]:05d} {key[0][:60]}" for file, key in keys.items()}


def _seeded_split(classes: dict[str, str], share: float, seed: int, where: Path):
    """Keep about a share of the classes for the test: ({split: names}, the rule in words).

    With so few classes that fewer than two would be left to train, a share of each class's
    pictures is kept instead.
    """
    if not 0 < share < 1:
        raise UserError(f"a test share of {share}; expected more than 0 and less than 1")
    random = np.random.default_rng(seed)
    kinds = sorted(set(classes.values()))
    count = max(1, round(share * len(kinds)))
    if len(kinds) - count >= 2:
        chosen = {kinds[i] for i in random.permutation(len(kinds))[:count]}
        test = {name for name, kind in classes.items() if kind in chosen}
        rule = f"by class, seed {seed}: {len(kinds) - count} classes train, {count} test"
    else:
        test = set()
        for kind in kinds:
            members = [name for name in classes if classes[name] == kind]
            kept = min(max(1, round(share * len(members))), len(members) - 1)
            test.update(members[i] for i in random.permutation(len(members))[:kept])
        rule = f"by picture, seed {seed}: {len(kinds)} classes are too few to keep whole ones"
    if not test:
        raise UserError(f"{where}: {len(classes)} pictures are too few to keep some for the test")
    lists = {
        "train": [name for name in classes if name not in test],
        "test": [name for name in classes if name in test],
    }
    return lists, rule


def _card(source: str, rule: str, pictures: int, splits: dict[str, list[Picture]]) -> dict:
    left_out = pictures - sum(map(len, splits.values()))
    return {"source": source, "split_rule": rule, "left_out": left_out}


def check_classes(train: list[Picture], where: Path) -> None:
    """Raise UserError unless every training picture can have a wrong one."""
    kinds = {picture.class_name for picture in train}
    if len(kinds) < 2:
        raise UserError(
            f"{where}: all training pictures are of one class, {min(kinds, default='')!r}, so no "
            "wrong picture is possible; expected at least two classes"
        )
