"""The prepared set on disk, format 2, and its reader: memory does not grow with the pictures.

data/NAME/set.json            what the set is; written last, so its presence means complete
data/NAME/card.md, card.png   the same for people
data/NAME/{train,test}/       and perhaps validation/, which chooses among a run's checkpoints
  pictures-SIZE-00000.array_record ...   one PNG a record, in two families, one a stored size
  index.npy                   one `INDEX` row a picture
  captions.jsonl              {"name": ..., "captions": [...], "side": [w, h]}, one line a picture
  attributes.npy              int8 (pictures, attributes): 1 yes, 0 no, -1 unknown; if there are any
  embeddings/ENCODER.npy      float32 (captions of the split, width)
  quarantine.jsonl            pictures that are not shown, if there are any; see `quarantine`
"""

import json
import mmap
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from array_record.python.array_record_module import ArrayRecordReader

from misc.config.errors import UserError
from misc.config.keys import plain_name
from misc.data.quarantine import FILE, read_quarantine

FORMAT = 2
INDEX = np.dtype(
    [
        ("shard", "<i4"),  # which file of each family
        ("row", "<i4"),  # record in that file
        ("label", "<i4"),  # class, an index into set.json's `classes`
        ("offset", "<i8"),  # byte where its line of captions.jsonl begins
        ("first", "<i8"),  # row of its first caption in every embeddings file
        ("count", "<i4"),  # its captions
    ]
)
# Each open shard holds a file descriptor, of which many systems allow 1,024.
MAX_OPEN_SHARDS = 400


def stored_size(imsize: int) -> int:
    """Side in pixels at which pictures for models of side `imsize` are stored: 64 -> 76.

    StackGAN leaves this margin for random crops.
    """
    return int(imsize * 76 / 64)


def shard_name(size: int, shard: int) -> str:
    """File name of one shard of the family of `size` px."""
    return f"pictures-{size}-{shard:05d}.array_record"


def embeddings_file(split_folder: Path | str, encoder: str) -> Path:
    """Where a split keeps an encoder's embeddings; `UserError` if the name is no file name."""
    if not encoder or plain_name(encoder):
        raise UserError(f"{encoder!r} cannot name an encoder: expected a plain file name")
    return Path(split_folder) / "embeddings" / f"{encoder}.npy"


def caption_rows(index: np.ndarray) -> int:
    """Rows that every embeddings file of a split with this whole index has: one a caption."""
    return int(index["first"][-1] + index["count"][-1])


