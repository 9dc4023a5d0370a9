"""Embedding sentences: by the program, by the verb, into a set; duplicates, order, mistakes."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from encoder import embed
from encoder.trainer import build_text_encoder
from misc.config.errors import UserError
from misc.config.load import load_config, save_config
from misc.data import writer
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine
from misc.data.writer import write_set
from misc.training.loop import Checkpoints

SENTENCES = ["a red square", "this is a Blue circle!", "a red square", "a small bird"]


def save_run(folder, seed=0, *keys):
    """A run folder as training leaves it, of a small untrained encoder."""
    small = ["TEXT.DIMENSION=6", "TEXT.CNN_DIM=8", "TEXT.WIDTHS=[8, 8]", "TEXT.SPREAD=0.4"]
    small += ["TEXT.RECURRENCE=rnn", "TEXT.STEPS=8"]
    cfg = load_config("encoder", None, [*small, *keys])
    folder.mkdir(parents=True)
    save_config(cfg, "encoder", folder / "config.yml")
    keras.utils.set_random_seed(seed)
    networks = {"text_encoder": build_text_encoder(cfg)}
    trainer = SimpleNamespace(networks=networks, optimizers={})
    Checkpoints(trainer, tf.Variable(3, dtype=tf.int64), folder, chief=True).save()
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("runs") / "encoder_tiny")


def test_the_verb_keeps_order_and_embeds_duplicates_once(run):
    embedder = embed.load(run, cached=False)
    done = []
    rows = embedder(SENTENCES, done.append)
    assert rows.shape == (4, embedder.dimension) == (4, 6) and rows.dtype == np.float32
    assert sum(done) == 4
    np.testing.assert_array_equal(rows[0], rows[2])
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    few = embed.load(run, batch_size=2, cached=False)
    np.testing.assert_allclose(few(SENTENCES), rows, atol=1e-6)
    np.testing.assert_allclose(few(SENTENCES[3:]), rows[3:], atol=1e-6)
    assert embedder([]).shape == (0, 6)


def test_different_captions_are_computed_once(run):
    embedder = embed.load(run, batch_size=2, cached=False)
    done = []
    embedder(["a", "b", "a", "c", "a"], done.append)
    assert done == [4, 1]  # a (three times) and b together, then c


def test_what_was_embedded_before_is_read_back(tmp_path, monkeypatch):
    run = save_run(tmp_path / "run")
    rows = embed.load(run)(SENTENCES)
    assert len(list((run / "cache").iterdir())) == 1
    again, done = embed.load(run), []
    monkeypatch.setattr(again, "_run", lambda indices: pytest.fail("computed again"))
    np.testing.assert_array_equal(again(SENTENCES, done.append), rows)
    np.testing.assert_array_equal(again(SENTENCES[::-1][1:] + SENTENCES[3:])[2], rows[0])
    assert done == [4]


def test_the_cache_is_of_one_encoder(tmp_path):
    run = save_run(tmp_path / "run")
    rows = embed.load(run)(SENTENCES)
    shutil.rmtree(run / "checkpoints")
    shutil.copytree(save_run(tmp_path / "other", 1) / "checkpoints", run / "checkpoints")
    assert np.abs(embed.load(run)(SENTENCES) - rows).max() > 1e-3


def test_the_digest_of_a_char_cnn_rnn_covers_what_it_always_did(run):
    """Embeddings and GANs know their encoder by it: it may not change with new keys."""
    embedder = embed.load(run)
    text = {"DIMENSION": 6, "CNN_DIM": 8, "RECURRENCE": "rnn", "STEPS": 8}
    text |= {"WIDTHS": [8, 8], "SPREAD": 0.4}
    facts = {"text": text, "precision": "float32"}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for weight in embedder._encoder.weights:
        digest.update(np.asarray(weight, "<f4").tobytes())
    assert embedder.digest == digest.hexdigest()


def test_the_digest_tells_weights_and_configurations_apart(run, tmp_path):
    digest = embed.load(run).digest
    assert len(digest) == 64 and digest == embed.load(run).digest
    assert digest == embed.load(save_run(tmp_path / "twin", 0, "TRAIN.LOG_INTERVAL=3")).digest
    assert digest != embed.load(save_run(tmp_path / "seed", 1)).digest
    assert digest != embed.load(save_run(tmp_path / "range", 0, "PRECISION=bfloat16")).digest


def test_sentences_and_files_give_the_same(run, tmp_path, run_main):
    path, listed, read = (tmp_path / name for name in ("s.txt", "new/listed.npy", "read.npy"))
    path.write_text("\n".join(SENTENCES), encoding="utf-8")
    flags = ["--run", run, "--out"]
    code, out, _ = run_main(embed.main, *flags, listed, "--sentence", *SENTENCES)
    assert code == 0
    report = json.loads(out)
    assert report["captions"] == 4 and report["width"] == 6 and report["out"] == listed.as_posix()
    assert report["digest"] == embed.load(run).digest
    shutil.rmtree(run / "cache")
    assert run_main(embed.main, *flags, read, "--captions", path, "--batch-size", 3)[0] == 0
    np.testing.assert_allclose(np.load(listed), np.load(read), atol=1e-6)


def test_a_set_gets_its_embeddings_and_their_origin(run, tiny_set, tmp_path, run_main):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_set, folder)
    code, out, err = run_main(embed.main, "--run", run, "--data", folder)
    assert code == 0 and "longer" not in err and "already" not in err
    assert json.loads(out)["captions"] == {"train": 36, "test": 24}
    embedder = embed.load(run)
    for name in ("train", "test"):
        split = open_split(folder, name)
        rows = split.embeddings("encoder_tiny")
        for i in (0, len(split) - 1):
            start, record = split.index["first"][i], split.record(i)
            expected = embedder(record["captions"])
            np.testing.assert_allclose(rows[start : start + 3], expected, atol=1e-6)
        card = json.loads((folder / name / "embeddings" / "encoder_tiny.json").read_text())
        captions = hashlib.sha256((folder / name / "captions.jsonl").read_bytes()).hexdigest()
        expected = {"digest": embedder.digest, "run": run.as_posix(), "width": 6}
        assert card == expected | {"captions": captions}
        assert (split.embeddings("text")).shape[1] == 8  # those of another encoder stay


def test_every_split_gets_its_embeddings(run, make_set, run_main):
    folder = make_set(train=("red", "green"), test=("blue",), validation=("white",))
    code, out, _ = run_main(embed.main, "--run", run, "--data", folder)
    assert code == 0 and json.loads(out)["captions"] == {"train": 24, "test": 12, "validation": 12}
    assert open_split(folder, "validation").embeddings("encoder_tiny").shape == (12, 6)


def test_captions_in_quarantine_have_their_rows(run, tiny_set, tmp_path, run_main):
    folder, other = (shutil.copytree(tiny_set, tmp_path / name) for name in ("tiny", "other"))
    write_quarantine(folder / "train", {1: Quarantined("red/red_01", "near")})
    for data in (folder, other):
        assert run_main(embed.main, "--run", run, "--data", data)[0] == 0
    split, whole = open_split(folder, "train"), open_split(other, "train")
    assert len(split) == 11
    rows = split.embeddings("encoder_tiny")
    assert np.array_equal(rows, whole.embeddings("encoder_tiny"))
    expected = embed.load(run)(split.record(1)["captions"])  # the first one after the gap
    np.testing.assert_allclose(rows[split.index["first"][1] :][:3], expected, atol=1e-6)


def test_what_has_no_caption_is_passed_over_in_quarantine_alone(
    run, make_pictures, tmp_path, run_main
):
    pictures = make_pictures(tmp_path / "raw", ("red", "green"), per_class=2)
    pictures[1] = dataclasses.replace(pictures[1], captions=())
    card = {"split_rule": "none", "source": "the tests", "licence": "ours", "left_out": 0}
    folder, names = tmp_path / "set", ("is_red", "is_round")
    splits = {"train": pictures[:3], "test": pictures[3:]}
    options = {"imsizes": (16, 32), "attribute_names": names, "card": card, "workers": 1}
    write_set(folder, splits, name="x", **options)
    code, _, err = run_main(embed.main, "--run", run, "--data", folder)
    assert code == 2 and "picture 1 has no caption" in err
    write_quarantine(folder / "train", {1: Quarantined(pictures[1].name, "no-caption")})
    code, out, _ = run_main(embed.main, "--run", run, "--data", folder)
    assert code == 0 and json.loads(out)["captions"] == {"train": 6, "test": 3}


def test_a_set_that_has_its_embeddings_is_left_alone(run, tiny_set, tmp_path, monkeypatch):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_set, folder)
    embedder, written, write = embed.load(run), [], writer.write_embeddings
    monkeypatch.setattr(
        writer, "write_embeddings", lambda *args: written.append(args[0].name) or write(*args)
    )

    def embedded():
        """Which splits are written."""
        written.clear()
        assert embed.embed_set(embedder, folder, run) == {"train": 36, "test": 24}
        return list(written)

    assert embedded() == ["train", "test"]
    assert embedded() == []
    rows = folder / "test" / "embeddings" / "encoder_tiny.npy"
    rows.write_bytes(rows.read_bytes()[:-4])
    assert embedded() == ["train", "test"]
    captions = folder / "train" / "captions.jsonl"
    captions.write_text(captions.read_text().replace("this is", "that is"))
    assert embedded() == ["train", "test"]
    assert embedded() == []


def test_a_kill_leaves_no_embeddings_with_the_digest_of_others(
    run, tiny_set, tmp_path, monkeypatch
):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_set, folder)
    embedder, written, write = embed.load(run), [], writer.write_embeddings
    embed.embed_set(embedder, folder, run)
    for card in folder.rglob("embeddings/*.json"):
        card.write_text(card.read_text().replace(embedder.digest, "0" * 64))

    def killed(*args):
        if written:
            raise KeyboardInterrupt
        written.append(write(*args))

    monkeypatch.setattr(writer, "write_embeddings", killed)
    with pytest.raises(KeyboardInterrupt):
        embed.embed_set(embedder, folder, run)
    assert written and not list(folder.rglob("embeddings/*.json"))


def test_the_device_is_the_flags_or_the_runs(run, tmp_path, run_main, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {}}')
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: pytest.fail("waits"))
    flags = ["--run", run, "--out", tmp_path / "a.npy", "--sentence", "a bird"]
    code, _, err = run_main(embed.main, *flags)
    assert code == 0 and "no GPU in this machine" in err  # GPU_ID is 0
    code, _, err = run_main(embed.main, *flags, "--gpu", "-1")
    assert code == 0 and "no GPU" not in err
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["gpu0"])
    code, _, err = run_main(embed.main, *flags, "--gpu", "1")
    assert code == 2 and "no GPU 1; this machine has 1" in err


def test_long_sentences_are_cut_with_one_line(run, tmp_path, run_main):
    long = "a bird " * 40
    flags = ["--run", run, "--out", tmp_path / "a.npy", "--sentence", long, long[:201] + "other"]
    code, _, err = run_main(embed.main, *flags, "short one")
    assert code == 0
    assert err.count("2 captions are longer than 201 characters") == 1
    rows = np.load(tmp_path / "a.npy")
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"--sentence": [""]}, "has no word"),
        ({"--sentence": ["fine", "x" * 10_000]}, "10,000 characters"),
        ({"--captions": ["missing.txt"]}, "missing.txt: cannot be read"),
        ({"--data": ["missing"], "--out": None}, "no prepared set"),
        ({"--data": ["missing"]}, "--out does not go with --data"),
        ({"--sentence": ["a bird"], "--out": ["rows.txt"]}, "ends in .npy"),
        ({"--sentence": ["a bird"], "--out": None}, "ends in .npy"),
        ({"--sentence": ["a bird"], "--batch-size": ["0"]}, "--batch-size 0"),
        ({"--sentence": ["a bird"], "--gpu": ["two"]}, "GPU_ID is 'two'"),
        ({"--sentence": ["a bird"], "--run": ["missing"]}, "not a run folder"),
        ({"--sentence": ["a bird"], "--out": ["file/rows.npy"]}, "cannot write file"),
    ],
)
def test_mistakes_are_one_line(flags, message, run, tmp_path, run_main, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("not a folder")
    given = {"--run": [run], "--out": ["out.npy"], **flags}
    words = [w for flag, values in given.items() if values for w in (flag, *values)]
    code, out, err = run_main(embed.main, *words)
    assert code == 2 and not out
    assert err.strip().splitlines()[-1].startswith("error: ") and message in err
    assert not list(tmp_path.glob("**/*.npy"))


def test_a_run_of_another_room_or_size_is_refused(run, tmp_path, make_set):
    gan = tmp_path / "gan"
    gan.mkdir()
    save_config(load_config("initial", None), "initial", gan / "config.yml")
    with pytest.raises(UserError, match="a run of initial, expected one of encoder"):
        embed.load(gan)
    wider = tmp_path / "wider"
    shutil.copytree(run, wider)
    text = (wider / "config.yml").read_text()
    (wider / "config.yml").write_text(text.replace("CNN_DIM: 8", "CNN_DIM: 9"))
    with pytest.raises(UserError, match="does not fit the networks"):
        embed.load(wider)
    untrained = tmp_path / "untrained"
    untrained.mkdir()
    shutil.copy(run / "config.yml", untrained)
    with pytest.raises(UserError, match="no checkpoint yet"):
        embed.load(untrained)


def test_a_set_without_captions_is_refused(run, make_set, run_main):
    folder = make_set(captions=0, width=None)
    code, _, err = run_main(embed.main, "--run", run, "--data", folder)
    assert code == 2 and "error: " in err
