"""The sentences that `main.py` turns into pictures: from text files, with their mistakes found.

A sentence file holds one sentence a line, in UTF-8; lines of spaces alone are left out. A list
file, whose name ends in `filenames.txt`, names sentence files instead, one a line, relative to its
own folder and with or without `.txt`; so do StackGAN's and AttnGAN's `example_filenames.txt`.
"""

from pathlib import Path

from misc.config.errors import UserError
from misc.data.captions import text_lines

# char-CNN-RNN reads 201 characters; what is many times longer was not meant as one sentence.
MAX_CHARACTERS = 1000
_EXAMPLES = ("example_captions.txt", "example_filenames.txt")


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


def read_sentences(path: Path) -> list[str]:
    """Sentences of a sentence file, or of all the files that a list file names, in order.

    Raises: UserError naming file and line: missing, not UTF-8, a `.t7` file, no sentence in it, a
      sentence that `check_sentence` refuses, a listed file outside the list's folder.
    """
    if not path.name.endswith("filenames.txt"):
        return _sentences(path)
    folder = path.parent.resolve()
    found = []
    for number, name in _lines(path):
        _refuse_torch(name, f"{path}:{number}")
        file = (folder / name).resolve()
        if not file.is_file():
            file = (folder / f"{name}.txt").resolve()
        if not file.is_relative_to(folder):  # after links are followed
            raise UserError(f"{path}:{number}: {name} lies outside {path.parent}")
        found += _sentences(file)
    return found


def _sentences(path: Path) -> list[str]:
    return [check_sentence(text, f"{path}:{number}") for number, text in _lines(path)]


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines that are not blank; at least one."""
    _refuse_torch(path.name, str(path))
    lines = [(k, line) for k, line in enumerate(text_lines(path), 1) if line]
    if not lines:
        raise UserError(f"{path}: no sentence in it, expected one a line")
    return lines


def _refuse_torch(name: str, where: str) -> None:
    if name.lower().endswith(".t7"):
        raise UserError(
            f"{where}: {name}: Torch files of captions cannot be read yet; list a .txt file"
        )
