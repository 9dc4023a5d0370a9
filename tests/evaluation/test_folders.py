"""Folders of pictures: which files count, and by what a folder is known again."""

import os

import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.evaluation.folders import PictureFolder


def save(folder, name, colour="red"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(folder / name, format="PNG")


def test_pictures_of_all_folders_count_and_links_do_not(tmp_path):
    save(tmp_path / "one" / "a", "2.PNG")
    save(tmp_path / "one", "1.png")
    (tmp_path / "one" / "notes.txt").write_text("no picture")
    save(tmp_path / "two", "3.png")
    (tmp_path / "one" / "link.png").symlink_to(tmp_path / "two" / "3.png")
    (tmp_path / "one" / "folder").symlink_to(tmp_path / "two")
    found = PictureFolder(tmp_path / "one")
    assert [file.name for file in found.files] == ["1.png", "2.PNG"] and len(found) == 2


def test_the_digest_is_of_names_and_contents(tmp_path):
    for folder, name, colour in (("a", "1", "red"), ("b", "1", "red"), ("c", "2", "red")):
        save(tmp_path / folder, f"{name}.png", colour)
    save(tmp_path / "d", "1.png", "blue")
    a, b, c, d = (PictureFolder(tmp_path / folder).digest for folder in "abcd")
    assert a == b and len({a, c, d}) == 3


def test_a_name_that_is_no_text_is_a_name(tmp_path):
    save(tmp_path, os.fsdecode(b"\xff.png"))
    other = tmp_path / "other"
    save(other, os.fsdecode(b"\xfe.png"))
    assert PictureFolder(other).digest != PictureFolder(tmp_path).digest


def test_nothing_to_look_at_is_one_line(tmp_path):
    for folder, words in ((tmp_path, "no pictures in it"), (tmp_path / "x", "no such folder")):
        with pytest.raises(UserError, match=words):
            PictureFolder(folder)
