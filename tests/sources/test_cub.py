"""CUB-200-2011's layout with its splits and StackGAN's pickles."""

import pickle
import shutil
import tarfile

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.sources.cub import cub

CLASSES = ["001.Blue_Bird", "002.Green_Bird", "003.Red_Bird", "004.White_Bird"]


def names(pictures):
    return [picture.name for picture in pictures]


def classes(pictures):
    return sorted({picture.class_name for picture in pictures})


@pytest.fixture
def publish(raw_cub):
    """`publish(file, train=..., test=...)`: pickle both as StackGAN's archive lies in the set."""

    def write(file, protocol=2, **values):
        for part, value in values.items():
            (raw_cub / part).mkdir(exist_ok=True)
            (raw_cub / part / file).write_bytes(pickle.dumps(value, protocol))

    return write


# Not in the order of images.txt, and one picture of another class is left out.
TRAIN = ["002.Green_Bird/green_0001", "001.Blue_Bird/blue_0002", "001.Blue_Bird/blue_0000"]
TEST = ["004.White_Bird/white_0000", "003.Red_Bird/red_0002"]


def test_a_cub_picture_with_all_that_belongs_to_it(raw_cub):
    source = cub(raw_cub)
    pictures = {p.name: p for split in source.splits.values() for p in split}
    assert len(pictures) == 12 and source.card["left_out"] == 0
    picture = pictures["002.Green_Bird/green_0001"]
    assert picture.image == raw_cub / "CUB_200_2011/images/002.Green_Bird/green_0001.jpg"
    assert picture.image.is_file() and picture.class_name == "002.Green_Bird"
    assert picture.captions == tuple(f"a green bird, number 5 {i}" for i in range(3))
    line = (raw_cub / "CUB_200_2011/bounding_boxes.txt").read_text().splitlines()[4]
    assert picture.box == tuple(map(float, line.split()[1:]))
    assert source.attribute_names == ("is_blue", "has_tail::green_(or_dark)")
    assert picture.attributes == (0, 1)
    assert pictures["001.Blue_Bird/blue_0000"].attributes == (1, 0)
    # Its second part was called not visible.
    assert pictures["004.White_Bird/white_0002"].attributes == (0, -1)
    pickle.dumps(picture)


@pytest.mark.parametrize("place", ["CUB_200_2011", "CUB_200_2011/attributes"])
def test_attribute_names_elsewhere(raw_cub, place):
    (raw_cub / "attributes.txt").rename(raw_cub / place / "attributes.txt")
    assert cub(raw_cub).attribute_names[0] == "is_blue"


def test_drawn_pictures_are_ours(raw_cub):
    assert cub(raw_cub).card["licence"].startswith("pictures of their owners")
    (raw_cub / "drawn.json").write_text("{}")
    assert cub(raw_cub).card["licence"] == "drawn by this project, MIT like it"


def test_without_attributes(raw_cub):
    (raw_cub / "CUB_200_2011/attributes/image_attribute_labels.txt").unlink()
    source = cub(raw_cub)
    assert source.attribute_names == () and source.splits["train"][0].attributes == ()


def test_the_original_archive(raw_cub):
    expected = cub(raw_cub)
    with tarfile.open(raw_cub / "CUB_200_2011.tgz", "w:gz") as archive:
        for name in ("attributes.txt", "CUB_200_2011"):  # both lie at its root
            archive.add(raw_cub / name, f"./{name}")
    shutil.rmtree(raw_cub / "CUB_200_2011")
    (raw_cub / "attributes.txt").unlink()
    assert cub(raw_cub) == expected
    assert all(p.image.is_file() for split in expected.splits.values() for p in split)


def test_a_drawn_split_keeps_whole_classes(raw_cub):
    source = cub(raw_cub, seed=3)
    train, test = (classes(source.splits[part]) for part in ("train", "test"))
    assert len(test) == 1 and sorted(train + test) == CLASSES
    assert "seed 3" in source.card["split_rule"] and "3 classes" in source.card["split_rule"]
    assert cub(raw_cub, seed=3).splits == source.splits
    drawn = {classes(cub(raw_cub, seed=seed).splits["test"])[0] for seed in range(20)}
    assert drawn == set(CLASSES)


def test_a_split_listed_by_class(raw_cub):
    (raw_cub / "trainvalclasses.txt").write_text(f"{CLASSES[3]}\r\n{CLASSES[1]}\r\n")
    (raw_cub / "testclasses.txt").write_text(f"{CLASSES[0]}\n")
    source = cub(raw_cub)
    assert classes(source.splits["train"]) == [CLASSES[1], CLASSES[3]]
    assert classes(source.splits["test"]) == [CLASSES[0]]
    assert source.card["left_out"] == 3 and "testclasses.txt" in source.card["split_rule"]


