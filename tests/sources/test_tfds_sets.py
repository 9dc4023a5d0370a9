"""Sets of TensorFlow Datasets: real builders' features, filled here and really written and read."""

import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from misc import (
    preprocess_birds,
    preprocess_cats,
    preprocess_coco,
    preprocess_dogs,
    preprocess_faces,
    preprocess_lsun,
)
from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.sources.tfds_sets import tfds_set

SMALL = ("--imsizes", "16", "32", "--workers", "1")
BOX = tfds.features.BBox(5 / 30, 10 / 40, 20 / 30, 30 / 40)  # of the white part of `picture`


def picture(number, size=(40, 30)):
    """Pixels uint8 (height, width, 3) that no other number has; white from (10, 5) to (30, 20)."""
    pixels = np.full((size[1], size[0], 3), 9 * (number % 24), np.uint8)
    pixels[5:20, 10:30] = 255
    return pixels


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """`prepared(builder, {split: examples})`: its folder, with these in place of the download.

    `image` and, if the builder has it, `segmentation_mask` are filled in.
    """

    def write(name, splits):
        folder = tmp_path / "tfds"
        builder = tfds.builder(name, data_dir=folder)
        height, width, _ = (side or 0 for side in builder.info.features["image"].shape)
        size = (width, height) if width else (40, 30)
        mask = {"segmentation_mask": np.zeros((30, 40, 1), np.uint8)}
        mask = mask if "segmentation_mask" in builder.info.features else {}

        def examples(split):
            for number, example in enumerate(splits[split]):
                yield number, {"image": picture(number, size), **mask, **example}

        parts = {split: examples(split) for split in splits}
        monkeypatch.setattr(type(builder), "_split_generators", lambda self, manager: parts)
        builder.download_and_prepare()
        return folder

    return write


def named(source, part="train"):
    return {picture.name: picture for picture in source.splits[part]}


def birds(split):
    """Two of each of four classes."""
    for number in range(8):
        kind = f"{number // 2 + 1:03d}.{'ABCD'[number // 2]}_Bird"
        yield {
            "image/filename": f"CUB_200_2011/images/{kind}/Bird_{split}_{number}.jpg",
            "label": number // 2,
            "label_name": kind[4:].lower(),
            "bbox": BOX,
        }


def test_birds_and_their_boxes(prepared):
    folder = prepared("caltech_birds2011", {s: birds(s) for s in ("train", "test")})
    source = tfds_set("birds", "", folder)
    train = named(source)
    first = train["001.A_Bird/Bird_train_0"]
    assert len(train) == 8 and first.class_name == "a_bird" and first.box == (10, 5, 20, 15)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(first.image))), picture(0))
    assert len(first.captions) == 5 and all(" bird" in caption for caption in first.captions)
    assert source.card["split_by"] == "picture" and source.card["left_out"] == 0
    assert list(source.splits["train"]) == list(source.splits["train"])
    # Without the builder's code, from the folder of the prepared set alone.
    again = tfds_set("birds", "", folder / "caltech_birds2011" / "0.2.0")
    assert list(again.splits["train"]) == list(source.splits["train"])


def test_whole_classes_are_kept_for_the_test(prepared, run_main, tmp_path):
    folder = prepared("caltech_birds2011", {s: birds(s) for s in ("train", "test")})
    texts = tmp_path / "text_c10"
    for split in ("train", "test"):
        for example in birds(split):
            file = example["image/filename"].removeprefix("CUB_200_2011/images/")
            path = (texts / file).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"what was written of {path.stem}\n")
    out = tmp_path / "out"
    flags = ("--tfds", "--tfds-dir", folder, "--texts", texts, "--out", out)
    code, answer, _ = run_main(preprocess_birds.main, *flags, *SMALL)
    card = json.loads(answer)
    assert code == 0 and card["split_rule"] == "by class, seed 0: 150 classes train, 50 test"
    parts = {split: open_split(out, split) for split in ("train", "test")}
    assert sum(map(len, parts.values())) == 16
    kinds = [{part.record(i)["name"][:3] for i in range(len(part))} for part in parts.values()]
    assert kinds[0] and kinds[1] and not kinds[0] & kinds[1]
    record = parts["train"].record(0)
    assert record["captions"] == [f"what was written of {record['name'].partition('/')[2]}"]
    # Cropped about the white part of the picture.
    stored = Image.open(io.BytesIO(parts["train"].pictures([0], 38)[0]))
    assert np.asarray(stored)[9:26, 9:29].min() == 255


