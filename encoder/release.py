"""The files that Reed et al. trained the encoder on: indices of characters, features of pictures.

DIR/manifest.txt             a class a line, NAME.t7; its number is counted from 1
DIR/trainvalids.txt          numbers of the training classes; or trainvalclasses.txt, their names;
                             or trainids.txt or trainclasses.txt, without those for validation
DIR/testclasses.txt          names of the held-out classes, if there are any
DIR/text_c10/NAME.t7         (pictures, 201, captions), indices of `encoder.alphabet`; a first
                             dimension of 1: captions of the whole class
DIR/images/NAME.t7           (pictures, width, views), features; the first view is the whole picture

The per-picture tables of the later release (ICML 2016) hold no features and are not read here.
"""

import hashlib
from pathlib import Path

import numpy as np

from encoder.alphabet import ALPHABET, LENGTH, decode
from misc.config.errors import UserError
from misc.data.captions import path_inside, read_lines
from misc.data.torch7 import read_t7

TRAINING = ("trainvalids.txt", "trainvalclasses.txt", "trainids.txt", "trainclasses.txt")
TEST = "testclasses.txt"


def is_release(folder: Path) -> bool:
    """Whether a folder holds such files, and no prepared set."""
    return not (folder / "set.json").exists() and any(folder.glob("text_c10/*.t7"))


class ReleaseSplit:
    """Classes of a release, as `PairBatches` and `HeldOut` see those of a `PreparedSplit`.

    Attributes:
      folder: of the release.   attribute_names: none.
      sizes: none, as there are features in place of pictures.
      class_names: list of str; labels: int32 (n,), indices into it.
      index: {"count": int32 (n,)}, captions of each picture.
      features: float32 (n, width, views), or (n, width) of the first view alone.
      rows: int64 (n,), row of each picture in them: none is in quarantine here.
      digest: SHA-256 of all this, 64 hex digits.

    Args: width: of a feature; every_view: False keeps the first.
    Raises: UserError for a file that is missing, damaged, or of another shape or range.
    """

    sizes, attribute_names = (), ()

    def __init__(self, folder: Path, class_names: list[str], width: int, *, every_view: bool):
        self.folder, self.class_names = folder, class_names
        self._texts, sizes, features, digest = [], [], None, hashlib.sha256()
        for name in class_names:
            texts, views = _texts(folder, name), _views(folder, name, width)
            if len(texts) not in (1, len(views)):
                raise UserError(
                    f"{folder}: {name} has captions of {len(texts)} pictures and features of "
                    f"{len(views)}; expected as many, or captions of the whole class"
                )
            views = np.ascontiguousarray(views if every_view else views[:, :, 0])
            if features is not None and views.shape[1:] != features.shape[1:]:
                raise UserError(
                    f"{folder}: {name} has features of {views.shape[2]} views, the classes before "
                    f"of {features.shape[2]}; expected as many of each picture"
                )
            for part in (name.encode(), texts, views):
                digest.update(part)
            self._texts.append(texts)
            sizes.append(len(views))
            features = _appended(features, views)
        self.digest, self.features = digest.hexdigest(), features
        self.rows = np.arange(len(features))
        self.labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self.index = {"count": np.repeat([t.shape[2] for t in self._texts], sizes)}
        self._first = np.cumsum(sizes) - sizes  # picture of each class

    def record(self, i: int) -> dict:
        """`{"captions": [str, ...]}` of picture `i`, or of its class."""
        texts = self._texts[self.labels[i]]
        own = texts[(i - self._first[self.labels[i]]) % len(texts)]  # (201, captions)
        return {"captions": [decode(indices) for indices in own.T]}


def open_release(folder: Path, width: int) -> tuple[ReleaseSplit, ReleaseSplit | None]:
    """The training classes with every view, and the test classes with the first; None if none.

    Raises: UserError as `ReleaseSplit`, and for lists that are missing or do not fit.
    """
    listed = next((name for name in TRAINING if (folder / name).is_file()), None)
    if listed is None:
        raise UserError(f"{folder}: expected one of {', '.join(TRAINING)}: which classes to train")
    names = _names(folder, listed)
    test = _names(folder, TEST) if (folder / TEST).is_file() else []
    both = sorted(set(names) & set(test))
    if both:
        raise UserError(f"{folder}: {both[0]} is in {listed} and in {TEST}; leave it out of one")
    held = ReleaseSplit(folder, test, width, every_view=False) if test else None
    return ReleaseSplit(folder, names, width, every_view=True), held


def _names(folder, listed):
    """The classes that a list names, by their numbers in the manifest or by their names."""
    names = lines = read_lines(folder / listed)
    if listed.endswith("ids.txt"):
        manifest = read_lines(folder / "manifest.txt")
        numbers = {str(number): line for number, line in enumerate(manifest, 1)}
        unknown = next((line for line in lines if line not in numbers), None)
        if unknown is not None:
            raise UserError(
                f"{folder / listed}: {unknown!r} is no number of the {len(manifest)} lines of "
                "manifest.txt, counted from 1"
            )
        names = [numbers[line].removesuffix(".t7") for line in lines]
    if len(set(names)) < len(names):
        raise UserError(f"{folder / listed}: a class is named twice; expected each once")
    return [path_inside(name, folder, str(folder / listed)) for name in names]


def _texts(folder, name):
    """uint8 (pictures or 1, 201, captions)."""
    path = folder / "text_c10" / f"{name}.t7"
    array = read_t7(path)
    fits = isinstance(array, np.ndarray) and array.ndim == 3 and array.shape[1] == LENGTH
    if not fits or not np.isin(array, np.arange(len(ALPHABET) + 1)).all():
        raise UserError(
            f"{path}: {_described(array)}, expected (pictures or 1, {LENGTH}, captions) of whole "
            f"numbers from 0 to {len(ALPHABET)}"
        )
    return np.ascontiguousarray(array, np.uint8)


def _views(folder, name, width):
    """float32 (pictures, width, views)."""
    path = folder / "images" / f"{name}.t7"
    array = read_t7(path)
    fits = isinstance(array, np.ndarray) and array.ndim == 3 and array.shape[1] == width
    if fits and array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            views = array.astype(np.float32, copy=False)
        if np.isfinite(views).all():
            return views
    raise UserError(
        f"{path}: {_described(array)}, expected (pictures, {width}, views) of finite numbers, as "
        "wide as TEXT.DIMENSION"
    )


def _described(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return "no tensor"


def _appended(joined, block):
    """`block` after `joined`, which grows where it is: features are too large to be held twice."""
    if joined is None:
        return block.copy()
    begin = len(joined)
    joined.resize((begin + len(block), *joined.shape[1:]), refcheck=False)
    joined[begin:] = block
    return joined