@pytest.mark.parametrize(
    "train, test, message",
    [
        ("a robin", CLASSES[0], "^trainvalclasses.txt names 'a robin', which is not a class"),
        (CLASSES[1], "a robin", "^testclasses.txt names 'a robin', which is not a class"),
        (CLASSES[0], CLASSES[0], "^trainvalclasses.txt and testclasses.txt both name"),
    ],
)
def test_mistakes_in_the_lists_of_classes(raw_cub, train, test, message):
    (raw_cub / "trainvalclasses.txt").write_text(f"{train}\n")
    (raw_cub / "testclasses.txt").write_text(f"{test}\n")
    with pytest.raises(UserError, match=message):
        cub(raw_cub)


def test_the_published_split_and_its_order_come_first(raw_cub, publish):
    (raw_cub / "trainvalclasses.txt").write_text("none of these\n")
    publish("filenames.pickle", train=TRAIN, test=TEST)
    source = cub(raw_cub)
    assert names(source.splits["train"]) == TRAIN and names(source.splits["test"]) == TEST
    assert "filenames.pickle" in source.card["split_rule"] and source.embeddings == {}


def test_the_official_split_is_by_picture_and_only_on_request(raw_cub, publish):
    publish("filenames.pickle", train=TRAIN, test=TEST)
    source = cub(raw_cub, split="official")
    assert classes(source.splits["train"]) == classes(source.splits["test"]) == CLASSES
    assert all(name.endswith("_0002") for name in names(source.splits["test"]))
    assert len(source.splits["train"]) == 8 and "official" in source.card["split_rule"]


@pytest.mark.parametrize("form", ["array", "list of arrays", "one caption"])
def test_published_embeddings_are_joined_by_name(raw_cub, publish, form):
    random = np.random.default_rng(0)
    train, test = (random.normal(size=(n, 2, 5)).astype("f4") for n in (3, 2))
    if form == "one caption":
        train, test = train[:, 0], test[:, 0]
    as_given = list if form == "list of arrays" else np.asarray
    publish("filenames.pickle", train=TRAIN, test=TEST)
    publish("char-CNN-RNN-embeddings.pickle", train=as_given(train), test=as_given(test))
    source = cub(raw_cub)
    found = source.embeddings["char-CNN-RNN"]
    captions = 1 if form == "one caption" else 2
    assert found["train"].shape == (3, captions, 5) and found["train"].dtype == np.float32
    assert np.array_equal(found["train"], train.reshape(3, captions, 5))
    assert np.array_equal(found["test"], test.reshape(2, captions, 5))
    # Of the three captions as many as there are embeddings.
    assert source.splits["train"][0].captions == tuple(
        f"a green bird, number 5 {i}" for i in range(captions)
    )


def test_embeddings_follow_another_split_by_name(raw_cub, publish):
    everything = sorted(path.stem for path in raw_cub.glob("text_c10/*/*.txt"))
    by_stem = {p.stem: f"{p.parent.name}/{p.stem}" for p in raw_cub.glob("text_c10/*/*.txt")}
    listed = [by_stem[stem] for stem in reversed(everything)]
    publish("filenames.pickle", train=listed[:6], test=listed[6:])
    numbers = np.arange(12.0)[:, None, None]
    publish("char-CNN-RNN-embeddings.pickle", train=numbers[:6], test=numbers[6:])
    source = cub(raw_cub, split="official")
    for part, pictures in source.splits.items():
        expected = [listed.index(name) for name in names(pictures)]
        assert source.embeddings["char-CNN-RNN"][part].ravel().tolist() == expected


def test_embeddings_do_without_captions(raw_cub, publish):
    (raw_cub / "text_c10").rename(raw_cub / "elsewhere")
    with pytest.raises(UserError, match="text_c10 is missing"):
        cub(raw_cub)
    publish("filenames.pickle", train=TRAIN, test=TEST)
    publish("char-CNN-RNN-embeddings.pickle", train=np.zeros((3, 10, 4)), test=np.zeros((2, 10, 4)))
    assert cub(raw_cub).splits["train"][0].captions == ()


def refused(root, words, **options):
    with pytest.raises(UserError) as caught:
        cub(root, **options)
    message = str(caught.value)
    assert words in message and str(root) in message, message


@pytest.mark.parametrize("file", [
    "CUB_200_2011/images.txt", "CUB_200_2011/bounding_boxes.txt", "attributes.txt",
    "text_c10/001.Blue_Bird/blue_0001.txt",
])  # fmt: skip
def test_missing_files_of_cub(raw_cub, file):
    (raw_cub / file).unlink()
    refused(raw_cub, file)


