"""misc/preprocess_folder.py: captioned folders in every form become prepared sets."""

import csv
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import run_program
from misc.data.prepared import open_split
from misc.preprocess_folder import main

SCRIPT = Path(__file__).parents[2] / "misc" / "preprocess_folder.py"
SMALL = ["--imsizes", "16", "32", "--workers", "1"]
COLOURS = ("blue", "green", "red", "white", "yellow")


@pytest.fixture
def images(tmp_path, draw_picture):
    """Ten pictures, COLOUR_0.png and COLOUR_1.png, in one folder."""
    for number, colour in enumerate(COLOURS):
        for member in range(2):
            path = tmp_path / "images" / f"{colour}_{member}.png"
            draw_picture(path, colour, "square", seed=2 * number + member)
    return tmp_path / "images"


@pytest.fixture
def captions(images, tmp_path):
    """A CSV file with two captions for each of them, and the colour as class."""
    path = tmp_path / "captions.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "caption", "colour"])
        for picture in sorted(images.iterdir()):
            colour = picture.stem.split("_")[0]
            writer.writerow([picture.name, f"a {colour} square", colour])
            writer.writerow([picture.name, f"{picture.stem}, a square", colour])
    return path


@pytest.fixture
def refusal(images, captions, tmp_path, capsys):
    """`refusal(*flags)`: the line with which a run ends in exit code 2, and no set is written."""

    def start(*flags):
        out = tmp_path / "out"
        flags = [f"--images={images}", f"--captions={captions}", f"--out={out}", *SMALL, *flags]
        assert run_program(lambda _: main(flags)) == 2
        captured = capsys.readouterr()
        line = captured.err.splitlines()[-1]
        assert line.startswith("error: ") and captured.out == "" and not (out / "set.json").exists()
        return line

    return start


