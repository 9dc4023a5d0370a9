"""Files of a gallery: names, manifest, sheet, and what is left after a failure."""

import csv

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.evaluation import gallery

FACTS = {"run": "runs/x", "step": 3, "encoder": "abc"}


def stages(embedding, seed, start):
    """Stage-I in grey levels of the picture's number, Stage-II twice as large and inverted."""
    numbers = (start + np.arange(len(embedding)) + seed).astype(np.uint8)
    small = np.tile(numbers[:, None, None, None], (1, 8, 8, 3))
    return small, 255 - small.repeat(2, axis=1).repeat(2, axis=2)


def write(out, captions, **options):
    options = {"copies": 2, "batch": 3, "seed": 10, "facts": FACTS} | options
    embeddings = np.zeros((len(captions), 4), np.float32)
    return gallery.write_gallery(
        out, captions, embeddings, options.pop("stages", stages), **options
    )


def test_slugs_are_short_and_safe():
    assert gallery.slug('A "red" bird/../with: wings?') == "a-red-bird-with-wings"
    assert gallery.slug("ein grüner Vogel") == "ein-gr-ner-vogel"
    assert gallery.slug("鳥") == "sentence"
    assert len(gallery.slug("word " * 50)) <= 40 and not gallery.slug("word " * 50).endswith("-")


def test_every_picture_is_where_the_manifest_says(tmp_path):
    sheet = write(tmp_path / "new" / "out", ["one", "two, three", "four"])
    assert sheet == tmp_path / "new" / "out" / "sheet.png"
    with open(sheet.with_name("manifest.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == gallery.COLUMNS and len(rows) == 3 * 2 * 2
    for k, row in enumerate(rows):
        number, stage = divmod(k, 2)
        picture = np.asarray(Image.open(sheet.parent / row["file"]))
        assert row["caption"] == ["one", "two, three", "four"][number // 2]
        assert int(row["copy"]) == number % 2 + 1 and int(row["stage"]) == stage + 1
        assert np.all(picture == (10 + number if stage == 0 else 245 - number))
        assert picture.shape == ((8, 8, 3), (16, 16, 3))[stage]
        assert (row["run"], row["step"], row["encoder"], row["seed"]) == (
            "runs/x",
            "3",
            "abc",
            "10",
        )
    assert rows[-1]["file"] == "pictures/0003_four_02_stage2.png"


def test_the_sheet_shows_the_first_captions_and_copies(tmp_path, monkeypatch):
    shown = {}

    def contact_sheet(pictures, captions, columns, tile):
        shown.update(pictures=pictures, captions=captions, columns=columns)
        return Image.new("RGB", (4, 4))

    monkeypatch.setattr(gallery, "contact_sheet", contact_sheet)
    captions = [f"caption {k}" for k in range(45)]
    write(tmp_path, captions, copies=6, seed=0, batch=7)
    assert shown["captions"] == captions[:40] and len(shown["pictures"]) == 40 * 4 * 2
    # Caption 1's third copy is picture number 8; both stages stand side by side.
    first, second = shown["pictures"][8 + 4 : 8 + 6]
    assert np.all(first == 8) and np.all(second == 247)


def test_one_stage_and_many_captions_make_columns(tmp_path):
    one = write(tmp_path / "a", ["x"], stages=lambda *rows: stages(*rows)[:1], copies=1)
    many = write(tmp_path / "b", ["x"] * 30, stages=lambda *rows: stages(*rows)[:1], copies=1)
    assert Image.open(one).width < 200
    assert 1100 < Image.open(many).width < 1500


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_pictures_of_an_earlier_gallery_go_and_nothing_else(tmp_path):
    pictures = tmp_path / "out" / "pictures"
    write(tmp_path / "out", ["one", "two"])
    assert len(names(pictures)) == 8
    own = ("mine.png", "0003_three_01_stage1.png")
    for path in [tmp_path / "secret.png", *(pictures / name for name in own)]:
        path.write_text("not of the gallery")
    with open(tmp_path / "out" / "manifest.csv", "a", encoding="utf-8") as file:
        for path in ("pictures/../../secret.png", "../secret.png", tmp_path / "secret.png", ""):
            file.write(f"{path},a planted line\n")
    write(tmp_path / "out", ["one"], copies=1)
    assert names(pictures) == {"0001_one_01_stage1.png", "0001_one_01_stage2.png", *own}
    assert (tmp_path / "secret.png").exists()


def test_pictures_behind_a_link_stay(tmp_path):
    write(tmp_path / "a", ["one"])
    (tmp_path / "b").mkdir()
    try:
        (tmp_path / "b" / "pictures").symlink_to(tmp_path / "a" / "pictures")
    except OSError:
        pytest.skip("no links on this system")
    (tmp_path / "b" / "manifest.csv").write_bytes((tmp_path / "a" / "manifest.csv").read_bytes())
    write(tmp_path / "b", ["two"])
    assert len(names(tmp_path / "a" / "pictures")) == 8


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\nc", b"file\n" + b"x" * 200_000])
def test_a_manifest_that_says_nothing_is_replaced(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    write(tmp_path, ["one"])
    assert len(names(tmp_path / "pictures")) == 4
    assert (tmp_path / "manifest.csv").read_bytes().startswith(b"file,")


def test_a_failure_leaves_the_old_manifest(tmp_path):
    write(tmp_path, ["one"])
    before = (tmp_path / "manifest.csv").read_bytes()

    def broken(embedding, seed, start):
        if start:
            raise UserError("broken")
        return stages(embedding, seed, start)

    with pytest.raises(UserError, match="broken"):
        write(tmp_path, ["one", "two", "three"], stages=broken)
    assert (tmp_path / "manifest.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.csv",
        "pictures",
        "sheet.png",
    ]


def test_an_output_below_a_regular_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / "out", ["one"])
