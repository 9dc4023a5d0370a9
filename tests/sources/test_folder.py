"""Plain picture folders: what their classes are, and how they are split."""

import pytest

from misc.config.errors import UserError
from misc.sources.folder import folder


def classes(pictures):
    return sorted({picture.class_name for picture in pictures})


@pytest.fixture
def pictures(tmp_path):
    """`pictures({path: caption})`: a folder of empty picture files with captions beside them."""

    def make(captions):
        for file, caption in captions.items():
            path = tmp_path / "pictures" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
            if caption:
                path.with_suffix(".txt").write_text(caption)
        return tmp_path / "pictures"

    return make


def test_sub_folders_are_classes(pictures):
    root = pictures({f"{kind}/{i}.png": "an animal" for kind in "abcdefghij" for i in range(3)})
    source = folder(root)
    test = source.splits["test"]
    assert len(test) == 3 and len(classes(test)) == 1 and len(source.splits["train"]) == 27
    assert not set(classes(test)) & set(classes(source.splits["train"]))
    assert test[0].image == root / f"{test[0].name}.png" and test[0].captions == ("an animal",)
    assert "sub-folder" in source.card["source"]
    assert folder(root).splits == source.splits
    assert any(folder(root, seed=seed).splits != source.splits for seed in range(1, 5))


def test_the_same_captions_are_one_class(pictures):
    captions = {"a.png": "red\nbird", "b.png": "bird\nred", "c.png": "red", "d/e.png": "blue"}
    source = folder(pictures({**captions, "d/f.png": "green", "d/nothing.png": None}))
    everything = source.splits["train"] + source.splits["test"]
    kinds = {picture.name: picture.class_name for picture in everything}
    assert set(kinds) == {"a", "b", "c", "d/e", "d/f"} and source.card["left_out"] == 1
    assert kinds["a"] == kinds["b"] and len(set(kinds.values())) == 4
    assert "captions that are the same" in source.card["source"]


def test_one_sub_folder_alone_is_no_class(pictures):
    source = folder(pictures({f"all/{i}.png": f"number {i}" for i in range(10)}), test_share=0.2)
    assert len(source.splits["test"]) == 2 and len(classes(source.splits["train"])) == 8


def test_a_class_column_decides(pictures, tmp_path):
    root = pictures({f"{kind}/{i}.png": None for kind in "ab" for i in range(4)})
    table = tmp_path / "captions.csv"
    lines = [f"{kind}/{i},a {kind},{i}" for kind in "ab" for i in range(4)]
    table.write_text("\n".join(["file,caption,kind", *lines]))
    source = folder(root, table, class_column="kind", test_share=0.25)
    assert len(source.splits["test"]) == 2 and len(classes(source.splits["test"])) == 1
    assert "column kind" in source.card["source"]


def test_few_classes_are_split_by_picture(pictures):
    root = pictures(
        {f"{kind}/{i}.png": "an animal" for kind in ("cats", "dogs") for i in range(20)}
    )
    source = folder(root)
    for part, number in (("train", 36), ("test", 4)):
        assert classes(source.splits[part]) == ["cats", "dogs"]
        assert len(source.splits[part]) == number
    assert "by picture" in source.card["split_rule"]


def test_a_single_class_has_no_wrong_picture(pictures):
    root = pictures({f"{i}.png": "a bird" for i in range(20)})
    with pytest.raises(UserError, match="one class, '00000 a bird', so no wrong picture"):
        folder(root)


def test_too_few_pictures(pictures):
    with pytest.raises(UserError, match="2 pictures are too few"):
        folder(pictures({"a.png": "a", "b.png": "b"}))


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_an_impossible_share(pictures, share):
    with pytest.raises(UserError, match="more than 0 and less than 1"):
        folder(pictures({"a.png": "a", "b.png": "b", "c.png": "c"}), test_share=share)