def read_card(folder: Path | str) -> dict:
    """Content of a prepared set's `set.json`.

    Raises: UserError if the folder holds no complete prepared set of this format.
    """
    path = Path(folder) / "set.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        version = card["format"]
    except OSError as error:
        raise UserError(
            f"{folder}: no prepared set here (no readable set.json); prepare it first with one of "
            "misc/preprocess_*.py, or finish the preparation that was broken off"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not the card of a prepared set; prepare the set again") from error
    if version != FORMAT:
        raise UserError(
            f"{path}: a set of format {version!r}, expected {FORMAT}; prepare the set again"
        )
    return card


def open_split(folder: Path | str, split: str, whole: bool = False) -> "PreparedSplit":
    """Open the split "train", "test" or "validation" of the prepared set in `folder`.

    Args: whole: as if nothing were in quarantine, whose pictures are else left out everywhere.
    Raises: UserError if it is missing, incomplete or of another format version.
    """
    return PreparedSplit(folder, split, whole)


class PreparedSplit:
    """Random access to one split: pictures, captions, attributes, embeddings.

    Safe to read from several threads. Files are memory-mapped or opened when first needed.

    Attributes:
      folder: the split's folder.   card: content of set.json.   split: its name.
      index: `INDEX` rows (n,), memory-mapped; a copy where pictures are in quarantine.
      rows: int64 (n,), the row of each picture in files that have one for every picture of the set,
        those in quarantine too.
      embedding_rows: rows of every embeddings file: captions of those in quarantine have theirs.
      quarantined: {row of index.npy: what is in quarantine there}, none of them in this split.
      sizes: the two stored sides in pixels, low and high.
      class_names, attribute_names: lists of str; labels and attribute columns point into them.
      labels: int32 (n,); one beyond `class_names` is a class that no other picture is of.
      attributes: int8 (n, attributes), as `index` is: 1 yes, 0 no, -1 unknown; None without any.
    """

    def __init__(self, folder: Path | str, split: str, whole: bool = False):
        self.card = read_card(folder)
        self.folder, self.split = Path(folder) / split, split
        if split not in self.card["splits"]:
            known = ", ".join(self.card["splits"])
            raise UserError(f"{folder}: the set has no split {split!r}, only {known}")
        self.sizes = tuple(self.card["sizes"])
        self.class_names = self.card["classes"]
        self.attribute_names = self.card["attributes"]
        self.index = self._load("index.npy", (self.card["splits"][split]["pictures"],), INDEX)
        self.embedding_rows = caption_rows(self.index)
        self.attributes = None
        if self.attribute_names:
            shape = (len(self.index), len(self.attribute_names))
            self.attributes = self._load("attributes.npy", shape, np.dtype(np.int8))
        shards = range(int(self.index["shard"][-1]) + 1)
        for file in [shard_name(size, shard) for size in self.sizes for shard in shards]:
            if not (self.folder / file).is_file():
                raise self._incomplete(f"{file} is missing")
        self._captions = None
        self._readers: dict[str, ArrayRecordReader] = {}
        self._lock = threading.Lock()
        self.quarantined = {} if whole else read_quarantine(self.folder)
        self._check_quarantine()
        self.rows = np.arange(len(self.index))
        if self.quarantined:
            self.rows = np.delete(self.rows, list(self.quarantined))
            self.index = self.index[self.rows]
            if self.attributes is not None:
                self.attributes = self.attributes[self.rows]
        self.labels = np.array(self.index["label"], np.int32)

    def __len__(self) -> int:
        return len(self.index)

    def pictures(self, indices: Sequence[int], size: int) -> list[bytes]:
        """PNG bytes of the pictures at `indices`, in that order, `size` one of `self.sizes`."""
        entries = self.index[np.asarray(indices)]
        places = zip(entries["shard"].tolist(), entries["row"].tolist(), strict=True)
        return [self._read(shard_name(size, shard), row) for shard, row in places]

    def stored(self, imsize: int, key: str) -> int:
        """Side in pixels at which pictures for models of side `imsize` are stored here.

        Args: key: the configuration's, which says `imsize`, for the message.
        Raises: UserError if the set was not prepared for that.
        """
        imsizes = self.card["imsizes"]
        if imsize not in imsizes:
            raise UserError(
                f"{self.folder}: prepared for pictures of {imsizes} px, not {imsize}; set {key} to "
                "one of them, or prepare the set with --imsizes"
            )
        return self.sizes[imsizes.index(imsize)]

    def record(self, i: int) -> dict:
        """`{"name": str, "captions": [str, ...], "side": [width, height]}` of picture `i`.

        `side`: pixels of what was cut out of the source picture, before it was resized.
        """
        with self._lock:
            if self._captions is None:
                try:
                    with open(self.folder / "captions.jsonl", "rb") as file:
                        self._captions = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                except (OSError, ValueError) as error:
                    raise self._incomplete("captions.jsonl cannot be read") from error
        start = int(self.index["offset"][i])
        line = self._captions[start : self._captions.find(b"\n", start)]
        try:
            record = json.loads(line)
            if record.keys() >= {"name", "captions", "side"}:
                return record
        except (ValueError, AttributeError):
            pass
        raise self._incomplete("captions.jsonl does not belong to index.npy")

    def rows_of_captions(self) -> np.ndarray:
        """int64: the row in every embeddings file of each caption of these pictures, in order."""
        first, count = self.index["first"], self.index["count"].astype(np.int64)
        before = np.cumsum(count) - count
        return np.repeat(first - before, count) + np.arange(count.sum())

    def encoders(self) -> list[str]:
        """Names of the encoders whose embeddings are here, sorted."""
        files = (self.folder / "embeddings").glob("*.npy")
        # A file being written, or left by a killed writer, begins with a dot.
        return sorted(file.stem for file in files if not file.name.startswith("."))

    def embeddings(self, encoder: str) -> np.memmap:
        """Memory-mapped float32 (captions, width); row `first + j` is caption j of a picture.

        Raises: UserError if this encoder's embeddings are not there or of another number of rows.
        """
        path = embeddings_file(self.folder, encoder)
        if not path.is_file():
            there = ", ".join(self.encoders()) or "none"
            raise UserError(
                f"{path}: no embeddings of this encoder (there are: {there}); "
                f"make them with encoder/embed.py --data {self.folder.parent}"
            )
        rows = self._map(path)
        if rows.ndim != 2 or rows.dtype != np.float32 or len(rows) != self.embedding_rows:
            raise UserError(
                f"{path}: {rows.dtype} of shape {rows.shape}, expected one float32 row for each of "
                f"the {self.embedding_rows} captions; make the embeddings again"
            )
        return rows

    def _check_quarantine(self) -> None:
        """Raise UserError unless its lines are of this set, and leave a picture."""
        path, pictures = self.folder / FILE, len(self.index)
        for row, (name, _) in self.quarantined.items():
            if row >= pictures or self.record(row)["name"] != name:
                raise UserError(
                    f"{path}: picture {row} of this split is not {name!r}, so it is of another "
                    "preparation of the set; remove it, and check the set again with "
                    "misc/check_data.py --fix"
                )
        if len(self.quarantined) == pictures:
            raise UserError(f"{path}: all {pictures} pictures are in quarantine; release some")

    def _load(self, file: str, shape: tuple[int, ...], dtype: np.dtype) -> np.memmap:
        array = self._map(self.folder / file)
        if array.shape != shape or array.dtype != dtype:
            raise self._incomplete(f"{file} holds {array.shape}, set.json says {shape}")
        return array

    def _map(self, path: Path) -> np.memmap:
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._incomplete(f"{path.name} cannot be read") from error

    def _read(self, file: str, row: int) -> bytes:
        with self._lock:
            reader = self._readers.pop(file, None) or self._open(file)
            self._readers[file] = reader  # the last used comes last
            if len(self._readers) > MAX_OPEN_SHARDS:
                self._readers.pop(next(iter(self._readers)))
        try:
            # One by one: for a few records of a shard, ArrayRecord's own threads cost more.
            return reader.read([row])[0]
        except (RuntimeError, IndexError) as error:
            raise self._incomplete(f"{file} is damaged ({error})") from error

    def _open(self, file: str) -> ArrayRecordReader:
        try:
            return ArrayRecordReader(str(self.folder / file), "max_parallelism:0")
        except RuntimeError as error:
            raise self._incomplete(f"{file} cannot be opened ({error})") from error

    def _incomplete(self, what: str) -> UserError:
        return UserError(f"{self.folder}: the prepared set is damaged: {what}; prepare it again")
