"""Sentence files, list files and their mistakes."""

from pathlib import Path

import pytest

from misc.config.errors import UserError
from misc.data.sentences import check_sentence, example_file, read_sentences

ROOT = Path(__file__).parents[2]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_one_sentence_a_line_without_blank_lines_and_byte_order_mark(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeffa red bird \r\n\n  \na Küken, 2 eyes\n")
    assert read_sentences(path) == ["a red bird", "a Küken, 2 eyes"]


def test_a_list_names_files_with_and_without_suffix(tmp_path):
    write(tmp_path / "text" / "001.Wren" / "Wren_1.txt", "a wren\nsmall and brown\n")
    write(tmp_path / "b.txt", "a bird\n")
    path = write(tmp_path / "example_filenames.txt", "text/001.Wren/Wren_1\n\nb.txt\n")
    assert read_sentences(path) == ["a wren", "small and brown", "a bird"]


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


def test_missing_and_torch_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.txt: cannot be read"):
        read_sentences(tmp_path / "gone.txt")
    with pytest.raises(UserError, match=r"nowhere\.txt: cannot be read"):
        read_sentences(write(tmp_path / "filenames.txt", "nowhere"))
    with pytest.raises(UserError, match=r"filenames\.txt:1: a\.t7: Torch files .* yet"):
        read_sentences(write(tmp_path / "filenames.txt", "a.t7"))
    with pytest.raises(UserError, match="Torch files"):
        read_sentences(tmp_path / "example_captions.t7")


@pytest.mark.parametrize("sentence", ["", "   ", "?!"])
def test_an_empty_sentence_is_refused(sentence):
    with pytest.raises(UserError, match="--captions: .* has no word"):
        check_sentence(sentence, "--captions")


def test_the_shipped_examples_are_ten_sentences_and_a_list_of_them():
    folder = ROOT / "data" / "birds"
    sentences = read_sentences(folder / "example_captions.txt")
    assert len(set(sentences)) == 10 and max(map(len, sentences)) <= 201
    assert read_sentences(folder / "example_filenames.txt") == sentences
