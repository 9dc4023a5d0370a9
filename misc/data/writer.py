"""Write a prepared set: pictures cropped, resized and packed in parallel, tables beside them."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, replace_with, sync, write_atomic
from misc.data.prepared import (
    FORMAT,
    INDEX,
    caption_rows,
    embeddings_file,
    shard_name,
    stored_size,
)
from misc.data.shards import Shard, plan_shards, write_shards


@dataclass(frozen=True)
class Picture:
    """One picture of a source, small and picklable; nothing of it is read before `write_set`.

    Attributes:
      path: the picture file.
      name: unique in its split, such as `001.Black_footed_Albatross/Black_0001`.
      class_name: its class, whose members are never each other's wrong image.
      captions: its sentences; may be empty if embeddings are imported.
      box: bounding box (x, y, width, height) in pixels, or None for the whole picture.
      attributes: 1 yes, 0 no, -1 unknown, one a name of `write_set`'s `attribute_names`.
    """

    path: Path
    name: str
    class_name: str
    captions: tuple[str, ...]
    box: tuple[float, float, float, float] | None = None
    attributes: tuple[int, ...] = ()


def write_set(
    out: Path,
    splits: dict[str, list[Picture]],
    *,
    name: str,
    imsizes: tuple[int, int] = (64, 256),
    stretch: bool = False,
    attribute_names: tuple[str, ...] = (),
    card: dict,
    embeddings: dict[str, dict[str, np.ndarray]] | None = None,
    workers: int | None = None,
    pack: Callable[[dict[str, list[Shard]]], None] | None = None,
) -> dict:
    """Prepare a set in folder `out` and return its card, the content of `set.json`.

    Everything is made in `out/.partial` first; finished shards in it are kept when the same command
    runs again after it was broken off. Only then is what an earlier preparation wrote removed, and
    the new files moved into place, `set.json` last. Other files in `out` stay as they are.

    Args:
      splits: split name ("train", "test") -> its pictures, in the order they are to be stored.
      imsizes: the two sizes models train at; stored pictures are `stored_size` of them.
      stretch: StackGAN's hidden contrast stretch, see `images.stretch_contrast`.
      card: facts for set.json: `split_rule`, `source` and whatever the source knows.
      embeddings: encoder name -> split -> float (pictures, captions, width), or (pictures, width)
        for one caption each, in the order of `splits`.
      workers: processes; None: one a core, 1: this one. The files do not depend on it.
      pack: packs {split: its shards} of pictures that are not to be cropped, but ready elsewhere.

    Raises: UserError for a bad picture (named), an empty split, a name that occurs twice, captions
      and embeddings of different number, a full disk; an earlier preparation is then still whole.
    """
    out, imsizes = Path(out), tuple(imsizes)
    sizes = tuple(stored_size(imsize) for imsize in imsizes)
    if len(sizes) != 2 or not 0 < sizes[0] < sizes[1]:
        raise UserError(f"imsizes {imsizes}: expected two sizes in pixels, the smaller one first")
    embeddings = _by_split(embeddings or {}, splits)
    classes = sorted({picture.class_name for pictures in splits.values() for picture in pictures})
    counts = {}
    for split, pictures in splits.items():
        _check_pictures(split, pictures, len(attribute_names))
        counts[split] = _caption_counts(split, pictures, embeddings[split])

    aside = make_folder(out / ".partial")
    shards = {
        split: plan_shards(aside / split, [(p.path, p.box) for p in pictures], sizes, stretch)
        for split, pictures in splits.items()
    }
    every_shard = [shard for plan in shards.values() for shard in plan]
    _clear(aside, {shard.folder for shard in every_shard})
    if pack:
        pack(shards)
    else:
        write_shards(every_shard, name, workers)
    for split, pictures in splits.items():
        folder = make_folder(_tables(aside, split))
        with disk_errors(folder):
            length = len(shards[split][0].sources)
            _write_tables(folder, pictures, classes, counts[split], length)
        for encoder, rows in embeddings[split].items():
            blocks = (rows[i : i + 64].reshape(-1, rows.shape[2]) for i in range(0, len(rows), 64))
            _write_rows(embeddings_file(folder, encoder), int(counts[split].sum()), blocks)

    card = {
        "format": FORMAT,
        "name": name,
        "imsizes": list(imsizes),
        "sizes": list(sizes),
        "stretch": stretch,
        "classes": classes,
        "attributes": list(attribute_names),
        "splits": {s: _count(pictures, counts[s]) for s, pictures in splits.items()},
        **card,
    }
    content = json.dumps(card, indent=1).encode()
    with disk_errors(out):
        (out / "set.json").unlink(missing_ok=True)
        for split in splits:
            _publish(shards[split], sizes, _tables(aside, split), make_folder(out / split))
        write_atomic(out / "set.json", content)
    shutil.rmtree(aside, ignore_errors=True)
    return card


def write_embeddings(split_folder: Path | str, encoder: str, blocks: Iterable[np.ndarray]) -> Path:
    """Store an encoder's embeddings of every caption of a split, in order, and return the path.

    Args:
      split_folder: such as data/birds/train, a split of a prepared set.
      blocks: float (rows, width) arrays, one after the other; only one is held at a time.

    Raises: UserError if the rows are not finite or not as many as the captions, or the disk is
      full; embeddings stored before are then still there.
    """
    index = np.load(Path(split_folder) / "index.npy", mmap_mode="r", allow_pickle=False)
    path = embeddings_file(split_folder, encoder)
    _write_rows(path, caption_rows(index), blocks)
    return path


def _write_rows(path: Path, rows: int, blocks: Iterable[np.ndarray]) -> None:
    # Written front to back, not memory-mapped: a full disk is then an error and no bus error.
    with replace_with(path) as partial, open(partial, "wb") as file:
        written, width = 0, None
        for block in blocks:
            block = np.ascontiguousarray(block, "<f4")
            if width is None:
                width = block.shape[1]
                header = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
                np.lib.format.write_array_header_1_0(file, header)
            if block.shape != (len(block), width):
                raise ValueError(f"a block of shape {block.shape}, expected (rows, {width})")
            if not np.isfinite(block).all():
                raise UserError(
                    f"{path}: embeddings {written} to {written + len(block) - 1} contain NaN or "
                    "infinity; check the encoder or the file they come from"
                )
            file.write(block.data)
            written += len(block)
        if written != rows:
            raise UserError(f"{path}: {written} embeddings, expected {rows}, one a caption")


def _by_split(embeddings: dict, splits: dict) -> dict[str, dict[str, np.ndarray]]:
    """{encoder: {split: array}} -> {split: {encoder: (pictures, captions, width)}}, checked."""
    result = {split: {} for split in splits}
    for encoder, arrays in embeddings.items():
        if set(arrays) != set(splits):
            raise UserError(
                f"embeddings {encoder}: given for {', '.join(arrays)}, expected {', '.join(splits)}"
            )
        for split, array in arrays.items():
            array = np.asarray(array)
            if array.ndim == 2:
                array = array[:, None]
            pictures = len(splits[split])
            if array.ndim != 3 or len(array) != pictures or not array.size:
                raise UserError(
                    f"embeddings {encoder} of {split}: shape {array.shape}, expected "
                    f"({pictures} pictures, captions, width)"
                )
            result[split][encoder] = array
    return result


def _check_pictures(split: str, pictures: list[Picture], attributes: int) -> None:
    if not pictures:
        raise UserError(f"split {split!r} has no pictures; expected at least one")
    name, times = Counter(picture.name for picture in pictures).most_common(1)[0]
    if times > 1:
        raise UserError(f"split {split!r}: {times} pictures are named {name}; names must differ")
    for picture in pictures:
        if len(picture.attributes) != attributes or not set(picture.attributes) <= {-1, 0, 1}:
            raise UserError(
                f"{picture.path}: attributes {picture.attributes}, expected {attributes} of "
                "1 (yes), 0 (no) or -1 (unknown)"
            )


def _caption_counts(
    split: str, pictures: list[Picture], embeddings: dict[str, np.ndarray]
) -> np.ndarray:
    """Captions of each picture: as many as its sentences, or its embeddings if it has no text."""
    counts = np.array([len(picture.captions) for picture in pictures], np.int32)
    for encoder, rows in embeddings.items():
        differ = np.flatnonzero((counts != 0) & (counts != rows.shape[1]))
        if len(differ):
            picture, count = pictures[differ[0]], counts[differ[0]]
            raise UserError(
                f"split {split!r}: {picture.name} has {count} captions but {rows.shape[1]} "
                f"embeddings of {encoder}; expected as many (leave one of the two out, or take the "
                "captions the embeddings were made from)"
            )
        counts[:] = rows.shape[1]
    return counts


def _tables(aside: Path, split: str) -> Path:
    return aside / split / "tables"


def _clear(aside: Path, keep: set[Path]) -> None:
    """Remove what earlier runs with other pictures or rules left, or did not finish."""
    with disk_errors(aside):
        for folder in set(aside.glob("*/*")) - keep:
            shutil.rmtree(folder)


def _count(pictures: list[Picture], captions: np.ndarray) -> dict[str, int]:
    """Numbers of one split, for the card."""
    classes = {picture.class_name for picture in pictures}
    return {"pictures": len(pictures), "captions": int(captions.sum()), "classes": len(classes)}


def _write_tables(
    folder: Path, pictures: list[Picture], classes: list[str], counts: np.ndarray, length: int
) -> None:
    """Write index.npy, captions.jsonl and attributes.npy; `length`: pictures in a shard."""
    index = np.zeros(len(pictures), INDEX)
    index["shard"], index["row"] = np.divmod(np.arange(len(pictures)), length)
    labels = {name: label for label, name in enumerate(classes)}
    index["label"] = [labels[picture.class_name] for picture in pictures]
    index["count"] = counts
    index["first"] = np.cumsum(counts, dtype=np.int64) - counts
    with open(folder / "captions.jsonl", "wb") as file:
        for i, picture in enumerate(pictures):
            index["offset"][i] = file.tell()
            record = {"name": picture.name, "captions": picture.captions}
            file.write(json.dumps(record).encode() + b"\n")
    np.save(folder / "index.npy", index)
    if pictures[0].attributes:
        np.save(folder / "attributes.npy", np.array([p.attributes for p in pictures], np.int8))
    for file in folder.iterdir():
        sync(file)


def _publish(shards: list[Shard], sizes: tuple[int, int], tables: Path, folder: Path) -> None:
    """Replace what an earlier preparation left in a split's folder by the new files."""
    old = ["pictures-*.array_record", "index.npy", "captions.jsonl", "attributes.npy"]
    for pattern in [*old, "embeddings/*.npy"]:
        for file in folder.glob(pattern):
            file.unlink()
    for number, shard in enumerate(shards):
        for size in sizes:
            os.replace(shard.file(size), folder / shard_name(size, number))
    for file in tables.rglob("*.*"):
        target = folder / file.relative_to(tables)
        target.parent.mkdir(exist_ok=True)
        os.replace(file, target)
