"""StackGAN's own prepared sets."""

import os
import pickle

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.sources import stackgan as module
from misc.sources.stackgan import stackgan

NAMES = {"train": ["001.Red/a", "001.Red/b", "002.Blue/c"], "test": ["003.White/d"]}
CLASSES = {"train": [1, 1, 2], "test": [3]}
WIDTH = 4


def texts(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2, WIDTH)).astype(np.float32)


def pictures(count, size):
    random = np.random.default_rng(size)
    return list(random.integers(0, 256, (count, size, size, 3), np.uint8))


@pytest.fixture
def root(tmp_path):
    """A download of StackGAN's, 3 training pictures and 1 for the test."""
    for part, names in NAMES.items():
        (tmp_path / part).mkdir()
        put(tmp_path, part, "filenames", names)
        put(tmp_path, part, "class_info", CLASSES[part])
        put(tmp_path, part, "char-CNN-RNN-embeddings", list(texts(len(names))))
        for size in (76, 304):
            put(tmp_path, part, f"{size}images", pictures(len(names), size))
    return tmp_path


def put(root, part, name, value):
    (root / part / f"{name}.pickle").write_bytes(pickle.dumps(value, 2))


def test_pictures_classes_and_embeddings(root):
    source = stackgan(root)
    train = list(source.splits["train"])
    assert [p.name for p in train] == NAMES["train"]
    assert [p.class_name for p in train] == ["class_00001", "class_00001", "class_00002"]
    assert {p.captions for p in train} == {()} and {p.box for p in train} == {None}
    np.testing.assert_array_equal(source.embeddings["char-CNN-RNN"]["train"], texts(3))
    assert source.card["left_out"] == 0
    for number, size in enumerate((76, 304)):
        for picture, pixels in zip(train, pictures(3, size), strict=True):
            np.testing.assert_array_equal(picture.image[number], pixels)


@pytest.mark.parametrize(
    "part, name, value, line",
    [
        ("train", "filenames", {"a": 1}, "filenames.pickle holds no list of names"),
        ("test", "class_info", [3, 4], r"class_info.pickle holds int64 of shape \(2,\)"),
        ("train", "class_info", [1.5, 1, 2], "class_info.pickle holds float64"),
        ("train", "class_info", [[1], [1, 2], 2], "class_info.pickle holds no list of numbers"),
        ("train", "class_info", [1, 1, 1], "all training pictures are of one class"),
        ("train", "char-CNN-RNN-embeddings", texts(2), r"shape \(2, 2, 4\); expected .* 3 pict"),
        ("test", "char-CNN-RNN-embeddings", np.ones((1, 2, 5)), "different widths"),
        ("test", "char-CNN-RNN-embeddings", ["text"], "holds no array"),
    ],
)
def test_files_that_do_not_fit(root, part, name, value, line):
    put(root, part, name, value)
    with pytest.raises(UserError, match=line):
        stackgan(root)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch harm",)


