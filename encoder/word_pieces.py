"""Captions as word pieces, the input of BERT's family: WordPiece as "uncased" BERT uses it.

Lower-cased, without accents, split at spaces and punctuation; a word is cut into the longest pieces
that the vocabulary has, from its beginning on. Differs from the library `tokenizers`: that knows an
older Unicode, which has some 500 marks of rare scripts less, and reads "[SEP]" in a text as a sign.
"""

import hashlib
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np

from misc.config.errors import UserError
from misc.data.atomic import write_atomic
from misc.data.untrusted import Refused, refusals

LENGTH = 256  # pieces that all-MiniLM-L6-v2 reads, with the two that mark begin and end
FILE = "word_pieces.json"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LONGEST_WORD = 100  # characters; a longer one is unknown
_MAX_BYTES = 1 << 24
# As Rust's `char::is_whitespace` has it; Python's \s has the four separators 1c to 1f besides.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WHITESPACE = re.compile(f"[{_SPACES}]")
# Chinese characters are words of their own.
_CHINESE = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b920-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f])"
)


class WordPieces:
    """Word pieces of captions, and what of a run folder they need.

    Args: pieces: the vocabulary, by id; id 0 is [PAD].
    Attributes: limit: how much of a caption is read, for people.
    """

    limit = f"{LENGTH} word pieces"

    def __init__(self, pieces: list[str]):
        self.pieces = pieces
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._unknown, self._begin, self._end = (self._ids[name] for name in SPECIAL[1:])
        self._cut = lru_cache(1 << 16)(self._cut)  # few words make most of all captions

    @property
    def identity(self) -> bytes:
        """What the digest of an encoder has to tell of its vocabulary."""
        return hashlib.sha256(json.dumps(self.pieces).encode()).digest()

    def encode(self, captions: list[str]) -> np.ndarray:
        """Ids of the pieces of each caption between [CLS] and [SEP].

        Returns: int32 (n, t), t the most that one of them has, at most LENGTH; 0 is padding.
        """
        rows = [self._numbers(caption)[: LENGTH - 2] for caption in captions]
        ids = np.zeros((len(rows), 2 + max(map(len, rows), default=0)), np.int32)
        for row, numbers in zip(ids, rows, strict=True):
            row[: len(numbers) + 2] = [self._begin, *numbers, self._end]
        return ids

    def is_cut(self, caption: str) -> bool:
        """Whether the network does not read the whole caption."""
        return len(self._numbers(caption)) > LENGTH - 2

    def save(self, run: Path) -> None:
        """Write the vocabulary into a run folder. Raises: UserError if that is impossible."""
        write_atomic(run / FILE, json.dumps(self.pieces).encode())

    @classmethod
    def load(cls, run: str | Path, count: int) -> "WordPieces":
        """Read what `save` wrote. Raises: UserError if it is damaged or not of `count` pieces."""
        path = Path(run) / FILE
        with refusals(path, "a list of word pieces, as encoder/import_minilm.py writes it"):
            return cls(checked_pieces(_read_json(path), count))

    @classmethod
    def read(cls, path: Path, count: int) -> "WordPieces":
        """The vocabulary in a tokenizer.json of Hugging Face.

        Raises: UserError if the file is missing, damaged, of another kind of tokenizer, or has not
          `count` pieces.
        """
        with refusals(path, "the tokenizer.json of an uncased BERT"):
            tree = _read_json(path)
            kinds = [tree[part]["type"] for part in ("model", "normalizer", "pre_tokenizer")]
            if kinds != ["WordPiece", "BertNormalizer", "BertPreTokenizer"]:
                raise Refused(f"its model, normalizer and pre_tokenizer are {', '.join(kinds)}")
            for part, facts in (
                ("normalizer", {"clean_text": True, "lowercase": True}),
                ("normalizer", {"handle_chinese_chars": True, "strip_accents": None}),
                ("model", {"continuing_subword_prefix": "##", "unk_token": SPECIAL[1]}),
                ("model", {"max_input_chars_per_word": LONGEST_WORD}),
            ):
                for name, wanted in facts.items():
                    if tree[part][name] != wanted:
                        raise Refused(f"its {part}.{name} is {tree[part][name]}, not {wanted}")
            ids = tree["model"]["vocab"]
            if sorted(ids.values()) != list(range(len(ids))):
                raise Refused("the ids of its pieces are not 0, 1, 2 ...")
            return cls(checked_pieces(sorted(ids, key=ids.get), count))

    def _numbers(self, caption: str) -> list[int]:
        return [number for word in words(caption) for number in self._cut(word)]

    def _cut(self, word: str) -> tuple[int, ...]:
        """Ids of the pieces of a word; [UNK] alone if it cannot be cut into pieces."""
        if len(word) > LONGEST_WORD:
            return (self._unknown,)
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for stop in range(len(word), start, -1):
                number = self._ids.get(prefix + word[start:stop])
                if number is not None:
                    break
            else:
                return (self._unknown,)
            found.append(number)
            start = stop
        return tuple(found)


def words(caption: str) -> list[str]:
    """The words and punctuation marks of a caption, lower-cased and without accents."""
    kept = (" " if _WHITESPACE.match(c) else c for c in caption if not _is_dropped(c))
    text = unicodedata.normalize("NFD", _CHINESE.sub(r" \1 ", "".join(kept)))
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    # Character by character: a whole text would have the Greek sigma look at its neighbours.
    text = "".join(c.lower() for c in text)
    text = "".join(f" {c} " if _is_punctuation(c) else c for c in text)
    return [word for word in _WHITESPACE.split(text) if word]


def _is_dropped(character: str) -> bool:
    if character in "\t\n\r":
        return False
    # Control characters, invisible ones and those for private use.
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co")


def _is_punctuation(character: str) -> bool:
    # Of ASCII also what Unicode calls symbols: $ + < = > ^ ` | ~
    ascii_mark = "!" <= character <= "~" and not character.isalnum()
    return ascii_mark or unicodedata.category(character)[0] == "P"


def checked_pieces(pieces, count: int) -> list[str]:
    """A vocabulary that may be used. Raises: Refused."""
    if type(pieces) is not list or not all(type(piece) is str for piece in pieces):
        raise Refused("it holds no list of texts")
    if len(pieces) != count or len(set(pieces)) != count:
        raise Refused(f"it has {len(set(pieces))} different pieces, the network reads {count}")
    missing = [name for name in SPECIAL if name not in pieces]
    if missing or pieces[0] != SPECIAL[0]:
        raise Refused(f"it lacks {', '.join(missing) or f'{SPECIAL[0]} in the first place'}")
    return pieces


def _read_json(path: Path):
    if not path.is_file():
        raise UserError(f"{path} is missing: it belongs to the encoder")
    if path.stat().st_size > _MAX_BYTES:
        raise Refused(f"it has over {_MAX_BYTES >> 20} MiB")
    return json.loads(path.read_text(encoding="utf-8"))
