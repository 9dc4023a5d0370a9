"""main.py on a run of faces, which is its own text encoder: sampled and measured as any other."""

import csv
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import main
from encoder import embed, look
from faces import sample
from misc.config.load import load_config
from misc.data.prepared import open_split
from misc.evaluation import evaluate
from misc.evaluation.features import Network
from misc.training.loop import Checkpoints

ROOT = Path(__file__).parents[2]
SENTENCES = ["a red square", "this is a Blue circle!"]


@pytest.fixture(scope="module")
def load():
    return cache(lambda room, run, checkpoint: sample.load(run, checkpoint))


@pytest.fixture
def program(run_main, run, load, monkeypatch, tmp_path):
    """`program(*flags, run=...)` -> (exit code, stdout, stderr); one picture a sentence."""
    monkeypatch.setattr(main, "_load_sampler", load)

    def start(*flags, run=run):
        keys = ["--set", "TEST.NUM_COPY=1", "--out", tmp_path / "out"]
        return run_main(main.main, "--run", run, "--gpu", "-1", *keys, *flags)

    return start


def rows(out):
    with open(out / "manifest.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_program_samples_measures_and_reports(run, tiny_set, tmp_path):
    config = tmp_path / "eval.yml"
    config.write_text(
        f"DATASET_NAME: tiny\nTRAIN:\n  FLAG: False\n  PRETRAINED_MODEL: {run}\n"
        "TEST:\n  NUM_COPY: 2\nEVAL:\n  METRICS: [colour]\n"
    )
    flags = ["--cfg", config, "--captions", *SENTENCES, "--gpu", "-1"]
    done = subprocess.run(
        [sys.executable, "main.py", *map(str, flags)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    line, sheet = done.stdout.splitlines()
    colour = json.loads(line)
    facts = {"metric": "colour", "n": 8, "step": 9, "imsize": 16, "data": str(tiny_set)}
    assert colour.items() >= facts.items()
    listed = rows(Path(sheet).parent)
    assert [row["caption"] for row in listed] == [SENTENCES[k] for k in (0, 0, 1, 1)]
    sampler = sample.load(run)
    assert {row["encoder"] for row in listed} == {sampler.digest}
    page = (run / "evaluation/report.html").read_text()
    assert "T2F, progressive" in page and "its own" in page and "16 px" in page


def test_validation_reads_every_test_caption(program, tiny_set, tmp_path):
    assert program("--set", "B_VALIDATION=true")[0] == 0
    split = open_split(tiny_set, "test")
    said = [caption for i in range(len(split)) for caption in split.record(i)["captions"]]
    assert [row["caption"] for row in rows(tmp_path / "out")] == said and len(said) == 24


def test_a_test_caption_may_say_nothing_to_the_run(program, run, tiny_set, tmp_path):
    data = shutil.copytree(tiny_set, tmp_path / "tiny")
    path = data / "test" / "captions.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records[:2]:  # as long as before, for the index knows where lines begin
        record["captions"][1] = "z" * len(record["captions"][1])
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    flags = ["--set", f"DATA_DIR={data}", "--set", "B_VALIDATION=true"]
    code, _, err = program(*flags, "--set", "EVAL.METRICS=[colour]")
    assert code == 0
    assert [line for line in err.splitlines() if line.startswith("warning")] == [
        f"warning: {run} knows no word of 2 of the 24 test captions; they count as unknown words"
    ]
    shutil.rmtree(run / "evaluation")


def test_unknown_words_are_named(program, run):
    code, _, err = program("--captions", "a red zorp square")
    assert code == 0 and err.splitlines()[0] == f"warning: {run} does not know: zorp"


def small_network():
    def infer(pictures):
        means = pictures.reshape(len(pictures), 4, 2, 8, 3).mean(axis=(2, 3)) / 255
        classes = np.exp(means.sum(axis=2))
        parts = means.reshape(-1, 12), classes / classes.sum(axis=1, keepdims=True)
        return [part.astype(np.float32) for part in parts]

    return Network("small", "d" * 64, "clean", "", infer, size=8, width=12, classes=4)


class Reader:
    """A held-out encoder: of a caption it sees the length."""

    digest = "e" * 64

    def __call__(self, captions):
        return np.eye(3, dtype=np.float32)[[len(text) % 3 for text in captions]]


def test_every_metric_of_pictures_and_sentences(program, run, monkeypatch):
    """The set's own judges are made up; they are tested with the networks that they belong to."""
    monkeypatch.setattr(evaluate.features, "load", lambda name, weights: small_network())
    monkeypatch.setattr(embed, "load", lambda run: Reader())
    monkeypatch.setattr(look, "load", lambda run: lambda pictures: pictures.mean(axis=(1, 2)))
    wanted = ["is", "fid", "kid", "pr", "diversity", "r_precision", "colour"]
    keys = {"METRICS": json.dumps(wanted), "ENCODER": "another", "SPLITS": 2}
    flags = [part for key, value in keys.items() for part in ("--set", f"EVAL.{key}={value}")]
    code, out, err = program("--captions", "a red square", *flags)
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()[:-1]]
    assert [line["metric"] for line in lines] == wanted
    assert all(np.isfinite(line["value"]) for line in lines)
    shutil.rmtree(run / "evaluation")


@pytest.fixture
def growing(run, tmp_path):
    """The run as it was in its second stage."""
    folder = tmp_path / "growing"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("checkpoints"))
    sampler = sample.load(run)
    networks = {f"average_{name}": one for name, one in sampler._networks.items()}
    trainer = SimpleNamespace(networks=networks, optimizers={})
    Checkpoints(trainer, tf.Variable(4, dtype=tf.int64), folder, chief=True).save()
    return folder


def test_a_growing_run_is_sampled_but_not_measured(program, growing, tmp_path):
    flags = ["--captions", "a red square", "--set", "EVAL.METRICS=[colour]"]
    code, _, err = program(*flags, run=growing)
    assert code == 2 and "the run's are 8 px" in err and "come to its end" in err
    assert rows(tmp_path / "out")[0]["step"] == "4"


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--captions", "a", "--encoder", "runs/any"], "is its own encoder: leave it out"),
        (
            ["--set", f"TEST.CAPTION_PATH={ROOT / 'tests/fixtures/t7/captions.t7'}"],
            "a run of faces reads sentences by an encoder of its own: give them as text",
        ),
        (["--captions", ""], "the sentence '' has no word"),
        (["--captions", "zorp"], "'zorp': none of its words is known"),
        (["--captions", "a", "--set", "TEST.CHECKPOINT=best"], "keeps no best checkpoint"),
    ],
)
def test_mistakes_are_one_line(program, flags, message):
    code, out, err = program(*flags)
    assert (code, out) == (2, "") and message in err and err.splitlines()[-1].startswith("error: ")


def test_the_shipped_configuration():
    cfg = load_config("main", ROOT / "cfg/eval_face.yml")
    trains = load_config("faces", ROOT / "faces/cfg/progressive.yml")
    assert cfg.TRAIN.PRETRAINED_MODEL == f"runs/{trains.CONFIG_NAME}_{trains.DATASET_NAME}"
    assert cfg.DATASET_NAME == trains.DATASET_NAME and cfg.TEST.NUM_COPY == 8
    assert (ROOT / cfg.TEST.CAPTION_PATH).is_file()
