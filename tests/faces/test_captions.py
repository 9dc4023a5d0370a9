"""Tokens and vocabularies, ours and damaged ones."""

import json

import pytest

from faces.captions import Vocabulary, check_descriptions, tokens, warn_of_unread
from misc.config.errors import UserError

CAPTIONS = ["A man, smiling", "a woman with a hat", "the man"]


@pytest.fixture
def vocabulary():
    return Vocabulary.of(CAPTIONS)


def test_tokens_are_runs_of_letters_and_single_other_characters():
    # The last one is the example of the specification, of which each sign is a token.
    assert tokens("A man's  HAT\t") == ["a", "man", "'", "s", "hat"]
    assert tokens("40's,") == ["4", "0", "'", "s", ","]
    assert tokens("caf\u00e9\u00a0x") == ["caf", "\u00e9", "x"]
    assert tokens(" \n") == []


def test_the_commonest_words_come_first_and_ties_by_the_alphabet(vocabulary):
    assert vocabulary.words == (
        *("<pad>", "<unk>", "a", "man", ",", "hat", "smiling", "the", "with", "woman"),
    )
    assert Vocabulary.of(reversed(CAPTIONS)).digest == vocabulary.digest
    assert Vocabulary.of(CAPTIONS[:2]).digest != vocabulary.digest


def test_numbers_are_cut_and_padded_and_unknown_words_are_one(vocabulary):
    ids = vocabulary.ids(["the man with a big hat", "a", "very odd"], 5)
    assert ids.tolist() == [[7, 3, 8, 2, 1], [2, 0, 0, 0, 0], [1, 1, 0, 0, 0]]
    assert ids.dtype == "int32"
    assert vocabulary.read("The 3 men, with a hat", 6) == (["the", "with", "a"], ["3", "men"])


@pytest.fixture
def run(vocabulary, tmp_path):
    """A folder with a vocabulary."""
    vocabulary.save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' has no word: write what"),
        (", .", "', .' has no word"),
        ("purple bicycles", "'purple bicycles': none of its words is known .* such as: a man hat"),
        ("very, very hat", "none of its words is known"),  # the hat is beyond its end
    ],
)
def test_a_description_that_says_nothing_is_refused(text, said, run):
    with pytest.raises(UserError, match=said):
        check_descriptions(run, [CAPTIONS[0], text], 3)


def test_words_that_are_not_read_are_named(run, capsys):
    check_descriptions(run, CAPTIONS, 5)
    assert capsys.readouterr().err == ""
    odd = "a " + " ".join("z" * (i + 1) for i in range(22))
    check_descriptions(run, ["a big hat", "a big man", odd], 23)
    named = ", ".join(["big", *("z" * (i + 1) for i in range(19))])
    assert capsys.readouterr().err == f"warning: {run} does not know: {named} and 3 others\n"
    check_descriptions(run, ["a man, a big hat", "a"], 3)
    assert capsys.readouterr().err.startswith("warning: 1 descriptions are longer than 3 words")


def test_captions_of_which_nothing_is_read_are_counted(run, capsys):
    warn_of_unread(run, CAPTIONS, 5)
    assert capsys.readouterr().err == ""
    warn_of_unread(run, [*CAPTIONS, "odd, odd", "very very very hat"], 3)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("knows no word of 2 of the 5 test captions; they count as unknown words")


def test_saved_and_read_back(vocabulary, tmp_path):
    vocabulary.save(tmp_path)
    vocabulary.save(tmp_path)
    read = Vocabulary.load(tmp_path)
    assert (read.words, read.digest) == (vocabulary.words, vocabulary.digest)
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.json"]


def test_the_vocabulary_of_another_run_is_refused(vocabulary, tmp_path):
    other = Vocabulary.of(["another face"])
    other.save(tmp_path)
    with pytest.raises(UserError, match="vocabulary of another run or of other captions"):
        vocabulary.save(tmp_path)
    assert Vocabulary.load(tmp_path).digest == other.digest
    (tmp_path / "data.json").write_text(json.dumps({"vocabulary": vocabulary.digest}))
    with pytest.raises(UserError, match=f"of another run .{other.digest[:12]}, this one began"):
        Vocabulary.load(tmp_path)


def told(words, digest=None):
    digest = digest or Vocabulary([str(word) for word in words]).digest
    return json.dumps({"digest": digest, "words": words}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "missing or damaged"),
        (b"", "missing or damaged"),
        (b"[" * 100_000, "missing or damaged"),
        (b"\xff", "missing or damaged"),
        (b'{"words": 5}', "do not begin with"),
        (told(["<pad>", "<unk>", "a", "a"]), "a word is there twice"),
        (told(["<pad>", "<unk>", "two words"]), "'two words' is no word"),
        (told(["<pad>", "<unk>", ["a"]]), "is no word"),
        (told(["<unk>", "<pad>", "a"]), "do not begin with"),
        (told(["<pad>", "<unk>", "a"], "00"), "not those that were written"),
        (b'{"words": ["<pad>", "<unk>", "\\ud800"], "digest": ""}', "missing or damaged"),
        (b" " * (2**26 + 1), "more than 67108864 bytes"),
    ],
)
def test_a_damaged_file_is_one_line(content, said, tmp_path):
    if content is not None:
        (tmp_path / "vocabulary.json").write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        Vocabulary.load(tmp_path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
