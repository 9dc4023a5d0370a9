"""From packed shards to the tables of a prepared set, in two passes over what is known of each."""

import filecmp
import hashlib
import json
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, sync, write_atomic
from misc.data.prepared import FORMAT, INDEX, shard_name
from misc.data.quarantine import FILE as QUARANTINE
from misc.data.shards import Shard

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
MOST_BROKEN = 1000  # named in set.json
# What a preparation leaves of each split: of its pictures, and of their captions.
PICTURES = ("pictures-*.array_record", "index.npy", "attributes.npy", QUARANTINE)
TEXTS = ("captions.jsonl", "embeddings/*.npy", "embeddings/*.json")


class Facts:
    """What one pass over the records of all splits tells; see `card`.

    Attributes:
      counts: {split: int32, captions of each stored picture}.
      kept: {split: int64, positions of the stored pictures among all that the source gave}.
      classes: sorted names.

    Args: embeddings: {split: {encoder: (pictures, captions, width)}}.
    Raises: UserError for a split without pictures, a name that occurs twice, or captions and
      embeddings of different number.
    """

    def __init__(self, packed: dict[str, list[Shard]], embeddings: dict[str, dict]):
        self.counts, self.kept, self.numbers, self.broken = {}, {}, {}, []
        self._words, self._checksum = set(), hashlib.sha256()
        classes: set[str] = set()
        for split, shards in packed.items():
            counts, kept, names = array("i"), array("q"), array("Q")  # 20 bytes a picture
            alone, own = 0, set()
            for at, record in enumerate(_records(shards)):
                if "broken" in record:
                    self.broken.append(record["broken"])
                    continue
                texts = record["captions"]
                counts.append(_captions(split, record, embeddings[split]))
                kept.append(at)
                names.append(_hash(record["name"]))
                if record["class"] is None:
                    alone += 1
                else:
                    own.add(record["class"])
                self._words.update(word for text in texts for word in WORD.findall(text.lower()))
                facts = [split, record["name"], record["class"], texts, record["sha256"]]
                self._checksum.update(json.dumps(facts).encode() + b"\n")
            if not kept:
                raise UserError(f"split {split!r} has no pictures; expected at least one")
            _check_names(split, np.array(names, np.uint64), shards)
            classes |= own
            self.counts[split] = np.array(counts, np.int32)
            self.kept[split] = np.array(kept, np.int64)
            self.numbers[split] = {
                "pictures": len(kept),
                "captions": int(self.counts[split].sum()),
                "classes": len(own) + alone,
            }
        self.classes = sorted(classes)

    def card(self) -> dict:
        """For set.json: `classes`, `splits`, `captions_per_picture` (fewest, most), `vocabulary`
        (different words, numbers left out), `checksum` (SHA-256 of all names, classes, sentences
        and pictures) and `broken`, why pictures were left out.
        """
        fewest = min(int(counts.min()) for counts in self.counts.values())
        most = max(int(counts.max()) for counts in self.counts.values())
        return {
            "format": FORMAT,
            "classes": self.classes,
            "splits": self.numbers,
            "captions_per_picture": [fewest, most],
            "vocabulary": len(self._words),
            "checksum": self._checksum.hexdigest(),
            "broken": self.broken[:MOST_BROKEN],
        }


