"""Cats and dogs: Oxford-IIIT Pets, Stanford Dogs, Microsoft's and Kaggle's cats and dogs."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from misc.config.errors import UserError
from misc.data.captions import find_pictures, read_text, text_lines, unique_names
from misc.data.embeddings import SPLITS
from misc.data.picture import FARTHEST, Picture
from misc.data.untrusted import Refused, refusals
from misc.sources.archives import unpack_missing
from misc.sources.class_captions import class_captions, families, spoken
from misc.sources.matlab import read_matlab
from misc.sources.source import Source, Split, card, check_lists, layout_of, seeded_split

SHARE = 0.1  # of the pictures, for the test, where a set has no lists of its own
ROW = re.compile(r"(\S+)_\d+ \d+ ([12]) \d+")  # of Oxford's lists: name, class, species, breed
SPECIES = {"1": "cat", "2": "dog"}
XML_BYTES = 2**14  # an original box has some 600


class _Found(NamedTuple):
    """What a layout has of one species, each by the name of a picture; boxes may be of none."""

    files: dict[str, Path]
    classes: dict[str, str]
    boxes: dict[str, tuple[float, float, float, float]]
    parted: Split


class Layout(NamedTuple):
    """One set as it is downloaded.

    Attributes:
      title, home, licence: for people.   species: that it has.
      marks: patterns of files, of which one that is there tells the layout.
      read: gives what is in (folder, species, seed).
    """

    title: str
    home: str
    licence: str
    species: tuple[str, ...]
    marks: tuple[str, ...]
    read: Callable[[Path, str, int], _Found]


def pets(root: Path, species: str, layout: str | None = None, seed: int = 0) -> Source:
    """The cats or the dogs of a set, each breed a class; captions by `class_captions`.

    oxford    root/images/Abyssinian_1.jpg: cats begin with a capital letter, dogs do not;
              root/annotations/{trainval,test}.txt. Its boxes, of heads, are not used.
              Or images.tar.gz, annotations.tar.gz
    stanford  root/Images/n02085620-Chihuahua/n02085620_10074.jpg; used if there: the same without
              .jpg in root/Annotation, with a box, and root/{train,test}_list.mat, or in root/lists.
              Or images.tar, annotation.tar, lists.tar
    kaggle    root/PetImages/{Cat,Dog}/0.jpg: no breeds, so one class. Or kagglecatsanddogs_*.zip

    The split is by picture, so that breeds are in both: the lists of the set, or else a tenth of
    the pictures, drawn by `seed`, which also words the captions.

    Args: species: "cat" or "dog".   layout: a key of `LAYOUTS`; None: what is there tells.
    Raises: UserError for what is missing (with where to get it), damaged, or does not fit together.
    """
    homes = {
        name: (f"{known.title}, {known.home}", known.marks)
        for name, known in LAYOUTS.items()
        if species in known.species
    }
    known = LAYOUTS[layout or layout_of(root, f"{species}s", homes)]
    files, classes, boxes, parted = known.read(root, species, seed)
    parents = families(set(classes.values()))

    def picture(name):
        kind = classes[name]
        captions = class_captions(kind, species, name, seed, family=parents.get(kind))
        return Picture(files[name], name, kind, captions, boxes.get(name))

    splits = {part: [picture(name) for name in parted.lists[part]] for part in SPLITS}
    left_out = len(files) - sum(map(len, splits.values()))
    source = f"{species}s of {known.title} in {root}"
    return Source(splits, card(source, parted.rule, parted.by, known.licence, left_out))


def _pictures(folder: Path, home: str) -> dict[str, Path]:
    """{path in the folder without its suffix: the file}; UserError as `unique_names`."""
    if not folder.is_dir():
        raise UserError(f"{folder} is missing; expected the pictures, unpacked, from {home}")
    names = unique_names(find_pictures(folder), folder)
    return {name: folder / file for name, file in names.items()}


def _drawn(names: Iterable[str], seed: int, root: Path) -> Split:
    # As if of one class: a share of the pictures then, not of the breeds.
    lists = seeded_split(dict.fromkeys(names, ""), SHARE, seed, root).lists
    return Split(lists, f"by picture, seed {seed}: {SHARE:.0%} test", "picture")


def _oxford(root: Path, species: str, seed: int) -> _Found:
    home = LAYOUTS["oxford"].home
    unpack_missing(root, "images", "images.tar.gz")
    unpack_missing(root, "annotations/trainval.txt", "annotations.tar.gz")
    files = _pictures(root / "images", home)
    paths = [root / "annotations" / f"{part}.txt" for part in ("trainval", "test")]
    lists = {}
    for part, path in zip(SPLITS, paths, strict=True):
        if not path.is_file():
            raise UserError(f"{path} is missing; expected a list of pictures from {home}")
        lists[part] = list(_oxford_rows(path, species))
    check_lists(lists, (str(paths[0]), str(paths[1])), files, f"a picture in {root / 'images'}")
    files = {name: path for name, path in files.items() if name[0].isupper() == (species == "cat")}
    classes = {name: spoken(name.rpartition("_")[0]) for name in files}
    rule = "by picture, as listed in annotations/trainval.txt and test.txt"
    return _Found(files, classes, {}, Split(lists, rule, "picture"))


def _oxford_rows(path: Path, species: str) -> Iterator[str]:
    """The pictures of one species that a list names."""
    for number, line in enumerate(text_lines(path), 1):
        if not line or line.startswith("#"):
            continue
        row = ROW.fullmatch(line)
        if not row or (SPECIES[row[2]] == "cat") != line[0].isupper():
            raise UserError(
                f"{path} line {number}: {line[:60]!r}; expected NAME CLASS SPECIES BREED, such as "
                "Abyssinian_1 1 1 1, where a name with a capital letter is of species 1, a cat"
            )
        if SPECIES[row[2]] == species:
            yield line.split()[0]


def _stanford(root: Path, species: str, seed: int) -> _Found:
    home = LAYOUTS["stanford"].home
    unpack_missing(root, "Images", "images.tar")
    unpack_missing(root, "Annotation", "annotation.tar")
    unpack_missing(root, "train_list.mat", "lists.tar")
    files = _pictures(root / "Images", home)
    if astray := [name for name in files if name.count("/") != 1]:
        raise UserError(f"{files[astray[0]]} lies in no folder of a breed, as n02085620-Chihuahua")
    classes = {name: spoken(name.partition("/")[0]) for name in files}
    boxes = {}
    if (root / "Annotation").is_dir():
        boxes = {name: _box(root / "Annotation" / name, home) for name in files}
    folder = root if (root / "train_list.mat").is_file() else root / "lists"
    paths = [folder / f"{part}_list.mat" for part in SPLITS]
    if not any(map(Path.is_file, paths)):
        return _Found(files, classes, boxes, _drawn(files, seed, root))
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path} is missing; expected the lists of the set from {home}")
    listed = [read_matlab(path, "file_list")[0].astype(str).tolist() for path in paths]
    names = ([name.rpartition(".")[0] for name in column] for column in listed)
    lists = dict(zip(SPLITS, names, strict=True))
    check_lists(lists, (str(paths[0]), str(paths[1])), files, f"a picture in {root / 'Images'}")
    rule = "by picture, as listed in train_list.mat and test_list.mat"
    return _Found(files, classes, boxes, Split(lists, rule, "picture"))


def _box(path: Path, home: str) -> tuple[float, float, float, float]:
    """The largest box of an XML file of ImageNet's kind, as (x, y, width, height)."""
    if not path.is_file():
        raise UserError(f"{path} is missing; expected the box of that picture from {home}")
    with refusals(path, f"<object>s with a <bndbox>, from {home}"):
        if path.stat().st_size > XML_BYTES:
            raise Refused(f"it is larger than {XML_BYTES} bytes")
        text = read_text(path)
        if "<!" in text:  # entities, which can unfold without end
            raise Refused("it declares things of its own")
        boxes = []
        for box in ElementTree.fromstring(text).iterfind("object/bndbox"):
            sides = (int(box.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
            left, top, right, bottom = sides
            if not (0 <= left < right < FARTHEST and 0 <= top < bottom < FARTHEST):
                raise Refused(f"its box {left, top, right, bottom} is none")
            boxes.append((float(left), float(top), float(right - left), float(bottom - top)))
        if not boxes:
            raise Refused("it holds no box")
        return max(boxes, key=lambda box: box[2] * box[3])


def _kaggle(root: Path, species: str, seed: int) -> _Found:
    archives = sorted(path.name for path in root.glob("kagglecatsanddogs_*.zip"))
    unpack_missing(root, "PetImages", *archives)
    folder = species.title()
    inside = _pictures(root / "PetImages" / folder, LAYOUTS["kaggle"].home)
    files = {f"{folder}/{name}": path for name, path in inside.items()}
    classes = dict.fromkeys(files, species)
    return _Found(files, classes, {}, _drawn(files, seed, root))


LAYOUTS = {
    "oxford": Layout(
        "Oxford-IIIT Pets",
        "https://www.robots.ox.ac.uk/~vgg/data/pets/",
        "CC BY-SA 4.0, the pictures of their owners: https://www.robots.ox.ac.uk/~vgg/data/pets/",
        ("cat", "dog"),
        ("annotations", "annotations.tar.gz"),
        _oxford,
    ),
    "stanford": Layout(
        "Stanford Dogs",
        "http://vision.stanford.edu/aditya86/ImageNetDogs/",
        "pictures of their owners, from ImageNet, for non-commercial research and education: "
        "https://www.image-net.org/download",
        ("dog",),
        ("Images/n*-*", "images.tar"),
        _stanford,
    ),
    "kaggle": Layout(
        "Microsoft's and Kaggle's cats and dogs",
        "https://www.microsoft.com/en-us/download/details.aspx?id=54765",
        "Microsoft's, from Petfinder.com, see the license agreement that is in the archive: "
        "https://www.microsoft.com/en-us/download/details.aspx?id=54765",
        ("cat", "dog"),
        ("PetImages", "kagglecatsanddogs_*.zip"),
        _kaggle,
    ),
}
