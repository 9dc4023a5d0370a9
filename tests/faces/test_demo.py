"""The demo: what its sheets show, which words it names, and how it refuses."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces import demo, sample

ROOT = Path(__file__).parents[2]
ON_CPU = ["--gpu", "-1"]


@pytest.fixture(scope="module")
def load():
    return cache(sample.load)


@pytest.fixture(autouse=True)
def load_once(monkeypatch, load):
    """Networks are loaded once for all tests of this module but those that start a program."""
    monkeypatch.setattr(sample, "load", load)


@pytest.fixture
def shown(monkeypatch):
    """What the demo gives to `contact_sheet`: (pictures, captions, columns, tile)."""
    found = []

    def sheet(*said):
        found.append(said)
        return Image.new("RGB", (4, 4))

    monkeypatch.setattr("misc.data.images.contact_sheet", sheet)
    return found


@pytest.fixture
def program(run_main, run):
    """`program(*flags)` -> (exit code, stdout, stderr) of the demo with the run."""
    return lambda *flags: run_main(demo.main, "--run", run, *ON_CPU, *flags)


def test_the_program_ends_with_the_path_of_a_sheet(run, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("a red square\n\nthis is a BLUE circle, with spots\n")
    out = tmp_path / "below/sheet.png"
    flags = ["--run", run, *ON_CPU, "--captions", words, "--copies", "3", "--out", out]
    done = subprocess.run(
        [sys.executable, "faces/demo.py", *map(str, flags)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(out)]
    assert "does not know: with, spots\n" in done.stderr and "Traceback" not in done.stderr
    with Image.open(out) as sheet:
        assert sheet.width > 6 * 128 and sheet.height > 128


def test_a_sheet_is_of_the_runs_faces_whatever_else_is_asked(program, shown, run, load):
    captions = ["a red square", "a blue circle"]
    code, out, err = program(*captions, "--copies", 3, "--seed", 2)
    assert code == 0 and not err
    path = Path(out.splitlines()[-1])
    assert path.parent == run / "samples" and path.is_file()
    assert path.name.startswith("demo-") and path.name.endswith("_step9_seed2.png")
    pictures, texts, columns, tile = shown[0]
    sampler = load(run)
    whole = sampler(sampler.embed(captions).repeat(3, axis=0), 2)
    assert np.array_equal(pictures, whole)
    assert (texts, columns, tile) == (captions, 2, 128)
    program(captions[0], "--copies", 2, "--seed", 2)
    assert np.array_equal(shown[1][0], whole[:2])
    _, other, _ = program(*captions, "--copies", 3, "--seed", 3)
    assert Path(other.splitlines()[-1]) != path and not np.array_equal(shown[2][0], whole)


def test_between_two_descriptions_the_noise_stays(program, shown, run, load):
    ends = ["a red square", "a blue circle"]
    assert program("--between", *ends, "--steps", 5)[0] == 0
    pictures, texts, *_ = shown[0]
    assert len(pictures) == 5 and texts == ["a red square -> a blue circle"]
    sampler = load(run)
    for place, one in ((0, ends[0]), (-1, ends[1])):
        (face,) = sampler(sampler.embed([one]), 0)
        assert np.abs(pictures[place].astype(int) - face).max() <= 1


def test_a_walk_goes_from_noise_to_noise_for_each_description(program, shown, run, load):
    captions = ["a red square", "a blue circle"]
    assert program("--walk", *captions, "--steps", 4)[0] == 0
    pictures, texts, columns, _ = shown[0]
    assert len(pictures) == 8 and texts == captions and columns == 2
    sampler = load(run)
    ends = sampler(sampler.embed(captions[1:]).repeat(2, axis=0), 0)
    for place, face in ((4, ends[0]), (7, ends[1])):
        assert np.abs(pictures[place].astype(int) - face).max() <= 1


def test_scales_show_each_face_in_all_sizes(program, shown, monkeypatch, load, run):
    sampler = load(run)
    sizes = [np.full((2, side, side, 3), side, np.uint8) for side in (4, 8)]
    monkeypatch.setattr(sampler, "scales", lambda *_: sizes)
    assert program("a red square", "--copies", 2, "--scales")[0] == 0
    assert [picture.shape[0] for picture in shown[0][0]] == [4, 8, 4, 8]


def test_words_that_are_not_read_are_named(program, shown):
    code, _, err = program("a red zorp, as a red circle blarg", "a circle " * 8, "--copies", 1)
    assert code == 0
    unknown, long = err.splitlines()
    assert unknown.endswith("does not know: zorp, as")  # the rest is beyond CAPTIONS_LENGTH
    assert long == (
        "warning: 2 descriptions are longer than 8 words and signs, the rest is not read"
    )


def test_a_timelapse_is_of_the_runs_grids(program, run, tmp_path):
    out = tmp_path / "growth.webp"
    code, said, _ = program("--timelapse", out)
    assert code == 0 and said == f"{out}\n"
    with Image.open(out) as film:
        assert film.n_frames == len(list((run / "grids").iterdir())) > 2


@pytest.mark.parametrize(
    "flags, message",
    [
        ([""], "the sentence '' has no word"),
        (["zorp blarg"], "'zorp blarg': none of its words is known"),
        (["zorp, 7."], "'zorp, 7.': none of its words is known"),
        (["a red square", "7."], "'7.': none of its words is known"),
        (["a " * 600], "a sentence of 1,199 characters"),
        (["a red square", "--copies", "5000"], "1 descriptions of 5000 faces: expected at most"),
        (["a red square", "--copies", "0"], "--copies 0: expected a number of at least 1"),
        (["--between", "a", "a", "--steps", "1"], "--steps 1: expected"),
        (["a", "--seed", "-1"], "--seed -1: expected"),
        (["a", "--out", "sheet.jpg"], "expected a name ending in .png"),
        (["a", "--gpu", "two"], "GPU_ID is 'two'"),
        ([], "expected either descriptions, or --captions"),
        (["a", "--timelapse", "a.gif"], "expected either descriptions, or --captions"),
        (["--walk", "--between", "a", "a"], "--walk goes with one description"),
        (["--timelapse", "a.txt"], "expected a name ending in .webp, .gif, .mp4"),
        (["--captions", "nowhere.txt"], "nowhere.txt: cannot be read"),
    ],
)
def test_a_mistake_is_one_line_before_tensorflow_is_needed(program, monkeypatch, flags, message):
    monkeypatch.setattr("misc.config.quiet.import_tensorflow", lambda: pytest.fail("too late"))
    code, out, err = program(*flags)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1 and message in err


def test_a_table_of_embeddings_is_refused(program):
    table = ROOT / "tests" / "fixtures" / "t7" / "captions.t7"
    code, _, err = program("--captions", table)
    assert code == 2 and "expected sentences, found a table of embeddings" in err
