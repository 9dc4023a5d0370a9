"""The released files of Reed et al.: classes, captions, views, a whole run, every mistake."""

import json
import shutil

import numpy as np
import pytest

from encoder import evaluate
from encoder.alphabet import LENGTH, encode
from encoder.batches import PairBatches
from encoder.data import EncoderData, learns_from_features
from encoder.heldout import HeldOut
from encoder.release import ReleaseSplit, is_release, open_release
from encoder.run_exp import main
from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.torch7 import read_t7


def settings(release, *keys):
    small = ["TRAIN.BATCH_SIZE=3", "TEXT.DIMENSION=4", "TEXT.CNN_DIM=5", "TEXT.WIDTHS=[6, 5]"]
    small += ["TEXT.SPREAD=0.4", "TEXT.STEPS=8", "TEXT.RECURRENCE=rnn", f"DATA_DIR={release}"]
    return [*small, *keys]


def config(release, *keys):
    return load_config("encoder", None, settings(release, *keys))


def expected(number, picture, view):
    """Feature of the fixture's release."""
    feature = np.zeros(4, np.float32)
    if view == 0:
        feature[slice(number - 1, number) if number < 5 else slice(None)] = 5
    feature[3] += 0.1 * number + 0.01 * picture + 0.001 * view
    return feature


def test_classes_captions_and_views(release):
    train, test = open_release(release, 4)
    assert [name[:3] for name in train.class_names] == ["005", "001", "003"]
    assert [name[:3] for name in test.class_names] == ["002", "004"]
    assert train.labels.tolist() == [0] * 6 + [1] * 2 + [2] * 4
    assert train.index["count"].tolist() == [2] * 12
    assert train.record(5)["captions"] == ["kind-5 picture 5 text 0", "kind-5 picture 5 text 1"]
    assert train.record(7)["captions"][1] == "kind-1 picture 1 text 1"
    # Captions of a class are those of each of its pictures.
    assert train.record(8) == train.record(11)
    assert train.record(11)["captions"][0] == "kind-3 picture 0 text 0"
    assert train.features.shape == (12, 4, 3) and train.features.dtype == np.float32
    np.testing.assert_allclose(train.features[7, :, 2], expected(1, 1, 2), atol=1e-6)
    assert test.features.shape == (8, 4)
    np.testing.assert_allclose(test.features[4], expected(4, 1, 0), atol=1e-6)


@pytest.mark.parametrize("listed", ["trainvalclasses.txt", "trainids.txt", "trainclasses.txt"])
def test_other_lists(release, listed):
    (release / "trainvalids.txt").unlink()
    ids = listed.endswith("ids.txt")
    (release / listed).write_text("3\n1\n" if ids else "003.Kind_3\n001.Kind_1\n")
    if not ids:
        (release / "manifest.txt").unlink()
    (release / "testclasses.txt").unlink()
    train, test = open_release(release, 4)
    assert train.class_names == ["003.Kind_3", "001.Kind_1"] and test is None
    assert EncoderData(config(release, "TRAIN.BATCH_SIZE=2")).heldout is None


def test_a_genuine_class(t7_files, tmp_path):
    for folder, name in (("text_c10", "cub_text_c10"), ("images", "cub_images")):
        (tmp_path / folder).mkdir()
        shutil.copy(t7_files / f"{name}.t7", tmp_path / folder / "Bird.t7")
    split = ReleaseSplit(tmp_path, ["Bird"], 8, every_view=True)
    np.testing.assert_array_equal(split.features, read_t7(t7_files / "cub_images.t7"))
    texts = read_t7(t7_files / "cub_text_c10.t7")
    for picture in range(3):
        captions = split.record(picture)["captions"]
        assert len(captions) == 10
        for indices, caption in zip(texts[picture].T, captions, strict=True):
            end = [*indices.tolist(), 0].index(0)  # what follows is not read
            known = np.where(indices == 37, 60, indices)[:end]  # the hyphen stands twice
            np.testing.assert_array_equal(encode([caption])[0], np.pad(known, (0, LENGTH - end)))


def test_batches_pair_captions_with_views(release):
    train, _ = open_release(release, 4)
    batches = PairBatches(train, batch_size=3, seed=0, side=64, features=train.features)
    assert batches.steps_per_epoch == 3
    seen, views = set(), set()
    for step, batch in enumerate(batches.dataset(0).take(40).as_numpy_iterator()):
        plan = batches.plan(step)
        assert sorted(train.labels[plan.pictures]) == [0, 1, 2]
        for row, picture, caption, view in zip(
            range(3), plan.pictures, plan.captions, plan.views, strict=True
        ):
            text = train.record(picture)["captions"][caption]
            np.testing.assert_array_equal(batch["indices"][row], encode([text])[0])
            feature = train.features[picture, :, view]
            np.testing.assert_array_equal(batch["picture"][row], feature)
            seen.add(int(picture))
            views.add(int(view))
    assert seen == set(range(12)) and views == {0, 1, 2}


def test_held_out_classes_count_by_their_first_view(release):
    _, test = open_release(release, 4)
    heldout = HeldOut(test, side=64, seed=0, features=test.features)

    def embed(captions):
        return np.array([[0, "kind-2" in c, 0, "kind-4" in c] for c in captions], np.float32)

    numbers, sheet = heldout.measure(embed, lambda seen: seen)
    assert numbers == {"zero_shot_accuracy": 1.0, "zero_shot_chance": 0.5} and sheet is None
    assert len(heldout.captions) == 16  # of 3 and 5 pictures, two each