FILES = ["filenames", "class_info", "char-CNN-RNN-embeddings", "76images", "304images"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", NAMES)
def test_a_missing_file(root, part, name):
    (root / part / f"{name}.pickle").unlink()
    with pytest.raises(UserError, match=rf"{part}/{name}.pickle is missing; "):
        stackgan(root)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_by_what_it_asks_for(root, name, monkeypatch):
    monkeypatch.chdir(root)
    put(root, "train", name, [Hostile()])
    with pytest.raises(UserError, match=rf"{name}.pickle is refused: it asks for .*system"):
        list(stackgan(root).splits["train"])
    assert not (root / "harm").exists()


@pytest.mark.parametrize(
    "value, line",
    [
        (pictures(2, 76), "no list of 3 pictures"),
        ({}, "no list of 3 pictures"),
        (pictures(2, 76) + pictures(1, 75), r"picture 2 is uint8 of shape \(75, 75, 3\)"),
        ([x / 255 for x in pictures(3, 76)], "picture 0 is float64"),
        (pictures(2, 76) + ["text"], "picture 2 is <class 'str'>"),
    ],
)
def test_pictures_of_another_kind(root, value, line):
    put(root, "train", "76images", value)
    with pytest.raises(UserError, match=line):
        module._pictures(root / "train" / "76images.pickle", 76, 3)


@pytest.fixture
def coco(root, draw_picture):
    """The same as StackGAN-Pytorch has COCO: whole pictures, no classes, test sentences."""
    for part, names in NAMES.items():
        for name in ("class_info", "76images", "304images"):
            (root / part / f"{name}.pickle").unlink()
        for name in names:
            draw_picture(root / "images" / f"{name}.png", "red", "circle")
            Image.open(root / "images" / f"{name}.png").save(root / "images" / f"{name}.jpg")
    return root


def test_coco_is_whole_pictures_without_classes(coco):
    source = stackgan(coco)
    train = source.splits["train"]
    assert [p.image for p in train] == [coco / "images" / f"{name}.jpg" for name in NAMES["train"]]
    assert {p.class_name for p in train} == {None}
    put(coco, "train", "class_info", [7, 8, 8])
    assert stackgan(coco).splits["train"][2].class_name == "class_00008"


def test_a_name_that_leads_out(coco):
    put(coco, "test", "filenames", ["../secret"])
    with pytest.raises(UserError, match="leads out of"):
        stackgan(coco)


@pytest.fixture
def t7(coco, monkeypatch):
    """`t7(value)`: what test/val_captions.t7 holds, in place of the pickle of embeddings."""
    (coco / "test" / "char-CNN-RNN-embeddings.pickle").unlink()
    (coco / "test" / "val_captions.t7").write_bytes(b"")
    return lambda value: monkeypatch.setattr(module, "read_t7", lambda path: value)


@pytest.mark.parametrize("form", [list, np.asarray, lambda rows: [rows[:1], rows[1:]]])
def test_sentences_come_with_their_embeddings(coco, t7, form):
    rows = texts(1)[0]
    t7({"fea_txt": form(rows), "raw_txt": ["a cat", "a dog"]})
    source = stackgan(coco)
    assert source.splits["test"][0].captions == ("a cat", "a dog")
    assert source.splits["train"][0].captions == ()
    np.testing.assert_array_equal(source.embeddings["char-CNN-RNN"]["test"], rows[None])


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        None,
        {"fea_txt": [np.ones((2, WIDTH))]},
        {"fea_txt": [np.ones((2, WIDTH))], "raw_txt": ["a cat"]},
        {"fea_txt": [np.ones((2, WIDTH))], "raw_txt": ["a cat", 2]},
        {"fea_txt": [np.ones((2, WIDTH)), np.ones((1, 3))], "raw_txt": ["a", "b", "c"]},
        {"fea_txt": [], "raw_txt": []},
        {"fea_txt": [np.ones((0, WIDTH))], "raw_txt": []},
    ],
)
def test_a_t7_of_another_kind(coco, t7, value):
    t7(value)
    with pytest.raises(UserError, match="val_captions.t7.* expected"):
        stackgan(coco)


def test_a_t7_that_torch_wrote(coco):
    fixture = module.Path(__file__).parents[1] / "fixtures" / "t7" / "captions.t7"
    for part in NAMES:
        (coco / part / "char-CNN-RNN-embeddings.pickle").unlink()
        (coco / part / "val_captions.t7").write_bytes(fixture.read_bytes())
    source, held = stackgan(coco), module.read_t7(fixture)
    train, rows = source.splits["train"], source.embeddings["char-CNN-RNN"]
    assert [picture.captions for picture in train] == [(text,) for text in held["raw_txt"]]
    np.testing.assert_array_equal(rows["train"][:, 0], np.concatenate(held["fea_txt"]))
    assert rows["test"].shape == (1, 3, 16)
