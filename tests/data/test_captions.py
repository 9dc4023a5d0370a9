"""Captions of a picture folder in each of the four forms, and what people get wrong in them."""

import json

import pytest

from misc.config.errors import UserError
from misc.data.captions import find_pictures, read_captions, read_lines

EXPECTED = {
    "a.png": ("a red bird", "a bird, red"),
    "sub/b.v2.jpg": ("ein gr\xfcner Vogel",),
}

COCO = '{"images": [{"id": 1%s}], "annotations": [{"image_id": 1, "caption": null}]}'
TWICE = COCO % ', "file_name": "a"}, {"id": 1, "file_name": "c"'


@pytest.fixture
def folder(tmp_path):
    """Three pictures, the third without captions, and a hidden one."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for name in ("sub/b.v2.jpg", "a.png", "c.JPEG", "._a.png"):
        (folder / name).write_bytes(b"")
    return folder


@pytest.fixture
def refusal(folder, tmp_path):
    """The one-line message with which a caption file of this name and content is refused."""

    def read(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(UserError) as caught:
            read_captions(path, folder, **options)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return read


def test_pictures_of_a_folder_in_order(folder, tmp_path):
    assert find_pictures(folder) == ["a.png", "c.JPEG", "sub/b.v2.jpg"]
    with pytest.raises(UserError, match="no folder"):
        find_pictures(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures"):
        find_pictures(tmp_path / "empty")


def test_a_text_beside_each_picture(folder):
    (folder / "a.txt").write_text("  a red\tbird \r\n\r\na bird, red\r\n", newline="")
    (folder / "sub/b.v2.txt").write_text("\ufeffein gr\xfcner Vogel", encoding="utf-8")
    (folder / "._a.txt").write_bytes(b"\xff")
    assert read_captions(folder, folder) == (EXPECTED, {})


def test_texts_in_a_folder_of_their_own(folder, tmp_path):
    (tmp_path / "texts/sub").mkdir(parents=True)
    (tmp_path / "texts/sub/b.v2.txt").write_text("x")
    assert read_captions(tmp_path / "texts", folder)[0] == {"sub/b.v2.jpg": ("x",)}


@pytest.mark.parametrize("columns", ["file,caption", "caption, image", "id,filename,text"])
def test_csv(folder, tmp_path, columns):
    lines = {
        "file,caption": 'sub\\b.v2.jpg,ein gr\xfcner Vogel\na.png,a red bird\na,"a bird,\n red"\n',
        "caption, image": 'ein gr\xfcner Vogel,sub/b.v2\na red bird,a.png\n\n"a bird, red",a.png',
        "id,filename,text": "1,./sub/b.v2.jpg,ein gr\xfcner Vogel\r\n2,a,a red bird\r\n"
        '3,a,"a bird, red"',
    }
    path = tmp_path / "captions.csv"
    path.write_text(f"\ufeff{columns}\n{lines[columns]}", encoding="utf-8", newline="")
    captions, classes = read_captions(path, folder)
    assert captions == EXPECTED and list(captions) == list(EXPECTED) and classes == {}


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("header", ["file|kind|caption", '"file"| kind |"caption"\r'])
def test_csv_of_spreadsheets(folder, tmp_path, delimiter, header):
    lines = ["sub\\b.v2.jpg|1|ein gr\xfcner Vogel", "a.png|2|a red bird", 'a|2|"a bird, red"']
    path = tmp_path / "captions.csv"
    text = "\n".join([header, *lines]).replace("|", delimiter)
    path.write_text(f"\ufeff{text}", encoding="utf-8", newline="")
    captions, classes = read_captions(path, folder, class_column="kind")
    assert captions == EXPECTED and classes == {"a.png": "2", "sub/b.v2.jpg": "1"}


def test_delimiters_within_captions(folder, tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text("file,caption\na,red; a bird;\n")
    assert read_captions(path, folder)[0] == {"a.png": ("red; a bird;",)}
    path.write_text("file;caption\na;red, a bird,\n")
    assert read_captions(path, folder)[0] == {"a.png": ("red, a bird,",)}


def test_a_file_of_no_plausible_size(folder, tmp_path, monkeypatch):
    path = tmp_path / "captions.csv"
    path.write_text("file,caption\na,x\n")
    monkeypatch.setattr("misc.data.captions.MOST_BYTES", 10)
    with pytest.raises(UserError, match="has 17 bytes; expected a text of at most 10"):
        read_captions(path, folder)


def test_a_class_column(folder, tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text("file,caption,kind\na,x,1\nc,z,1\na,y,1\n")
    captions, classes = read_captions(path, folder, class_column="kind")
    assert captions == {"a.png": ("x", "y"), "c.JPEG": ("z",)}
    assert classes == {"a.png": "1", "c.JPEG": "1"}
    lines = [{"file": "a", "caption": ["x", "y"], "kind": 1}, {"file": "c", "text": "z", "kind": 1}]
    path = tmp_path / "captions.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)))
    assert read_captions(path, folder, class_column="kind") == (captions, classes)


def test_coco(folder, tmp_path):
    content = {
        "images": [{"id": 7, "file_name": "sub/b.v2.jpg"}, {"id": 3, "file_name": "a.png"}],
        "annotations": [
            {"image_id": 3, "id": 1, "caption": "a red bird\n"},
            {"image_id": 7, "id": 2, "caption": "ein gr\xfcner Vogel"},
            {"image_id": 7, "id": 4, "caption": " \n"},
            {"image_id": 3, "id": 3, "caption": "a bird, red"},
        ],
    }
    path = tmp_path / "captions_train.json"
    path.write_text(json.dumps(content))
    assert read_captions(path, folder) == (EXPECTED, {})


def test_damaged_letters_of_the_published_captions(tmp_path):
    path = tmp_path / "bird.txt"
    path.write_text("a bird\ufffd\ufffd with wings\n", encoding="utf-8")
    assert read_lines(path) == ("a bird with wings",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.csv", "", "holds no captions"),
        ("c.csv", "file,caption\n", "holds no captions"),
        ("c.jsonl", "\n\n", "holds no captions"),
        ("c.json", '{"images": [], "annotations": []}', "holds no captions"),
        ("c.csv", b"file,caption\na,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        ("c.csv", "file,caption\na,x\n".encode("utf-16"), "not UTF-8"),
        ("c.csv", "file,caption\na,x\n".encode("utf-16-le"), "not UTF-8"),
        ("c.csv", "file,caption\na,x\nb,y\n", "line 3 names 'b', but no such picture"),
        ("c.csv", "file,caption\na,x\nc,\n", "line 3: no caption for 'c'"),
        ("c.csv", "file,caption\na,x\nc\n", "line 3: no caption for 'c'"),
        ("c.csv", "file,caption\na,x, y\n", "line 2: more fields than the 2 columns"),
        ("c.csv", 'file,caption\na,"x\n', "not CSV"),
        ("c.csv", "file|caption\na|x\n", "columns file|caption; expected one named file"),
        # Either could be meant: nothing is guessed.
        ("c.csv", "file,caption,x;file;caption\nb,y\n", "line 2 names 'b', but no such"),
        ("c.csv", "file;caption" + "x" * 200_000 + "\na;x\n", "not CSV (field larger than"),
        ("c.csv", "file;caption\na;x;y\n", "captions with semicolons into double quotes"),
        ("c.csv", "file\tcaption\na\tx\ty\n", "captions with tabs into double quotes"),
        ("c.csv", "file,caption\na;x\n", "no such picture"),
        ("c.csv", "file,name\na,x\n", "expected one named caption"),
        ("c.csv", "file,caption\n../a.png,x\n", "leads out of"),
        ("c.csv", "file,caption\nsub\\..\\a.png,x\n", "leads out of"),
        ("c.csv", "file,caption\n/etc/passwd,x\n", "leads out of"),
        ("c.csv", "file,caption\nC:a.png,x\n", "leads out of"),
        ("c.csv", "file,caption\n,x\n", "names ''"),
        ("c.jsonl", '{"file": "a", "caption": "x"}\n{"file"\n', "line 2: not JSON"),
        ("c.jsonl", '["a", "x"]\n', "line 1: expected an object"),
        ("c.jsonl", '{"file": "a", "caption": []}\n', "expected text"),
        ("c.jsonl", '{"file": "a", "caption": [1]}\n', "expected text"),
        ("c.jsonl", '{"file": "a", "caption": null}\n', "no caption for 'a'"),
        ("c.jsonl", "[" * 100_000, "not JSON"),
        ("c.json", "[]", "not COCO captions"),
        ("c.json", '{"images": [{"id": 1}], "annotations": []}', "not COCO captions"),
        ("c.json", '{"images": [], "annotations": [{"image_id": 1, "caption": ""}]}', "not COCO"),
        ("c.json", COCO % ', "file_name": 1', "not COCO captions (TypeError: annotation 1 has no"),
        ("c.json", COCO % ', "file_name": "a"', "(TypeError: annotation 1 has no text"),
        ("c.json", COCO % '}, {"id": 1', "not COCO captions (KeyError: 'file_name')"),
        ("c.json", TWICE, "not COCO captions (TypeError: two images have one id)"),
        ("c.json", '{"images": {"id": 1}, "annotations": "x"}', "not COCO captions"),
        ("c.txt", "a red bird\n", "no caption file"),
        ("c", "a red bird\n", "no caption file"),
    ],
)
def test_mistakes(refusal, name, content, words):
    assert words in refusal(name, content)


def test_more_captions_than_pictures(refusal):
    lines = "".join(f"{name},x\n" for name in ("a", "c", "sub/b.v2", "d", "e"))
    assert "line 5 names 'd'" in refusal("c.csv", "file,caption\n" + lines)


def test_mistakes_in_classes(refusal):
    column = {"class_column": "kind"}
    header = "file,caption,kind\n"
    assert "in class '2' here" in refusal("c.csv", header + "a,x,1\na,y,2\n", **column)
    assert "no kind for 'a'" in refusal("c.csv", header + "a,x,\n", **column)
    assert "named kind" in refusal("c.csv", "file,caption,sort\na,x,1\n", **column)
    assert "no columns" in refusal("c.json", "{}", **column)


def test_mistakes_in_texts(folder, tmp_path):
    def message():
        with pytest.raises(UserError) as caught:
            read_captions(folder, folder)
        return str(caught.value)

    assert "holds no captions" in message()
    (folder / "a.txt").write_text("\n \n")
    assert "a.txt holds no captions" in message()
    (folder / "a.txt").write_bytes(b"one\ntwo \xff\n")
    assert "a.txt line 2: byte 0xff is not UTF-8" in message()
    (folder / "a.txt").write_text("a bird")
    (folder / "d.txt").write_text("a bird")
    assert "names 'd', but no such picture" in message()
    with pytest.raises(UserError, match="nowhere.csv: cannot be read"):
        read_captions(tmp_path / "nowhere.csv", folder)


def test_names_that_differ_in_the_suffix_only(folder):
    (folder / "a.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="both a.jpg and a.png"):
        read_captions(folder, folder)