def test_training_runs_resumes_and_refuses_other_files(release, tmp_path, run_main, write_t7):
    folder = tmp_path / "run"

    def run(epochs):
        keys = settings(release, "GPU_ID=-1", "TRAIN.GRID_INTERVAL=3", f"TRAIN.MAX_EPOCH={epochs}")
        flags = [flag for key in [*keys, "TRAIN.LOG_INTERVAL=1"] for flag in ("--set", key)]
        return run_main(main, "--run", folder, *flags)

    code, _, err = run(1)
    assert code == 0, err
    code, out, _ = run(3)
    assert code == 0 and "goes on from step 3" in out
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == list(range(1, 10))
    assert {"zero_shot_accuracy", "zero_shot_chance"} <= log[-1].keys()
    assert not (folder / "grids").exists()

    page = folder / "page.md"
    code, out, _ = run_main(evaluate.main, "--run", folder, "--data", release, "--page", page)
    first = json.loads(out.splitlines()[0])
    assert code == 0 and first["metric"] == "zero_shot_top1" and first["chance"] == 0.5
    assert (first["pictures"], first["classes"]) == (8, 2)
    assert page.is_file() and not page.with_suffix(".png").exists()

    path = release / "images" / "001.Kind_1.t7"
    write_t7(path, read_t7(path) + np.float32(1))
    code, _, err = run(4)
    assert code == 2 and "was begun on other data: training classes (" in err


def test_a_bag_learns_the_words_of_a_release(release, run_main, tmp_path):
    bag = ["TEXT.KIND=bag", "TEXT.WORD_DIM=4", "GPU_ID=-1", "TRAIN.MAX_EPOCH=1"]
    flags = [flag for key in settings(release, *bag) for flag in ("--set", key)]
    code, _, err = run_main(main, "--run", tmp_path / "bag", *flags)
    assert code == 0, err


def test_what_a_release_is(release, tiny_set, tmp_path):
    assert is_release(release) and not is_release(tiny_set) and not is_release(tmp_path / "no")
    assert learns_from_features(config(release)) and not learns_from_features(config(tiny_set))
    (release / "set.json").write_text("{}")  # a prepared set may lie in the same folder
    assert not is_release(release)


def texts(change):
    return "text_c10/001.Kind_1.t7", change


def images(change):
    return "images/001.Kind_1.t7", change


@pytest.mark.parametrize(
    "file, change, reason",
    [
        (*texts(lambda a: a + 0.5), "float64 of shape .* whole numbers from 0 to 70"),
        (*texts(lambda a: a + 60), "whole numbers from 0 to 70"),
        (*texts(lambda a: a[:, :200]), r"of shape \(2, 200, 2\), expected"),
        (*texts(lambda a: a[0]), r"of shape \(201, 2\), expected"),
        (*texts(lambda a: {"txt": a}), "no tensor, expected"),
        (*texts(lambda a: np.concatenate([a, a])), "captions of 4 pictures and features of 2"),
        (*images(lambda a: a[:, :3]), r"of shape \(2, 3, 3\), expected \(pictures, 4, views\)"),
        (*images(lambda a: a * np.float32(np.nan)), "finite numbers, as wide as TEXT.DIMENSION"),
        (*images(lambda a: a + np.float64(1e300)), "finite numbers"),
        (*images(lambda a: a.astype(np.uint8)), "uint8 of shape"),
        (
            *images(lambda a: a[:, :, :2]),
            "001.Kind_1 has features of 2 views, the classes before of 3",
        ),
    ],
)
def test_files_that_do_not_fit_are_named(release, write_t7, file, change, reason):
    write_t7(release / file, change(read_t7(release / file)))
    with pytest.raises(UserError, match=reason):
        open_release(release, 4)


@pytest.mark.parametrize(
    "file, content, reason",
    [
        ("trainvalids.txt", "1\n6\n", "'6' is no number of the 5 lines of manifest.txt"),
        ("trainvalids.txt", "1\n-1\n", "'-1' is no number"),
        ("trainvalids.txt", "1\n1\n", "a class is named twice"),
        ("trainvalids.txt", "1\n2\n", "002.Kind_2 is in trainvalids.txt and in testclasses.txt"),
        ("testclasses.txt", "../../other\n", "leads out of"),
        ("testclasses.txt", "006.No\n", "006.No.t7 cannot be read"),
        ("manifest.txt", None, "manifest.txt: cannot be read"),
        ("trainvalids.txt", None, "expected one of trainvalids.txt, trainvalclasses.txt"),
    ],
)
def test_lists_that_do_not_fit_are_named(release, file, content, reason):
    if content:
        (release / file).write_text(content)
    else:
        (release / file).unlink()
    with pytest.raises(UserError, match=reason):
        open_release(release, 4)


def test_features_of_its_own_are_enough(release):
    with pytest.raises(UserError, match="TRAIN.IMAGE_FEATURES is net, but .* leave it out"):
        EncoderData(config(release, "TRAIN.IMAGE_FEATURES=net"))
