"""CelebA's layout: tables, partition, people, captions, and what is wrong with damaged files."""

import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.data.images import crop_to_box
from misc.sources.attribute_captions import attribute_captions
from misc.sources.celeba import celeba

NAMES = ("Black_Hair", "Eyeglasses", "Male", "Smiling")
# Of six pictures: attributes, partition, person. Two are of one person.
ROWS = {
    "000001.jpg": ((1, -1, -1, 1), 0, 2880),
    "000002.jpg": ((-1, 1, 1, -1), 0, 2937),
    "000003.jpg": ((-1, -1, -1, 1), 1, 8692),
    "000004.jpg": ((1, 1, 1, 1), 2, 5805),
    "000005.jpg": ((-1, -1, 1, -1), 2, 5805),
    "000006.jpg": ((1, -1, -1, -1), 0, 2880),
}
ATTRIBUTES, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.fixture
def root(tmp_path):
    """The six pictures, 178 x 218, with their tables; values lie one or two spaces apart."""
    root = tmp_path / "faces"
    (root / "img_align_celeba").mkdir(parents=True)
    lines = [str(len(ROWS)), " ".join(NAMES) + " "]
    for number, (name, (values, _, _)) in enumerate(ROWS.items()):
        Image.new("RGB", (178, 218), (40 * number, 90, 90)).save(root / "img_align_celeba" / name)
        lines.append(name + "".join(f" {value:2d}" for value in values))
    (root / ATTRIBUTES).write_text("\r\n".join([*lines, ""]))
    (root / PARTITION).write_text("".join(f"{n} {part}\n" for n, (_, part, _) in ROWS.items()))
    return root


@pytest.fixture
def annotations(tmp_path):
    """`annotations({picture: texts})`: a JSON file in the form of Face2Text 0.1."""

    def write(texts):
        items = [
            {"img_id": i, "image": name, "descriptions": [{"desc_id": 9, "text": t} for t in some]}
            for i, (name, some) in enumerate(texts.items())
        ]
        path = tmp_path / "face2text.json"
        path.write_text(json.dumps(items))
        return path

    return write


def names(pictures):
    return [picture.name for picture in pictures]


def test_a_picture_with_all_that_belongs_to_it(root):
    source = celeba(root, seed=5)
    train, test = source.splits["train"], source.splits["test"]
    assert names(train) == ["000001", "000002", "000006"] and names(test) == ["000004", "000005"]
    assert names(train) == names(train) and train.__length_hint__() == 3
    assert source.attribute_names == NAMES and source.card["left_out"] == 1
    assert source.card["split_rule"] == "list_eval_partition: 0 train, 2 test"
    assert "non-commercial" in source.card["licence"] and "seed 5" in source.card["source"]
    picture = next(iter(train))
    assert picture.image == root / "img_align_celeba/000001.jpg" and picture.class_name is None
    assert picture.attributes == (1, 0, 0, 1)
    row = dict(zip(NAMES, picture.attributes, strict=True))
    assert picture.captions == attribute_captions(row, "000001", 5)
    assert len(picture.captions) == 10 and "woman" in " ".join(picture.captions)
    assert [p.captions for p in celeba(root, seed=6).splits["train"]] != [p.captions for p in train]
    pickle.dumps(picture)


def test_what_is_not_known_is_neither_there_nor_absent(root):
    path = root / ATTRIBUTES
    path.write_text(edited(path.read_text(), "000001.jpg  1 -1 -1", "000001.jpg  1 -1  0"))
    picture = next(iter(celeba(root, seed=5).splits["train"]))
    assert picture.attributes == (1, 0, -1, 1)
    said = " ".join(picture.captions).split()
    assert "person" in said and not {"woman", "lady", "man", "guy"} & set(said)


def test_the_crop_is_the_largest_centred_square(root):
    box = next(iter(celeba(root).splits["train"])).box
    rows, columns = np.mgrid[:218, :178].astype(np.uint8)
    image = Image.fromarray(np.stack([rows, columns, rows], axis=2))
    cropped = np.asarray(crop_to_box(image, box))
    assert cropped.shape == (178, 178, 3)
    assert cropped[0, 0].tolist() == [20, 0, 20] and cropped[-1, -1].tolist() == [197, 177, 197]
    assert next(iter(celeba(root, whole=True).splits["train"])).box is None


