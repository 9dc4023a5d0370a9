"""Cats and dogs in each layout: which picture is what, its box, its split, and what is refused."""

import shutil

import numpy as np
import pytest
import scipy.io

from misc import preprocess_cats, preprocess_dogs
from misc.config.errors import UserError
from misc.sources.pets import pets

OXFORD = {"Abyssinian": "1 1 1", "Egyptian_Mau": "6 1 3", "pug": "30 2 22", "basset_hound": "4 2 3"}
STANFORD = ("n02085620-Chihuahua", "n02094114-Norfolk_terrier", "n02094258-Norwich_terrier")
BOX = """<annotation>
<folder>02085620</folder><filename>%s</filename><size><width>48</width><height>40</height></size>
<object><name>Chihuahua</name><bndbox>
<xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>9</ymax></bndbox></object>
<object><name>Chihuahua</name><bndbox>
<xmin>3</xmin><ymin>4</ymin><xmax>23</xmax><ymax>34</ymax></bndbox></object>
</annotation>
"""


@pytest.fixture
def oxford(tmp_path, draw_picture):
    """Two breeds of each species, four pictures of each, two listed for each split but one."""
    lists = {"trainval": [], "test": ["# a comment"]}
    for breed, numbers in OXFORD.items():
        for member in (1, 2, 10, 11):
            draw_picture(tmp_path / "images" / f"{breed}_{member}.jpg", "red", "square")
            if breed != "pug" or member != 11:
                lists["test" if member > 9 else "trainval"].append(f"{breed}_{member} {numbers}")
    (tmp_path / "images/Abyssinian_1.mat").write_bytes(b"MATLAB")
    (tmp_path / "annotations").mkdir()
    for name, rows in lists.items():
        (tmp_path / "annotations" / f"{name}.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def stanford(tmp_path, draw_picture):
    """Three breeds with four pictures each, with two boxes each; no lists."""
    for breed in STANFORD:
        for member in range(4):
            name = f"{breed}/{breed.partition('-')[0]}_{member}"
            draw_picture(tmp_path / "Images" / f"{name}.jpg", "red", "square", seed=member)
            (tmp_path / "Annotation" / breed).mkdir(parents=True, exist_ok=True)
            (tmp_path / "Annotation" / name).write_text(BOX)
    return tmp_path


def save_list(path, names, key="file_list"):
    cells = np.empty((len(names), 1), object)
    cells[:, 0] = names
    path.parent.mkdir(exist_ok=True)
    labels = np.ones((len(names), 1))
    scipy.io.savemat(path, {key: cells, "labels": labels}, do_compression=True)


def classes(pictures):
    return sorted({picture.class_name for picture in pictures})


def refusal(root, species="dog", layout=None):
    with pytest.raises(UserError) as caught:
        pets(root, species, layout)
    return str(caught.value)


@pytest.mark.parametrize(
    "species, breeds, left_out",
    [("cat", ["abyssinian", "egyptian mau"], 0), ("dog", ["basset hound", "pug"], 1)],
)
def test_oxford_s_own_split_of_one_species(oxford, species, breeds, left_out):
    source = pets(oxford, species)
    train, test = source.splits["train"], source.splits["test"]
    assert classes(train) == classes(test) == breeds
    assert len(train) == 4 and len(test) == 4 - left_out and source.card["left_out"] == left_out
    assert {picture.name.rpartition("_")[2] for picture in train} == {"1", "2"}
    for picture in train + test:
        assert picture.image == oxford / "images" / f"{picture.name}.jpg" and picture.box is None
        assert picture.class_name in picture.captions[0] and len(picture.captions) == 5
        assert picture.name.lower().startswith(picture.class_name.replace(" ", "_"))
    assert "CC BY-SA 4.0" in source.card["licence"] and source.card["split_by"] == "picture"
    assert source.splits == pets(oxford, species, "oxford").splits
    assert source.splits != pets(oxford, species, seed=1).splits


def test_oxford_s_archives(oxford):
    for name in ("images", "annotations"):
        shutil.make_archive(str(oxford / name), "gztar", oxford, name)
        shutil.rmtree(oxford / name)
    assert len(pets(oxford, "cat").splits["test"]) == 4


@pytest.mark.parametrize(
    "row",
    ["Abyssinian_1", "Abyssinian_1 1 1", "Abyssinian_1 1 3 1", "abyssinian_1 1 1 1", "x 1 1 1 1"],
)
def test_malformed_rows(oxford, row):
    (oxford / "annotations/test.txt").write_text(f"pug_10 30 2 22\n{row}\n")
    assert f"test.txt line 2: {row!r}; expected NAME CLASS SPECIES BREED" in refusal(oxford)


def test_oxford_s_lists_that_do_not_fit(oxford):
    path = oxford / "annotations/test.txt"
    path.write_text("pug_9 30 2 22\n")
    assert "test.txt names 'pug_9', which is not a picture in" in refusal(oxford)
    path.write_text("../../secret_1 30 2 22\n")
    assert "names '../../secret_1', which is not a picture" in refusal(oxford, layout="oxford")
    path.write_text("pug_1 30 2 22\n")
    assert "both name 'pug_1'" in refusal(oxford)
    path.unlink()
    assert "test.txt is missing" in refusal(oxford) and "robots.ox.ac.uk" in refusal(oxford)


def test_stanford_without_lists(stanford):
    source = pets(stanford, "dog")
    train, test = source.splits["train"], source.splits["test"]
    assert (len(train), len(test)) == (11, 1) and "seed 0" in source.card["split_rule"]
    assert classes(train) == ["chihuahua", "norfolk terrier", "norwich terrier"]
    assert {picture.box for picture in train + test} == {(3.0, 4.0, 20.0, 30.0)}  # the larger one
    made = [
        text
        for seed in range(9)
        for p in pets(stanford, "dog", seed=seed).splits["train"]
        for text in p.captions
        if p.class_name != "chihuahua"
    ]
    assert any("a terrier" in text for text in made)
    shutil.rmtree(stanford / "Annotation")
    assert {picture.box for picture in pets(stanford, "dog").splits["train"]} == {None}


@pytest.mark.parametrize("place", [".", "lists"])
def test_stanford_s_own_split(stanford, place):
    names = [f"{breed}/{breed[:9]}_{member}.jpg" for breed in STANFORD for member in range(4)]
    save_list(stanford / place / "train_list.mat", names[::2])
    save_list(stanford / place / "test_list.mat", names[1:-2:2])
    source = pets(stanford, "dog")
    assert [f"{picture.name}.jpg" for picture in source.splits["train"]] == names[::2]
    assert len(source.splits["test"]) == 5 and source.card["left_out"] == 1
    assert source.card["split_rule"].endswith("train_list.mat and test_list.mat")
    (stanford / place / "test_list.mat").unlink()
    assert "test_list.mat is missing" in refusal(stanford)


def test_stanford_s_archives(stanford):
    for archive, name in (("images", "Images"), ("annotation", "Annotation")):
        shutil.make_archive(str(stanford / archive), "tar", stanford, name)
        shutil.rmtree(stanford / name)
    names = [f"{breed}/{breed[:9]}_0.jpg" for breed in STANFORD]
    save_list(stanford / "lists/train_list.mat", names[:2])
    save_list(stanford / "lists/test_list.mat", names[2:])
    shutil.make_archive(str(stanford / "lists"), "tar", stanford / "lists")
    shutil.rmtree(stanford / "lists")
    assert len(pets(stanford, "dog").splits["train"]) == 2


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "is damaged or not what its name says (ParseError)"),
        ("<annotation></annotation>", "it holds no box"),
        (BOX.replace("23", "2"), "its box (3, 4, 2, 34) is none"),
        (BOX.replace("23", "9" * 9), "is none"),
        (BOX.replace("23", "nan"), "(ValueError)"),
        (BOX.replace("<xmax>23</xmax>", ""), "(TypeError)"),
        ('<!DOCTYPE a [<!ENTITY b "3">]>' + BOX.replace("23", "&b;"), "declares things of its own"),
        (BOX + " " * 2**14, "larger than 16384 bytes"),
        (BOX.encode("utf-16"), "is not UTF-8"),
    ],
    ids="nothing,no box,inside out,too far,no number,no side,entities,long,utf-16".split(","),
)
def test_boxes_that_are_none(stanford, content, expected):
    path = stanford / "Annotation" / STANFORD[1] / "n02094114_2"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refusal(stanford)
    assert expected in line and str(path) in line
    path.unlink()
    assert f"{path} is missing" in refusal(stanford)


