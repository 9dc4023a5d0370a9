"""Text embeddings that come with a raw set: StackGAN's published pickles."""

from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.safe_pickle import load_arrays

ENCODER = "char-CNN-RNN"
NAMES = "filenames.pickle"
EMBEDDINGS = f"{ENCODER}-embeddings.pickle"
SPLITS = ("train", "test")
HOME = "StackGAN's char-CNN-RNN archive, linked from https://github.com/hanzhanggit/StackGAN"


def published_names(root: Path) -> dict[str, list[str]] | None:
    """{split: picture names} of root/{train,test}/filenames.pickle; None if neither is there.

    Raises: UserError if only one is there, or one is damaged, hostile or no list of names.
    """
    if not any((root / part / NAMES).exists() for part in SPLITS):
        return None
    return {part: split_names(root / part / NAMES) for part in SPLITS}


def published_embeddings(root: Path, lists: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """{split: float32 (pictures, captions, width)}, {} if there are none.

    From root/{train,test}/char-CNN-RNN-embeddings.pickle, whose rows filenames.pickle beside them
    names; in the order of `lists`, {split: names}, which may split the pictures in another way.

    Raises: UserError if one of the four files is missing, damaged, hostile or does not fit.
    """
    if not any((root / part / EMBEDDINGS).exists() for part in SPLITS):
        return {}
    rows, shape = {}, None
    for part in SPLITS:
        path = root / part / EMBEDDINGS
        names = split_names(path.with_name(NAMES))
        array = embedding_rows(path, load_published(path), len(names))
        if shape not in (None, array.shape[1:]):
            raise UserError(f"{path} has shape {array.shape}; expected train and test alike")
        shape = array.shape[1:]
        rows.update(zip(names, array, strict=True))
    try:
        return {part: np.stack([rows[name] for name in lists[part]]) for part in SPLITS}
    except KeyError as error:
        raise UserError(
            f"{root}/{{train,test}}/{NAMES} name no picture {error}, so it has no embeddings"
        ) from error


def embedding_rows(path: Path, value, pictures: int) -> np.ndarray:
    """What the file `path` holds, as float32 (pictures, captions, width).

    Raises: UserError if it is no such array.
    """
    try:
        array = np.asarray(value, np.float32)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} holds no array (pictures, captions, width)") from error
    if array.ndim == 2:  # one caption a picture
        array = array[:, None]
    if array.ndim != 3 or len(array) != pictures:
        raise UserError(
            f"{path} has shape {array.shape}; expected (pictures, captions, width) with "
            f"{pictures} pictures as in {NAMES} beside it"
        )
    return array


def split_names(path: Path) -> list[str]:
    """The names in a filenames.pickle; UserError if it is missing, damaged, hostile or no list."""
    value = load_published(path)
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise UserError(f"{path} holds no list of names; get it again with {HOME}")
    return list(value)


def load_published(path: Path):
    """What one of StackGAN's pickles holds; UserError if it is missing, or as `load_arrays`."""
    if not path.is_file():
        raise UserError(f"{path} is missing; get it with {HOME}")
    return load_arrays(path)
