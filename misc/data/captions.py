"""Reads the captions of a picture folder: NAME.txt beside each picture, CSV, JSONL or COCO JSON."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from misc.config.errors import UserError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# What people call the two columns; `file_name` and `text` are the names in Hugging Face's folders.
PICTURE_COLUMNS = ("file", "image", "filename", "file_name")
CAPTION_COLUMNS = ("caption", "captions", "text")
# Spreadsheets save with semicolons where the comma is for decimals.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
MOST_BYTES = 2**30  # of a file with captions; COCO's largest has 92 million


class Row(NamedTuple):
    """One caption as a file gives it; `where` names file and line for a message."""

    where: str
    picture: str
    caption: str | None
    class_name: str | None = None


def read_captions(
    source: Path, folder: Path, class_column: str | None = None
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Read which captions each picture of `folder` has.

    `source` is one of
      a folder      NAME.txt for the picture NAME.jpg at the same place, one caption a line;
      FILE.csv      a line a caption, columns `file` (`PICTURE_COLUMNS`) and `caption`, between
                    commas, or semicolons or tabs if that makes columns of the first line;
      FILE.jsonl    a line an object with these keys; `caption` may be a list of captions;
      FILE.json     COCO: `images` with `id`, `file_name`; `annotations` with `image_id`, `caption`,
                    of which blank ones are left out.
    Pictures are named by their path in `folder`; the suffix may be left out. Blanks are squeezed.

    Returns: {picture: captions} and {picture: class} (empty without `class_column`), both sorted by
      the picture's path in `folder`. A picture without a caption is in neither.
    Raises: UserError, with file and line, for text that is not UTF-8, an empty file, a blank
      caption, a caption of a picture that is not there, a name that leads out of `folder`, a
      picture in two classes, pictures that differ in their suffix only, no captions at all.
    """
    source, folder = Path(source), Path(folder)
    pictures = find_pictures(folder)
    # A caption file may name a picture with its suffix or without.
    names = unique_names(pictures, folder) | {picture: picture for picture in pictures}
    reader = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".json": _coco_rows}.get(source.suffix)
    if source.is_dir():
        reader = _text_rows
    elif not reader:
        raise UserError(
            f"{source} is no caption file; expected a .csv, .jsonl or COCO .json file, or a folder "
            "with NAME.txt for each picture"
        )
    if class_column and reader not in (_csv_rows, _jsonl_rows):
        raise UserError(f"{source} has no columns, so no class column {class_column!r}; leave it")

    captions, classes = {}, {}
    for row in reader(source, class_column):
        picture = _find(row, names, folder)
        caption = clean_caption(row.caption or "")
        if not caption:
            raise UserError(f"{row.where}: no caption for {row.picture!r}; write or remove it")
        captions.setdefault(picture, []).append(caption)
        if class_column and not row.class_name:
            raise UserError(f"{row.where}: no {class_column} for {row.picture!r}; expected a class")
        if classes.setdefault(picture, row.class_name) != row.class_name:
            raise UserError(
                f"{row.where}: {row.picture!r} is in class {row.class_name!r} here and in "
                f"{classes[picture]!r} above; expected one class a picture"
            )
    if not captions:
        raise UserError(f"{source} holds no captions; expected at least one a picture")
    pictures = sorted(captions)
    return (
        {picture: tuple(captions[picture]) for picture in pictures},
        {picture: classes[picture] for picture in pictures if class_column},
    )


def read_lines(path: Path) -> tuple[str, ...]:
    """The captions in a text file, one a line, blanks squeezed and blank lines left out.

    Raises: UserError if the file is missing, not UTF-8, or holds no caption.
    """
    lines = tuple(filter(None, map(clean_caption, text_lines(path))))
    if not lines:
        raise UserError(f"{path} holds no captions; expected one a line")
    return lines


def text_lines(path: Path) -> list[str]:
    """All lines of a text file, without the spaces around them; raises as `read_text`."""
    return [line.strip() for line in read_text(path).split("\n")]


def read_text(path: Path) -> str:
    """A file as text, with or without a byte-order mark; UserError (line named) if not UTF-8."""
    try:
        size = os.stat(path).st_size
        if size > MOST_BYTES:
            raise UserError(f"{path} has {size} bytes; expected a text of at most {MOST_BYTES}")
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path} line {line}: byte {content[error.start]:#04x} is not UTF-8; save the file as "
            "UTF-8"
        ) from error
    if "\0" in text:
        raise UserError(f"{path} is not UTF-8 text (it has zero bytes); save the file as UTF-8")
    return text


