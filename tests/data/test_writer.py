"""Writing a prepared set: nothing lost, nothing half done, captions and embeddings in step."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data import tables, writer
from misc.data.picture import Pictures
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine
from misc.data.writer import write_embeddings, write_set
from misc.sources.source import card


@pytest.fixture
def splits(make_pictures, tmp_path):
    """Pictures of two splits: 6 of red, green, blue and 4 of yellow, white; three captions each."""
    raw = tmp_path / "raw"
    return {
        "train": make_pictures(raw, ("red", "green", "blue"), per_class=2),
        "test": make_pictures(raw, ("yellow", "white"), per_class=2),
    }


@pytest.fixture
def prepare_set(splits, tmp_path):
    """`prepare_set(**changes)` writes `splits` to tmp_path / "set" and returns the card."""

    def run(**changes):
        options = {
            "name": "small",
            "imsizes": (16, 32),
            "attribute_names": ("is_red", "is_round"),
            "card": card("tests", "by colour", "class", "ours"),
            "workers": 1,
        }
        return write_set(tmp_path / "set", splits, **{**options, **changes})

    return run


def files(folder):
    """Relative path -> content of every file below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_card_counts_and_is_what_set_json_holds(prepare_set, tmp_path):
    facts = prepare_set()
    assert facts == json.loads((tmp_path / "set/set.json").read_text())
    assert facts["splits"]["train"] == {"pictures": 6, "captions": 18, "classes": 3}
    assert facts["splits"]["test"] == {"pictures": 4, "captions": 12, "classes": 2}
    assert (facts["format"], facts["name"], facts["source"]) == (2, "small", "tests")
    assert (facts["imsizes"], facts["sizes"], facts["stretch"]) == ([16, 32], [19, 38], False)
    assert facts["classes"] == ["blue", "green", "red", "white", "yellow"]
    assert facts["captions_per_picture"] == [3, 3] and facts["broken"] == []
    assert not (tmp_path / "set/.partial").exists()


def test_the_card_counts_words_and_knows_its_content(prepare_set, splits, tmp_path):
    before = prepare_set()
    # a red square, this is a red square, there is one red square here; five colours, two shapes
    words = {"a", "this", "is", "there", "one", "here", "square", "circle"}
    assert before["vocabulary"] == len(words) + 5
    assert prepare_set()["checksum"] == before["checksum"]
    first = splits["train"][0]
    for change in ({"captions": ("don't 12",)}, {"name": "other"}, {"class_name": "green"}):
        splits["train"][0] = dataclasses.replace(first, **change)
        assert prepare_set()["checksum"] != before["checksum"]
    splits["train"][0] = dataclasses.replace(first, box=None)
    assert prepare_set()["checksum"] != before["checksum"]
    splits["train"][0] = dataclasses.replace(first, captions=("don't 12", "Don't é"))
    facts = prepare_set()
    assert facts["vocabulary"] == before["vocabulary"] + 2  # don't, é
    assert facts["captions_per_picture"] == [2, 3]


def test_a_picture_may_be_a_class_of_its_own(prepare_set, splits, tmp_path):
    for split, pictures in splits.items():
        splits[split] = [dataclasses.replace(p, class_name=None) for p in pictures]
    splits["test"][0] = dataclasses.replace(splits["test"][0], class_name="shared")
    facts = prepare_set()
    assert facts["classes"] == ["shared"] and facts["splits"]["test"]["classes"] == 4
    assert open_split(tmp_path / "set", "train").labels.tolist() == [1, 2, 3, 4, 5, 6]
    assert open_split(tmp_path / "set", "test").labels.tolist() == [0, 7, 8, 9]


def test_broken_pictures_are_left_out_with_their_embeddings(prepare_set, splits, tmp_path):
    rows = {s: np.arange(len(p) * 3 * 2).reshape(-1, 3, 2) for s, p in splits.items()}
    splits["train"][1].image.write_bytes(b"no picture")
    facts = prepare_set(skip_broken=True, embeddings={"text": rows})
    assert facts["splits"]["train"]["pictures"] == 5 and facts["left_out"] == 1
    assert splits["train"][1].image.name in facts["broken"][0]
    train = open_split(tmp_path / "set", "train")
    assert [train.record(i)["name"] for i in range(5)] == [
        splits["train"][i].name for i in (0, 2, 3, 4, 5)
    ]
    assert np.array_equal(
        train.embeddings("text").reshape(-1, 3, 2), rows["train"][[0, 2, 3, 4, 5]]
    )
    assert len(train.pictures(range(5), 38)) == 5


def test_a_stream_becomes_the_same_set_as_a_list(prepare_set, splits, tmp_path):
    listed = prepare_set()
    before = files(tmp_path / "set")
    for split, pictures in list(splits.items()):
        splits[split] = Pictures(lambda pictures=pictures: iter(pictures), len(pictures))
    assert prepare_set() == listed and files(tmp_path / "set") == before