def test_pictures_of_another_size_only_whole(root):
    Image.new("RGB", (64, 64)).save(root / "img_align_celeba/000001.jpg")
    with pytest.raises(UserError, match="64 x 64 pixels, expected the aligned .* say --whole"):
        celeba(root)
    assert celeba(root, whole=True).card["left_out"] == 1


def test_validation_can_be_added(root):
    source = celeba(root, add_validation=True)
    assert names(source.splits["train"]) == ["000001", "000002", "000003", "000006"]
    assert source.card["left_out"] == 0 and "0 and 1 train" in source.card["split_rule"]


def test_people_are_classes_if_they_are_known(root):
    assert celeba(root).card["split_by"] == "picture"
    people = root / "identity_CelebA.txt"
    people.write_text("".join(f"{name} {person}\n" for name, (_, _, person) in ROWS.items()))
    source = celeba(root)
    assert [p.class_name for p in source.splits["train"]] == ["2880", "2937", "2880"]
    assert {p.class_name for p in source.splits["test"]} == {"5805"}
    assert source.card["split_by"] == "class"
    people.write_text("".join(f"{name} 7\n" for name in ROWS))
    with pytest.raises(UserError, match="one class, '7', so no wrong picture"):
        celeba(root)
    people.write_text("".join(f"{name} {int(name[:6]) % 2}\n" for name in ROWS))
    assert celeba(root).card["split_by"] == "picture"  # 1 trains and tests


def test_official_folders_kaggles_csv_and_its_folder_in_a_folder(root):
    expected = [list(part) for part in celeba(root).splits.values()]
    for folder, table in (("Anno", ATTRIBUTES), ("Eval", PARTITION)):
        (root / folder).mkdir()
        (root / table).rename(root / folder / table)
    assert [list(part) for part in celeba(root).splits.values()] == expected

    header = ",".join(("image_id", *NAMES))
    lines = [",".join((name, *map(str, values))) for name, (values, _, _) in ROWS.items()]
    (root / "list_attr_celeba.csv").write_text("\n".join([header, *lines]))
    parts = [f"{name},{part}" for name, (_, part, _) in ROWS.items()]
    (root / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *parts]))
    shutil.rmtree(root / "Anno")
    shutil.rmtree(root / "Eval")
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba" / "img_align_celeba")
    found = [list(part) for part in celeba(root).splits.values()]
    assert [p.attributes for p in found[0]] == [p.attributes for p in expected[0]]
    assert found[1][0].image == root / "img_align_celeba/img_align_celeba/000004.jpg"


@pytest.mark.parametrize("home", [".", "Img"])
def test_the_original_archive(root, home):
    folder = root / home
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for name in ROWS:
            archive.write(root / "img_align_celeba" / name, f"img_align_celeba/{name}")
    shutil.rmtree(root / "img_align_celeba")
    picture = next(iter(celeba(root).splits["train"]))
    assert picture.image == folder / "img_align_celeba/000001.jpg" and picture.image.is_file()


def test_descriptions_instead_of_the_grammar(root, annotations):
    texts = {
        "000002.bmp": ["a man, \n who frowns"],
        "000006.jpg": ["one", "two"],
        "000004.jpg": ["x"],
    }
    source = celeba(root, annotations({**texts, "000001.jpg": [" "], "000003.jpg": ["validation"]}))
    assert [(p.name, p.captions) for p in source.splits["train"]] == [
        ("000002", ("a man, who frowns",)),
        ("000006", ("one", "two")),
    ]
    assert names(source.splits["test"]) == ["000004"] and source.card["left_out"] == 3
    assert "face2text.json" in source.card["source"]
    with pytest.raises(UserError, match="face2text.json names '000007', which is not a picture"):
        celeba(root, annotations({"000007.jpg": ["nobody"], **texts}))


