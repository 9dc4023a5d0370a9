"""LFW's layout with descriptions in Face2Text's form."""

import json
import shutil
import tarfile

import pytest

from misc.config.errors import UserError
from misc.sources.lfw import lfw

# Person -> number of pictures; the first picture of each is described.
PEOPLE = {"Ann_Lee": 2, "Bo_Di": 1, "Cy_Fox": 3, "Di_Mo-Ro": 1, "Ed_X._Orr": 1}
HEADER = "#\tperson\timagenum\tMale\tBlack Hair\tRound Jaw"


@pytest.fixture
def root(tmp_path):
    """Empty picture files: what is in them is read only when the set is prepared."""
    root = tmp_path / "faces"
    for person, count in PEOPLE.items():
        for number in range(1, count + 1):
            path = root / "lfw" / person / f"{person}_{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    return root


@pytest.fixture
def annotations(tmp_path):
    """Two descriptions of the first picture of each person, which the file calls .bmp."""
    items = [
        {
            "img_id": number,
            "image": f"{person}/{person}_0001.bmp",
            "descriptions": [
                {"desc_id": 2 * number, "text": f"the face of {number}"},
                {"desc_id": 2 * number + 1, "text": "a person  who looks up\n"},
            ],
        }
        for number, person in enumerate(PEOPLE)
    ]
    path = tmp_path / "clean.json"
    path.write_text(json.dumps(items))
    return path


def people(pictures):
    return {picture.class_name for picture in pictures}


def everything(source):
    return {picture.name: picture for split in source.splits.values() for picture in split}


def test_a_picture_with_all_that_belongs_to_it(root, annotations):
    source = lfw(root, annotations)
    pictures = everything(source)
    assert len(pictures) == 5 and source.card["left_out"] == 3
    picture = pictures["Cy_Fox/Cy_Fox_0001"]
    assert picture.image == root / "lfw/Cy_Fox/Cy_Fox_0001.jpg" and picture.class_name == "Cy_Fox"
    assert picture.captions == ("the face of 2", "a person who looks up")
    assert picture.box is None and picture.attributes == () and source.attribute_names == ()
    assert "vis-www.cs.umass.edu" in source.card["licence"]


def test_a_drawn_split_keeps_people_whole(root, annotations):
    source = lfw(root, annotations, seed=2)
    assert len(source.splits["train"]) == 4 and len(source.splits["test"]) == 1
    assert "seed 2" in source.card["split_rule"] and source.card["split_by"] == "class"
    drawn = {p for seed in range(20) for p in people(lfw(root, annotations, seed).splits["test"])}
    assert drawn == set(PEOPLE)


def test_the_official_people(root, annotations):
    (root / "peopleDevTrain.txt").write_text("2\nAnn_Lee\t2\nEd_X._Orr\t1\n")
    (root / "peopleDevTest.txt").write_text("1\r\nCy_Fox\t3\r\n")
    source = lfw(root, annotations)
    assert people(source.splits["train"]) == {"Ann_Lee", "Ed_X._Orr"}
    assert people(source.splits["test"]) == {"Cy_Fox"} and source.card["left_out"] == 5
    assert "peopleDevTrain.txt" in source.card["split_rule"]


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ("2\nAnn_Lee\t2\n", "1\nBo_Di\t1\n", "peopleDevTrain.txt has 1 lines after the first"),
        ("1\nAnn_Lee 2\n", "1\nBo_Di\t1\n", "each a name, a tab and a number"),
        ("", "1\nBo_Di\t1\n", "peopleDevTrain.txt has 0 lines"),
        ("1\nAnn_Lee\t2\n", "1\nAnn_Lee\t2\n", "both name 'Ann_Lee'"),
        ("1\nAnn_Lee\t2\n", "1\nZoe\t1\n", "peopleDevTest.txt names 'Zoe', which is not a person"),
        ("1\nAnn_Lee\t2\n", None, "peopleDevTest.txt: cannot be read"),
        ("1\nAnn_Lee\t2\n", "1\nBo_Di\t1\n", "no wrong picture is possible"),
    ],
)
def test_mistakes_in_the_lists_of_people(root, annotations, train, test, words):
    (root / "peopleDevTrain.txt").write_text(train)
    if test:
        (root / "peopleDevTest.txt").write_text(test)
    with pytest.raises(UserError, match=words):
        lfw(root, annotations)


