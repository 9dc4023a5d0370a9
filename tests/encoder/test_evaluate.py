"""The program that measures an encoder: its lines, its page, what it does without pictures."""

import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from encoder import evaluate
from encoder.evaluation_page import Neighbours, write_page
from encoder.model import ImageTower
from encoder.release import open_release
from encoder.trainer import build_text_encoder
from misc.config.errors import UserError
from misc.config.load import load_config, save_config
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine
from misc.training.loop import Checkpoints

KEYS = ["TEXT.DIMENSION=6", "TEXT.CNN_DIM=8", "TEXT.WIDTHS=[8, 8]", "TEXT.SPREAD=0.4", "GPU_ID=-1"]
KEYS += ["TEXT.RECURRENCE=rnn", "TEXT.STEPS=8", "IMAGE.SIZE=16", "IMAGE.WIDTH=4"]


def save_run(folder, data, *keys, tower=True):
    """A run folder as training leaves it, of a small untrained encoder."""
    cfg = load_config("encoder", None, [*KEYS, f"DATA_DIR={data}", *keys])
    folder.mkdir(parents=True)
    save_config(cfg, "encoder", folder / "config.yml")
    keras.utils.set_random_seed(0)
    networks = {"text_encoder": build_text_encoder(cfg)}
    if tower:
        networks["image_tower"] = ImageTower(16, 4, 6, 4)
    trainer = SimpleNamespace(networks=networks, optimizers={})
    Checkpoints(trainer, tf.Variable(3, dtype=tf.int64), folder, chief=True).save()
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_set):
    return save_run(tmp_path_factory.mktemp("runs") / "encoder_tiny", tiny_set)


def lines_of(out):
    return [json.loads(line) for line in out.splitlines()]


def test_every_number_is_a_line_with_its_chance(run, run_main, tiny_set):
    code, out, _ = run_main(evaluate.main, "--run", run)
    assert code == 0
    lines = lines_of(out)
    assert (run / "evaluation/encoder.jsonl").read_text() == out
    retrieved = {line["metric"]: line for line in lines if line["metric"] != "probe"}
    assert len(retrieved) == 11
    for line in retrieved.values():
        assert 0 <= line["value"] <= line["best"] and 0 < line["chance"] <= line["best"]
        assert (line["pictures"], line["captions"], line["classes"]) == (8, 24, 2)
    assert retrieved["caption_r@5"]["chance"] == 5 / 8
    facts = {"run": run.as_posix(), "step": 3, "data": str(tiny_set), "seed": 0}
    assert all(line.items() >= (facts | {"captions_a_class": None}).items() for line in lines)
    # No test picture is red; squares and circles there are, of one we do not know which it is.
    probes = [
        (line["attribute"], line["of"], line["captions"], line["chance"])
        for line in lines
        if line["metric"] == "probe"
    ]
    assert probes == [
        ("is_red", "all captions", 21, None),
        ("is_red", "captions that name it", 0, None),
        ("is_round", "all captions", 21, 0.5),
        ("is_round", "captions that name it", 0, None),
    ]


def test_captions_of_a_class_can_be_limited(run, run_main):
    code, out, _ = run_main(evaluate.main, "--run", run, "--captions", 5)
    assert code == 0 and {line["captions"] for line in lines_of(out)[:11]} == {10}
    assert all(line["captions_a_class"] == 5 for line in lines_of(out))


def test_a_choice_of_captions_is_seeded_and_keeps_their_order(make_set):
    split = open_split(make_set(per_class=3, captions=4), "train")
    every = evaluate.texts_of(split, 0)
    assert len(every.sentences) == 36 and every.owners.tolist() == sorted(every.owners)
    few = evaluate.texts_of(split, 0, a_class=5)
    assert np.bincount(split.labels[few.owners]).tolist() == [5, 5, 5]
    for texts in (few, evaluate.texts_of(split, 0, most=7)):
        assert texts.owners.tolist() == sorted(texts.owners)
        pairs = zip(texts.sentences, texts.owners, strict=True)
        assert all(text in split.record(int(i))["captions"] for text, i in pairs)
    assert len(evaluate.texts_of(split, 0, most=7).sentences) == 7
    again = evaluate.texts_of(split, 0, a_class=5)
    assert again.sentences == few.sentences
    assert evaluate.texts_of(split, 1, a_class=5).sentences != few.sentences


def test_the_page_is_the_same_twice(run, run_main, tmp_path):
    page, sheet = tmp_path / "docs/what is known.md", tmp_path / "docs/what is known.png"
    flags = ["--run", run, "--page", page, "--captions", 6]
    assert run_main(evaluate.main, *flags)[0] == 0
    written = page.read_bytes(), sheet.read_bytes()
    assert run_main(evaluate.main, *flags)[0] == 0
    assert (page.read_bytes(), sheet.read_bytes()) == written
    text = page.read_text()
    assert f"`python encoder/evaluate.py --run {run} --captions 6 --page {page}`" in text
    assert "8 pictures and 12 captions of 2 unseen classes" in text
    assert (
        "| AP@10: pictures of a class found by its captions |" in text
        and "| is_round | 50.0 % |" in text
    )
    assert "(what%20is%20known.png)" in text


def test_the_page_is_about_the_sentences_that_are_given(run, run_main, tmp_path):
    queries, page = tmp_path / "q.txt", tmp_path / "a.md"
    queries.write_text("a red square\n\na <b>green</b> *circle*\n")
    flags = ["--run", run, "--page", page, "--queries", queries]
    assert run_main(evaluate.main, *flags)[0] == 0
    text = page.read_text()
    assert "**a red square**\n\n- 1.00 a red square\n" in text
    assert "**a \\<b\\>green\\</b\\> \\*circle\\***" in text
    assert text.count("\n- ") == 10