def test_stanford_s_lists_that_are_none(stanford):
    path = stanford / "train_list.mat"
    name = f"{STANFORD[0]}/n02085620_0.jpg"
    save_list(stanford / "test_list.mat", [name])
    save_list(path, [name])
    assert f"both name '{name[:-4]}'" in refusal(stanford)
    save_list(path, ["../../secret.jpg"])
    assert "names '../../secret', which is not a picture" in refusal(stanford)
    save_list(path, [name], key="files")
    assert "it holds 0 arrays of shape () as file_list" in refusal(stanford)
    save_list(path, [np.ones(1)])
    assert "holds other things than names" in refusal(stanford)
    scipy.io.savemat(path, {"file_list": np.ones((3, 1))})
    assert "names '1', which is not a picture" in refusal(stanford)
    path.write_bytes(b"MATLAB 5.0 MAT-file" * 50)
    assert f"{path} is damaged" in refusal(stanford)
    path.write_bytes(bytes(2**19 + 1))
    assert "is larger than 524288 bytes" in refusal(stanford)


def test_a_picture_outside_of_the_breeds(stanford, draw_picture):
    draw_picture(stanford / "Images/stray.jpg", "red", "square")
    assert "stray.jpg lies in no folder of a breed" in refusal(stanford)


@pytest.mark.parametrize("species", ["cat", "dog"])
def test_kaggle_has_one_class(tmp_path, species):
    for kind in ("Cat", "Dog"):
        (tmp_path / "PetImages" / kind).mkdir(parents=True)
        (tmp_path / "PetImages" / kind / "Thumbs.db").write_bytes(b"")
        for number in range(20):
            (tmp_path / "PetImages" / kind / f"{number}.jpg").write_bytes(b"")
    shutil.make_archive(str(tmp_path / "kagglecatsanddogs_5340"), "zip", tmp_path, "PetImages")
    shutil.rmtree(tmp_path / "PetImages")
    source = pets(tmp_path, species)
    train, test = source.splits["train"], source.splits["test"]
    assert (len(train), len(test)) == (18, 2) and classes(train + test) == [species]
    assert train[0].image.is_file() and train[0].name == f"{species.title()}/0"
    words = {"cat": ("cat", "feline"), "dog": ("dog", "canine")}[species]
    assert all(
        any(word in text for word in words) for picture in train for text in picture.captions
    )


def test_two_pictures_of_one_name(tmp_path):
    for folder, layout in (("PetImages/Cat", "kaggle"), ("images", "oxford")):
        for file in ("0.jpg", "0.png", "1.jpg"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / file).write_bytes(b"")
        line = refusal(tmp_path, "cat", layout)
        assert f"{tmp_path / folder} has both 0.jpg and 0.png" in line and "rename one" in line


def test_which_layout_it_is(oxford, stanford):
    assert "holds oxford and stanford; name one of them with --layout" in refusal(oxford)
    assert len(pets(oxford, "cat").splits["train"]) == 4  # Stanford has no cats
    assert len(pets(oxford, "dog", "stanford").splits["train"]) == 11
    line = refusal(oxford / "images", "cat")
    assert "holds no cats; expected one of" in line and "Stanford" not in line
    assert "images is missing" in refusal(oxford / "images", "cat", "oxford")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "main"), [("oxford", preprocess_cats), ("stanford", preprocess_dogs)]
)
def test_stage_one_trains_on_it(request, layout, main, stage_one):
    cfg = main.__name__.rpartition("_")[2]
    stage_one(main.main, cfg, "--source", request.getfixturevalue(layout))
