"""Oxford 102 flowers: layout, splits, captions, and from there to a prepared set."""

import io
import json
import pickle
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.preprocess_flowers import main
from misc.sources.class_captions import families
from misc.sources.flowers import CLASS_NAMES, flowers

COLOURS = ("blue", "green", "red", "white", "yellow")
COUNT = 20
# As in the original, neighbours have one label, but the labels follow no order.
LABELS = np.repeat([3, 1, 5, 2, 4], 4)
TRAIN = ["jpg/image_00006", "jpg/image_00001", "jpg/image_00009"]
TEST = ["jpg/image_00020", "jpg/image_00017"]


def save(root, **labels):
    savemat(root / "imagelabels.mat", labels, do_compression=True)


@pytest.fixture
def root(tmp_path, draw_picture):
    """A raw set of 5 classes of 4 pictures, with 3 captions each."""
    root = tmp_path / "flowers"
    for number, label in enumerate(LABELS, 1):
        colour = COLOURS[label - 1]
        draw_picture(root / f"jpg/image_{number:05d}.jpg", colour, "circle", seed=number)
        text = root / f"text_c10/class_{label:05d}/image_{number:05d}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text("".join(f"a {colour} flower, number {number} {i}\n" for i in range(3)))
    save(root, labels=LABELS.astype("u1")[None])
    parts = {"trnid": range(1, 21, 4), "valid": range(2, 21, 4)}
    parts["tstid"] = sorted(set(range(1, 21)) - {i for part in parts.values() for i in part})
    ids = {key: np.array(part, "u2")[None] for key, part in parts.items()}
    savemat(root / "setid.mat", ids, do_compression=True)
    return root


@pytest.fixture
def published(root):
    """StackGAN's lists and embeddings, with two embeddings a picture; the embeddings."""
    arrays = {}
    for part, names in (("train", TRAIN), ("test", TEST)):
        arrays[part] = np.random.default_rng(0).normal(size=(len(names), 2, 5)).astype("f4")
        (root / part).mkdir()
        for file, value in (("filenames", names), ("char-CNN-RNN-embeddings", arrays[part])):
            (root / part / f"{file}.pickle").write_bytes(pickle.dumps(value, 2))
    return arrays


def names(pictures):
    return [picture.name for picture in pictures]


def classes(pictures):
    return sorted({picture.class_name for picture in pictures})


def test_a_picture_with_all_that_belongs_to_it(root):
    source = flowers(root)
    pictures = {p.name: p for split in source.splits.values() for p in split}
    assert len(pictures) == COUNT and source.card["left_out"] == 0
    picture = pictures["jpg/image_00006"]
    assert picture.image == root / "jpg/image_00006.jpg" and picture.image.is_file()
    assert picture.class_name == "class_00001" and picture.box is None
    assert picture.captions == tuple(f"a blue flower, number 6 {i}" for i in range(3))
    assert source.embeddings == {} and source.attribute_names == ()


def test_the_original_archive(root):
    expected = flowers(root)
    with tarfile.open(root / "102flowers.tgz", "w:gz") as archive:
        archive.add(root / "jpg", "jpg")
    shutil.rmtree(root / "jpg")
    assert flowers(root) == expected
    assert all(p.image.is_file() for split in expected.splits.values() for p in split)


def test_a_drawn_split_keeps_whole_classes(root):
    source = flowers(root, seed=3)
    train, test = (classes(source.splits[part]) for part in ("train", "test"))
    assert len(train) == 4 and len(test) == 1 and not set(train) & set(test)
    assert source.card["split_by"] == "class" and "seed 3" in source.card["split_rule"]
    assert flowers(root, seed=3) == source
    assert len({classes(flowers(root, seed=s).splits["test"])[0] for s in range(30)}) == 5


def test_twenty_of_102_classes_are_for_the_test(root):
    save(root, labels=np.arange(1, 103)[None])  # of which nothing but the captions is read
    source = flowers(root, captions="names")
    assert len(classes(source.splits["train"])) == 82 and len(source.splits["test"]) == 20


def test_a_split_listed_by_class(root):
    (root / "trainvalclasses.txt").write_text("class_00001\nclass_00005\n")
    (root / "testclasses.txt").write_text("class_00002\n")
    source = flowers(root)
    assert classes(source.splits["train"]) == ["class_00001", "class_00005"]
    assert classes(source.splits["test"]) == ["class_00002"] and source.card["left_out"] == 8
    (root / "testclasses.txt").write_text("class_00103\n")
    refused(root, "names 'class_00103', which is not a class of imagelabels.mat")


def test_the_official_split_tests_on_more_than_it_trains_on(root):
    source = flowers(root, split="official")
    train, test = source.splits["train"], source.splits["test"]
    assert classes(train) == classes(test) and source.card["split_by"] == "picture"
    assert names(train) == [f"jpg/image_{i:05d}" for s in (1, 2) for i in range(s, 21, 4)]
    assert names(test) == [f"jpg/image_{i:05d}" for i in range(1, 21) if i % 4 in (3, 0)]
    assert "official" in source.card["split_rule"]


