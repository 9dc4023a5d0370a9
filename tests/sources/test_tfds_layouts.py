"""Every builder we know, through the data that TensorFlow Datasets mocks for tests: from --tfds to
a prepared set, and to a Stage-I that is trained on it."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.testing.mocking import RandomFakeGenerator

from misc import (
    preprocess_birds,
    preprocess_cats,
    preprocess_coco,
    preprocess_dogs,
    preprocess_faces,
    preprocess_flowers,
    preprocess_lsun,
)
from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.sources import drawn_birds, drawn_faces, drawn_flowers  # noqa: F401  registers them
from misc.sources.attribute_captions import attribute_captions
from misc.sources.class_captions import class_captions
from misc.sources.tfds_layouts import LAYOUTS
from misc.sources.tfds_sets import tfds_set

BOX = np.array([0.25, 0.25, 0.75, 0.75])
COUNT = 24  # examples a split
ATTRIBUTES = tfds.builder("celeb_a", data_dir="nowhere").info.features["attributes"]
DOGS = [f"n{n:08d}-breed_{n}" for n in range(120)]


class Shown(NamedTuple):
    """One example, and what becomes of it.

    Attributes:
      features: those that are not left to be noise.
      name: of the picture; "": it is not of the set's kind, and left out.
      kind: its class, None: one of its own.   said: its captions, or what the first of them says.
    """

    features: dict
    name: str
    kind: str | None
    said: list[str] | str


def bird(split, n):
    kind = f"{n % 4 + 1:03d}.{'ABCD'[n % 4]}_Gull"
    name, words = f"{kind}/{split}_{n}", kind[4:].lower()
    known = {"image/filename": f"CUB_200_2011/images/{name}.jpg", "label": n % 4, "bbox": BOX}
    return Shown(known | {"label_name": words}, name, words, words.replace("_", " "))


def flower(split, n):
    kind = ("pink primrose", "hard-leaved pocket orchid", "canterbury bells")[n % 3]
    name = f"image_{split}_{n:05d}"
    return Shown({"label": n % 3, "file_name": f"{name}.jpg"}, name, kind, kind)


def scene(split, n):
    captions = {"id": [1, 2, 3], "text": [f"Scene  {n}, ", " ", "again\n"]}
    name = f"COCO_{split}2014_{n:012d}"
    known = {"image/filename": f"{name}.jpg", "captions": captions, "objects": []}
    return Shown(known, name, None, [f"Scene {n},", "again"])


def church(split, n):
    name = f"{split}{n:040x}"
    return Shown({"id": name}, name, "church", "church")


def person(split, n):
    captions = [f"a photo of person {n}", f"this is person {n}"]
    return Shown({"label": f"Person_{n}"}, f"{split}/{n:06d}", f"Person_{n}", captions)


def star(split, n):
    yes, name = (("Smiling",), ("Male", "Bald"))[n % 2], f"{split}/{n:06d}"
    answers = {name: int(name in yes) for name in sorted(ATTRIBUTES)}
    captions = list(attribute_captions(answers, name, 0))
    known = {"attributes": answers, "identity": {"Identity_No": n // 2}}
    return Shown(known, name, str(n // 2), captions)


def pet(species, split, n):
    kind = ("cat", "dog")[n % 2]
    name = f"{kind.title()}/{n}"
    captions = list(class_captions(kind, kind, name, 0))
    known = {"image/filename": f"PetImages/{name}.jpg", "label": kind}
    return Shown(known, name if kind == species else "", kind, captions)


def breed(species, split, n):
    pets = {"Bengal": "Cat", "pug": "Dog", "Siamese": "Cat", "beagle": "Dog", "Birman": -1}
    kind, of = list(pets.items())[n % 5]  # -1: unknown
    name = f"{kind}_{split}_{n}"
    known = {"file_name": f"{name}.jpg", "label": kind, "species": of, "head_bbox": BOX}
    return Shown(known, name if of == species else "", kind, kind.lower())


def dog(split, n):
    name = f"{DOGS[n % 3]}/{split}_{n}"
    boxes = [{"bbox": BOX}] * (n % 2)
    known = {"image/filename": f"Images/{name}.jpg", "label": n % 3, "objects": boxes}
    return Shown(known, name, DOGS[n % 3], f"breed {n % 3}")


def drawn(split, n):
    answers = {"yes": [0], "unknown": [1]}
    known = {"file_name": f"{split} {n}", "label": n % 3, "captions": [f"drawn {n}", "again"]}
    known |= {"bbox": BOX, "attributes": answers}
    return Shown(known, f"{split} {n}", f"kind {n % 3}", [f"drawn {n}", "again"])


def name_dogs(features):
    features["label"].names = DOGS


def name_drawn(features):
    features["label"].names = ["kind 0", "kind 1", "kind 2"]
    for answers in features["attributes"].values():
        answers.feature.names = ["is_round", "is_red"]


class Mock(NamedTuple):
    """A builder, the script that --tfds tells of it, and what there is to train on.

    Attributes:
      main: the script.   builder: its name.   show: (split, number of an example) -> `Shown`.
      splits: {of the builder: of the prepared set}; "": neither, None: some go here, some there.
      cfg: file of initial/cfg.   flags: more of them.   keys: more of the cfg's.
      complete: gives labels the names that are known only once the builder has read its raw set.
    """

    main: Callable
    builder: str
    show: Callable
    splits: dict
    cfg: str
    flags: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    complete: Callable = lambda features: None


BOTH = {"train": "train", "test": "test"}
ONE_CLASS = ("TRAIN.B_WRONG=False",)
MOCKS = [
    Mock(preprocess_birds.main, "caltech_birds2011", bird, BOTH, "birds", ("--split", "official")),
    Mock(
        preprocess_flowers.main,
        "oxford_flowers102",
        flower,
        {**BOTH, "validation": "train"},
        "flowers",
        ("--split", "official"),
    ),
    Mock(
        preprocess_coco.main,
        "coco_captions",
        scene,
        {**BOTH, "val": "test", "restval": "test"},
        "coco",
    ),
    Mock(
        preprocess_lsun.main,
        "lsun/church_outdoor",
        church,
        {"train": "train", "validation": "test"},
        "church",
    ),
    Mock(preprocess_faces.main, "lfw", person, {"train": None}, "birds"),
    Mock(preprocess_faces.main, "celeb_a", star, {**BOTH, "validation": ""}, "birds"),
    Mock(
        preprocess_cats.main,
        "cats_vs_dogs",
        partial(pet, "cat"),
        {"train": None},
        "cats",
        keys=ONE_CLASS,
    ),
    Mock(
        preprocess_dogs.main,
        "cats_vs_dogs",
        partial(pet, "dog"),
        {"train": None},
        "dogs",
        keys=ONE_CLASS,
    ),
    Mock(preprocess_cats.main, "oxford_iiit_pet", partial(breed, "Cat"), BOTH, "cats"),
    Mock(preprocess_dogs.main, "oxford_iiit_pet", partial(breed, "Dog"), BOTH, "dogs"),
    Mock(preprocess_dogs.main, "stanford_dogs", dog, BOTH, "dogs", complete=name_dogs),
    Mock(preprocess_birds.main, "drawn_birds", drawn, BOTH, "birds", complete=name_drawn),
    Mock(preprocess_flowers.main, "drawn_flowers", drawn, BOTH, "flowers", complete=name_drawn),
    Mock(preprocess_faces.main, "drawn_faces", drawn, BOTH, "birds", complete=name_drawn),
]
EACH = pytest.mark.parametrize("mock", MOCKS, ids=lambda m: f"{m.builder}-{m.cfg}")


@pytest.fixture
def mocked(tmp_path):
    """`mocked(mock)`: its flags; until the test ends, TensorFlow Datasets has this builder's data,
    of which it takes the splits from files and the rest, noise but for what is shown, from here."""
    with ExitStack() as stack:

        def begin(mock):
            builder = tfds.builder(mock.builder, data_dir=tmp_path / "tfds")
            mock.complete(builder.info.features)
            place = tfds.core.ShardedFileTemplate(
                data_dir=builder.data_path, dataset_name=builder.name, filetype_suffix="tfrecord"
            )
            sizes = [
                tfds.core.SplitInfo(
                    name=split,
                    shard_lengths=[COUNT],
                    num_bytes=0,
                    filename_template=place.replace(split=split),
                )
                for split in mock.splits
            ]
            builder.info.set_splits(tfds.core.SplitDict(sizes))
            builder.data_path.mkdir(parents=True)
            builder.info.write_to_directory(builder.data_path)

            def as_dataset(self, split, decoders=None, **_):
                features, seed = self.info.features, COUNT * list(mock.splits).index(split)

                def examples():
                    noise = RandomFakeGenerator(
                        features, COUNT, constant_dynamic_shape=True, seed=seed
                    )
                    for number in range(COUNT):
                        shown = mock.show(split, number).features
                        yield features.serialize_example(noise[number] | shown)

                data = tf.data.Dataset.from_generator(
                    examples, output_signature=tf.TensorSpec((), tf.string)
                )
                return data.map(partial(features.deserialize_example, decoders=decoders))

            stack.enter_context(
                tfds.testing.mock_data(
                    policy=tfds.testing.MockPolicy.USE_FILES,
                    data_dir=tmp_path / "tfds",
                    as_dataset_fn=as_dataset,
                )
            )
            return ("--tfds", mock.builder, *mock.flags)

        yield begin


@EACH
def test_a_builder_becomes_a_prepared_set(mock, mocked, run_main, tmp_path):
    flags = (*mocked(mock), "--out", tmp_path / "out", "--imsizes", 16, 32, "--workers", 1)
    code, _, err = run_main(mock.main, *flags)
    assert code == 0, err
    expected = {
        shown.name: (part or "train or test", shown.kind, shown.said)
        for split, part in mock.splits.items()
        for shown in (mock.show(split, number) for number in range(COUNT))
        if shown.name and part != ""
    }
    for part in BOTH:
        opened = open_split(tmp_path / "out", part)
        assert len(opened) > 0
        for i, label in enumerate(opened.labels):
            record = opened.record(i)
            place, kind, said = expected.pop(record["name"])
            # A class of one picture, without a name, has a label beyond the names.
            known = opened.class_names[label] if label < len(opened.class_names) else None
            assert part in place and known == kind
            captions = record["captions"]
            assert captions == said if isinstance(said, list) else said in captions[0]
    assert not expected


def test_no_builder_is_forgotten():
    assert {mock.builder.partition("/")[0] for mock in MOCKS} == LAYOUTS.keys()


Tensor, Text, Label = tfds.features.Tensor, tfds.features.Text, tfds.features.ClassLabel
PIXELS = np.zeros((8, 8, 3), np.uint8)
ANSWERS = {
    answer: tfds.features.Sequence(Label(names=["red", "big"])) for answer in ("yes", "unknown")
}


@pytest.mark.parametrize(
    ("name", "feature", "value", "message"),
    [
        ("image", Tensor(shape=(8, 8, 3), dtype=np.uint8), PIXELS, "image is ndarray, not an enc"),
        ("captions", {"text": Text()}, {"text": "a bird"}, "dict in place of a text"),
        ("file_name", tfds.features.Sequence(Text()), ["a", "b"], "ambiguous"),
        ("label", tfds.features.Sequence(Label(num_classes=2)), [0, 1], "ambiguous"),
        ("bbox", Tensor(shape=(3,), dtype=np.float32), np.ones(3, np.float32), "reshape"),
        ("attributes", {"red": Text()}, {"red": "yes"}, "invalid literal"),
        ("attributes", {"yes": ANSWERS["yes"]}, {"yes": [1]}, "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_builder_of_another_form(name, feature, value, message, tmp_path):
    known = {"image": tfds.features.Image()} | {name: feature}
    examples = [(0, {"image": PIXELS} | {name: value})]
    splits = dict.fromkeys(("train", "test"), examples)
    tfds.dataset_builders.store_as_tfds_dataset(
        "toy", "1.0.0", tfds.features.FeaturesDict(known), splits, data_dir=tmp_path
    )
    with pytest.raises(UserError, match=f"example 0 of train has another form .*{message}"):
        list(tfds_set("birds", "toy", tmp_path).splits["train"])


def test_an_attribute_without_a_name(tmp_path):
    known = {"image": tfds.features.Image(), "attributes": ANSWERS}
    example = {"image": PIXELS, "attributes": {"yes": [1], "unknown": []}}
    splits = dict.fromkeys(("train", "test"), [(0, example)])
    tfds.dataset_builders.store_as_tfds_dataset(
        "toy", "1.0.0", tfds.features.FeaturesDict(known), splits, data_dir=tmp_path
    )
    for file in tmp_path.rglob("*.labels.txt"):
        file.write_text("is_red\n")
    with pytest.raises(UserError, match="attributes has numbers without a name"):
        list(tfds_set("birds", "toy", tmp_path).splits["train"])


@pytest.mark.slow
@pytest.mark.parametrize("mock", {m.builder: m for m in MOCKS}.values(), ids=lambda m: m.builder)
def test_stage_one_trains_on_it(mock, mocked, stage_one):
    stage_one(mock.main, mock.cfg, *mocked(mock), keys=mock.keys)
