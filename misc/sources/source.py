"""What a raw set is to the rest, and the rules that part its pictures into splits."""

import hashlib
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.data.picture import Picture, Pictures


@dataclass(frozen=True)
class Source:
    """A raw set, ready for `write_set`.

    Attributes:
      splits: {"train": pictures, "test": pictures}, and perhaps "validation", see
        `with_validation`; each can be gone through more than once: a list, or `Pictures` where they
        would not fit into memory.
      card: facts for set.json, see `card`.
      attribute_names: what the numbers in each picture's `attributes` answer; may be empty.
      embeddings: {encoder: {split: float32 (pictures, captions, width)}} that came with the set.
      name: what its files call it, of the several sets that they can be, as LSUN's scenes; or "".
    """

    splits: dict[str, Iterable[Picture]]
    card: dict[str, str | int]
    attribute_names: tuple[str, ...] = ()
    embeddings: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    name: str = ""


class Split(NamedTuple):
    """Which pictures are in which split.

    Attributes:
      lists: {"train": names, "test": names}.
      rule: in words.
      by: "class" if no class is in both, else "picture".
    """

    lists: dict[str, list[str]]
    rule: str
    by: str


DRAWN = "drawn by this project, MIT like it"


def licence_in(root: Path, licence: str) -> str:
    """The licence of a layout's original pictures, unless those in `root` are drawn ones."""
    return DRAWN if (root / "drawn.json").is_file() else licence


def card(source: str, rule: str, by: str, licence: str, left_out: int = 0) -> dict:
    """The facts that a source knows: the keys of `Source.card`.

    Args:
      source: layout and place, one line.   rule, by: see `Split`.
      licence: name of the licence or who to ask, with an address; one line.
      left_out: pictures of the raw set that are in neither split.
    """
    return {
        "source": source,
        "split_rule": rule,
        "split_by": by,
        "licence": licence,
        "left_out": left_out,
    }


def seeded_split(classes: Mapping[str, str], share: float, seed: int, where: Path | str) -> Split:
    """Keep about a share of the classes for the test.

    With so few classes that fewer than two would be left to train, a share of each class's
    pictures is kept instead.

    Args: classes: {name of a picture: its class}.   where: named in errors.
    Raises: UserError for a share out of (0, 1) or too few pictures.
    """
    check_share(share)
    random = np.random.default_rng(seed)
    members: dict[str, list[str]] = {}
    for name, kind in classes.items():
        members.setdefault(kind, []).append(name)
    kinds = sorted(members)
    count = max(1, round(share * len(kinds)))
    test: set[str] = set()
    if len(kinds) - count >= 2:
        for i in random.permutation(len(kinds))[:count]:
            test.update(members[kinds[i]])
        by = "class"
        rule = f"by class, seed {seed}: {len(kinds) - count} classes train, {count} test"
    else:
        for kind in kinds:
            names = members[kind]
            kept = min(max(1, round(share * len(names))), len(names) - 1)
            test.update(names[i] for i in random.permutation(len(names))[:kept])
        by = "picture"
        rule = f"by picture, seed {seed}: {len(kinds)} classes are too few to keep whole ones"
    if not test:
        raise UserError(f"{where}: {len(classes)} pictures are too few to keep some apart")
    lists = {
        "train": [name for name in classes if name not in test],
        "test": [name for name in classes if name in test],
    }
    return Split(lists, rule, by)


def hashed_split(key: str, share: float, seed: int) -> str:
    """ "train" or "test", from a digest of `key` alone: no list of the others is needed.

    For streams: of many keys about a share is kept for the test. With a picture's name as its key
    each picture goes its own way, with its class those of a class stay together.

    Raises: UserError for a share out of (0, 1).
    """
    check_share(share)
    digest = hashlib.sha256(f"{seed} {key}".encode("utf-8", "surrogatepass")).digest()
    return "test" if int.from_bytes(digest[:8]) < share * 2**64 else "train"


