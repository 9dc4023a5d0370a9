"""What Reed et al. and StackGAN made for CUB and for the flowers: splits by class and captions."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import read_lines
from misc.data.embeddings import HOME, SPLITS, published_names
from misc.sources.source import Split, check_lists, seeded_split

REED = "https://github.com/reedscot/cvpr2016"


def class_split(
    root: Path, classes: Mapping[str, str], table: str, share: float, seed: int
) -> Split:
    """The split that comes with the set, else a share of the classes, drawn by `seed`.

    root/{train,test}/filenames.pickle               names of pictures; else
    root/trainvalclasses.txt, root/testclasses.txt   names of classes, one a line; else drawn

    Args: classes: {name of a picture: its class}.   table: the file that these come from.
    Raises: UserError for lists that are damaged, or do not fit `classes` or each other.
    """
    if lists := published_names(root):
        files = ("train/filenames.pickle", "test/filenames.pickle")
        check_lists(lists, files, classes, f"a picture of {table}")
        both = {classes[n] for n in lists["train"]} & {classes[n] for n in lists["test"]}
        rule = "as listed in {train,test}/filenames.pickle"
        return Split(lists, rule, "picture" if both else "class")
    texts = [root / "trainvalclasses.txt", root / "testclasses.txt"]
    if any(map(Path.exists, texts)):
        chosen = {part: list(read_lines(path)) for part, path in zip(SPLITS, texts, strict=True)}
        files = (texts[0].name, texts[1].name)
        check_lists(chosen, files, set(classes.values()), f"a class of {table}")
        lists = {part: [n for n in classes if classes[n] in chosen[part]] for part in SPLITS}
        rule = "by class, as listed in trainvalclasses.txt and testclasses.txt"
        return Split(lists, rule, "class")
    return seeded_split(classes, share, seed, root)


def caption_reader(
    root: Path, embeddings: Mapping[str, np.ndarray]
) -> Callable[[str], tuple[str, ...]]:
    """`read(CLASS/NAME)`: the captions in root/text_c10/CLASS/NAME.txt, one a line.

    As many of them as there are embeddings; without text_c10 the embeddings must do, and each
    picture has no captions.

    Args: embeddings: see `published_embeddings`.
    Raises: UserError if there are neither; `read` as `read_lines`.
    """
    texts = root / "text_c10"
    if not texts.is_dir():
        if not embeddings:
            raise UserError(
                f"{texts} is missing; expected the captions, CLASS/NAME.txt, of Reed et al. from "
                f"{REED}, or embeddings of them in {root}/{{train,test}}: {HOME}"
            )
        return lambda file: ()
    count = embeddings["train"].shape[1] if embeddings else None
    return lambda file: read_lines(texts / f"{file}.txt")[:count]
