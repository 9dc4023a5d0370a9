"""Directions of a run: made of its training pictures, kept, and made again."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from easydict import EasyDict

from editor.directions import BLOCK, FOLDER, Directions, counts_of, find_directions
from editor.methods import METHODS
from misc.config.errors import UserError
from misc.data.prepared import open_split

NAMES = ["is_red", "is_round"]


@pytest.fixture(scope="module")
def data(make_set):
    """36 training pictures: 12 red ones, 18 round; of the last one nothing is known."""
    return make_set(per_class=12, width=None)


@pytest.fixture
def editor(data):
    """Codes are the mean of each colour: linear, and no network."""
    cfg = EasyDict(DATA_DIR=str(data), DATASET_NAME="tiny", IMAGE={"SIZE": 32}, Z_DIM=3)

    def encode(pictures):
        editor.seen.append(len(pictures))
        return pictures.mean((1, 2)).astype(np.float32)

    editor = SimpleNamespace(cfg=cfg, digest="ab" * 32, step=5, seen=[], encode=encode)
    return editor


def test_directions_are_made_for_all_methods_and_kept(editor, data, tmp_path, capsys):
    found = find_directions(editor, tmp_path, "regression")
    assert found.names == ("is_red", "is_round") and capsys.readouterr().err == ""
    assert found.vectors.dtype == np.float32 and found.vectors.shape == (2, 3)
    red = found.move({"is_red": 1})
    assert red[0] > 10 > red[1] and red[0] > 10 > red[2]
    assert found.counts["is_red"] == (12, 23, 1) and (found.step, found.method) == (5, "regression")
    assert {path.stem for path in (tmp_path / FOLDER).iterdir()} == set(METHODS)
    again = {method: find_directions(editor, tmp_path, method) for method in METHODS}
    assert editor.seen == [36]
    np.testing.assert_array_equal(again["regression"].vectors, found.vectors)
    split = open_split(data, "train")
    codes = np.stack([editor.encode(np.stack([p]))[0] for p in pictures(split)])
    known = np.asarray(split.attributes)[:, 0]
    difference = codes[known == 1].mean(0) - codes[known == 0].mean(0)
    np.testing.assert_allclose(again["difference"].vectors[0], difference, rtol=1e-4)


def pictures(split):
    from editor.data import centres

    return centres(split, range(len(split)), 32)


def test_steps_are_added_up(editor, tmp_path):
    found = find_directions(editor, tmp_path, "difference")
    red, rounded = found.vectors
    moved = found.move({"is_red": -0.5, "is_round": 2})
    np.testing.assert_allclose(moved, 2 * rounded - red / 2, rtol=1e-5)
    assert not found.move({}).any() and found.move({}).shape == (3,)


def test_another_checkpoint_makes_them_again(editor, tmp_path, capsys):
    find_directions(editor, tmp_path, "balanced")
    editor.digest, editor.step = "cd" * 32, 9
    found = find_directions(editor, tmp_path, "balanced")
    assert (found.step, found.digest, len(editor.seen)) == (9, editor.digest, 2)
    assert "or of another checkpoint or set: made again" in capsys.readouterr().err
    kept = Directions.load(tmp_path / FOLDER / "difference.npz")
    assert kept.step == 9


def test_another_set_makes_them_again_and_a_missing_one_does_not(editor, data, make_set, tmp_path):
    other = make_set(per_class=11, width=None)
    find_directions(editor, tmp_path, "difference")
    found = find_directions(editor, tmp_path, "difference", other)
    assert sum(found.counts["is_red"]) == 33 and len(editor.seen) == 2
    editor.cfg.DATA_DIR = str(tmp_path / "gone")
    assert find_directions(editor, tmp_path, "difference").counts == found.counts
    assert counts_of(tmp_path, editor.cfg) == found.counts
    with pytest.raises(UserError, match="no prepared set here"):
        find_directions(editor, tmp_path, "difference", tmp_path / "gone")
    editor.digest = "ef" * 32  # nothing to make them of
    with pytest.raises(UserError, match="gone: no prepared set here"):
        find_directions(editor, tmp_path, "difference")


def test_rare_attributes_are_left_out_and_named(editor, make_set, tmp_path, capsys):
    data = make_set(per_class=4, width=None)
    found = find_directions(editor, tmp_path, "regression", data)
    assert found.names == () and found.counts["is_red"] == (4, 7, 1)
    assert "no direction of is_red, is_round: fewer than 10 pictures" in capsys.readouterr().err
    with pytest.raises(UserError, match="is_red has no direction: of the training pictures 4 have"):
        found.move({"is_red": 1})
    with pytest.raises(UserError, match=r"'is_rod' .* \(nearest: .*is_red"):
        found.move({"is_rod": 1})
    assert Directions.load(tmp_path / FOLDER / "regression.npz").vectors.shape == (0, 3)


def test_a_set_without_attributes(editor, data, tmp_path):
    mute = tmp_path / "mute"
    shutil.copytree(data, mute)
    card = json.loads((mute / "set.json").read_text())
    (mute / "set.json").write_text(json.dumps(card | {"attributes": []}))
    for ask in (lambda: counts_of(tmp_path, editor.cfg, mute),
                lambda: find_directions(editor, tmp_path, "balanced", mute)):  # fmt: skip
        with pytest.raises(UserError, match="has no attributes, so there is nothing to edit by"):
            ask()


def test_many_pictures_are_encoded_some_at_a_time(editor, tmp_path, monkeypatch):
    monkeypatch.setattr("editor.directions.BLOCK", 16)
    monkeypatch.setattr("editor.directions.MOST", 20)
    found = find_directions(editor, tmp_path, "difference")
    assert BLOCK > 16 and editor.seen == [16, 4] and sum(found.counts["is_red"]) == 20


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["is_red"]},
        {"names": ["is_red", "is_blue"]},
        {"counts": {"is_red": [12, 24, 0], "is_round": [18]}},
        {"counts": None},
        {"method": "magic"},
        {"step": "late"},
        {"digest": None, "names": None},
    ],
)
def test_a_file_that_was_tampered_with(editor, tmp_path, change):
    find_directions(editor, tmp_path, "difference")
    path = tmp_path / FOLDER / "difference.npz"
    with np.load(path) as arrays:
        facts, vectors = json.loads(arrays["facts"].tobytes()), arrays["vectors"]
    text = np.frombuffer(json.dumps(facts | change).encode(), np.uint8)
    np.savez(path, vectors=vectors, facts=text)
    with pytest.raises(UserError, match="damaged or not what its name says"):
        Directions.load(path)
    np.savez(path, vectors=vectors[:1], facts=np.frombuffer(json.dumps(facts).encode(), np.uint8))
    with pytest.raises(UserError, match="damaged"):
        Directions.load(path)


def test_a_damaged_file_is_made_again(editor, tmp_path, capsys):
    found = find_directions(editor, tmp_path, "balanced")
    path = tmp_path / FOLDER / "balanced.npz"
    path.write_bytes(path.read_bytes()[:-9])
    assert find_directions(editor, tmp_path, "balanced").counts == found.counts
    assert "balanced.npz: damaged" in capsys.readouterr().err
    assert Directions.load(path).names == found.names


def test_a_file_of_another_width_is_made_again(editor, tmp_path):
    found = find_directions(editor, tmp_path, "difference")
    path = tmp_path / FOLDER / "difference.npz"
    Directions(**vars(found) | {"vectors": found.vectors[:, :2]}).save(path)
    assert Directions.load(path).vectors.shape == (2, 2)
    assert find_directions(editor, tmp_path, "difference").vectors.shape == (2, 3)