def test_twice_the_same_bytes(prepare_set, tmp_path):
    prepare_set()
    first = files(tmp_path / "set")
    prepare_set()
    assert files(tmp_path / "set") == first


def test_captions_of_any_number_and_letters(prepare_set, splits, tmp_path):
    texts = [("one",), (), ("Gr\u00fc\u00dfe \u4f60\u597d", "\udcff", "c"), ("d",), ("e", "f"), ()]
    splits["train"] = [
        dataclasses.replace(picture, captions=captions)
        for picture, captions in zip(splits["train"], texts, strict=True)
    ]
    assert prepare_set()["splits"]["train"]["captions"] == 7
    split = open_split(tmp_path / "set", "train")
    assert split.index["count"].tolist() == [1, 0, 3, 1, 2, 0]
    assert split.index["first"].tolist() == [0, 1, 1, 4, 5, 7]
    assert [tuple(split.record(i)["captions"]) for i in range(6)] == texts


def test_preparing_again_replaces_only_what_was_prepared(prepare_set, splits, tmp_path):
    out = tmp_path / "set"
    (out / "train/embeddings").mkdir(parents=True)
    (out / "train/filenames.pickle").write_bytes(b"the user's own")
    prepare_set()
    write_quarantine(out / "train", {5: Quarantined(splits["train"][5].name, "grey")})
    write_embeddings(out / "train", "text", [np.zeros((18, 4))])
    splits["train"] = splits["train"][2:]
    prepare_set(attribute_names=("is_red", "is_round"))
    assert (out / "train/filenames.pickle").read_bytes() == b"the user's own"
    split = open_split(out, "train")
    assert len(split) == 4
    with pytest.raises(UserError, match="there are: none"):  # they belonged to other captions
        split.embeddings("text")


def test_embeddings_stay_while_the_captions_do(prepare_set, splits, tmp_path):
    out = tmp_path / "set"
    prepare_set()
    for split, rows in (("train", 18), ("test", 12)):
        write_embeddings(out / split, "text", [np.zeros((rows, 4))])
        (out / split / "embeddings/text.json").write_text("{}")
    splits["train"][0] = dataclasses.replace(splits["train"][0], attributes=(0, 0))
    splits["test"][0] = dataclasses.replace(splits["test"][0], captions=("a", "b", "c"))
    prepare_set()
    assert open_split(out, "train").embeddings("text").shape == (18, 4)
    assert (out / "train/embeddings/text.json").is_file()
    assert not list((out / "test/embeddings").iterdir())


def test_names_of_files_need_not_be_text(prepare_set, splits, tmp_path):
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    splits["train"][0] = dataclasses.replace(splits["train"][0], name=name)
    prepare_set()
    assert open_split(tmp_path / "set", "train").record(0)["name"] == name


def test_without_attributes_there_is_no_file_of_them(prepare_set, splits, tmp_path):
    prepare_set()
    for name, pictures in splits.items():
        splits[name] = [dataclasses.replace(picture, attributes=()) for picture in pictures]
    prepare_set(attribute_names=())
    assert not (tmp_path / "set/train/attributes.npy").exists()
    assert open_split(tmp_path / "set", "train").attributes is None


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_bad_picture_leaves_the_earlier_set_whole(prepare_set, splits, tmp_path, content):
    prepare_set()
    before = files(tmp_path / "set")
    bad = splits["test"][3].image
    bad.write_bytes(content)
    with pytest.raises(UserError, match=bad.name):
        prepare_set()
    after = files(tmp_path / "set")
    assert {name: after[name] for name in before} == before
    assert len(open_split(tmp_path / "set", "train")) == 6


def test_a_set_is_incomplete_until_set_json_is_there(prepare_set, tmp_path, monkeypatch):
    prepare_set()

    def killed(path, content):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_atomic", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_set()
    with pytest.raises(UserError, match="no prepared set"):
        open_split(tmp_path / "set", "train")
    prepare_set()
    assert len(open_split(tmp_path / "set", "train").pictures(range(6), 19)) == 6


def test_a_second_run_keeps_the_shards_of_a_killed_one(prepare_set, tmp_path, monkeypatch):
    packed = []
    whole = writer.write_shards

    def packs(shards, *arguments):
        shards = list(shards)
        packed.append([shard.is_done() for shard in shards])
        return whole(shards, *arguments)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "write_shards", packs)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_tables", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_set()
    stale = tmp_path / "set/.partial/train/00000-of-another-plan"
    stale.mkdir()
    prepare_set()
    assert packed == [[False, False], [True, True]]
    assert len(open_split(tmp_path / "set", "test").pictures(range(4), 38)) == 4


def test_empty_splits_double_names_odd_sizes_and_attributes(prepare_set, splits):
    with pytest.raises(UserError, match="two sizes"):
        prepare_set(imsizes=(32, 16))
    with pytest.raises(UserError, match="expected 1 of"):
        prepare_set(attribute_names=("is_red",))
    train = splits["train"]
    splits["train"] = [*train, train[0]]
    with pytest.raises(UserError, match=f"2 pictures are named {train[0].name}"):
        prepare_set()
    splits["train"] = []
    with pytest.raises(UserError, match="'train' has no pictures"):
        prepare_set()


