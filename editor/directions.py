"""The directions of a trained editor: found on its training set, and kept in its run folder."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from easydict import EasyDict
from tqdm import tqdm

from editor.attributes import FEWEST, Counts, check_name, count, usable
from editor.methods import METHODS, find
from misc.config.errors import UserError
from misc.data.atomic import replace_with
from misc.data.prepared import PreparedSplit, open_split
from misc.data.safe_npz import read_npz
from misc.data.untrusted import refusals
from misc.training.gan_data import data_folder, set_digest

FOLDER = "directions"  # in a run folder
MOST = 20_000  # training pictures that directions are made of; the authors took 10,000
BLOCK = 1024  # pictures in memory at once
_MOST_BYTES = 1 << 26  # of a file of directions
_FACTS = ("data", "digest", "step")


@dataclass(frozen=True)
class Directions:
    """Directions of one editor and set, as they are kept in RUN/directions/METHOD.npz.

    Attributes:
      method: one of `METHODS`.
      names, vectors: attributes that have a direction, and float32 (names, d).
      counts: of every attribute of the set, see `count`.
      data: digest of the set; digest: of the editor, with the step of its checkpoint.
    """

    method: str
    names: tuple[str, ...]
    vectors: np.ndarray
    counts: dict[str, tuple[int, int, int]]
    data: str
    digest: str
    step: int

    @classmethod
    def of(cls, method: str, codes, attributes, names: Sequence[str], **facts) -> "Directions":
        """Find them: codes (n, d), attributes int8 (n, a); facts: `data`, `digest`, `step`."""
        counts = count(attributes, names)
        kept = usable(counts)
        columns = attributes[:, [names.index(name) for name in kept]]
        vectors = np.zeros((0, codes.shape[1]))
        if kept:
            vectors = find(codes, columns, kept, method)
        return cls(method, tuple(kept), vectors.astype(np.float32), counts, **facts)

    def move(self, amounts: Mapping[str, float]) -> np.ndarray:
        """The sum of so many steps along each of some attributes: float32 (d,).

        Raises: UserError for an attribute that has no direction, with what is near or why.
        """
        moved = np.zeros(self.vectors.shape[1])
        for name, amount in amounts.items():
            check_name(name, self.counts)
            if name not in self.names:
                present, absent, unknown = self.counts[name]
                raise UserError(
                    f"{name} has no direction: of the training pictures {present} have it, "
                    f"{absent} have it not, of {unknown} it is not known; expected {FEWEST} of "
                    "the first two kinds: train on a set that shows both, or choose another"
                )
            moved += amount * self.vectors[self.names.index(name)].astype(np.float64)
        return moved.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the file; `UserError` if it cannot be written."""
        facts = {k: getattr(self, k) for k in ("method", "names", "counts", *_FACTS)}
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        with replace_with(path) as partial:
            np.savez(partial, vectors=self.vectors, facts=text)

    @classmethod
    def load(cls, path: Path) -> "Directions":
        """Read what `save` wrote. Raises: UserError if it is missing, damaged or something else."""
        arrays = read_npz(path, {"vectors": ("<f4", 2), "facts": ("|u1", 1)}, _MOST_BYTES)
        with refusals(path, "directions, as editor/edit.py writes them"):
            facts = json.loads(arrays["facts"].tobytes())
            names = tuple(facts["names"])
            counts = {name: tuple(map(int, three)) for name, three in facts["counts"].items()}
            good = names == tuple(usable(counts)) and facts["method"] in METHODS
            good = good and all(len(three) == 3 for three in counts.values())
            if not good or len(arrays["vectors"]) != len(names):
                raise ValueError("facts that do not fit each other")
            kinds = {"data": str, "digest": str, "step": int}
            kept = {key: kind(facts[key]) for key, kind in kinds.items()}
            return cls(facts["method"], names, arrays["vectors"], counts, **kept)


def counts_of(run: Path, cfg: EasyDict, data: Path | None = None) -> Counts:
    """The attributes that a run's training set has, without a look at any picture.

    Args: run: its folder, whose directions tell if the set is gone; cfg: its configuration; data:
      the set, if it was moved, or another one.
    Raises: UserError if there is neither, or the set has no attributes.
    """
    folder = data or data_folder(cfg)
    kept = sorted((run / FOLDER).glob("*.npz"))
    if not data and kept and not (folder / "set.json").is_file():
        return Directions.load(kept[0]).counts
    split = _split(folder)
    return count(split.attributes, split.attribute_names)


def find_directions(editor, run: Path, method: str, data: Path | None = None) -> Directions:
    """The directions of a run, from its folder, or made of its training pictures.

    They are made, by all methods, if there are none, or damaged ones, or those of another
    checkpoint or set, and then kept. If the set is gone, those that are there will do.

    Args: editor: of `editor.edit.load`; data: as for `counts_of`.
    Raises: UserError as `counts_of`, or if they cannot be made or kept.
    """
    cfg = EasyDict(editor.cfg, DATA_DIR=str(data or editor.cfg.DATA_DIR))
    folder, path = data_folder(cfg), run / FOLDER / f"{method}.npz"
    there = data or (folder / "set.json").is_file()
    split = _split(folder) if there else None
    digest = set_digest(cfg) if there else ""
    if path.is_file():
        if found := _kept(path, method, editor, digest):
            return found
        print(f"{path}: damaged, or of another checkpoint or set: made again", file=sys.stderr)
    split = split or _split(folder)
    names = split.attribute_names
    # Evenly out of a larger set, which may be ordered by class.
    rows = np.unique(np.linspace(0, len(split) - 1, MOST).round().astype(int))
    facts = {"data": digest, "digest": editor.digest, "step": editor.step}
    codes = _encode(editor, split, rows)
    for each in METHODS:
        found = Directions.of(each, codes, split.attributes[rows], names, **facts)
        found.save(run / FOLDER / f"{each}.npz")
    if missing := [name for name in names if name not in found.names]:
        print(
            f"no direction of {', '.join(missing)}: fewer than {FEWEST} pictures have it, or have "
            "it not",
            file=sys.stderr,
        )
    return Directions.load(path)


def _kept(path: Path, method: str, editor, digest: str) -> Directions | None:
    """What a file holds, if it is of this editor, and of the set of this digest ("": of any)."""
    with suppress(UserError):
        found = Directions.load(path)
        mine = found.method, found.digest, found.vectors.shape[1]
        if mine == (method, editor.digest, editor.cfg.Z_DIM) and digest in ("", found.data):
            return found
    return None


def _split(folder: Path) -> PreparedSplit:
    """The training split of a set that has attributes."""
    if not (folder / "set.json").is_file():
        raise UserError(f"{folder}: no prepared set here: name it with --data if it was moved")
    split = open_split(folder, "train")
    if split.attributes is None:
        raise UserError(
            f"{folder}: the set has no attributes, so there is nothing to edit by: name one that "
            "has with --data, such as of birds, CelebA or drawn faces, or train on it"
        )
    return split


def _encode(editor, split: PreparedSplit, rows: np.ndarray) -> np.ndarray:
    """Codes of the middles of training pictures, some at a time."""
    from editor.data import centres

    parts = []
    with tqdm(total=len(rows), desc="encode", unit="picture", disable=None) as bar:
        for part in np.split(rows, range(BLOCK, len(rows), BLOCK)):
            parts.append(editor.encode(centres(split, part, editor.cfg.IMAGE.SIZE)))
            bar.update(len(part))
    return np.concatenate(parts)
