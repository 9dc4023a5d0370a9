"""Descriptions of faces in the JSON of Face2Text, both of its published forms."""

from pathlib import Path, PurePosixPath

from misc.config.errors import UserError
from misc.data.captions import clean_caption, parse_json, path_inside, read_text

HOME = "https://github.com/mtanti/face2text-dataset"


def face2text(path: Path, folder: Path) -> dict[str, tuple[str, ...]]:
    """What people wrote about each face, in the order of the file; blank texts are left out.

    0.1, faces of LFW:         [{"img_id", "image", "descriptions": [{"desc_id", "text"}]}]
    2.1 raw, faces of CelebA:  [{"response_id", "filename", "user_id", "description"}]

    Args: folder: which the pictures are named in; nothing in it is read.
    Returns: {path of a picture without its suffix: its descriptions}. 0.1 says .bmp where LFW has
      .jpg, so the suffix means nothing.
    Raises: UserError for a file that is missing, no JSON or of another form, a path that leads out
      of `folder`, no descriptions at all.
    """
    items = parse_json(str(path), read_text(path))
    if not isinstance(items, list):
        raise UserError(f"{path} holds no list; {_expected()}")
    descriptions: dict[str, list[str]] = {}
    for number, item in enumerate(items, 1):
        where = f"{path}, item {number}"
        try:
            name, texts = _read(item)
        except (KeyError, TypeError) as error:
            raise UserError(f"{where} has another form ({error}); {_expected()}") from error
        file = PurePosixPath(path_inside(name, folder, where))
        cleaned = filter(None, map(clean_caption, texts))
        descriptions.setdefault(str(file.parent / file.stem), []).extend(cleaned)
    found = {name: tuple(texts) for name, texts in descriptions.items() if texts}
    if not found:
        raise UserError(f"{path} holds no descriptions; {_expected()}")
    return found


def _read(item: dict) -> tuple[str, list[str]]:
    """The picture and the texts of one item; KeyError or TypeError if it has another form."""
    if "descriptions" in item:
        name, texts = item["image"], [entry["text"] for entry in item["descriptions"]]
    else:
        name, texts = item["filename"], [item["description"]]
    if not all(type(text) is str for text in (name, *texts)):
        raise TypeError("picture and text are not both strings")
    return name, texts


def _expected() -> str:
    return (
        'expected Face2Text\'s [{"image": ..., "descriptions": [{"text": ...}]}] or '
        f'[{{"filename": ..., "description": ...}}], as from {HOME}'
    )