def test_an_output_below_a_file_is_the_users_mistake(splits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file.*choose another path"):
        write_set(tmp_path / "file/set", splits, name="x", attribute_names=("a", "b"), card={})


# Embeddings


def imported(width=5, captions=3, **changes):
    arrays = {"train": np.random.default_rng(0).normal(size=(6, captions, width))}
    arrays["test"] = np.ones((4, captions, width), np.float32)
    return {"char-CNN-RNN": {**arrays, **changes}}


def test_imported_embeddings_are_stored_a_row_a_caption(prepare_set, tmp_path):
    embeddings = imported()
    prepare_set(embeddings=embeddings)
    split = open_split(tmp_path / "set", "train")
    rows, array = split.embeddings("char-CNN-RNN"), embeddings["char-CNN-RNN"]["train"]
    first = split.index["first"][4]
    np.testing.assert_array_equal(rows[first : first + 3], array[4].astype(np.float32))
    assert rows.shape == (18, 5)


def test_imported_embeddings_rule_where_there_is_no_text(prepare_set, splits, tmp_path):
    for name, pictures in splits.items():
        splits[name] = [dataclasses.replace(picture, captions=()) for picture in pictures]
    arrays = imported()["char-CNN-RNN"]
    flat = {name: array[:, 0] for name, array in arrays.items()}  # rank 2: one caption each
    card = prepare_set(embeddings={"char-CNN-RNN": flat})
    split = open_split(tmp_path / "set", "train")
    assert card["splits"]["train"]["captions"] == 6 and split.index["count"].tolist() == [1] * 6
    assert split.record(2)["captions"] == []
    np.testing.assert_allclose(split.embeddings("char-CNN-RNN"), flat["train"], rtol=1e-6)


@pytest.mark.parametrize(
    ("embeddings", "complaint"),
    [
        (imported(captions=10), "has 3 captions but 10 embeddings of char-CNN-RNN"),
        (imported(train=np.ones((5, 3, 5))), r"shape \(5, 3, 5\), expected \(6 pictures"),
        (imported(train=np.ones(6)), r"shape \(6,\)"),
        (imported(train=np.full((6, 3, 5), np.nan)), "NaN or infinity"),
        (imported(train=np.full((6, 3, 5), 1e300)), "NaN or infinity"),
        ({"text": {"train": np.ones((6, 3, 5))}}, "given for train, expected train, test"),
        ({"../x": imported()["char-CNN-RNN"]}, "plain file name"),
    ],
)
def test_bad_imported_embeddings_are_refused(prepare_set, embeddings, complaint):
    with pytest.raises(UserError, match=complaint), np.errstate(over="ignore"):
        prepare_set(embeddings=embeddings)


def test_write_embeddings_joins_blocks(prepare_set, tmp_path):
    prepare_set()
    rows = np.random.default_rng(0).normal(size=(18, 7)).astype(np.float32)
    path = write_embeddings(
        tmp_path / "set/train", "run_3", (rows[i : i + 5] for i in (0, 5, 10, 15))
    )
    assert path == tmp_path / "set/train/embeddings/run_3.npy"
    np.testing.assert_array_equal(open_split(tmp_path / "set", "train").embeddings("run_3"), rows)


def test_bad_embeddings_leave_the_old_ones(prepare_set, tmp_path):
    prepare_set()
    folder = tmp_path / "set/train"
    path = write_embeddings(folder, "text", [np.ones((18, 4))])
    old = path.read_bytes()
    with pytest.raises(UserError, match="17 embeddings, expected 18"):
        write_embeddings(folder, "text", [np.ones((17, 4))])
    with pytest.raises(UserError, match="9 to 17 contain NaN"):
        write_embeddings(folder, "text", [np.ones((9, 4)), np.full((9, 4), np.inf)])
    with pytest.raises(ValueError, match="expected .rows, 4."):
        write_embeddings(folder, "text", [np.ones((9, 4)), np.ones((9, 5))])
    assert path.read_bytes() == old and [path] == list(path.parent.iterdir())


def test_embeddings_on_a_full_disk_leave_the_old_ones(prepare_set, tmp_path):
    pytest.importorskip("resource")
    prepare_set()
    folder = tmp_path / "set/train"
    path = write_embeddings(folder, "text", [np.ones((18, 4))])
    old = path.read_bytes()
    program = f"""
import resource
import numpy as np
from misc.config.errors import run_program
from misc.data.writer import write_embeddings
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
blocks = (np.ones((1, 1024)) for _ in range(18))
raise SystemExit(run_program(lambda argv: write_embeddings({str(folder)!r}, "text", blocks) and 0))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: cannot write")
    assert path.read_bytes() == old and [path] == list(path.parent.iterdir())
