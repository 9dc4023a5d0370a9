"""misc/preprocess_faces.py: from CelebA's and LFW's layouts to prepared sets, and what stops it."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from misc.data.prepared import open_split
from misc.preprocess_faces import main

SMALL = ("--imsizes", "16", "32", "--workers", "1")
COLOURS = {"000001": (200, 30, 30), "000002": (30, 200, 30), "000003": (30, 30, 200)}


@pytest.fixture
def celeba(tmp_path):
    """Three pictures, each of one colour in the centred square and white above and below."""
    root = tmp_path / "raw"
    (root / "img_align_celeba").mkdir(parents=True)
    for name, colour in COLOURS.items():
        image = Image.new("RGB", (178, 218), (255, 255, 255))
        image.paste(colour, (0, 20, 178, 198))
        image.save(root / "img_align_celeba" / f"{name}.jpg", quality=95)
    rows = [f"{name}.jpg -1  1" for name in COLOURS]
    (root / "list_attr_celeba.txt").write_text("\n".join(["3", "Bald Male", *rows]))
    (root / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 0\n000003.jpg 2\n")
    return root


@pytest.fixture
def lfw(tmp_path, draw_picture):
    """Five people, one picture each."""
    root = tmp_path / "raw"
    for number in range(5):
        person = f"Some_Body{number}"
        # LFW's names say JPEG; what is in a file decides how it is read.
        draw_picture(root / "lfw" / person / f"{person}_0001.jpg", "red", "circle", seed=number)
    return root


@pytest.fixture
def annotations(tmp_path):
    """`annotations(names)`: a JSON file with a description of each picture."""

    def write(*names):
        items = [{"filename": name, "description": f"somebody, {name}"} for name in names]
        path = tmp_path / "face2text.json"
        path.write_text(json.dumps(items))
        return path

    return write


@pytest.fixture
def run(tmp_path, run_main):
    """`run(*flags)`: (exit code, last line of stdout or of stderr) of a run on `raw` to `faces`."""

    def start(*flags):
        source = ("--source", tmp_path / "raw", "--out", tmp_path / "faces")
        code, out, err = run_main(main, *source, *SMALL, *flags)
        return code, (err if code else out).splitlines()[-1]

    return start


def test_celeba(celeba, run, tmp_path):
    code, line = run()
    assert code == 0
    result = json.loads(line)
    assert result["splits"]["train"] == {"pictures": 2, "captions": 20, "classes": 2}
    assert result["splits"]["test"] == {"pictures": 1, "captions": 10, "classes": 1}
    assert result["attributes"] == 2 and result["left_out"] == 0
    train = open_split(tmp_path / "faces", "train")
    assert train.card["attributes"] == ["Bald", "Male"]
    for i in range(2):
        record = train.record(i)
        assert train.attributes[i].tolist() == [0, 1] and record["side"] == [178, 178]
        assert any("man" in caption for caption in record["captions"])
        (png,) = train.pictures([i], train.card["sizes"][1])
        picture = np.asarray(Image.open(io.BytesIO(png)))
        assert np.abs(picture.astype(int) - COLOURS[record["name"]]).max() < 12


def test_celeba_whole_with_descriptions_and_validation(celeba, run, annotations, tmp_path):
    table = celeba / "list_eval_partition.txt"
    table.write_text(table.read_text().replace("000002.jpg 0", "000002.jpg 1"))
    file = annotations("000001.jpg", "000002.jpg", "000003.jpg")
    code, line = run("--annotations", file, "--add-validation", "--whole")
    assert code == 0 and json.loads(line)["splits"]["train"]["captions"] == 2
    record = open_split(tmp_path / "faces", "train").record(1)
    assert record["captions"] == ["somebody, 000002.jpg"] and record["side"] == [178, 218]


def test_lfw(lfw, run, annotations, tmp_path):
    file = annotations(*(f"Some_Body{i}/Some_Body{i}_0001.bmp" for i in range(4)))
    code, line = run("--annotations", file)
    assert code == 0
    result = json.loads(line)
    assert result["splits"]["train"] == {"pictures": 3, "captions": 3, "classes": 3}
    assert result["splits"]["test"]["pictures"] == 1 and result["left_out"] == 1
    train = open_split(tmp_path / "faces", "train")
    assert train.class_names == [f"Some_Body{i}" for i in range(4)]
    for i, label in enumerate(train.labels):
        name, record = train.class_names[label], train.record(i)
        assert record["name"] == f"{name}/{name}_0001" and name in record["captions"][0]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["celeba", "lfw"])
def test_stage_one_trains_on_it(request, layout, annotations, stage_one):
    flags = ["--source", request.getfixturevalue(layout)]
    if layout == "lfw":
        flags += [
            "--annotations",
            annotations(*(f"Some_Body{i}/Some_Body{i}_0001" for i in range(5))),
        ]
    stage_one(main, "birds", *flags)  # of whose settings nothing is about birds


def test_which_layout(tmp_path, run, request):
    (tmp_path / "raw").mkdir()
    code, line = run()
    assert code == 2 and "raw holds no faces; expected one of: CelebA" in line
    assert "LFW" in line and "--layout" in line
    assert "list_attr_celeba.txt is missing" in run("--layout", "celeba")[1]
    assert "lfw is missing" in run("--layout", "lfw")[1]
    request.getfixturevalue("celeba")
    (tmp_path / "raw/lfw").mkdir()
    assert "holds celeba and lfw" in run()[1]
    assert run("--layout", "celeba")[0] == 0


@pytest.mark.parametrize("mark", ["lfw.tgz", "lfw-deepfunneled.tgz", "lfw_funneled"])
def test_lfw_is_known_by_its_archives(tmp_path, run, mark):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / mark).write_bytes(b"no archive")
    assert run()[0] == 2 and "holds no faces" not in run()[1]


@pytest.mark.parametrize("flag", ["--texts", "--tfds-dir"])
def test_flags_of_the_other_way(celeba, run, tmp_path, flag):
    code, line = run("--whole", flag, tmp_path / "nowhere")
    assert code == 2 and "--tfds-dir and --texts are about --tfds" in line
    assert not (tmp_path / "faces").exists()


def test_flags_that_lfw_has_no_use_for(lfw, run):
    assert "--annotations FILE.json" in run()[1]
    assert "--add-validation: LFW has no validation pictures" in run("--add-validation")[1]


def test_a_broken_picture(celeba, run):
    path = celeba / "img_align_celeba/000002.jpg"
    path.write_bytes(path.read_bytes()[:300])
    code, line = run()
    assert code == 2 and line.startswith("error: ") and "000002.jpg" in line
    code, line = run("--skip-broken")
    assert code == 0 and json.loads(line)["splits"]["train"]["pictures"] == 1
