"""Labeled Faces in the Wild, with the descriptions that people wrote for Face2Text."""

from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import find_pictures, text_lines
from misc.data.embeddings import SPLITS
from misc.data.picture import Picture
from misc.sources.archives import unpack_missing
from misc.sources.face2text import HOME as DESCRIPTIONS
from misc.sources.face2text import face2text
from misc.sources.source import Source, Split, card, check_classes, check_lists, seeded_split

HOME = "http://vis-www.cs.umass.edu/lfw/"
LICENCE = (
    f"LFW: pictures of their owners, for research: {HOME}; the descriptions as they say (Face2Text "
    "0.1: for research and teaching, not to be passed on)"
)
# Each with the archive that it is unpacked from; the pictures have the same names in all.
FOLDERS = {
    "lfw": "lfw.tgz",
    "lfw-deepfunneled": "lfw-deepfunneled.tgz",
    "lfw_funneled": "lfw-funneled.tgz",
}
PEOPLE = ("peopleDevTrain.txt", "peopleDevTest.txt")
ATTRIBUTES = "lfw_attributes.txt"
ATTRIBUTES_HOME = "http://www.cs.columbia.edu/CAVE/databases/pubfig/download/lfw_attributes.txt"


def lfw(root: Path, annotations: Path | None, seed: int = 0) -> Source:
    """The faces of LFW that are described.

    root/lfw/PERSON/PERSON_0001.jpg   or lfw.tgz; or lfw-deepfunneled, lfw_funneled, their archives
    root/peopleDevTrain.txt, peopleDevTest.txt   if there: the people of each split; else a quarter
                                                 of the people, drawn by `seed`, are for the test
    root/lfw_attributes.txt           if there: a score a picture and attribute, above 0 if present

    The class is the person. Pictures stay whole. Those without descriptions, and people in neither
    list, are left out. Attributes are 1, 0, or -1 where the picture has no scores; named as CelebA
    names its own, Black_Hair.

    Args: annotations: the descriptions, see `face2text`; pictures are named PERSON/PERSON_0001.
    Raises: UserError for files that are missing, damaged, or do not fit together.
    """
    folder = _folder(root)
    if annotations is None:
        raise UserError(
            "LFW has no captions of its own; expected --annotations FILE.json, the descriptions of "
            f"Face2Text, from {DESCRIPTIONS}"
        )
    written = face2text(annotations, folder)
    present = set(find_pictures(folder))
    if missing := [key for key in written if "/" not in key or f"{key}.jpg" not in present]:
        raise UserError(
            f"{annotations} describes {missing[0]!r}, but {folder / missing[0]}.jpg is not there; "
            f"expected PERSON/PERSON_0001, with the pictures unpacked whole, from {HOME}"
        )
    people = {key: key.partition("/")[0] for key in written}
    everybody = {file.partition("/")[0] for file in present}
    parted = _split(root, people, everybody, seed)
    columns, scores = _scores(root / ATTRIBUTES)

    splits = {
        part: [
            Picture(
                image=folder / f"{key}.jpg",
                name=key,
                class_name=people[key],
                captions=written[key],
                attributes=scores.get(key, (-1,) * len(columns)),
            )
            for key in parted.lists[part]
        ]
        for part in SPLITS
    }
    check_classes(splits["train"], annotations)
    left_out = len(present) - sum(map(len, splits.values()))
    source = f"LFW layout in {folder}, descriptions {annotations}"
    return Source(splits, card(source, parted.rule, parted.by, LICENCE, left_out), columns)


def _folder(root: Path) -> Path:
    """The folder of the people's folders, unpacked if need be."""
    if not any((root / name).is_dir() for name in FOLDERS):
        for name, archive in FOLDERS.items():
            unpack_missing(root, name, archive)
    name = next((name for name in FOLDERS if (root / name).is_dir()), None)
    if not name:
        raise UserError(
            f"{root / 'lfw'} is missing; expected LFW, PERSON/PERSON_0001.jpg, or lfw.tgz, from "
            f"{HOME}"
        )
    inner = root / name / name  # as Kaggle packs it
    return inner if inner.is_dir() else root / name


def _split(root: Path, people: dict[str, str], everybody: set[str], seed: int) -> Split:
    """See `lfw`."""
    paths = [root / name for name in PEOPLE]
    if not any(map(Path.exists, paths)):
        return seeded_split(people, 0.25, seed, root)
    listed = {part: _people(path) for part, path in zip(SPLITS, paths, strict=True)}
    check_lists(listed, PEOPLE, everybody, "a person of LFW's folder")
    chosen = {part: set(names) for part, names in listed.items()}
    lists = {part: [key for key in people if people[key] in chosen[part]] for part in SPLITS}
    return Split(lists, f"by person, as listed in {PEOPLE[0]} and {PEOPLE[1]}", "class")


def _people(path: Path) -> list[str]:
    """The people of one list: how many, then a line each, the name and the number of pictures."""
    count, *lines = list(filter(None, text_lines(path))) or [""]
    names = [line.split("\t")[0] for line in lines if line.count("\t") == 1]
    if len(names) != len(lines) or count != str(len(names)):
        raise UserError(
            f"{path} has {len(lines)} lines after the first, which says {count!r}; expected as "
            f"many, each a name, a tab and a number; get it whole from {HOME}"
        )
    return names


def _scores(path: Path) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """Names of attributes, and 1 or 0 for each, by PERSON/PERSON_0001; nothing if not there."""
    if not path.is_file():
        return (), {}
    _, header, *lines = [*text_lines(path), ""]
    mark, *columns = (field.strip() for field in header.split("\t"))
    if (mark, *columns[:2]) != ("#", "person", "imagenum") or len(columns) < 3:
        raise UserError(
            f"{path} line 2: {header[:40]!r}; expected tabs between #, person, imagenum and names "
            f"of attributes, as in {ATTRIBUTES_HOME}"
        )
    scores: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(lines, 3):
        if not line:
            continue
        fields = line.split("\t")
        try:
            person, image = fields[0].strip().replace(" ", "_"), int(fields[1])
            values = np.array([float(field) for field in fields[2:]])
            if len(fields) != len(columns) or not np.isfinite(values).all():
                raise ValueError(f"{len(fields)} fields, or no finite numbers")
        except (ValueError, IndexError) as error:
            raise UserError(
                f"{path} line {number}: {error}; expected a person, a number and "
                f"{len(columns) - 2} scores; get it again from {ATTRIBUTES_HOME}"
            ) from error
        key = f"{person}/{person}_{image:04d}"
        if key in scores:
            raise UserError(f"{path} line {number}: {key} has scores already; expected once")
        scores[key] = tuple((values > 0).astype(int).tolist())
    return tuple(name.replace(" ", "_") for name in columns[2:]), scores