def refused(root, words):
    with pytest.raises(UserError) as caught:
        celeba(root)
    message = str(caught.value)
    assert words in message and str(root) in message and "\n" not in message, message


@pytest.mark.parametrize("file", [ATTRIBUTES, PARTITION])
def test_missing_tables_and_where_to_get_them(root, file):
    (root / file).unlink()
    refused(root, f"{file} is missing; expected CelebA's table, from https://mmlab.ie.cuhk.edu.hk")


def test_missing_pictures(root):
    for name in ("000004.jpg", "000005.jpg", "000003.jpg"):  # the last one is not needed
        (root / "img_align_celeba" / name).unlink()
    refused(root, "img_align_celeba/000004.jpg is missing, and 1 more")
    shutil.rmtree(root / "img_align_celeba")
    refused(root, "img_align_celeba is missing; expected CelebA's aligned pictures")


def edited(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (ATTRIBUTES, "6\r\n", "7\r\n", "says '7' in line 1, but has 6 pictures"),
        (ATTRIBUTES, "6\r\n", "six\r\n", "says 'six' in line 1"),
        (ATTRIBUTES, "6\r\n", "", "line 2: no names of attributes, or one twice"),
        (ATTRIBUTES, "Smiling", "Male", "or one twice"),
        (ATTRIBUTES, "000002.jpg -1  1", "000002.jpg -1", "line 4: 3 values of '000002.jpg'"),
        (ATTRIBUTES, "000002.jpg", "000002.jpg 1", "line 4: 5 values"),
        (ATTRIBUTES, "000002.jpg -1", "000002.jpg  2", "line 4: '000002.jpg' has the value '2'"),
        (ATTRIBUTES, "000002.jpg -1", "000002.jpg -1.0", "expected 1, -1 or, not known, 0"),
        (ATTRIBUTES, "000002.jpg", "000001.jpg", "line 4: '000001.jpg' is named a second time"),
        (ATTRIBUTES, "000002.jpg", "../000002.jpg", "not name the same pictures: '../000002.jpg'"),
        (PARTITION, "000002.jpg 0", "000002.jpg 3", "line 2: '000002.jpg' has '3'; expected 0"),
        (PARTITION, "000002.jpg 0", "000002.jpg", "line 2: 0 values"),
        (PARTITION, "000002.jpg", "000001.jpg", "line 2: '000001.jpg' is named a second time"),
        (PARTITION, "000002.jpg 0\n", "", "do not name the same pictures: '000002.jpg'"),
    ],
)  # fmt: skip
def test_damaged_tables(root, file, old, new, words):
    text = (root / file).read_bytes().decode()
    (root / file).write_bytes(edited(text, old, new).encode())
    refused(root, words)


def test_attributes_of_fewer_pictures_than_there_are(root):
    text = edited((root / ATTRIBUTES).read_bytes().decode(), "6\r\n", "5\r\n")
    (root / ATTRIBUTES).write_text(text.partition("000006.jpg")[0])
    refused(root, "do not name the same pictures: '000006.jpg' is in one of them")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"0\n", b"image_id"])
def test_empty_tables(root, content):
    (root / ATTRIBUTES).write_bytes(content)
    refused(root, "no names of attributes")


def test_bytes_that_are_no_text(root):
    content = (root / ATTRIBUTES).read_bytes()
    (root / ATTRIBUTES).write_bytes(b"\xef\xbb\xbf" + content)
    assert celeba(root).attribute_names == NAMES
    (root / ATTRIBUTES).write_bytes(content.replace(b"000001", b"\xe900001"))
    refused(root, f"{ATTRIBUTES} line 3: byte 0xe9 is not UTF-8")


def test_a_name_that_leads_out_is_no_picture(root):
    (root / "000002.jpg").write_bytes((root / "img_align_celeba/000002.jpg").read_bytes())
    for file in (ATTRIBUTES, PARTITION):
        text = (root / file).read_text()
        (root / file).write_text(edited(text, "000002.jpg", "../000002.jpg"))
    refused(root, "../000002.jpg is missing")
