"""Quarantine: its pictures are nowhere to be seen, the rest is as it was, no line is trusted."""

import json
import shutil

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.batches import GanBatches
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, read_quarantine, write_quarantine

GONE = {1: "red/red_01", 4: "green/green_00", 11: "blue/blue_03"}
STAY = [0, 2, 3, 5, 6, 7, 8, 9, 10]


@pytest.fixture
def own_set(tiny_set, tmp_path):
    """A copy of the tiny set, 3 of its 12 training pictures in quarantine."""
    folder = shutil.copytree(tiny_set, tmp_path / "own")
    write_quarantine(folder / "train", {i: Quarantined(name, "near") for i, name in GONE.items()})
    return folder


def test_entries_come_back_as_written_by_row(tmp_path):
    entries = {7: Quarantined("a\u2028\ud800b", "near"), 0: Quarantined("c/d", "copy-across")}
    write_quarantine(tmp_path, entries)
    assert list(read_quarantine(tmp_path).items()) == sorted(entries.items())
    write_quarantine(tmp_path, {})
    assert not list(tmp_path.iterdir()) and read_quarantine(tmp_path) == {}
    write_quarantine(tmp_path, {})


def test_what_is_in_quarantine_is_left_out_everywhere(tiny_set, own_set):
    whole, split = open_split(tiny_set, "train"), open_split(own_set, "train")
    assert len(split) == 9 and split.rows.tolist() == STAY and set(split.quarantined) == set(GONE)
    assert np.array_equal(split.index, whole.index[STAY])
    assert split.labels.tolist() == whole.labels[STAY].tolist() and split.labels.dtype == np.int32
    assert np.array_equal(split.attributes, whole.attributes[STAY])
    assert split.pictures(range(9), 38) == whole.pictures(STAY, 38)
    assert [split.record(i) for i in range(9)] == [whole.record(i) for i in STAY]
    assert len(open_split(own_set, "test")) == 8


def test_embeddings_stay_whole_and_are_still_found(tiny_set, own_set):
    whole, split = open_split(tiny_set, "train"), open_split(own_set, "train")
    rows = split.embeddings("text")
    assert np.array_equal(rows, whole.embeddings("text")) and split.embedding_rows == 36
    expected = [[3 * i, 3 * i + 1, 3 * i + 2] for i in STAY]
    assert split.rows_of_captions().tolist() == sum(expected, [])
    assert whole.rows_of_captions().tolist() == list(range(36))


def test_whole_is_as_if_there_were_no_quarantine(tiny_set, own_set):
    split = open_split(own_set, "train", whole=True)
    assert len(split) == 12 and not split.quarantined and isinstance(split.index, np.memmap)
    assert split.pictures(range(12), 19) == open_split(tiny_set, "train").pictures(range(12), 19)


def test_batches_never_show_them(tiny_set, own_set):
    whole, split = open_split(tiny_set, "train"), open_split(own_set, "train")
    gone = set(whole.pictures(list(GONE), 19))
    options = {"imsize": 16, "batch_size": 3, "num_embedding": 2, "seed": 0}
    batches = GanBatches(split, split.embeddings("text"), **options)
    shown = set()
    for step in range(60):
        plan = batches.plan(step)
        pictures = split.pictures([*plan.real, *plan.wrong], 19)
        assert not gone & {*pictures}
        shown |= {*pictures}
        # A caption's row still leads to the picture it is shown with.
        assert (plan.captions // 3 == split.rows[plan.real][:, None]).all()
        assert (split.labels[plan.real] != split.labels[plan.wrong]).all()
    assert len(shown) == 9


def test_a_line_that_is_removed_brings_its_picture_back(own_set):
    path = own_set / "train" / "quarantine.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert set(open_split(own_set, "train").quarantined) == {4, 11}
    path.unlink()
    assert len(open_split(own_set, "train")) == 12


LINE = {"row": 1, "name": "red/red_01", "reason": "near"}


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "[1]",
        "{}",
        "[" * 60_000,
        json.dumps(LINE | {"row": -1}),
        json.dumps(LINE | {"row": True}),
        json.dumps(LINE | {"row": 1.0}),
        json.dumps(LINE | {"name": None}),
        json.dumps(LINE | {"reason": 3}),
        json.dumps(LINE | {"name": "x" * 70_000}),
        b"\xff",
    ],
)
def test_a_line_of_another_form_is_named(own_set, line):
    path = own_set / "train" / "quarantine.jsonl"
    content = line if isinstance(line, bytes) else line.encode()
    path.write_bytes(json.dumps(LINE).encode() + b"\n" + content)
    with pytest.raises(UserError, match=r"quarantine\.jsonl, line 2: not of the form.*remove"):
        open_split(own_set, "train")


@pytest.mark.parametrize("change", [{"row": 12}, {"row": 10**30}, {"row": 2}, {"name": "red/x"}])
def test_a_quarantine_of_another_preparation_is_refused(own_set, change):
    path = own_set / "train" / "quarantine.jsonl"
    path.write_text(json.dumps(LINE | change))
    with pytest.raises(UserError, match=r"another preparation of the set; remove it"):
        open_split(own_set, "train")
    assert len(open_split(own_set, "train", whole=True)) == 12


def test_a_split_is_never_empty(own_set):
    whole = open_split(own_set, "train", whole=True)
    names = [whole.record(i)["name"] for i in range(12)]
    write_quarantine(own_set / "train", {i: Quarantined(n, "x") for i, n in enumerate(names)})
    with pytest.raises(UserError, match="all 12 pictures are in quarantine"):
        open_split(own_set, "train")


def test_what_cannot_be_read_or_written_is_named(own_set, tmp_path):
    path = own_set / "train" / "quarantine.jsonl"
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"quarantine\.jsonl: cannot be read"):
        open_split(own_set, "train")
    with pytest.raises(UserError, match=r"cannot write .*quarantine\.jsonl"):
        write_quarantine(own_set / "train", {0: Quarantined("red/red_00", "near")})
