"""StackGAN's own prepared sets: pickles, with the pictures cropped already, or COCO's folder."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

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
from misc.data.images import encode_png
from misc.data.shards import Shard, packing
from misc.data.sources import Source, check_classes
from misc.data.torch7 import read_t7
from misc.data.writer import Picture

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

    COCO has no classes: without class_info.pickle each picture is one. Pickles are read whole, one
    at a time, which takes twice what they hold: 5 GB for the pictures of CUB.

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
        splits[part] = [
            Picture(_file(root, part, name, ready), name, f"class_{label:05d}", captions)
            for name, label, captions in zip(names, labels, sentences, strict=True)
        ]
    widths = {part: rows.shape[2] for part, rows in embeddings.items()}
    if len(set(widths.values())) > 1:
        raise UserError(f"{root}: embeddings of different widths: {widths}")
    check_classes(splits["train"], root)
    card = {
        "source": f"StackGAN's files in {root}",
        "split_rule": f"as listed in {{train,test}}/{NAMES}",
        "left_out": 0,
    }
    pack = (lambda shards: _pack(root, shards)) if ready else None
    return Source(splits, card, embeddings={ENCODER: embeddings}, pack=pack)


def _file(root: Path, part: str, name: str, ready: bool) -> Path:
    if ready:
        return root / part / PICTURES[304]
    return root / "images" / path_inside(f"{name}.jpg", root / "images", f"{root / part / NAMES}")


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


def _labels(path: Path, pictures: int, needed: bool) -> Sequence[int]:
    if not needed and not path.exists():
        return range(pictures)
    try:
        labels = np.asarray(load_published(path))
    except ValueError as error:  # lists of different lengths
        raise UserError(f"{path} holds no list of numbers") from error
    if labels.shape != (pictures,) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path} holds {labels.dtype} of shape {labels.shape}; expected the number of a class "
            f"for each of the {pictures} pictures of {NAMES} beside it"
        )
    return labels.tolist()


def _pack(root: Path, shards: dict[str, list[Shard]]) -> None:
    """Write the pictures of the pickles, as they are, into {split: shards}."""
    for part, plan in shards.items():
        with ExitStack() as stack:
            owners = []  # of each picture, the writers of its shard
            for shard in plan:
                owners += [stack.enter_context(packing(shard))] * len(shard.sources)
            for size, file in PICTURES.items():
                pictures = _pictures(root / part / file, size, len(owners))
                shown = tqdm(pictures, desc=f"{part}/{file}", unit="picture")
                for picture, writers in zip(shown, owners, strict=True):
                    writers[size].write(encode_png(Image.fromarray(picture)))
                del pictures, shown  # before the next pickle is in memory


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
