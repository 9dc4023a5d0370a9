"""StackGAN's own prepared sets: pickles, with the pictures cropped already, or COCO's folder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import path_inside
from misc.data.embeddings import (
    EMBEDDINGS,
    ENCODER,
    NAMES,
    SPLITS,
    embedding_rows,
    load_published,
    split_names,
)
from misc.data.picture import Picture, Pictures
from misc.data.torch7 import read_t7
from misc.sources.source import Source, card, check_classes

CLASSES = "class_info.pickle"
PICTURES = {76: "76images.pickle", 304: "304images.pickle"}
CAPTIONS = "val_captions.t7"  # COCO's, made by the text encoder itself


def stackgan(root: Path) -> Source:
    """What StackGAN trains on, as its download unpacks.

    root/{train,test}/filenames.pickle, char-CNN-RNN-embeddings.pickle, class_info.pickle
    root/{train,test}/76images.pickle, 304images.pickle   the pictures, at both stored sizes; or
    root/images/NAME.jpg                                  whole, as StackGAN-Pytorch's COCO
    root/{train,test}/val_captions.t7   embeddings with their sentences, in place of the pickle of
                                        embeddings: as many for each picture, in order

    COCO has no classes: without class_info.pickle each picture is one. Pickles are read whole,
    which takes twice what they hold: some 5 GB for the pictures of CUB.

    Raises: UserError for a file that is missing, damaged, hostile, or does not fit the others.
    """
    splits, embeddings = {}, {}
    ready = not (root / "images").is_dir()
    for part in SPLITS:
        names = split_names(root / part / NAMES)
        embeddings[part], sentences = _texts(root / part, len(names))
        for file in PICTURES.values() if ready else ():
            if not (root / part / file).is_file():
                raise UserError(
                    f"{root / part / file} is missing; expected StackGAN's cropped pictures, or "
                    f"whole ones, NAME.jpg, in {root / 'images'}"
                )
        labels = _labels(root / part / CLASSES, len(names), needed=ready)
        pictures = [
            Picture(_file(root, part, name, ready), name, label, captions)
            for name, label, captions in zip(names, labels, sentences, strict=True)
        ]
        if part == "train":
            check_classes(pictures, root)
        splits[part] = _ready(root / part, pictures) if ready else pictures
    widths = {part: rows.shape[2] for part, rows in embeddings.items()}
    if len(set(widths.values())) > 1:
        raise UserError(f"{root}: embeddings of different widths: {widths}")
    facts = card(
        f"StackGAN's files in {root}",
        f"as listed in {{train,test}}/{NAMES}",
        "picture",
        "that of the pictures in it; StackGAN's own files come without one",
    )
    return Source(splits, facts, embeddings={ENCODER: embeddings})


def _file(root: Path, part: str, name: str, ready: bool) -> Path:
    if ready:
        return root / part / PICTURES[304]
    return root / "images" / path_inside(f"{name}.jpg", root / "images", f"{root / part / NAMES}")


def _ready(folder: Path, pictures: list[Picture]) -> Pictures:
    """The same pictures with the pixels of the pickles, which are read only then."""

    def make() -> Iterator[Picture]:
        stored = [_pictures(folder / f, size, len(pictures)) for size, f in PICTURES.items()]
        for picture, *pixels in zip(pictures, *stored, strict=True):
            yield replace(picture, image=tuple(pixels))

    return Pictures(make, len(pictures))


def _texts(folder: Path, pictures: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Embeddings (pictures, captions, width), and each picture's sentences: none in a pickle."""
    path = folder / CAPTIONS
    if (folder / EMBEDDINGS).exists() or not path.exists():
        path = folder / EMBEDDINGS
        return embedding_rows(path, load_published(path), pictures), [()] * pictures
    value = read_t7(path)
    try:
        rows = np.concatenate([np.atleast_2d(block) for block in value["fea_txt"]])
        sentences = list(value["raw_txt"])
        count = len(rows) // pictures
        array = embedding_rows(path, rows.reshape(pictures, count, -1), pictures)
        if len(sentences) != len(rows) or not all(type(text) is str for text in sentences):
            raise ValueError(f"{len(sentences)} sentences for {len(rows)} embeddings")
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(
            f"{path}: expected `raw_txt`, sentences, and `fea_txt`, as many embeddings for each of "
            f"the {pictures} pictures of {NAMES} beside it ({error})"
        ) from error
    return array, [tuple(sentences[i * count : (i + 1) * count]) for i in range(pictures)]


def _labels(path: Path, pictures: int, needed: bool) -> list[str] | list[None]:
    if not needed and not path.exists():
        return [None] * pictures
    try:
        labels = np.asarray(load_published(path))
    except ValueError as error:  # lists of different lengths
        raise UserError(f"{path} holds no list of numbers") from error
    if labels.shape != (pictures,) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path} holds {labels.dtype} of shape {labels.shape}; expected the number of a class "
            f"for each of the {pictures} pictures of {NAMES} beside it"
        )
    return [f"class_{label:05d}" for label in labels.tolist()]


def _pictures(path: Path, size: int, count: int) -> Sequence[np.ndarray]:
    """The pictures of one pickle, each uint8 (size, size, 3)."""
    pictures = load_published(path)
    if not isinstance(pictures, list | tuple | np.ndarray) or len(pictures) != count:
        raise UserError(f"{path} holds no list of {count} pictures, as many as {NAMES} names")
    for i, picture in enumerate(pictures):
        shape, dtype = getattr(picture, "shape", None), getattr(picture, "dtype", type(picture))
        if shape != (size, size, 3) or dtype != np.uint8:
            raise UserError(
                f"{path}: picture {i} is {dtype} of shape {shape}, expected uint8 {(size, size, 3)}"
            )
    return pictures