def find_pictures(folder: Path) -> list[str]:
    """Paths (with `/`) of all picture files below a folder, sorted; hidden files are passed over.

    Raises: UserError if the folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; expected the folder with the pictures")
    paths = (path.relative_to(folder) for path in folder.rglob("*"))
    pictures = sorted(
        path.as_posix()
        for path in paths
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not any(part.startswith(".") for part in path.parts)
    )
    if not pictures:
        raise UserError(f"{folder} holds no pictures; expected {', '.join(PICTURE_SUFFIXES)}")
    return pictures


def unique_names(pictures: list[str], folder: Path) -> dict[str, str]:
    """{path without its suffix: picture} of what `find_pictures` gives.

    Raises: UserError if two differ in their suffix only.
    """
    names = {}
    for picture in pictures:
        name = str(PurePosixPath(picture).with_suffix(""))
        if name in names:
            raise UserError(
                f"{folder} has both {names[name]} and {picture}, which differ in the suffix only; "
                "rename one"
            )
        names[name] = picture
    return names


def path_inside(name: str, folder: Path, where: str) -> str:
    """A relative path that a file gives, with `/`; UserError if it leads out of `folder`, or can be
    of no file."""
    # Read as a Windows path, which takes both kinds of slash and knows drives on every system.
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or "\0" in name:
        raise UserError(f"{where}: {name!r} leads out of {folder}; expected a path inside it")
    return path.as_posix()


def _find(row: Row, names: dict[str, str], folder: Path) -> str:
    picture = names.get(path_inside(row.picture, folder, row.where))
    if not picture:
        raise UserError(
            f"{row.where} names {row.picture!r}, but no such picture is in {folder}, which has "
            f"{len(set(names.values()))}; add the picture or remove the caption"
        )
    return picture


def clean_caption(caption: str) -> str:
    """A caption with its blanks squeezed, without what no file in UTF-8 can hold."""
    # The published CUB captions carry runs of U+FFFD; JSON may carry halves of surrogate pairs.
    caption = caption.replace("\ufffd", " ").encode("utf-8", "replace").decode()
    return " ".join(caption.split())


def _text_rows(source: Path, _class_column: None) -> Iterator[Row]:
    texts = (path.relative_to(source) for path in sorted(source.rglob("*.txt")))
    for text in texts:
        if any(part.startswith(".") for part in text.parts):
            continue
        for caption in read_lines(source / text):
            yield Row(str(source / text), text.with_suffix("").as_posix(), caption)


def _csv_rows(source: Path, class_column: str | None) -> Iterator[Row]:
    text = read_text(source)
    delimiter = _delimiter(text)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        reader.fieldnames = [field.strip() for field in reader.fieldnames or []]
        for row in reader:
            where = f"{source} line {reader.line_num}"
            if None in row:
                raise UserError(
                    f"{where}: more fields than the {len(reader.fieldnames)} columns; put captions "
                    f"with {DELIMITERS[delimiter]} into double quotes"
                )
            yield from _record_rows(where, row, class_column)
    except csv.Error as error:
        raise UserError(f"{source} line {reader.line_num}: not CSV ({error})") from error


def _delimiter(text: str) -> str:
    """What parts the first line into the columns we need; a comma if that is not just one."""

    def parts(delimiter: str) -> bool:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            names = {name.strip() for name in next(lines, [])}
        except csv.Error:
            return False
        return not (names.isdisjoint(PICTURE_COLUMNS) or names.isdisjoint(CAPTION_COLUMNS))

    fit = list(filter(parts, DELIMITERS))
    return fit[0] if len(fit) == 1 else ","


def _jsonl_rows(source: Path, class_column: str | None) -> Iterator[Row]:
    for number, line in enumerate(text_lines(source), 1):
        if line:
            where = f"{source} line {number}"
            record = parse_json(where, line)
            if not isinstance(record, dict):
                raise UserError(f'{where}: expected an object such as {{"file": "a.jpg", ...}}')
            yield from _record_rows(where, record, class_column)


def _record_rows(where: str, record: dict, class_column: str | None) -> Iterator[Row]:
    """The captions of one line, whose columns or keys `record` holds."""

    def value(*columns):
        found = next((column for column in columns if column in record), None)
        if found is None:
            raise UserError(
                f"{where}: columns {', '.join(record)}; expected one named {' or '.join(columns)}"
                " (in CSV, between commas and named in the first line)"
            )
        return record[found]

    picture, captions = value(*PICTURE_COLUMNS), value(*CAPTION_COLUMNS)
    class_name = value(class_column) if class_column else None
    for caption in captions if isinstance(captions, list) and captions else [captions]:
        if not isinstance(picture, str) or not isinstance(caption, str | None):
            raise UserError(
                f"{where}: expected text for picture and caption, or a list of captions"
            )
        yield Row(where, picture, caption, class_name if class_name is None else str(class_name))


def _coco_rows(source: Path, _class_column: None) -> Iterator[Row]:
    content = parse_json(str(source), read_text(source))
    try:
        names = {image["id"]: image["file_name"] for image in content["images"]}
        if len(names) < len(content["images"]):
            raise TypeError("two images have one id")
        for number, annotation in enumerate(content["annotations"], 1):
            name, caption = names[annotation["image_id"]], annotation["caption"]
            if not (isinstance(name, str) and isinstance(caption, str)):
                raise TypeError(f"annotation {number} has no text")
            if caption.strip():  # nobody mends a file of this kind by hand
                yield Row(f"{source}, annotation {number}", name, caption)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{source} is not COCO captions ({type(error).__name__}: {error}); expected `images` "
            "with `id` and `file_name`, and `annotations` with `image_id` and `caption`"
        ) from error


def parse_json(where: str, text: str):
    """What a JSON text holds; UserError, which begins with `where`, if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON ({error})") from error
