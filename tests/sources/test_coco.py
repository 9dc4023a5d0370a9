"""COCO's layout, its archives, and from there to a prepared set."""

import json
import shutil
import zipfile

import pytest

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.preprocess_coco import main
from misc.sources.coco import coco

IDS = {"train": [9, 25, 30, 581929], "val": [139, 285]}
PREFIX = {2014: "COCO_{part}2014_", 2017: ""}


def file_name(part, number, year):
    return f"{PREFIX[year].format(part=part)}{number:012d}.jpg"


@pytest.fixture(params=[2017, 2014])
def year(request):
    return request.param


@pytest.fixture
def root(tmp_path, draw_picture, year):
    """A raw set of 4 and 2 pictures; number 25 has seven captions, 30 none, the others five."""
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    for part, numbers in IDS.items():
        images = []
        for number in numbers:
            name = file_name(part, number, year)
            draw_picture(root / f"{part}{year}/{name}", "red", "circle", seed=number)
            images.append({"id": number, "file_name": name, "license": 3, "width": 48})
        counts = {25: 7, 30: 0}
        captions = [(n, i) for i in range(7) for n in reversed(numbers) if i < counts.get(n, 5)]
        annotations = [
            {"image_id": n, "id": 100 * n + i, "caption": f"A picture of {n}, number {i}. "}
            for n, i in captions
        ]
        content = {"info": {"year": year}, "images": images, "annotations": annotations}
        path = root / f"annotations/captions_{part}{year}.json"
        path.write_text(json.dumps({"licenses": [], **content}))
    return root


def refused(root, year, words):
    with pytest.raises(UserError) as caught:
        coco(root, year)
    assert words in str(caught.value) and str(root) in str(caught.value), str(caught.value)


def test_pictures_with_all_their_captions(root, year):
    source = coco(root, year)
    train, test = list(source.splits["train"]), list(source.splits["test"])
    assert list(source.splits["train"]) == train  # it can be gone through again
    stems = [file_name("train", n, year).removesuffix(".jpg") for n in (9, 25, 581929)]
    assert [picture.name for picture in train] == stems and len(test) == 2
    picture = train[1]
    assert picture.image == root / f"train{year}/{stems[1]}.jpg" and picture.image.is_file()
    assert picture.captions == tuple(f"A picture of 25, number {i}." for i in range(7))
    assert picture.class_name is None and picture.box is None and len(test[0].captions) == 5
    assert source.card["left_out"] == 1 and f"val{year} to test" in source.card["split_rule"]


def test_the_original_archives(root, year):
    expected = {part: list(pictures) for part, pictures in coco(root, year).splits.items()}
    archives = {f"{part}{year}.zip": f"{part}{year}" for part in IDS}
    archives[f"annotations_trainval{year}.zip"] = "annotations"
    for name, folder in archives.items():
        with zipfile.ZipFile(root / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir(folder)
            for file in (root / folder).iterdir():
                archive.write(file, f"{folder}/{file.name}")
        shutil.rmtree(root / folder)
    found = {part: list(pictures) for part, pictures in coco(root, year).splits.items()}
    assert found == expected
    assert all(p.image.is_file() for pictures in found.values() for p in pictures)


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        ("train{}", "http://images.cocodataset.org/zips/train{}.zip"),
        ("val{}", "http://images.cocodataset.org/zips/val{}.zip"),
        (
            "annotations/captions_val{}.json",
            "http://images.cocodataset.org/annotations/annotations_trainval{}.zip",
        ),
    ],
)
def test_what_is_missing(root, year, wanted, source):
    path = root / wanted.format(year)
    path.rename(root / "elsewhere")
    refused(root, year, f"{path} is missing")
    refused(root, year, source.format(year))


def test_pictures_that_are_not_there(root, year):
    name = file_name("val", 285, year)
    (root / f"val{year}/{name}").unlink()
    refused(root, year, f"names '{name}', but no such picture")


def test_captions_that_are_none(root, year):
    path = root / f"annotations/captions_train{year}.json"
    whole = json.loads(path.read_text())
    for content, words in (
        (whole | {"images": {}}, "is not COCO captions"),
        ({"images": whole["images"]}, "is not COCO captions"),
        (whole | {"images": whole["images"] * 2}, "two images have one id"),
        (whole | {"annotations": [{"image_id": 9, "caption": 5}]}, "annotation 1 has no text"),
        (whole | {"annotations": []}, "holds no captions"),
    ):
        path.write_text(json.dumps(content))
        refused(root, year, words)
    images = [image | {"file_name": "../../secret.jpg"} for image in whole["images"]]
    path.write_text(json.dumps(whole | {"images": images}))
    refused(root, year, "leads out of")
    path.write_bytes(json.dumps(whole).encode()[:-5])
    refused(root, year, "not JSON")
    path.write_bytes(b'{"images": [], "caf\xe9": 1}')
    refused(root, year, "byte 0xe9 is not UTF-8")


def test_from_raw_to_prepared(root, year, run_main, tmp_path):
    flags = [f"--source={root}", f"--out={tmp_path}/out", f"--year={year}", "--workers=1"]
    code, out, err = run_main(main, *flags, "--imsizes", 16, 32)
    assert code == 0, err
    result = json.loads(out.splitlines()[-1])
    assert result["splits"] == {
        "train": {"pictures": 3, "captions": 17, "classes": 3},
        "test": {"pictures": 2, "captions": 10, "classes": 2},
    }
    train = open_split(tmp_path / "out", "train")
    assert train.card["left_out"] == 1 and "CC BY 4.0" in train.card["licence"]
    assert [len(train.record(i)["captions"]) for i in range(3)] == [5, 7, 5]
    assert len(set(train.labels)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("year", [2017], indirect=True)
def test_stage_one_trains_on_it(root, stage_one):
    stage_one(main, "coco", "--source", root)