def test_published_split_and_embeddings(root, published):
    source = flowers(root)
    assert names(source.splits["train"]) == TRAIN and names(source.splits["test"]) == TEST
    assert source.card["left_out"] == COUNT - 5 and source.card["split_by"] == "class"
    for part, array in published.items():
        assert np.array_equal(source.embeddings["char-CNN-RNN"][part], array)
    assert len(source.splits["train"][0].captions) == 2  # as many as there are embeddings
    refused(root, "has no embeddings", split="official")
    shutil.rmtree(root / "text_c10")
    assert flowers(root).splits["train"][0].captions == ()


def test_captions_from_names(root, published):
    assert len(set(CLASS_NAMES)) == 102 and CLASS_NAMES[76] == "passion flower"
    assert families(CLASS_NAMES)["tiger lily"] == "lily"
    shutil.rmtree(root / "text_c10")
    source = flowers(root, captions="names", seed=1)
    assert source.embeddings == {} and names(source.splits["train"]) == TRAIN
    for picture in source.splits["train"] + source.splits["test"]:
        kind = CLASS_NAMES[int(picture.class_name.removeprefix("class_")) - 1]
        assert kind in picture.captions[0] and len(set(picture.captions)) == 5
    assert flowers(root, captions="names", seed=1) == source
    assert flowers(root, captions="names", seed=2).splits != source.splits
    save(root, labels=LABELS[None] + 100)
    refused(root, "has class 105, of which no name is known", captions="names", split="official")


def refused(root, words, **options):
    with pytest.raises(UserError) as caught:
        flowers(root, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value), str(caught.value)


def test_missing_files(root):
    text = root / "text_c10/class_00001/image_00006.txt"
    text.write_bytes(b"a flower\na caf\xe9\n")
    refused(root, f"{text} line 2: byte 0xe9 is not UTF-8")
    text.unlink()
    refused(root, f"{text}: cannot be read")
    shutil.rmtree(root / "text_c10")
    refused(root, "text_c10 is missing; expected the captions")
    refused(root, "https://github.com/reedscot/cvpr2016")
    (root / "setid.mat").unlink()
    refused(
        root, f"{root / 'setid.mat'} is missing; get it from https://www.robots", split="official"
    )
    (root / "imagelabels.mat").unlink()
    refused(root, f"{root / 'imagelabels.mat'} is missing")
    (root / "jpg").rename(root / "jpeg")
    refused(
        root, "102flowers.tgz beside it, from https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
    )


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, 0, 2], "holds other numbers than 1, 2, ... as labels"),
        ([1, -1], "other numbers"),
        ([1, 1.5], "other numbers"),
        ([1, np.nan], "other numbers"),
        ([1, 1e300], "other numbers"),
        ([1, 100_000], "other numbers"),
        (np.ones(100_000), "other numbers"),
        ([], "is refused: it holds double of shape (1, 0) as labels"),
        (["a", "b"], "it holds char of shape (1, 2) as labels"),
        ([1, 1, 1], "all training pictures are of one class, 'class_00001'"),
    ],
)
def test_labels_that_are_none(root, labels, words):
    save(root, labels=[labels])
    refused(root, words, captions="names")


@pytest.mark.parametrize("ids", [[3, 4, 21], [1, 3]])
def test_a_split_that_does_not_fit(root, ids):
    parts = {"trnid": [[1, 2]], "valid": [[5]], "tstid": [ids]}
    savemat(root / "setid.mat", parts)
    refused(root, "lists a picture twice, or one that", split="official")


def run(root, capsys, *flags):
    """A run of the script on `root` into another folder: this, and the last line of stdout."""
    out = root.parent / "out"
    main([f"--source={root}", f"--out={out}", "--imsizes", "16", "32", "--workers", "1", *flags])
    return out, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_from_raw_to_prepared(root, published, capsys):
    out, result = run(root, capsys)
    assert result["splits"]["train"] == {"pictures": 3, "captions": 6, "classes": 3}
    assert result["embeddings"] == ["char-CNN-RNN"] and result["left_out"] == 15
    train = open_split(out, "train")
    assert [train.record(i)["name"] for i in range(3)] == TRAIN
    assert np.array_equal(train.embeddings("char-CNN-RNN"), published["train"].reshape(6, 5))
    # Whole pictures: the noise about the shape is there, in all corners.
    png = np.asarray(Image.open(io.BytesIO(train.pictures([0], 38)[0])), int)
    corners = png[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert png.shape == (38, 38, 3) and (abs(corners - 110) < 40).all()


def test_captions_from_names_as_the_script_makes_them(root, capsys):
    shutil.rmtree(root / "text_c10")
    out, result = run(root, capsys, "--captions", "names", "--split", "official")
    assert result["splits"]["test"] == {"pictures": 10, "captions": 50, "classes": 5}
    assert "captions from the class names" in result["source"]
    record = open_split(out, "test").record(0)
    assert "canterbury bells" in record["captions"][0], record


@pytest.mark.slow
def test_stage_one_trains_on_it(root, stage_one):
    stage_one(main, "flowers", "--source", root)