def test_where_to_get_cub(tmp_path):
    refused(tmp_path, "https://www.vision.caltech.edu/datasets/cub_200_2011/")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("images.txt", "", "is empty"),
        ("images.txt", "1\n2 b/b.jpg\n", "cut short"),
        ("images.txt", "1 a/a.jpg\n1 b/b.jpg\n", "id twice"),
        ("images.txt", "x a/a.jpg\n", "damaged"),
        ("images.txt", b"1 a/\xff.jpg\n", "damaged"),
        ("images.txt", "1 ../../secret.jpg\n", "leads out of"),
        ("images.txt", "1 a/a\0.jpg\n", "leads out of"),
        ("images.txt", "1 a/a.jpg\n2 a/a.png\n", "two pictures named a/a;"),
        ("images.txt", f"{10**20} a/a.jpg\n", "damaged"),
        ("bounding_boxes.txt", "1 2 3 4 5\n", "has no box for some"),
        ("bounding_boxes.txt", "1 2 3 wide 5\n", "damaged"),
        ("bounding_boxes.txt", "1 2 3\n", "cut short"),
        ("bounding_boxes.txt", "".join(f"{n} 1 2 3 inf\n" for n in range(1, 13)), "1,048,576 and"),
        ("attributes/image_attribute_labels.txt", "1 3 1 3 0\n", "names pictures or attributes"),
        ("attributes/image_attribute_labels.txt", "13 1 1 3 0\n", "names pictures or attributes"),
        ("attributes/image_attribute_labels.txt", "1 1 2 3 0\n", "other values"),
        ("attributes/image_attribute_labels.txt", "", "is empty"),
    ],
)
def test_damaged_tables_of_cub(raw_cub, file, content, words):
    content = content if isinstance(content, bytes) else content.encode()
    (raw_cub / "CUB_200_2011" / file).write_bytes(content)
    refused(raw_cub, words)


def test_an_incomplete_official_split(raw_cub):
    path = raw_cub / "CUB_200_2011/train_test_split.txt"
    path.write_text("1 1\n2 0\n")
    refused(raw_cub, "does not say 1", split="official")
    path.unlink()
    refused(raw_cub, "is missing", split="official")


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (TRAIN, [*TEST, "005.Owl/owl_1"], "'005.Owl/owl_1'"),
        (TRAIN, [*TEST, ""], "names ''"),
        (TRAIN, TRAIN[:1], "both name"),
        (TRAIN, {"a": 1}, "no list of names"),
        (TRAIN, [1, 2], "no list of names"),
        (TRAIN[1:], TEST, "no wrong picture is possible"),
    ],
)
def test_published_names_that_do_not_fit(raw_cub, publish, train, test, words):
    publish("filenames.pickle", train=train, test=test)
    with pytest.raises(UserError, match=words):
        cub(raw_cub)


def test_half_of_the_published_files(raw_cub, publish):
    publish("filenames.pickle", train=TRAIN)
    refused(raw_cub, f"{raw_cub / 'test/filenames.pickle'} is missing")
    publish("filenames.pickle", test=TEST)
    publish("char-CNN-RNN-embeddings.pickle", train=np.zeros((3, 2, 4)))
    refused(raw_cub, f"{raw_cub / 'test/char-CNN-RNN-embeddings.pickle'} is missing")
    for part in ("train", "test"):
        (raw_cub / part / "filenames.pickle").unlink()
    refused(raw_cub, f"{raw_cub / 'train/filenames.pickle'} is missing")


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (np.zeros((4, 2, 5)), np.zeros((2, 2, 5)), "expected .* with 3 pictures"),
        (np.zeros((3, 2, 5)), np.zeros((2, 2, 6)), "train and test alike"),
        (np.zeros((3, 2, 5)), np.zeros(2), "has shape"),
        ([np.zeros((2, 5)), np.zeros((1, 5)), np.zeros((2, 5))], np.zeros((2, 2, 5)), "no array"),
        (["a", "b", "c"], np.zeros((2, 2, 5)), "no array"),
        (eval, np.zeros((2, 2, 5)), "asks for .*eval"),
    ],
)
def test_embeddings_that_do_not_fit(raw_cub, publish, train, test, words):
    publish("filenames.pickle", train=TRAIN, test=TEST)
    publish("char-CNN-RNN-embeddings.pickle", train=train, test=test)
    with pytest.raises(UserError, match=words):
        cub(raw_cub)


def test_a_picture_without_embeddings(raw_cub, publish):
    publish("filenames.pickle", train=TRAIN, test=TEST)
    publish("char-CNN-RNN-embeddings.pickle", train=np.zeros((3, 2, 4)), test=np.zeros((2, 2, 4)))
    refused(raw_cub, "has no embeddings", split="official")
