"""CelebA, aligned: its tables of attributes, partition and people; captions from attributes."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import text_lines
from misc.data.images import open_picture
from misc.data.picture import Picture, Pictures
from misc.sources.archives import unpack_missing
from misc.sources.attribute_captions import attribute_captions
from misc.sources.face2text import face2text
from misc.sources.source import Source, card, check_classes, licence_in

HOME = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
LICENCE = f"CelebA: pictures of their owners, for non-commercial research only: {HOME}"
PICTURES = "img_align_celeba"
ATTRIBUTES, PARTITION, PEOPLE = "list_attr_celeba", "list_eval_partition", "identity_CelebA"
PLACES = ("", "Anno", "Eval")  # the folders of the official download
SIGNS = {"1": 1, "-1": 0, "0": -1}  # the last in sets that are drawn, of what cannot be seen
TRAIN, VALIDATION, TEST = "012"  # in the partition
SIZE = (178, 218)
# As crop_to_box widens it, this box is the largest square about the middle: (0, 20) to (178, 198).
# Others take 148 or 108 px of it, which cut off the hats, hair and necklaces that captions name.
SQUARE = (30.0, 50.0, 119.0, 119.0)


def celeba(
    root: Path,
    annotations: Path | None = None,
    seed: int = 0,
    add_validation: bool = False,
    whole: bool = False,
) -> Source:
    """CelebA's aligned pictures.

    root/img_align_celeba/000001.jpg   or img_align_celeba.zip; also in Img/
    root/list_attr_celeba.txt          a count, the names, then for each picture 1 or -1 for each,
                                       or 0 where it is not known, as in drawn faces
    root/list_eval_partition.txt       0 (train), 1 (validation) or 2 (test); no person is in two
    root/identity_CelebA.txt           if there: the person, which is then the class
    The tables may lie in Anno/ and Eval/, and be Kaggle's .csv, with one line of column names.

    Args:
      annotations: descriptions (see `face2text`), with the pictures' names in img_align_celeba,
        instead of ten `attribute_captions` that `seed` decides; pictures without are left out.
      add_validation: train on partition 1 too, instead of leaving it out.
      whole: keep the pictures whole, whatever their size; else the largest square about the middle
        of the 178 x 218.

    Attributes are 1, 0 or, not known, -1. Captions are made as the pictures are gone through.
    Raises: UserError for a file that is missing, damaged or does not fit the others, naming the
      line, and for pictures that are missing or of another size.
    """
    names, columns, values = _attributes(_table(root, ATTRIBUTES))
    rows = {name: row for row, name in enumerate(names)}
    parts = _column(_table(root, PARTITION), rows, (TRAIN, VALIDATION, TEST))
    people = _table(root, PEOPLE, needed=False)
    people = _column(people, rows) if people else {}
    folder = _pictures(root)
    written = _written(annotations, folder, names) if annotations else {}
    chosen = {"train": TRAIN + VALIDATION * add_validation, "test": TEST}
    lists = {
        split: [n for n in names if parts[n] in numbers and (n in written or not annotations)]
        for split, numbers in chosen.items()
    }
    _check(folder, lists, whole)
    first_of = {people.get(name): name for name in lists["train"]}
    check_classes([Picture(folder / n, n, kind, ()) for kind, n in first_of.items()], root)

    def pictures(split: str) -> Iterator[Picture]:
        for name in lists[split]:
            answers = values[rows[name]].tolist()
            known = dict(zip(columns, answers, strict=True))
            yield Picture(
                image=folder / name,
                name=_stem(name),
                class_name=people.get(name),
                captions=written.get(name) or attribute_captions(known, _stem(name), seed),
                box=None if whole else SQUARE,
                attributes=tuple(answers),
            )

    splits = {part: Pictures(partial(pictures, part), len(lists[part])) for part in lists}
    left_out = len(names) - sum(map(len, lists.values()))
    rule = f"{PARTITION}: {' and '.join(chosen['train'])} train, {TEST} test"
    both = {people.get(n) for n in lists["train"]} & {people.get(n) for n in lists["test"]}
    by = "picture" if both else "class"
    source = f"CelebA layout in {root}, captions {annotations or f'from attributes, seed {seed}'}"
    licence = licence_in(root, LICENCE)
    if annotations and licence == LICENCE:
        licence += "; the descriptions as they say"
    return Source(splits, card(source, rule, by, licence, left_out), columns)


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _written(path: Path, folder: Path, names: list[str]) -> dict[str, tuple[str, ...]]:
    """{picture: what people wrote about it}; UserError if they wrote about another."""
    written = face2text(path, folder)
    files = {_stem(name): name for name in names}
    if unknown := written.keys() - files.keys():
        raise UserError(f"{path} names {min(unknown)!r}, which is not a picture of {ATTRIBUTES}")
    return {files[stem]: texts for stem, texts in written.items()}


def _pictures(root: Path) -> Path:
    """The folder that the pictures lie in, unpacked if need be."""
    home = root / "Img" if (root / "Img").is_dir() else root
    unpack_missing(home, PICTURES, f"{PICTURES}.zip")
    folder = home / PICTURES
    if not folder.is_dir():
        raise UserError(
            f"{folder} is missing; expected CelebA's aligned pictures, 000001.jpg and on, or "
            f"{PICTURES}.zip, from {HOME}"
        )
    inner = folder / PICTURES  # as Kaggle packs it
    return inner if inner.is_dir() else folder


def _table(root: Path, name: str, needed: bool = True) -> tuple[Path, list[str]] | None:
    """Path and lines of a table, wherever it lies; None if it is not there and not needed."""
    paths = [root / place / f"{name}{suffix}" for suffix in (".txt", ".csv") for place in PLACES]
    path = next(filter(Path.is_file, paths), None)
    if path:
        return path, text_lines(path)
    if needed:
        raise UserError(f"{paths[0]} is missing; expected CelebA's table, from {HOME}")
    return None


def _rows(
    path: Path, lines: list[str], start: int, width: int
) -> Iterator[tuple[str, str, list[str]]]:
    """Where it stands, the picture, and `width` values, of each line from `start` on."""
    seen = set()
    for number, line in enumerate(lines[start:], start + 1):
        if not line:
            continue
        where = f"{path} line {number}"
        name, *fields = line.split("," if path.suffix == ".csv" else None)
        if len(fields) != width:
            raise UserError(f"{where}: {len(fields)} values of {name!r}, expected {width}")
        if name in seen:
            raise UserError(f"{where}: {name!r} is named a second time; expected once")
        seen.add(name)
        yield where, name, fields


def _attributes(table: tuple[Path, list[str]]) -> tuple[list[str], tuple[str, ...], np.ndarray]:
    """Pictures, attributes, and int8 (pictures, attributes) of 1, 0 and -1."""
    path, lines = table
    if path.suffix == ".csv":
        count, start, columns = None, 1, tuple(lines[0].split(",")[1:])
    else:
        count, start, columns = lines[0], 2, tuple((*lines, "")[1].split())
    if not columns or len(set(columns)) < len(columns):
        raise UserError(f"{path} line {start}: no names of attributes, or one twice; see {HOME}")
    names, values = [], np.empty((len(lines), len(columns)), np.int8)
    for where, name, fields in _rows(path, lines, start, len(columns)):
        try:
            values[len(names)] = [SIGNS[field] for field in fields]
        except KeyError as error:
            raise UserError(
                f"{where}: {name!r} has the value {error}; expected 1, -1 or, not known, 0"
            ) from error
        names.append(name)
    if count not in (None, str(len(names))):
        raise UserError(
            f"{path} says {count!r} in line 1, but has {len(names)} pictures; get it whole from "
            f"{HOME}"
        )
    return names, columns, values[: len(names)]


def _column(table: tuple[Path, list[str]], pictures: Mapping, known=None) -> dict[str, str]:
    """{picture: its only value}; of each of `pictures` and no other, one of `known`."""
    path, lines = table
    column = {}
    for where, name, (value,) in _rows(path, lines, int(path.suffix == ".csv"), 1):
        if known and value not in known:
            raise UserError(f"{where}: {name!r} has {value!r}; expected {' or '.join(known)}")
        column[name] = value
    if others := pictures.keys() ^ column.keys():
        raise UserError(
            f"{path} and {ATTRIBUTES} do not name the same pictures: {min(others)!r} is in one of "
            f"them; get both whole from {HOME}"
        )
    return column


def _check(folder: Path, lists: dict[str, list[str]], whole: bool) -> None:
    """Raise UserError unless all pictures are there and, to be cropped, the first has the size."""
    present = set(os.listdir(folder))
    if missing := [name for names in lists.values() for name in names if name not in present]:
        raise UserError(
            f"{folder / missing[0]} is missing, and {len(missing) - 1} more that the tables name; "
            f"expected CelebA's aligned pictures, unpacked whole, from {HOME}"
        )
    if whole or not lists["train"]:
        return
    first = folder / lists["train"][0]
    if (size := open_picture(first).size) != SIZE:
        raise UserError(
            f"{first} has {size[0]} x {size[1]} pixels, expected the aligned 178 x 218; to take "
            "pictures of another size as they are, say --whole"
        )