def write_tables(
    aside: Path, packed: dict[str, list[Shard]], facts: Facts, attributes: int
) -> None:
    """Write index.npy, captions.jsonl and attributes.npy of each split into `tables`.

    Pictures whose class is their own have labels beyond those of `classes`, each another.
    """
    labels = {name: label for label, name in enumerate(facts.classes)}
    alone = len(labels)
    for split, shards in packed.items():
        folder = make_folder(tables(aside, split))
        counts = facts.counts[split]
        index = np.zeros(len(counts), INDEX)
        index["count"] = counts
        index["first"] = np.cumsum(counts, dtype=np.int64) - counts
        values = np.zeros((len(counts), attributes), np.int8)
        with disk_errors(folder):
            with open(folder / "captions.jsonl", "wb") as file:
                for i, (shard, row, record) in enumerate(_stored(shards)):
                    label = labels.get(record["class"])
                    if label is None:
                        label, alone = alone, alone + 1
                    index[["shard", "row", "label", "offset"]][i] = shard, row, label, file.tell()
                    values[i] = record["attributes"]
                    known = {key: record[key] for key in ("name", "captions", "side")}
                    file.write(json.dumps(known).encode() + b"\n")
            np.save(folder / "index.npy", index)
            if attributes:
                np.save(folder / "attributes.npy", values)
            for path in folder.iterdir():
                sync(path)


def publish(out: Path, aside: Path, packed: dict[str, list[Shard]], card: dict) -> None:
    """Replace what an earlier preparation left in `out` by the new files, set.json last.

    Embeddings stay if the captions, and their order, are what they were; else they are removed.
    """
    content = json.dumps(card, indent=1).encode()
    with disk_errors(out):
        (out / "set.json").unlink(missing_ok=True)
        for split, shards in packed.items():
            folder = make_folder(out / split)
            made = tables(aside, split)
            same = _same(folder / "captions.jsonl", made / "captions.jsonl")
            _remove(folder, PICTURES if same else PICTURES + TEXTS)
            for number, shard in enumerate(shards):
                for size in shard.sizes:
                    os.replace(shard.file(size), folder / shard_name(size, number))
            for file in made.rglob("*.*"):
                target = folder / file.relative_to(made)
                target.parent.mkdir(exist_ok=True)
                os.replace(file, target)
        if "validation" not in packed:  # the one split that is not always asked for again
            _remove(out / "validation", PICTURES + TEXTS)
        write_atomic(out / "set.json", content)


def _remove(folder: Path, patterns: tuple[str, ...]) -> None:
    for file in [file for pattern in patterns for file in folder.glob(pattern)]:
        file.unlink()


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and filecmp.cmp(one, other, shallow=False)


def tables(aside: Path, split: str) -> Path:
    """Where a split's tables lie until they are published."""
    return aside / split / "tables"


def _records(shards: list[Shard]) -> Iterator[dict]:
    for shard in shards:
        with open(shard.records, encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _stored(shards: list[Shard]) -> Iterator[tuple[int, int, dict]]:
    """Number of the shard, row in it, and record of every picture that is not broken."""
    for number, shard in enumerate(shards):
        whole = (record for record in _records([shard]) if "broken" not in record)
        for row, record in enumerate(whole):
            yield number, row, record


def _captions(split: str, record: dict, embeddings: dict[str, np.ndarray]) -> int:
    """Captions of a picture: as many as its sentences, or its embeddings if it has no text."""
    count = len(record["captions"])
    for encoder, rows in embeddings.items():
        if count and count != rows.shape[1]:
            raise UserError(
                f"split {split!r}: {record['name']} has {count} captions but {rows.shape[1]} "
                f"embeddings of {encoder}; expected as many (leave one of the two out, or take the "
                "captions the embeddings were made from)"
            )
        count = rows.shape[1]
    return count


def _hash(name: str) -> int:
    content = name.encode("utf-8", "surrogatepass")  # names of files need not be text
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


def _check_names(split: str, hashes: np.ndarray, shards: list[Shard]) -> None:
    """Eight bytes a picture decide whether names differ; only those that may not are compared."""
    values, times = np.unique(hashes, return_counts=True)
    if times.max() == 1:
        return
    suspects = set(values[times > 1].tolist())
    names = Counter(r["name"] for _, _, r in _stored(shards) if _hash(r["name"]) in suspects)
    name, times = names.most_common(1)[0]
    if times > 1:
        raise UserError(f"split {split!r}: {times} pictures are named {name}; names must differ")
