"""Sentence files, list files and their mistakes."""

from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.sentences import check_sentence, example_file, read_sentences
from misc.data.torch7 import read_t7

ROOT = Path(__file__).parents[2]
ROW = np.arange(3, dtype=np.float32)
CAPTIONS = ROOT / "tests" / "fixtures" / "t7" / "captions.t7"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_one_sentence_a_line_without_blank_lines_and_byte_order_mark(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeffa red bird \r\n\n  \na Küken, 2 eyes\n")
    assert read_sentences(path).texts == ["a red bird", "a Küken, 2 eyes"]


def test_a_list_names_files_with_and_without_suffix(tmp_path):
    write(tmp_path / "text" / "001.Wren" / "Wren_1.txt", "a wren\nsmall and brown\n")
    write(tmp_path / "b.txt", "a bird\n")
    path = write(tmp_path / "example_filenames.txt", "text/001.Wren/Wren_1\n\nb.txt\n")
    assert read_sentences(path).texts == ["a wren", "small and brown", "a bird"]


def test_captions_come_before_the_list(tmp_path):
    with pytest.raises(UserError, match="no example_captions.txt and no example_filenames.txt"):
        example_file(tmp_path)
    listed = write(tmp_path / "example_filenames.txt", "x")
    assert example_file(tmp_path) == listed
    captions = write(tmp_path / "example_captions.txt", "x")
    assert example_file(tmp_path) == captions


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "text/../../secret.txt"])
def test_a_list_does_not_leave_its_folder(tmp_path, name):
    write(tmp_path / "secret.txt", "a secret\n")
    path = write(tmp_path / "set" / "example_filenames.txt", name)
    with pytest.raises(UserError, match=r"example_filenames\.txt:1: .* lies outside"):
        read_sentences(path)


@pytest.mark.parametrize("link", ["link", "link.txt"])
def test_a_list_does_not_leave_its_folder_through_a_link(tmp_path, link):
    write(tmp_path / "secret.txt", "a secret\n")
    path = write(tmp_path / "set" / "example_filenames.txt", "link")
    try:
        (tmp_path / "set" / link).symlink_to(tmp_path / "secret.txt")
    except OSError:
        pytest.skip("no links on this system")
    with pytest.raises(UserError, match="lies outside"):
        read_sentences(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"a bird\nun g\xe9ant\n", "line 2: byte 0xe9 is not UTF-8"),
        (b"\n  \n", "no sentence in it"),
        (b"\x89PNG\0\0"[1:], "has zero bytes"),
        (b"a bird\n...!\n", r"a\.txt:2: the sentence '\.\.\.!' has no word"),
        (b"a " * 5000, r"a\.txt:1: a sentence of 9,999 characters, expected at most 1,000"),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_sentences(write(tmp_path / "a.txt", content))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.txt: cannot be read"):
        read_sentences(tmp_path / "gone.txt")
    with pytest.raises(UserError, match=r"nowhere\.txt: cannot be read"):
        read_sentences(write(tmp_path / "filenames.txt", "nowhere"))
    with pytest.raises(UserError, match=r"a\.t7 cannot be read"):
        read_sentences(write(tmp_path / "filenames.txt", "a.t7"))


def test_a_table_of_torch_holds_sentences_and_embeddings():
    texts, embeddings = read_sentences(CAPTIONS)
    assert len(texts) == 3 and texts[0] == "this vibrant red bird has a pointed black beak"
    assert embeddings.shape == (3, 16) and embeddings.dtype == np.float32
    assert np.array_equal(embeddings[1:2], read_t7(CAPTIONS)["fea_txt"][1])


def test_a_list_of_tables(tmp_path, monkeypatch):
    for name in ("a.t7", "b.T7"):
        write(tmp_path / name, CAPTIONS.read_bytes())
    texts, embeddings = read_sentences(write(tmp_path / "filenames.txt", "a.t7\nb.T7\n"))
    assert len(texts) == 6 and np.array_equal(embeddings[:3], embeddings[3:])
    write(tmp_path / "c.txt", "a bird\n")
    with pytest.raises(UserError, match="and 1 do not; expected all or none"):
        read_sentences(write(tmp_path / "filenames.txt", "a.t7\nc\n"))
    widths = {"a.t7": [ROW], "b.T7": [ROW[:2]]}
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"of widths \[2, 3\]"):
        tables = "misc.data.sentences.read_t7"
        patch.setattr(tables, lambda path: {"raw_txt": ["a"], "fea_txt": widths[path.name]})
        read_sentences(write(tmp_path / "filenames.txt", "a.t7\nb.T7\n"))
    write(tmp_path / "secret.t7", CAPTIONS.read_bytes())
    with pytest.raises(UserError, match="lies outside"):
        read_sentences(write(tmp_path / "set" / "filenames.txt", "../secret.t7"))


@pytest.mark.parametrize(
    "value, message",
    [
        ({"raw_txt": ["a bird"], "fea_txt": [ROW]}, None),
        ({"raw_txt": ["a bird", "b"], "fea_txt": np.stack([ROW, ROW])}, None),
        ({"raw_txt": ["a bird"], "fea_txt": [ROW[None].astype(float)]}, None),
        (ROW, "no caption table"),
        ([ROW], "no caption table"),
        ({"fea_txt": [ROW]}, "no caption table"),
        ({"raw_txt": ["a bird"]}, "no caption table"),
        ({"raw_txt": [], "fea_txt": []}, "no caption table"),
        ({"raw_txt": [3], "fea_txt": [ROW]}, "no caption table"),
        ({"raw_txt": ["a bird"], "fea_txt": [ROW, ROW]}, "no caption table"),
        ({"raw_txt": ["a bird"], "fea_txt": [7]}, "no caption table"),
        ({"raw_txt": ["a bird"], "fea_txt": [ROW.astype(int)]}, "no caption table"),
        ({"raw_txt": ["a bird"], "fea_txt": [np.stack([ROW, ROW])]}, "no caption table"),
        ({"raw_txt": ["a bird"], "fea_txt": [ROW[:0]]}, "no caption table"),
        ({"raw_txt": ["a bird", "b"], "fea_txt": [ROW, ROW[:2]]}, "several widths"),
        ({"raw_txt": ["a bird", "b"], "fea_txt": [ROW, ROW * np.nan]}, "of sentence 2 holds a NaN"),
        ({"raw_txt": ["a bird"], "fea_txt": [np.array([1e300])]}, "infinite"),
        ({"raw_txt": ["a bird", "?"], "fea_txt": [ROW, ROW]}, r"a\.t7, sentence 2: .* no word"),
    ],
)
def test_tables_of_another_form_are_named(tmp_path, monkeypatch, value, message):
    monkeypatch.setattr("misc.data.sentences.read_t7", lambda path: value)
    if message:
        with pytest.raises(UserError, match=message):
            read_sentences(tmp_path / "a.t7")
    else:
        texts, embeddings = read_sentences(tmp_path / "a.t7")
        assert np.array_equal(embeddings, [ROW] * len(texts)) and embeddings.dtype == np.float32


@pytest.mark.parametrize("sentence", ["", "   ", "?!"])
def test_an_empty_sentence_is_refused(sentence):
    with pytest.raises(UserError, match="--captions: .* has no word"):
        check_sentence(sentence, "--captions")


def test_the_shipped_examples_are_ten_sentences_and_a_list_of_them():
    folder = ROOT / "data" / "birds"
    sentences = read_sentences(folder / "example_captions.txt").texts
    assert len(set(sentences)) == 10 and max(map(len, sentences)) <= 201
    assert read_sentences(folder / "example_filenames.txt") == (sentences, None)
