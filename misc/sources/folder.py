"""Any folder of pictures with captions, in one of the forms people keep them."""

from pathlib import Path

from misc.data.captions import find_pictures, read_captions
from misc.data.embeddings import SPLITS
from misc.data.picture import Picture
from misc.sources.source import Source, card, check_classes, seeded_split


def folder(
    images: Path,
    captions: Path | None = None,
    class_column: str | None = None,
    test_share: float = 0.1,
    seed: int = 0,
) -> Source:
    """A folder of pictures and their captions (see `captions.read_captions`).

    The class of a picture is what `class_column` says; else the sub-folder it lies in, if all lie
    in one and these are several; else pictures with the same captions form one class. A share of
    the classes, drawn by `seed`, is kept for the test. Pictures without captions are left out.

    Args:
      captions: caption file or folder; None: NAME.txt beside each picture.

    Raises: UserError as `read_captions`, and if no wrong picture is possible or none is left for
      the test.
    """
    sentences, classes = read_captions(captions or images, images, class_column)
    kind = f"column {class_column}"
    if not class_column:
        classes = {file: file.rpartition("/")[0] for file in sentences}
        kind = "sub-folder"
        if "" in classes.values() or len(set(classes.values())) == 1:
            classes = _caption_classes(sentences)
            kind = "captions that are the same"
    parted = seeded_split(classes, test_share, seed, images)
    splits = {
        part: [
            Picture(images / file, file.rpartition(".")[0], classes[file], sentences[file])
            for file in parted.lists[part]
        ]
        for part in SPLITS
    }
    check_classes(splits["train"], captions or images)
    source = f"picture folder {images}, captions {captions or 'beside them'}, class by {kind}"
    left_out = len(find_pictures(images)) - sum(map(len, splits.values()))
    licence = "of whoever made the pictures and the captions"
    return Source(splits, card(source, parted.rule, parted.by, licence, left_out))


def _caption_classes(sentences: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """One class for each set of captions, named by a number and one of them."""
    keys = {file: tuple(sorted(set(captions))) for file, captions in sentences.items()}
    numbers = {key: number for number, key in enumerate(sorted(set(keys.values())))}
    return {file: f"{numbers[key]:05d} {key[0][:60]}" for file, key in keys.items()}