def test_an_encoder_without_an_eye_is_measured_by_its_captions(tiny_set, run_main, tmp_path):
    blind, page = save_run(tmp_path / "blind", tiny_set, tower=False), tmp_path / "a.md"
    code, out, err = run_main(evaluate.main, "--run", blind, "--page", page)
    lines = lines_of(out)
    assert code == 0 and "no image tower came with this encoder" in err
    assert lines[0]["metric"] == "retrieval" and lines[0]["value"] is None
    assert "no image tower" in lines[0]["why"] and {line["metric"] for line in lines[1:]} == {
        "probe"
    }
    text = page.read_text()
    assert "Not measured: no image tower" in text and "## Nearest captions" in text
    assert "Nearest pictures" not in text and not page.with_suffix(".png").exists()


def test_features_of_the_split_stand_in_for_pictures(tiny_set, run_main, tmp_path):
    data = shutil.copytree(tiny_set, tmp_path / "set")
    run = save_run(tmp_path / "run", data, "TRAIN.IMAGE_FEATURES=net", tower=False)
    code, out, _ = run_main(evaluate.main, "--run", run)
    assert code == 0 and "test has no features net" in lines_of(out)[0]["why"]
    features = np.zeros((8, 6, 2), np.float32)
    features[:, :, 0] = np.arange(8)[:, None]
    (data / "test/features").mkdir()
    np.save(data / "test/features/net.npy", features)
    write_quarantine(data / "test", {2: Quarantined("yellow/yellow_02", "near")})
    _, cfg = evaluate_config(run)
    seen, why = evaluate.picture_embeddings(run, cfg, open_split(data, "test"))
    assert why == "" and seen[:, 0].tolist() == [0, 1, 3, 4, 5, 6, 7]  # their first view
    code, out, _ = run_main(evaluate.main, "--run", run)
    assert code == 0 and lines_of(out)[0]["pictures"] == 7
    cfg.TRAIN.IMAGE_FEATURES = "some/train.npy"
    assert evaluate.picture_embeddings(run, cfg, None)[0] is None


def evaluate_config(run):
    from misc.training.runs import load_run

    return load_run(run, "encoder")


def test_a_run_that_goes_on_training_is_refused(run, tmp_path, run_main, monkeypatch):
    growing = shutil.copytree(run, tmp_path / "growing")
    looked = evaluate.picture_embeddings

    def slowly(*args):
        found = looked(*args)
        for suffix in (".index", ".data-00000-of-00001"):
            kept = growing / "checkpoints" / f"ckpt-3{suffix}"
            shutil.copy(kept, kept.with_name(f"ckpt-5{suffix}"))
        return found

    monkeypatch.setattr(evaluate, "picture_embeddings", slowly)
    code, out, err = run_main(evaluate.main, "--run", growing)
    assert code == 2 and not out and "trained on meanwhile, from step 3 to 5" in err
    shutil.rmtree(growing / "checkpoints")
    code, _, err = run_main(evaluate.main, "--run", growing)
    assert code == 2 and "holds no checkpoint yet" in err


def test_neighbours_are_different_captions_and_the_best_pictures():
    rows = np.array([[1.0, 0], [0, 2], [3, 3], [1, 0]])
    pictures = np.array([[1.0, 0], [5, 5], [0, 3]])
    found = Neighbours(["q"], np.array([[2.0, 0]]), ["a", "b", "c", "a"], rows, pictures)
    assert [sentence for sentence, _ in found.captions[0]] == ["a", "c", "b"]
    assert [cosine for _, cosine in found.captions[0]] == pytest.approx([1, np.sqrt(0.5), 0])
    assert found.pictures.tolist() == [[1, 0, 2]]


def test_a_page_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    found = Neighbours(["q"], np.ones((1, 2)), ["a"], np.ones((1, 2)), None)
    facts = {"run": "r", "step": 1, "data": "d"}
    with pytest.raises(UserError, match="cannot write"):
        write_page(tmp_path / "file/a.md", "c", facts, [], found, None)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"--captions": 0}, "--captions 0: expected a whole number of at least 1"),
        ({"--batch-size": 0}, "--batch-size 0"),
        ({"--seed": -1}, "--seed -1"),
        ({"--page": "page.txt"}, "--page is page.txt: expected a file name that ends in .md"),
        ({"--queries": "q.txt"}, "--queries is for the page"),
        ({"--queries": "q.txt", "--page": "a.md"}, "q.txt: cannot be read"),
        ({"--data": "missing"}, "no prepared set"),
        ({"--run": "missing"}, "not a run folder"),
        ({"--gpu": "two"}, "GPU_ID is 'two'"),
    ],
)
def test_mistakes_are_one_line(flags, message, run, run_main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"--run": run} | flags
    code, out, err = run_main(evaluate.main, *(word for pair in given.items() for word in pair))
    assert code == 2 and not out and message in err
    assert err.strip().splitlines()[-1].startswith("error: ")


def test_a_set_without_captions_is_refused(run, run_main, make_set):
    code, _, err = run_main(evaluate.main, "--run", run, "--data", make_set(captions=0, width=None))
    assert code == 2 and "no captions to measure" in err


def test_pictures_and_features_do_not_mix(run, release):
    cfg = load_config("encoder", None, [*KEYS, "DATA_DIR=x"])
    pictures, why = evaluate.picture_embeddings(run, cfg, open_release(release, 4)[1])
    assert pictures is None and "learnt from pictures" in why


def test_an_encoder_without_a_set_of_its_own(run_main, tmp_path):
    folder = save_run(tmp_path / "run", "''", "DATASET_NAME=''")
    code, _, err = run_main(evaluate.main, "--run", folder)
    assert code == 2 and "name a prepared set with --data" in err