def test_flowers_and_their_captions(prepared, tmp_path):
    def flowers(first):
        return [{"label": n % 4, "file_name": f"image_{first + n:05d}.jpg"} for n in range(4)]

    splits = {"train": flowers(1), "test": flowers(101), "validation": flowers(201)}
    folder = prepared("oxford_flowers102", splits)
    source = tfds_set("flowers", "oxford_flowers102", folder)
    train = named(source)
    assert {*train} == {f"image_{n:05d}" for n in (1, 2, 3, 4, 201, 202, 203, 204)}
    assert train["image_00001"].class_name == "pink primrose"
    assert "primrose" in train["image_00001"].captions[0]
    texts = tmp_path / "text_c10"
    for label in (1, 2):
        (texts / f"class_{label:05d}").mkdir(parents=True)
        for number in (0, 200):
            path = texts / f"class_{label:05d}" / f"image_{number + label:05d}.txt"
            path.write_text("a flower\n")
    written = tfds_set("flowers", "", folder, texts)
    with pytest.raises(UserError, match=r"class_0000[34]/image_00\d0[34].txt: cannot be read"):
        list(written.splits["train"])
    for example in sum(splits.values(), []):
        path = texts / f"class_{example['label'] + 1:05d}" / example["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".txt").write_text(f"flower {path.stem}\n")
    assert all(p.captions == (f"flower {p.name}",) for p in written.splits["train"])


def test_coco_has_its_own_captions(prepared, run_main, tmp_path):
    def pictures(split, texts):
        name = {"image/filename": f"COCO_{split}_1.jpg", "image/id": 1, "objects": []}
        return [name | {"captions": [{"id": n, "text": text} for n, text in enumerate(texts)]}]

    train = pictures("train", ["A dog  on a\nbed.", " ", "Two dogs"])
    rest = {split: pictures(split, [split]) for split in ("val", "test", "restval")}
    folder = prepared("coco_captions", {"train": train, **rest})
    out = tmp_path / "out"
    code, _, _ = run_main(
        preprocess_coco.main, "--tfds", "--tfds-dir", folder, "--out", out, *SMALL
    )
    assert code == 0
    assert open_split(out, "train").record(0)["captions"] == ["A dog on a bed.", "Two dogs"]
    test = open_split(out, "test")
    names = {test.record(i)["name"] for i in range(len(test))}
    assert names == {f"COCO_{split}_1" for split in rest}


@pytest.mark.parametrize("scene, name", [("church_outdoor", "church"), ("bedroom", "bedroom")])
def test_a_scene_of_lsun_that_is_prepared(prepared, run_main, tmp_path, monkeypatch, scene, name):
    splits = {"train": [{"id": "a1"}, {"id": "a2"}], "validation": [{"id": "b1"}]}
    (place,) = prepared(f"lsun/{scene}", splits).glob(f"lsun/{scene}/*")
    monkeypatch.chdir(tmp_path)
    # The folder of one set: no flag says which scene it is.
    code, answer, _ = run_main(preprocess_lsun.main, "--tfds", "--tfds-dir", place, *SMALL)
    out = tmp_path / "data" / name
    assert code == 0 and json.loads(answer)["out"] == f"data/{name}"
    train = open_split(out, "train")
    assert [train.record(i)["name"] for i in range(2)] == ["a1", "a2"]
    assert train.card["name"] == name and train.class_names == [name]
    assert len(open_split(out, "test")) == 1


@pytest.fixture
def toy(tmp_path):
    """`toy(*labels)`: folder of somebody's own builder `toy`, of one picture and these labels."""

    def write(*labels):
        known = {"image": tfds.features.Image()}
        known |= {name: tfds.features.ClassLabel(names=["red"]) for name in labels}
        examples = [(0, {"image": picture(1), **dict.fromkeys(labels, "red")})]
        splits, folder = dict.fromkeys(("train", "test"), examples), tmp_path / "tfds"
        tfds.dataset_builders.store_as_tfds_dataset(
            "toy", "1.0.0", tfds.features.FeaturesDict(known), splits, data_dir=folder
        )
        return folder

    return write


@pytest.mark.parametrize(
    "main, kind, features",
    [
        (preprocess_coco.main, "coco", ("label",)),
        (preprocess_lsun.main, "lsun", ("label",)),
        (preprocess_faces.main, "faces", ()),
    ],
)
def test_pictures_of_which_nothing_can_be_said(toy, run_main, tmp_path, main, kind, features):
    flags = ("--tfds", "toy", "--tfds-dir", toy(*features), "--out", tmp_path / "out", *SMALL)
    code, out, err = run_main(main, *flags)
    assert code == 2 and out == "" and err.count("\n") == 1
    assert "toy/1.0.0 has no captions, and nothing that says what" in err and f"of {kind};" in err
    texts = tmp_path / "texts"
    for part in ("train", "test"):
        (texts / part).mkdir(parents=True)
        (texts / part / "000000.txt").write_text("a red square\n")
    code, _, err = run_main(main, *flags, "--texts", texts)
    assert code == 0, err


@pytest.mark.parametrize(
    "kind, features, words",
    [("faces", ("label",), "a photo of red"), ("birds", ("label",), " red"), ("birds", (), "bird")],
)
def test_pictures_of_which_a_class_or_the_kind_is_said(toy, kind, features, words):
    (one,) = tfds_set(kind, "toy", toy(*features)).splits["train"]
    assert words in one.captions[0]


def test_a_person_of_lfw_is_in_one_split(prepared):
    people = [{"label": f"Person_{n % 20}"} for n in range(60)]
    source = tfds_set("faces", "lfw", prepared("lfw", {"train": people}), seed=3)
    train, test = named(source), named(source, "test")
    assert len(train) + len(test) == 60 and train and test and not train.keys() & test.keys()
    assert not {p.class_name for p in train.values()} & {p.class_name for p in test.values()}
    assert source.card["split_by"] == "class"
    one = next(iter(test.values()))
    assert one.captions[0] == f"a photo of {one.class_name.replace('_', ' ').lower()}"


def test_faces_of_celeba_and_what_they_are_said_to_have(prepared, run_main, tmp_path):
    features = tfds.builder("celeb_a", data_dir=tmp_path).info.features
    marks = dict.fromkeys(features["landmarks"], 0)

    def face(person, *yes):
        known = {name: name in yes for name in features["attributes"]}
        return {"attributes": known, "landmarks": marks, "identity": {"Identity_No": person}}

    train = [face(1, "Male", "Bald", "Eyeglasses"), face(2, "Smiling"), face(1, "Male")]
    folder = prepared("celeb_a", {"train": train, "validation": [face(3)], "test": [face(4)]})
    out = tmp_path / "out"
    flags = ("--tfds", "celeb_a", "--tfds-dir", folder, "--out", out)
    code, answer, _ = run_main(preprocess_faces.main, *flags, *SMALL)
    card = json.loads(answer)
    assert code == 0 and card["left_out"] == 1 and card["attributes"] == 40
    train = open_split(out, "train")
    assert [train.record(i)["name"] for i in range(3)] == [f"train/00000{i}" for i in range(3)]
    kinds = [train.class_names[label] for label in train.labels]
    assert sorted(kinds) == ["1", "1", "2"]
    said = {}
    for i, row in enumerate(train.attributes):
        yes = [name for name, on in zip(train.attribute_names, row, strict=True) if on]
        said[tuple(yes)] = " ".join(train.record(i)["captions"])
    assert said.keys() == {("Bald", "Eyeglasses", "Male"), ("Smiling",), ("Male",)}
    text = said["Bald", "Eyeglasses", "Male"]
    assert "bald" in text and "glasses" in text and "woman" not in text
    assert "smil" in said["Smiling",] and "bald" not in said["Male",]


@pytest.mark.parametrize(
    "main, kind", [(preprocess_cats.main, "Cat"), (preprocess_dogs.main, "Dog")]
)
def test_cats_or_dogs_of_a_builder_with_both(prepared, run_main, tmp_path, main, kind):
    both = [
        {"image/filename": f"PetImages/{name}/{n}.jpg", "label": name.lower()}
        for n in range(40)
        for name in ("Cat", "Dog")
    ]
    folder, out = prepared("cats_vs_dogs", {"train": both}), tmp_path / "out"
    flags = ("--tfds", "cats_vs_dogs", "--tfds-dir", folder, "--out", out)
    code, _, _ = run_main(main, *flags, *SMALL)
    assert code == 0
    parts = [open_split(out, split) for split in ("train", "test")]
    names = [part.record(i)["name"] for part in parts for i in range(len(part))]
    assert sorted(names) == sorted(f"{kind}/{n}" for n in range(40))
    assert parts[0].class_names == [kind.lower()]
    captions = " ".join(parts[0].record(0)["captions"])
    assert kind.lower() in captions or {"Cat": "feline", "Dog": "canine"}[kind] in captions


def test_breeds_of_pets_and_of_dogs(prepared):
    def pet(number, breed, species):
        head = tfds.features.BBox(0.0, 0.0, 0.0, 0.0)
        known = {"label": breed, "species": species, "head_bbox": head}
        return known | {"file_name": f"{breed}_{number}.jpg"}

    cats = [pet(n, "Siamese", "Cat") for n in range(2)] + [pet(7, "Bombay", "Cat")]
    splits = {"train": [*cats, pet(1, "beagle", "Dog")], "test": [pet(9, "pug", "Dog"), cats[0]]}
    source = tfds_set("cats", "", prepared("oxford_iiit_pet", splits))
    assert named(source).keys() == {"Siamese_0", "Siamese_1", "Bombay_7"}
    assert (
        named(source)["Bombay_7"].box is None and "bombay" in named(source)["Bombay_7"].captions[0]
    )
    assert named(source, "test").keys() == {"Siamese_0"}


def test_the_largest_of_a_dog_s_boxes_counts(prepared):
    small = tfds.features.BBox(0.0, 0.0, 0.1, 0.1)
    one = {"image/filename": "Images/n02085620-Chihuahua/n02085620_7.jpg", "label": 0}
    boxes = [[small, BOX], [], [BOX]]
    dogs = [one | {"objects": [{"bbox": box} for box in some]} for some in boxes]
    source = tfds_set("dogs", "", prepared("stanford_dogs", {"train": dogs, "test": dogs[:1]}))
    assert [p.box for p in source.splits["train"]] == [(10, 5, 20, 15), None, (10, 5, 20, 15)]
    assert named(source).keys() == {"n02085620-Chihuahua/n02085620_7"}


def test_a_damaged_file_is_named(prepared):
    folder = prepared("caltech_birds2011", {s: birds(s) for s in ("train", "test")})
    (file,) = folder.rglob("*-train.tfrecord*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    with pytest.raises(UserError, match="split train is damaged .*corrupted record"):
        list(tfds_set("birds", "", folder).splits["train"])
    file.write_bytes(content[: len(content) // 3])
    with pytest.raises(UserError, match="split train is damaged"):
        list(tfds_set("birds", "", folder).splits["train"])


def test_a_file_name_cannot_lead_out_of_the_folder_of_captions(prepared, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "texts").mkdir()
    one = next(birds("train")) | {"image/filename": "../secret.jpg"}
    folder = prepared("caltech_birds2011", {"train": [one], "test": [one]})
    source = tfds_set("birds", "", folder, tmp_path / "texts")
    with pytest.raises(UserError, match="leads out of"):
        list(source.splits["train"])


@pytest.mark.parametrize(
    "main, flags, message",
    [
        (preprocess_coco.main, ["--tfds", "lfw"], "is no set of coco: misc/preprocess_faces.py"),
        (preprocess_faces.main, ["--tfds", "lfw", "--whole"], "--whole is about --source"),
        (preprocess_birds.main, ["--tfds-dir", "x"], "are about --tfds"),
        (preprocess_faces.main, ["--tfds", "lfw", "--texts", "x"], "x is no folder"),
    ],
)
def test_flags_that_do_not_go_together(prepared, run_main, tmp_path, main, flags, message):
    folder = prepared("lfw", {"train": [{"label": "A"}]})
    flags = [*flags, "--tfds-dir", folder] if "--tfds" in flags else flags
    code, out, err = run_main(main, *flags, "--out", tmp_path / "out")
    assert code == 2 and out == "" and message in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
