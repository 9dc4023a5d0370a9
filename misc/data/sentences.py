"""The sentences that `main.py` turns into pictures: from files, with their mistakes found.

A sentence file holds one sentence a line, in UTF-8; lines of spaces alone are left out. A `.t7`
file is a table of Torch7 as StackGAN's demo makes it: sentences and their embeddings. A list file,
whose name ends in `filenames.txt`, names such files instead, one a line, relative to its own folder
and with or without `.txt`; so do StackGAN's and AttnGAN's `example_filenames.txt`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.data.captions import text_lines
from misc.data.torch7 import read_t7

# char-CNN-RNN reads 201 characters; what is many times longer was not meant as one sentence.
MAX_CHARACTERS = 1000
_EXAMPLES = ("example_captions.txt", "example_filenames.txt")


class Sentences(NamedTuple):
    """Sentences, and their embeddings float32 (sentences, width) if the files hold them."""

    texts: list[str]
    embeddings: np.ndarray | None = None


def check_sentence(sentence: str, where: str) -> str:
    """The sentence without spaces around it.

    Raises: UserError if it has no letter or digit, or more than `MAX_CHARACTERS` characters;
      `where` is the flag or file and line that it came from.
    """
    sentence = sentence.strip()
    if not any(c.isalnum() for c in sentence):
        raise UserError(f"{where}: the sentence {sentence!r} has no word; expected a description")
    if len(sentence) > MAX_CHARACTERS:
        raise UserError(
            f"{where}: a sentence of {len(sentence):,} characters, expected at most "
            f"{MAX_CHARACTERS:,}; put one sentence on a line"
        )
    return sentence


def example_file(folder: Path) -> Path:
    """The set's `example_captions.txt`; `example_filenames.txt` only if that is not there.

    Raises: UserError if there is neither.
    """
    for name in _EXAMPLES:
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"{folder}: no {' and no '.join(_EXAMPLES)}; write sentences into the first, one a line, "
        "or give --captions, TEST.CAPTION_PATH or B_VALIDATION: True"
    )


def read_sentences(path: Path) -> Sentences:
    """Sentences of a sentence file or table, or of all the files that a list names, in order.

    Raises: UserError naming file and line: missing, not UTF-8, damaged, no sentence in it, a
      sentence that `check_sentence` refuses, a table of another form, embeddings of several widths
      or with a NaN, a listed file outside the list's folder, a list of both kinds of files.
    """
    if not path.name.endswith("filenames.txt"):
        return _sentences(path)
    folder = path.parent.resolve()
    found = []
    for number, name in _lines(path):
        file = (folder / name).resolve()
        if not file.is_file() and not _is_table(file):
            file = (folder / f"{name}.txt").resolve()
        if not file.is_relative_to(folder):  # after links are followed
            raise UserError(f"{path}:{number}: {name} lies outside {path.parent}")
        found.append(_sentences(file))
    texts = [text for one in found for text in one.texts]
    tables = [one.embeddings for one in found if one.embeddings is not None]
    if not tables:
        return Sentences(texts)
    if len(tables) < len(found) or len({table.shape[1] for table in tables}) > 1:
        raise UserError(
            f"{path}: some of its files hold embeddings (.t7), of widths "
            f"{sorted({table.shape[1] for table in tables})}, and {len(found) - len(tables)} do "
            "not; expected all or none, of one width: list them apart"
        )
    return Sentences(texts, np.concatenate(tables))


def _is_table(path):
    return path.suffix.lower() == ".t7"


def _sentences(path: Path) -> Sentences:
    if _is_table(path):
        return _table(path)
    return Sentences([check_sentence(text, f"{path}:{number}") for number, text in _lines(path)])


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines that are not blank; at least one."""
    lines = [(k, line) for k, line in enumerate(text_lines(path), 1) if line]
    if not lines:
        raise UserError(f"{path}: no sentence in it, expected one a line")
    return lines


def _table(path: Path) -> Sentences:
    value = read_t7(path)
    texts, rows = (value.get(k) if type(value) is dict else None for k in ("raw_txt", "fea_txt"))
    rows = list(rows) if isinstance(rows, np.ndarray | list) else []
    proper = type(texts) is list and all(type(text) is str for text in texts)
    if not proper or not texts or not all(_is_row(row) for row in rows) or len(texts) != len(rows):
        raise UserError(
            f"{path}: no caption table: expected raw_txt, a list of sentences, and fea_txt, a list "
            "of as many embeddings, as StackGAN's demo/get_embedding.lua writes them"
        )
    if len({row.size for row in rows}) > 1:
        raise UserError(f"{path}: fea_txt holds embeddings of several widths; expected one")
    with np.errstate(over="ignore"):  # found just below
        embeddings = np.stack([row.reshape(-1).astype(np.float32) for row in rows])
    wrong = np.flatnonzero(~np.isfinite(embeddings).all(1))
    if wrong.size:
        raise UserError(
            f"{path}: the embedding of sentence {wrong[0] + 1} holds a NaN or an infinite number; "
            "make it again"
        )
    texts = [check_sentence(text, f"{path}, sentence {k}") for k, text in enumerate(texts, 1)]
    return Sentences(texts, embeddings)


def _is_row(row):
    """Whether it is an embedding: floats (width,), or (1, width) as the demo saves them."""
    return isinstance(row, np.ndarray) and row.dtype.kind == "f" and row.size == row.shape[-1] > 0