def with_validation(source: Source, share: float, seed: int) -> Source:
    """The same set with about a share of its training pictures in a third split, "validation".

    Whole classes go there if no class is both in train and test, else pictures: of a list as
    `seeded_split` draws them; of a stream, which stays one, as `hashed_split` does. Embeddings that
    came with the set go with their pictures.

    Raises: UserError for a share out of (0, 1) or too few pictures.
    """
    check_share(share)
    train, by = source.splits["train"], source.card["split_by"]

    def key(picture: Picture) -> str:
        return (by == "class" and picture.class_name) or picture.name

    if listed := isinstance(train, list):
        classes = {picture.name: key(picture) for picture in train}
        drawn = seeded_split(classes, share, seed, source.card["source"])
        names = set(drawn.lists["test"])
        by = "picture" if drawn.by == "picture" else by

    def kept(picture: Picture) -> bool:
        if listed:
            return picture.name in names
        # Not the key alone: the test split may have been hashed with the same seed.
        return hashed_split(f"validation {key(picture)}", share, seed) == "test"

    def pictures(wanted: bool) -> Iterator[Picture]:
        return (picture for picture in train if kept(picture) == wanted)

    total = operator.length_hint(train)
    mask = np.array([kept(picture) for picture in train]) if source.embeddings else None
    count = round(share * total) if mask is None else int(mask.sum())
    splits, embeddings = dict(source.splits), {}
    for split, wanted, size in (("train", False, total - count), ("validation", True, count)):
        stream = Pictures(partial(pictures, wanted), size)
        splits[split] = list(stream) if listed else stream
    for encoder, rows in source.embeddings.items():
        parted = {"train": rows["train"][~mask], "validation": rows["train"][mask]}
        embeddings[encoder] = rows | parted
    rule = f"{source.card['split_rule']}; {share:g} of train is validation, by {by}, seed {seed}"
    facts = source.card | {"split_rule": rule, "split_by": by}
    return replace(source, splits=splits, card=facts, embeddings=embeddings)


def layout_of(root: Path, things: str, layouts: Mapping[str, tuple[str, Iterable[str]]]) -> str:
    """The one layout that a raw set has, by what lies in its folder.

    Args:
      things: what it has pictures of, in words.
      layouts: {name: (its files or where to get them, in words; patterns of files, of which one
        that is there tells it)}.

    Raises: UserError if there is none of them, or more than one.
    """
    found = [name for name, (_, marks) in layouts.items() if any(any(root.glob(m)) for m in marks)]
    if len(found) > 1:
        raise UserError(f"{root} holds {' and '.join(found)}; name one of them with --layout")
    if not found:
        expected = "; ".join(words for words, _ in layouts.values())
        raise UserError(
            f"{root} holds no {things}; expected one of: {expected}; --layout NAME tells what is "
            "missing of it"
        )
    return found[0]


def check_share(share: float) -> None:
    """Raise UserError unless 0 < `share` < 1."""
    if not 0 < share < 1:
        raise UserError(f"a share of {share} to keep apart; expected more than 0 and less than 1")


def check_lists(lists: dict[str, list[str]], files: tuple[str, str], known, expected: str) -> None:
    """Raise UserError unless all that two files list is `known`, and nothing is in both.

    Args: files: what the lists of train and test came from.   expected: what `known` are, in words.
    """
    for file, names in zip(files, lists.values(), strict=True):
        if unknown := [name for name in names if name not in known]:
            raise UserError(f"{file} names {unknown[0]!r}, which is not {expected}")
    if both := set(lists["train"]) & set(lists["test"]):
        raise UserError(f"{files[0]} and {files[1]} both name {min(both)!r}; expected one of them")


def check_classes(train: list[Picture], where: Path) -> None:
    """Raise UserError unless every training picture can have a wrong one."""
    kinds = {picture.class_name for picture in train}
    if len(kinds) < 2 and kinds != {None}:
        raise UserError(
            f"{where}: all training pictures are of one class, {min(kinds, default='')!r}, so no "
            "wrong picture is possible; expected at least two classes"
        )
