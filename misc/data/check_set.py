"""What is wrong with a prepared set: findings by kind, and the quarantine of their pictures."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import replace_with
from misc.data.check_facts import Limits, facts_of
from misc.data.check_repeats import Repeats, near_repeats, repeats
from misc.data.prepared import PreparedSplit, open_split, read_card
from misc.data.processes import processes
from misc.data.quarantine import Quarantined, read_quarantine, write_quarantine

FIRST = 20  # pictures named in the report of a kind
_LEAK = "so what is measured on tells what training has seen: quarantine this picture"
_MEND = "mend the source and prepare the set again"
# Worst first: what it is and what to do, and whether such pictures go into quarantine unasked.
KINDS = {
    "copy-across": (f"the same pixels as a picture of another split, {_LEAK}", True),
    "near-across": (
        f"much like a picture of another split, or like its mirror image, {_LEAK}",
        True,
    ),
    "class-across": (f"of a class of another split, though set.json denies it, {_LEAK}", True),
    "name-across": ("named as a picture of another split; look whether it is the same", False),
    "unreadable": ("a stored picture is damaged, at which training ends: quarantine", True),
    "no-caption": ("no caption, though others have one; no GAN trains on it: quarantine", True),
    "copy": ("the same pixels as an earlier picture: quarantine", True),
    "near": ("much like an earlier picture, or like its mirror image: quarantine", True),
    "flat": ("one colour all over, so nothing is to be seen: quarantine", True),
    "grey": ("without colour; quarantine it if captions name colours", False),
    "tiny": ("its source is smaller than --tiny; quarantine it if it looks blurred", False),
    "blank-caption": (f"a caption has no word; {_MEND}", False),
    "caption-twice": (f"one caption is there twice; {_MEND}", False),
    "control-character": (f"a caption holds control characters; {_MEND}", False),
    "captions-of-others": (
        "pictures of other classes have all of its captions too, so wrong pictures fit them; write "
        "captions that say more, or take both classes for one",
        False,
    ),
}
DEFAULT = tuple(kind for kind, (_, unasked) in KINDS.items() if unasked)


class Finding(NamedTuple):
    """Pictures with one thing wrong, of `KINDS`: places, and places of what they repeat or None."""

    kind: str
    pictures: np.ndarray
    of: np.ndarray | None = None


class CheckedSet:
    """A prepared set, but for what is in quarantine, and what is wrong with it.

    Its pictures have places 0, 1, ... through all splits, test first and training last: of two that
    repeat each other the later one is found. So the test split stays what others measure on, and
    within a split the picture that came first.

    Args: workers: processes; None: one a core, 1: this one. The findings do not depend on it.
    Attributes: splits: list of `PreparedSplit`; findings: of each kind that there is, worst first.
    Raises: UserError if there is no complete prepared set in `folder`, or a process is killed.
    """

    def __init__(self, folder: Path, limits: Limits, workers: int | None):
        self.folder = folder
        splits = read_card(folder)["splits"]
        names = sorted(splits, key=lambda name: (name == "train", name != "test"))
        self.splits = [open_split(folder, name) for name in names]
        lengths = [len(split) for split in self.splits]
        self._starts = np.cumsum([0, *lengths])
        self._split_of = np.repeat(np.arange(len(lengths)), lengths)
        with processes(workers, "looked at pictures") as executor:
            known = [facts_of(split, limits, executor) for split in self.splits]
            facts = np.concatenate([facts for facts, _ in known])
            found = [*self._repeats(facts, executor), self._uncaptioned()]
        found += [
            Finding(kind, np.flatnonzero(facts[kind]))
            for kind in KINDS
            if kind in facts.dtype.names
        ]
        found.append(self._captions_of_others(known))
        found = {finding.kind: finding for finding in found if len(finding.pictures)}
        self.findings = [found[kind] for kind in KINDS if kind in found]

    def __len__(self) -> int:
        return len(self._split_of)

    def report(self) -> list[dict]:
        """For each finding `kind`, `count`, `names` of the first (what they repeat), `what`."""
        lines = []
        for finding in self.findings:
            names = [
                f"{known['split']}/{known['name']}" + (f" ({known['of']})" if known["of"] else "")
                for known in self._described(finding, FIRST)
            ]
            count, what = len(finding.pictures), KINDS[finding.kind][0]
            lines.append({"kind": finding.kind, "count": count, "names": names, "what": what})
        return lines

    def save(self) -> Path:
        """Write all findings to check.jsonl in the set, a line a picture, and return its path.

        A line holds `kind`, `split`, `row` of index.npy, `name`, and `of`, what it repeats.
        Raises: UserError if it cannot be written.
        """
        path = self.folder / "check.jsonl"
        with replace_with(path) as partial, open(partial, "w", encoding="utf-8") as file:
            for finding in self.findings:
                for known in self._described(finding):
                    file.write(json.dumps({"kind": finding.kind} | known) + "\n")
        return path

    def quarantine(self, kinds: tuple[str, ...]) -> dict[str, int]:
        """Put pictures of these kinds into quarantine, beside what is there; see `quarantine`.

        Returns: how many of each split are in quarantine now.
        Raises: UserError, with nothing changed, if no picture of a split would be left; and if one
          of the files cannot be written.
        """
        entries = {split.split: dict(split.quarantined) for split in self.splits}
        for finding in self.findings:
            for known in self._described(finding) if finding.kind in kinds else ():
                entry = Quarantined(known["name"], finding.kind)
                entries[known["split"]].setdefault(known["row"], entry)
        for split in self.splits:
            if len(entries[split.split]) == len(split) + len(split.quarantined):
                raise UserError(
                    f"{split.folder}: all {len(entries[split.split])} pictures would be in "
                    "quarantine, so nothing is changed; name fewer kinds with --quarantine, or "
                    "prepare a better set"
                )
        for split in self.splits:
            write_quarantine(split.folder, entries[split.split])
        return {name: len(rows) for name, rows in entries.items()}

    def _at(self, place: int) -> tuple[PreparedSplit, int]:
        """The split of a picture, and its index there."""
        number = self._split_of[place]
        return self.splits[number], int(place - self._starts[number])

    def _address(self, place: int) -> tuple[str, int]:
        split, i = self._at(place)
        return split.split, int(split.rows[i])

    def _name(self, place: int) -> str:
        split, i = self._at(place)
        return split.record(i)["name"]

    def _described(self, finding: Finding, most: int | None = None) -> Iterator[dict]:
        for k, place in enumerate(finding.pictures[:most]):
            split, row = self._address(place)
            known = {"split": split, "row": row, "name": self._name(place), "of": None}
            if finding.of is not None:
                original = finding.of[k]
                known["of"] = f"{self._at(original)[0].split}/{self._name(original)}"
            yield known

    def _repeats(self, facts: np.ndarray, executor: Executor) -> list[Finding]:
        seen = np.flatnonzero(~(facts["unreadable"] | facts["flat"]))
        copies = repeats(facts["pixels"][seen], seen)
        rest = np.setdiff1d(seen, copies.pictures, assume_unique=True)
        near = near_repeats(facts, rest, self._address, self.folder, executor)
        found = []
        for kind, pairs in (("copy", copies), ("near", near)):
            across = self._across(pairs)
            found.append(Finding(f"{kind}-across", *pairs.where(across)))
            found.append(Finding(kind, *pairs.where(~across)))
        names = repeats(facts["name"])
        pairs = zip(*names, strict=True)
        same = np.array([self._name(i) == self._name(j) for i, j in pairs], bool)
        found.append(Finding("name-across", *names.where(same)))
        if self.splits[0].card.get("split_by") == "class":
            classes = repeats(np.concatenate([split.labels for split in self.splits]))
            found.append(Finding("class-across", *classes.where(self._across(classes))))
        return found

    def _across(self, pairs: Repeats) -> np.ndarray:
        return self._split_of[pairs.pictures] != self._split_of[pairs.of]

    def _uncaptioned(self) -> Finding:
        """A set without any caption is one for other uses, and nothing is wrong with that."""
        counts = np.concatenate([split.index["count"] for split in self.splits])
        return Finding("no-caption", np.flatnonzero((counts == 0) & counts.any()))

    def _captions_of_others(self, known: list[tuple[np.ndarray, np.ndarray]]) -> Finding:
        """Split by split, as a wrong picture is one of the same split."""
        found = []
        for start, split, (facts, said) in zip(self._starts, self.splits, known, strict=False):
            owner = np.repeat(np.arange(len(facts)), facts["captions"])
            labels = split.labels[owner]
            order = np.lexsort((labels, said))
            begins = np.flatnonzero(np.diff(said[order], prepend=~said[order[:1]]))
            sizes = np.diff(begins, append=len(said))
            # Labels rise within a caption: it is one of several classes if the ends differ.
            several = labels[order[begins]] != labels[order[begins + sizes - 1]]
            shared = np.bincount(owner[order[np.repeat(several, sizes)]], minlength=len(facts))
            found.append(start + np.flatnonzero((shared == facts["captions"]) & (shared > 0)))
        return Finding("captions-of-others", np.concatenate(found))


def release(folder: Path, kinds: tuple[str, ...] = ()) -> dict[str, int]:
    """Bring pictures back out of quarantine: of these kinds, or all.

    Returns: how many came back to each split.
    Raises: UserError if there is no prepared set, or a quarantine cannot be read or written.
    """
    released = {}
    for split in read_card(folder)["splits"]:
        entries = read_quarantine(folder / split)
        stay = {row: e for row, e in entries.items() if kinds and e.reason not in kinds}
        if len(stay) < len(entries):
            write_quarantine(folder / split, stay)
        released[split] = len(entries) - len(stay)
    return released
