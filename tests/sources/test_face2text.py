"""Face2Text's two forms, with sentences of our own."""

import json
from pathlib import Path

import pytest

from misc.config.errors import UserError
from misc.sources.face2text import face2text

FOLDER = Path("pictures")


@pytest.fixture
def read(tmp_path):
    """`read(content)`: what is read from a file with this value as JSON, or with these bytes."""

    def start(content):
        path = tmp_path / "clean.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return face2text(path, FOLDER)

    return start


def described(image, *texts):
    return {"img_id": 1, "image": image, "descriptions": [{"desc_id": 2, "text": t} for t in texts]}


def test_a_list_of_descriptions_for_each_picture(read):
    items = [
        described("Jane_Doe/Jane_Doe_0002.bmp", "a lady\n with  a hat ", "she laughs"),
        described("J._R._Roe/J._R._Roe_0001.bmp", "\ud83d a man"),
        described("No_One/No_One_0001.bmp", " ", ""),
        described("Jane_Doe\\Jane_Doe_0002.jpg", "again"),
    ]
    assert read(items) == {
        "Jane_Doe/Jane_Doe_0002": ("a lady with a hat", "she laughs", "again"),
        "J._R._Roe/J._R._Roe_0001": ("? a man",),
    }


def test_one_description_an_item(read):
    rows = [("000005.jpg", "an old man"), ("000002.jpg", "a girl"), ("000005.jpg", "he smiles")]
    items = [
        {"response_id": str(i), "filename": name, "user_id": "7", "description": text}
        for i, (name, text) in enumerate(rows)
    ]
    assert read(items) == {"000005": ("an old man", "he smiles"), "000002": ("a girl",)}
    assert read(b"\xef\xbb\xbf" + json.dumps(items).encode()) == read(items)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": []}, "clean.json holds no list; expected Face2Text's"),
        ([], "holds no descriptions"),
        ([described("a/b.jpg")], "holds no descriptions"),
        ([described("a/b.jpg", "x"), "text"], "item 2 has another form"),
        ([7], "item 1 has another form"),
        ([None], "item 1 has another form"),
        ([{"image": "a.jpg", "text": "x"}], "item 1 has another form ('filename')"),
        ([{"image": "a.jpg", "descriptions": ["x"]}], "item 1 has another form"),
        ([{"image": "a.jpg", "descriptions": None}], "item 1 has another form"),
        ([{"descriptions": [{"text": "x"}]}], "item 1 has another form ('image')"),
        ([described("a/b.jpg", 5)], "picture and text are not both strings"),
        ([described(["a"], "x")], "picture and text are not both strings"),
        ([{"filename": "a.jpg", "description": ["x"]}], "not both strings"),
        ([described("../../secret.jpg", "x")], "item 1: '../../secret.jpg' leads out of pictures"),
        ([described("C:\\secret.jpg", "x")], "leads out of pictures"),
        (b"[{", "clean.json: not JSON"),
        (b"[" * 200_000, "clean.json: not JSON"),
        (b'["caf\xe9"]', "clean.json line 1: byte 0xe9 is not UTF-8"),
    ],
)
def test_other_forms(read, content, words):
    with pytest.raises(UserError) as caught:
        read(content)
    assert words in str(caught.value) and "\n" not in str(caught.value), caught.value


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="nowhere.json: cannot be read"):
        face2text(tmp_path / "nowhere.json", FOLDER)