def test_scores_become_attributes(root, annotations):
    rows = ["Ann Lee\t1\t-0.5\t1.25\t0", "Ed X. Orr\t1\t2e-3\t-1\t-0.1\t", "Ann Lee\t2\t1\t1\t1"]
    head = "a table of scores\n" + HEADER
    (root / "lfw_attributes.txt").write_text("\n".join([head, *rows]))
    source = lfw(root, annotations)
    assert source.attribute_names == ("Male", "Black_Hair", "Round_Jaw")
    pictures = everything(source)
    assert pictures["Ann_Lee/Ann_Lee_0001"].attributes == (0, 1, 0)
    assert pictures["Ed_X._Orr/Ed_X._Orr_0001"].attributes == (1, 0, 0)
    assert pictures["Bo_Di/Bo_Di_0001"].attributes == (-1, -1, -1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "line 2: ''; expected tabs between"),
        ("x\n" + HEADER.replace("\t", " "), "line 2: '# person"),
        (f"x\n{HEADER}\nAnn Lee\t1\t1\t1\n", "line 3: 4 fields"),
        (f"x\n{HEADER}\nAnn Lee\t1\t1\t1\t1\t1\n", "line 3: 6 fields"),
        (f"x\n{HEADER}\n\nAnn Lee\tone\t1\t1\t1\n", "line 4: invalid literal"),
        (f"x\n{HEADER}\nAnn Lee\t1\t1\tyes\t1\n", "line 3: could not convert"),
        (f"x\n{HEADER}\nAnn Lee\t1\t1\tnan\t1\n", "line 3: 5 fields, or no finite numbers"),
        (f"x\n{HEADER}\nAnn Lee\n", "line 3: "),
        (f"x\n{HEADER}\nA B\t1\t1\t1\t1\nA B\t1\t1\t1\t1\n", "line 4: A_B/A_B_0001 has scores"),
    ],
)
def test_damaged_scores(root, annotations, content, words):
    (root / "lfw_attributes.txt").write_text(content)
    with pytest.raises(UserError) as caught:
        lfw(root, annotations)
    assert words in str(caught.value) and "lfw_attributes.txt" in str(caught.value)


@pytest.mark.parametrize("folder", ["lfw-deepfunneled", "lfw_funneled", "lfw-deepfunneled/inner"])
def test_other_versions_of_the_pictures(root, annotations, folder):
    folder = folder.replace("inner", "lfw-deepfunneled")
    (root / folder).parent.mkdir(exist_ok=True)
    (root / "lfw").rename(root / folder)
    picture = everything(lfw(root, annotations))["Bo_Di/Bo_Di_0001"]
    assert picture.image == root / folder / "Bo_Di/Bo_Di_0001.jpg"


@pytest.mark.parametrize(
    ("archive", "folder"), [("lfw.tgz", "lfw"), ("lfw-funneled.tgz", "lfw_funneled")]
)
def test_the_original_archives(root, annotations, archive, folder):
    with tarfile.open(root / archive, "w:gz") as tar:
        tar.add(root / "lfw", folder)
    shutil.rmtree(root / "lfw")
    picture = everything(lfw(root, annotations))["Bo_Di/Bo_Di_0001"]
    assert picture.image == root / folder / "Bo_Di/Bo_Di_0001.jpg" and picture.image.is_file()


def test_what_is_missing(root, annotations):
    with pytest.raises(UserError, match="no captions of its own; expected --annotations"):
        lfw(root, None)
    (root / "lfw/Bo_Di/Bo_Di_0001.jpg").unlink()
    with pytest.raises(UserError, match=r"describes 'Bo_Di/Bo_Di_0001', but .* is not there"):
        lfw(root, annotations)
    shutil.rmtree(root / "lfw")
    with pytest.raises(UserError, match="lfw is missing; expected LFW, .* or lfw.tgz, from http"):
        lfw(root, annotations)


def test_a_picture_without_a_person(root, annotations):
    (root / "lfw/alone.jpg").write_bytes(b"")
    annotations.write_text('[{"filename": "alone.jpg", "description": "a face"}]')
    with pytest.raises(UserError, match="describes 'alone'.* expected PERSON/PERSON_0001"):
        lfw(root, annotations)