def test_csv_with_a_class_column_as_typed(images, captions, tmp_path):
    out = tmp_path / "data/squares"
    flags = [f"--images={images}", f"--captions={captions}", f"--out={out}", *SMALL]
    done = subprocess.run(
        [sys.executable, SCRIPT, *flags, "--class-column", "colour", "--test-share", "0.2"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["splits"] == {
        "train": {"pictures": 8, "captions": 16, "classes": 4},
        "test": {"pictures": 2, "captions": 4, "classes": 1},
    }
    train = open_split(out, "train")
    assert train.card["name"] == "squares" and train.class_names == list(COLOURS)
    for i, label in enumerate(train.labels):
        record = train.record(i)
        colour = train.class_names[label]
        expected = [f"a {colour} square", f"{record['name']}, a square"]
        assert record["captions"] == expected and record["name"].startswith(colour)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_as_spreadsheets_save_it(images, captions, tmp_path, run_main, delimiter):
    with open(captions, newline="") as file:
        rows = list(csv.reader(file))
    with open(captions, "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    flags = [f"--images={images}", f"--captions={captions}", "--class-column=colour", *SMALL]
    code, out, err = run_main(main, *flags, f"--out={tmp_path / 'out'}")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["splits"]["train"]["captions"] == 16
    train = open_split(tmp_path / "out", "train")
    assert any("_0, a square" in train.record(0)["captions"][i] for i in range(2))


def save_strange(folder):
    """Red pictures, 40 x 20, blue in their upper left corner, in the forms people have them."""
    pixels = np.full((20, 40, 3), (200, 30, 30), np.uint8)
    pixels[:10, :20] = (20, 40, 220)
    picture = Image.fromarray(pixels)
    picture.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    picture.quantize(8).save(folder / "palette.png")
    later = Image.new("RGB", picture.size)
    picture.save(folder / "animated.gif", save_all=True, append_images=[later, later])
    picture.save(folder / "animated.webp", save_all=True, append_images=[later], lossless=True)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera stood on its side: turn by 90 degrees to the right
    picture.transpose(Image.Transpose.ROTATE_90).save(
        folder / "turned.jpg", exif=turned, quality=95
    )
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    hidden = np.dstack([pixels, np.full((20, 40), 255, np.uint8)])
    hidden[:10, :20] = (0, 0, 0, 0)
    Image.fromarray(hidden).save(folder / "transparent.png")


def test_strange_pictures(tmp_path, run_main):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    save_strange(images)
    # Two with one name, but for the suffix: which is meant?
    code, _, err = run_main(main, f"--images={images}", f"--out={out}", *SMALL)
    assert code == 2 and "both animated.gif and animated.webp, which differ in the suffix" in err
    (images / "animated.webp").rename(images / "moving.webp")
    lines = "".join(f"{path.name},of {path.name}\n" for path in images.iterdir())
    (tmp_path / "c.csv").write_text("file,caption\n" + lines)
    flags = [f"--images={images}", f"--captions={tmp_path / 'c.csv'}", f"--out={out}", *SMALL]
    code, _, err = run_main(main, *flags, "--test-share=0.2")
    assert code == 0, err
    found = {}
    for part in ("train", "test"):
        split = open_split(out, part)
        for i in range(len(split)):
            png = split.pictures([i], 38)[0]
            pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)
            found[split.record(i)["name"]] = pixels[[5, 30], [5, 30]]
    blue, red = (20, 40, 220), (200, 30, 30)
    corners = {"deep": [(20,) * 3, (200,) * 3], "transparent": [(255,) * 3, red]}
    assert found.keys() == {
        "animated",
        "cmyk",
        "deep",
        "moving",
        "palette",
        "transparent",
        "turned",
    }
    for name, colours in found.items():
        assert abs(colours - corners.get(name, [blue, red])).max() < 12, (name, colours)


def png_that_claims(width, height):
    """A file of some 70 bytes, whole but for its pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize("place", ["", "set"])
def test_a_set_among_its_own_pictures(images, captions, run_main, place):
    flags = ["--images", images, "--captions", captions, "--out", images / place]
    code, _, err = run_main(main, *flags)
    assert code == 2 and "lies in --images" in err and not (images / "set").exists()


def test_a_picture_of_gigapixels(refusal, images, captions, tmp_path, run_main):
    path = images / "red_1.png"
    path.write_bytes(png_that_claims(40_000, 40_000))
    assert f"{path}: more pixels than 64,000,000 in all" in refusal()
    path.write_bytes(png_that_claims(10_000, 10_000))
    assert f"{path}: 10000 x 10000 pixels, expected at most 64,000,000 in all" in refusal()
    flags = [f"--images={images}", f"--captions={captions}", f"--out={tmp_path / 'out'}", *SMALL]
    code, out, err = run_main(main, *flags, "--skip-broken")
    assert code == 0, err
    (broken,) = json.loads((tmp_path / "out" / "set.json").read_text())["broken"]
    assert "10000 x 10000 pixels" in broken
    counts = json.loads(out.splitlines()[-1])["splits"]
    assert counts["train"]["pictures"] + counts["test"]["pictures"] == 9


def test_texts_beside_the_pictures(images, tmp_path, capsys):
    for picture in images.iterdir():
        picture.with_suffix(".txt").write_text(f"a {picture.stem.split('_')[0]} square\n")
    main([f"--images={images}", f"--out={tmp_path / 'out'}", "--test-share=0.4", *SMALL])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    # Two pictures of a colour have the same caption, so they are one class.
    assert result["splits"]["train"] == {"pictures": 6, "captions": 6, "classes": 3}
    assert result["splits"]["test"] == {"pictures": 4, "captions": 4, "classes": 2}


def test_one_class_allows_no_wrong_picture(refusal, images, captions):
    lines = [f"{picture.name},a square" for picture in images.iterdir()]
    captions.write_text("\n".join(["file,caption", *lines]))
    assert "no wrong picture is possible" in refusal()


def test_bad_captions(refusal, captions, tmp_path):
    assert "named kind" in refusal("--class-column", "kind")
    assert "expected more than 0" in refusal("--test-share", "0")
    captions.write_text("file,caption\n")
    assert f"{captions} holds no captions" in refusal()
    captions.write_bytes(b"file,caption\nred_0.png,caf\xe9\n")
    assert "line 2: byte 0xe9 is not UTF-8" in refusal()
    captions.write_text("file,caption\n" + "".join(f"red_{i}.png,red\n" for i in range(20)))
    assert "line 4 names 'red_2.png', but no such picture" in refusal()
    captions.unlink()
    assert "cannot be read" in refusal()
    assert "no caption file" in refusal("--captions", str(tmp_path / "captions.xlsx"))


@pytest.mark.parametrize("damage", ["empty", "truncated", "not a picture"])
def test_bad_pictures(refusal, images, damage):
    path = images / "red_1.png"
    content = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "truncated": content[: len(content) // 2], "not a picture": b"MZ"}[damage]
    )
    assert str(path) in refusal()


def test_missing_folder_and_an_output_path_below_a_file(refusal, tmp_path):
    assert f"{tmp_path / 'nowhere'} is no folder" in refusal(f"--images={tmp_path / 'nowhere'}")
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refusal(f"--out={tmp_path / 'file/set'}")
