"""Write a prepared set: pictures cropped, resized and packed in parallel, tables beside them."""

import operator
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, replace_with
from misc.data.card import write_card
from misc.data.picture import Picture
from misc.data.prepared import caption_rows, embeddings_file, stored_size
from misc.data.shards import Shard, deal, write_shards
from misc.data.tables import Facts, publish, tables, write_tables


def write_set(
    out: Path,
    splits: dict[str, Iterable[Picture]],
    *,
    name: str,
    imsizes: tuple[int, int] = (64, 256),
    stretch: bool = False,
    attribute_names: tuple[str, ...] = (),
    card: dict,
    embeddings: dict[str, dict[str, np.ndarray]] | None = None,
    workers: int | None = None,
    skip_broken: bool = False,
) -> dict:
    """Prepare a set in folder `out` and return its card, the content of `set.json`.

    Everything is made in `out/.partial` first; finished shards in it are kept when the same command
    runs again after it was broken off. Only then is what an earlier preparation wrote removed, and
    the new files moved into place, `set.json` last. Other files in `out` stay as they are. Of the
    pictures no more are held at a time than some shards of them.

    Args:
      splits: split name ("train", "test", perhaps "validation") -> its pictures, in the order they
        are to be stored.
      imsizes: the two sizes models train at; stored pictures are `stored_size` of them.
      stretch: StackGAN's hidden contrast stretch, see `images.stretch_contrast`.
      card: facts for set.json, as `misc.sources.source.card` gives them.
      embeddings: encoder name -> split -> float (pictures, captions, width), or (pictures, width)
        for one caption each, in the order of `splits`.
      workers: processes; None: one a core, 1: this one. The files do not depend on it.
      skip_broken: leave out pictures that cannot be read or used, and list them in the card as
        `broken`; else the first of them is an error.

    Raises: UserError for a bad picture (named), an empty split, a name that occurs twice, captions
      and embeddings of different number, a full disk; an earlier preparation is then still whole.
    """
    out, imsizes = Path(out), tuple(imsizes)
    sizes = tuple(stored_size(imsize) for imsize in imsizes)
    if len(sizes) != 2 or not 0 < sizes[0] < sizes[1]:
        raise UserError(f"imsizes {imsizes}: expected two sizes in pixels, the smaller one first")
    embeddings = _by_split(embeddings or {}, splits)

    aside = make_folder(out / ".partial")

    def shards() -> Iterator[Shard]:
        for split, pictures in splits.items():
            checked = _checked(pictures, split, len(attribute_names))
            yield from deal(aside / split, checked, sizes, stretch, skip_broken)

    total = sum(map(operator.length_hint, splits.values()))
    packed = {split: [] for split in splits}
    for shard in write_shards(shards(), name, total or None, workers):
        packed[shard.folder.parent.name].append(shard)
    _clear(aside, {shard.folder for plan in packed.values() for shard in plan})
    facts = Facts(packed, embeddings)
    write_tables(aside, packed, facts, len(attribute_names))
    for split in splits:
        kept, captions = facts.kept[split], int(facts.counts[split].sum())
        for encoder, rows in embeddings[split].items():
            blocks = (rows[kept[i : i + 64]] for i in range(0, len(kept), 64))
            flat = (block.reshape(-1, rows.shape[2]) for block in blocks)
            _write_rows(embeddings_file(tables(aside, split), encoder), captions, flat)
    card = {
        "name": name,
        "imsizes": list(imsizes),
        "sizes": list(sizes),
        "stretch": stretch,
        "attributes": list(attribute_names),
        **facts.card(),
        **card,
        "left_out": card["left_out"] + len(facts.broken),
    }
    publish(out, aside, packed, card)
    write_card(out)
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
            pictures = operator.length_hint(splits[split])
            if array.ndim != 3 or len(array) != pictures or not array.size:
                raise UserError(
                    f"embeddings {encoder} of {split}: shape {array.shape}, expected "
                    f"({pictures} pictures, captions, width)"
                )
            result[split][encoder] = array
    return result


def _checked(pictures: Iterable[Picture], split: str, attributes: int) -> Iterator[Picture]:
    for picture in pictures:
        if len(picture.attributes) != attributes or not set(picture.attributes) <= {-1, 0, 1}:
            raise UserError(
                f"split {split!r}, {picture.name}: attributes {picture.attributes}, expected "
                f"{attributes} of 1 (yes), 0 (no) or -1 (unknown)"
            )
        yield picture


def _clear(aside: Path, keep: set[Path]) -> None:
    """Remove what earlier runs with other pictures or rules left, or did not finish."""
    with disk_errors(aside):
        for folder in set(aside.glob("*/*")) - keep:
            shutil.rmtree(folder)
