"""From captions to numbers: T2F's tokens, and the vocabulary that belongs to a run."""

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.training.runs import read_facts, write_changed

PAD, UNKNOWN = "<pad>", "<unk>"  # words 0 and 1
FILE = "vocabulary.json"
_MOST_BYTES = 2**26  # of that file; Face2Text's has 40 thousand
_NAMED = 20  # unknown words in a warning


def tokens(text: str) -> list[str]:
    """Lower-case runs of the letters a to z, and every other character but blanks on its own.

    Source: T2F, TextExtractor.py: "In his 40's," is in his 4 0 ' s ,
    """
    return re.findall(r"[a-z]+|[^a-z\s]", text.lower())


class Vocabulary:
    """The words that a run knows.

    Attributes:
      words: tuple of str, by their number; `<pad>` and `<unk>` come first.
      digest: SHA-256 of them, 64 hex digits.
    """

    def __init__(self, words: Sequence[str]):
        self.words = tuple(words)
        self.digest = hashlib.sha256("\n".join(self.words).encode()).hexdigest()
        self._number = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def of(cls, captions: Iterable[str]) -> "Vocabulary":
        """All words of these captions, the commonest first, equally common ones by the alphabet."""
        counts = Counter()
        for caption in captions:
            counts.update(tokens(caption))
        return cls((PAD, UNKNOWN, *sorted(counts, key=lambda word: (-counts[word], word))))

    def ids(self, texts: Sequence[str], length: int) -> np.ndarray:
        """Numbers of the words: int32 (n, length), zeros behind them, the rest cut off.

        A word that is not known becomes `<unk>`.
        """
        ids = np.zeros((len(texts), length), np.int32)
        for row, text in zip(ids, texts, strict=True):
            numbers = [self._number.get(word, 1) for word in tokens(text)[:length]]
            row[: len(numbers)] = numbers
        return ids

    def read(self, text: str, length: int) -> tuple[list[str], list[str]]:
        """Known and unknown words among the first `length` tokens; signs are neither."""
        words = [word for word in tokens(text)[:length] if word.isalnum()]
        known = [word for word in words if word in self._number]
        return known, [word for word in words if word not in self._number]

    def save(self, folder: Path | str) -> None:
        """Write vocabulary.json into a run folder, or see that what is there is the same.

        Raises: UserError if it is of another run, damaged, or cannot be written.
        """
        folder = Path(folder)
        if (folder / FILE).exists() and self.load(folder).digest != self.digest:
            raise UserError(
                f"{folder / FILE} is the vocabulary of another run or of other captions: put that "
                "of this run back, or delete it, which makes it anew from the training captions"
            )
        facts = {"digest": self.digest, "words": self.words}
        write_changed(folder / FILE, json.dumps(facts, ensure_ascii=False).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path | str) -> "Vocabulary":
        """Read what `save` wrote.

        Raises: UserError if it is missing, damaged, or not the one that the run's data.json names.
        """
        path = Path(folder) / FILE
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES} bytes")
            facts = json.loads(path.read_text(encoding="utf-8"))
            vocabulary = cls(_checked(facts["words"]))
            if facts["digest"] != vocabulary.digest:
                raise ValueError("its words are not those that were written")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path} is missing or damaged ({error!s:.100}): put back a copy of it; it is made "
                "when training begins"
            ) from error
        expected = str(read_facts(Path(folder)).get("vocabulary", ""))
        if expected not in ("", vocabulary.digest):
            raise UserError(
                f"{path} is the vocabulary of another run ({vocabulary.digest[:12]}, this one "
                f"began with {expected[:12]}): put back the one it was trained with"
            )
        return vocabulary


def check_descriptions(run: Path | str, captions: Sequence[str], length: int) -> None:
    """See that a run can read what its user wrote; what of it will not be read is a warning.

    Raises: UserError for a description without a word, or with none that the run knows.
    """
    vocabulary, unknown = Vocabulary.load(run), {}
    for caption in captions:
        known, others = vocabulary.read(caption, length)
        if not known and not others:
            raise UserError(f"{caption[:100]!r} has no word: write what the face should look like")
        if not known:
            words = " ".join(word for word in vocabulary.words[2:] if word.isalnum())[:100]
            raise UserError(
                f"{caption[:100]!r}: none of its words is known to {run}, which learned others, "
                f"such as: {words.rpartition(' ')[0] or words}"
            )
        unknown |= dict.fromkeys(others)
    if unknown:
        more = f" and {len(unknown) - _NAMED} others" if len(unknown) > _NAMED else ""
        named = ", ".join(list(unknown)[:_NAMED])
        print(f"warning: {run} does not know: {named}{more}", file=sys.stderr)
    if cut := sum(len(tokens(caption)) > length for caption in captions):
        print(
            f"warning: {cut} descriptions are longer than {length} words and signs, the rest is "
            "not read",
            file=sys.stderr,
        )


def warn_of_unread(run: Path | str, captions: Sequence[str], length: int) -> None:
    """Tell how many of a split's captions hold no word that a run knows; it draws faces of them."""
    vocabulary = Vocabulary.load(run)
    unread = sum(not vocabulary.read(caption, length)[0] for caption in captions)
    if unread:
        print(
            f"warning: {run} knows no word of {unread} of the {len(captions)} test captions; "
            "they count as unknown words",
            file=sys.stderr,
        )


def _checked(words) -> list[str]:
    """The words of a file, if they can be a vocabulary: `ValueError` or `TypeError` if not."""
    if not isinstance(words, list) or words[:2] != [PAD, UNKNOWN]:
        raise ValueError(f"its words do not begin with {PAD} and {UNKNOWN}")
    odd = [word for word in words[2:] if not isinstance(word, str) or tokens(word) != [word]]
    if odd or len(set(words)) < len(words):
        raise ValueError(f"{odd[0]!r} is no word" if odd else "a word is there twice")
    return words
