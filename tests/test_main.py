"""Sampling and measuring with tiny untrained runs: files, seeds, sources of sentences, mistakes."""

import csv
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import main
from encoder import embed
from encoder.model import ImageTower
from encoder.trainer import build_text_encoder
from final.sample import build_generator
from initial.sample import build_generator as build_stage1_generator
from misc.config.errors import UserError
from misc.config.load import load_config, save_config
from misc.data.prepared import open_split
from misc.training.loop import Checkpoints
from misc.training.text import Text

ROOT = Path(__file__).parents[1]
ONCE = ["--set", "TEST.NUM_COPY=1"]
TABLE = ROOT / "tests" / "fixtures" / "t7" / "captions.t7"
SENTENCES = ["a red square", "this is a Blue circle!"]
SMALL = ["DATASET_NAME=tiny", "TEXT.DIMENSION=8"]
GAN = [*SMALL, "GAN.GF_DIM=8", "GAN.EMBEDDING_DIM=4", "Z_DIM=4", "GAN.R_NUM=1"]
GAN += ["TEST.LR_IMSIZE=16", "TEST.HR_IMSIZE=32"]


def save_run(folder, room, overrides, step, networks, text=None):
    """A run folder as training leaves it, with weights large enough to give varied pictures."""
    folder.mkdir(parents=True)
    cfg = load_config(room, None, overrides)
    save_config(cfg, room, folder / "config.yml")
    for weight in (w for network in networks.values() for w in network.weights):
        if len(weight.shape) > 1:
            weight.assign(weight * 6.0)
    trainer = SimpleNamespace(networks=networks, optimizers={})
    Checkpoints(trainer, tf.Variable(step, dtype=tf.int64), folder, chief=True).save()
    if text:
        text.save(folder)
    return folder


@pytest.fixture(scope="module")
def world(make_set, tmp_path_factory):
    """A prepared set, an encoder that embedded it, a run of each stage, another encoder."""
    keras.utils.set_random_seed(0)
    root, data = tmp_path_factory.mktemp("world"), make_set(width=None)
    small = [*SMALL, "TEXT.CNN_DIM=8", "TEXT.WIDTHS=[8, 8]", "TEXT.STEPS=8"]
    text_encoder = build_text_encoder(load_config("encoder", None, small))
    encoder = save_run(root / "encoder", "encoder", small, 3, {"text_encoder": text_encoder})
    embedder = embed.load(encoder)
    embed.embed_set(embedder, data, encoder)
    text = Text(str(encoder), "encoder", embedder.digest, 8)

    overrides = [*GAN, f"DATA_DIR={data}"]
    cfg = load_config("initial", None, overrides)
    stage1 = build_stage1_generator(cfg)
    initial = save_run(root / "initial", "initial", overrides, 5, {"generator": stage1}, text)
    networks = {"generator": build_generator(cfg), "stage1_generator": stage1}
    final = save_run(root / "final", "final", overrides, 7, networks, text)
    save_config(cfg, "initial", final / "stage1.yml")

    small += ["IMAGE.SIZE=16", "IMAGE.WIDTH=4", "SEED=1"]
    seeing = {"text_encoder": build_text_encoder(load_config("encoder", None, small))}
    seeing["image_tower"] = ImageTower(16, 4, 8, 4)
    other = save_run(root / "other", "encoder", small, 3, seeing)
    runs = {"encoder": encoder, "other": other, "initial": initial, "final": final}
    return SimpleNamespace(root=root, data=data, **runs)


@pytest.fixture(autouse=True)
def load_once(monkeypatch, loaded):
    """Networks are loaded once for all tests of this module but those that start a program."""
    monkeypatch.setattr(main, "_load_sampler", loaded.sampler)
    monkeypatch.setattr(embed, "load", loaded.encoder)


@pytest.fixture(scope="module")
def loaded():
    return SimpleNamespace(sampler=cache(main._load_sampler), encoder=cache(embed.load))


def sample(run, out, *flags):
    """Run main.py in this process; returns what it wrote: rows of the manifest."""
    main.main(["--run", str(run), "--out", str(out), "--gpu", "-1", *flags])
    with open(out / "manifest.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pixels(out, rows):
    return {row["file"]: np.asarray(Image.open(out / row["file"])) for row in rows}


def test_a_final_run_gives_both_stages_a_sheet_and_a_manifest(world, tmp_path, capsys):
    flags = ["--captions", *SENTENCES, "--set", "TEST.NUM_COPY=3", "--seed", "4"]
    rows = sample(world.final, tmp_path / "out", *flags)
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out" / "sheet.png")
    assert len(rows) == 2 * 3 * 2
    assert rows[3] == {
        "file": "pictures/0001_a-red-square_02_stage2.png",
        "caption": "a red square",
        "copy": "2",
        "stage": "2",
        "seed": "4",
        "run": world.final.as_posix(),
        "step": "7",
        "encoder": Text.load(world.final).digest,
    }
    assert rows[6]["file"] == "pictures/0002_this-is-a-blue-circle_01_stage1.png"
    pictures = pixels(tmp_path / "out", rows)
    assert {p.shape for f, p in pictures.items() if "stage1" in f} == {(16, 16, 3)}
    assert {p.shape for f, p in pictures.items() if "stage2" in f} == {(32, 32, 3)}
    assert len({p.tobytes() for p in pictures.values()}) == 12
    assert Image.open(tmp_path / "out" / "sheet.png").width > 6 * 64
    written = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("*.*")}
    assert written == {*pictures, "sheet.png", "manifest.csv"}


def test_the_pixels_depend_on_the_seed_and_not_on_the_batch(world, tmp_path):
    def pictures(name, *flags):
        flags = ["--captions", *SENTENCES, *flags]
        return pixels(tmp_path / name, sample(world.final, tmp_path / name, *flags))

    copies = ["--set", "TEST.NUM_COPY=5"]
    whole = pictures("a", *copies)
    for name, batch in (("b", 3), ("c", 1), ("d", 64)):
        parts = pictures(name, *copies, "--set", f"TEST.BATCH_SIZE={batch}")
        assert all(np.array_equal(whole[file], parts[file]) for file in whole)
    other = pictures("e", *copies, "--seed", "1")
    assert not any(np.array_equal(whole[file], other[file]) for file in whole)


def test_sampling_is_one_process_whatever_tf_config_says(world, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {}}')
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: pytest.fail("waits"))
    flags = ["--captions", "a bird", "--set", "TEST.NUM_COPY=1"]
    assert len(sample(world.initial, tmp_path, *flags)) == 1


def test_an_initial_run_gives_one_stage_below_its_own_folder(world, capsys):
    flags = ["--run", str(world.initial), "--captions", "a red bird", "--set", "TEST.NUM_COPY=2"]
    main.main([*flags, "--gpu", "-1"])
    sheet = Path(capsys.readouterr().out.splitlines()[-1])
    assert sheet.parent.parent == world.initial / "samples"
    assert sheet.parent.name.startswith("captions-")
    assert sheet.parent.name.endswith("_step5_seed0")
    files = sorted(path.name for path in (sheet.parent / "pictures").iterdir())
    assert files == [f"0001_a-red-bird_{copy:02d}_stage1.png" for copy in (1, 2)]


def test_validation_samples_all_test_captions_from_stored_embeddings(world, tmp_path, monkeypatch):
    gone = {0: ("yellow/yellow_00", "near")}
    monkeypatch.setattr("misc.data.prepared.read_quarantine", lambda folder: gone)
    flags = [*ONCE, "--set", "B_VALIDATION=true", "--set", "TEST.CAPTION_PATH=nowhere"]
    rows, split = sample(world.initial, tmp_path / "a", *flags), open_split(world.data, "test")
    captions = [c for i in range(len(split)) for c in split.record(i)["captions"]]
    assert [row["caption"] for row in rows] == captions and len(captions) == 3 * (8 - len(gone))
    again = sample(world.initial, tmp_path / "b", *ONCE, "--captions", *captions[:5])
    first = list(pixels(tmp_path / "a", rows).values())[:5]
    for stored, embedded in zip(first, pixels(tmp_path / "b", again).values(), strict=True):
        assert np.abs(stored.astype(int) - embedded).max() <= 1


def test_validation_needs_no_encoder_when_embeddings_were_imported(world, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    for path in world.initial.glob("*.*"):
        (run / path.name).write_bytes(path.read_bytes())
    (run / "checkpoints").symlink_to(world.initial / "checkpoints")
    for split in ("train", "test"):
        source = world.data / split / "embeddings" / "encoder.npy"
        source.with_stem("imported").write_bytes(source.read_bytes())
    Text("", "imported", "", 8).save(run)
    rows = sample(run, tmp_path / "out", *ONCE, "--set", "B_VALIDATION=true")
    assert len(rows) == 24 and rows[0]["encoder"] == ""
    with pytest.raises(UserError, match="imported embeddings imported, with no encoder"):
        main.main(["--run", str(run), "--captions", "a bird"])
    capsys.readouterr()
    rows = sample(run, tmp_path / "b", *ONCE, "--captions", "a", "--encoder", str(world.encoder))
    assert len(rows) == 1
    assert capsys.readouterr().err.count("nothing proves that") == 1


def test_sentences_of_the_set_its_list_and_a_caption_file(world, tmp_path, monkeypatch):
    def captions(name, *flags):
        return [r["caption"] for r in sample(world.initial, tmp_path / name, *ONCE, *flags)]

    data = tmp_path / "set"
    data.mkdir()
    with pytest.raises(UserError, match="no example_captions.txt"):
        captions("x", "--set", f"DATA_DIR={data}")
    (data / "one.txt").write_text("a listed bird\n")
    (data / "example_filenames.txt").write_text("one\n")
    assert captions("a", "--set", f"DATA_DIR={data}") == ["a listed bird"]
    (data / "example_captions.txt").write_text("an example bird\n\nanother\n")
    assert captions("b", "--set", f"DATA_DIR={data}") == ["an example bird", "another"]
    path = f"TEST.CAPTION_PATH={data / 'one.txt'}"
    assert captions("c", "--set", f"DATA_DIR={data}", "--set", path) == ["a listed bird"]


def test_a_table_of_embeddings_needs_no_encoder(world, tmp_path, capsys, monkeypatch):
    split = open_split(world.data, "test")
    texts, rows = split.record(0)["captions"], list(np.array(split.embeddings("encoder")[:3]))
    table = {"raw_txt": texts, "fea_txt": rows}
    monkeypatch.setattr("misc.data.sentences.read_t7", lambda path: table)
    embedded = sample(world.initial, tmp_path / "b", *ONCE, "--captions", *texts)
    monkeypatch.setattr(embed, "load", lambda run: pytest.fail("no encoder is needed"))
    found = sample(world.initial, tmp_path / "a", *ONCE, "--set", "TEST.CAPTION_PATH=a.t7")
    assert [row["caption"] for row in found] == list(texts) and found[0]["encoder"] == ""
    assert capsys.readouterr().err.count("nothing proves that") == 1
    for name, picture in pixels(tmp_path / "a", found).items():
        assert np.abs(pixels(tmp_path / "b", embedded)[name].astype(int) - picture).max() <= 1


def measure(world, out, run, **keys):
    keys = {"METRICS": "[colour, r_precision]", "ENCODER": world.other} | keys
    flags = [part for k, v in keys.items() for part in ("--set", f"EVAL.{k}={v}")]
    sample(run, out, *ONCE, "--captions", "a bird", *flags, "--seed", "2")


def test_metrics_are_lines_before_the_sheet(world, tmp_path, capsys):
    shutil.rmtree(world.final / "evaluation", ignore_errors=True)
    measure(world, tmp_path, world.final)
    *lines, sheet = capsys.readouterr().out.splitlines()
    assert sheet == str(tmp_path / "sheet.png")
    assert (world.final / "evaluation/metrics.jsonl").read_text().splitlines() == lines
    colour, precision = map(json.loads, lines)
    assert (colour["metric"], precision["metric"]) == ("colour", "r_precision")
    facts = {"n": 8, "seed": 2, "step": 7, "run": world.final.as_posix(), "data": str(world.data)}
    assert colour.items() >= facts.items() and precision["network"] == str(world.other)
    assert precision["candidates"] == 5  # its own, and the other class's four
    assert (world.final / "evaluation/report.html").is_file()
    measure(world, tmp_path, world.final)
    again = [json.loads(line)["value"] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert again == [colour["value"], precision["value"]]


def test_an_encoder_does_not_judge_the_gan_it_trained(world, tmp_path):
    with pytest.raises(UserError, match="trained with this very encoder"):
        measure(world, tmp_path, world.final, ENCODER=world.encoder)


def test_an_encoder_that_is_not_proved_another_does_not_judge(world, tmp_path, monkeypatch):
    text = Text.load(world.final)
    imported = Text(text.encoder, text.embeddings, "", text.width)
    monkeypatch.setattr(Text, "load", classmethod(lambda cls, run: imported))
    with pytest.raises(UserError, match="nothing tells which encoder"):
        measure(world, tmp_path, world.final)


def test_another_encoder_than_the_runs_is_refused(world, tmp_path):
    keras.utils.set_random_seed(9)
    overrides = [*SMALL, "TEXT.CNN_DIM=8", "TEXT.WIDTHS=[8, 8]", "TEXT.STEPS=8"]
    network = build_text_encoder(load_config("encoder", None, overrides))
    other = save_run(tmp_path / "other", "encoder", overrides, 1, {"text_encoder": network})
    with pytest.raises(UserError, match=r"is not the one the run was trained with \(width 8"):
        main.main(["--run", str(world.final), "--captions", "a", "--encoder", str(other)])


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--captions", "   "], "--captions: the sentence '' has no word"),
        (["--captions", "ab " * 3334], "10,001 characters, expected at most 1,000"),
        (["--captions", "a", "--run", "nowhere"], "nowhere is not a run folder"),
        (["--captions", "a", "--out", "FILE/below"], "cannot write .*FILE"),
        (["--captions", "a", "--encoder", "nowhere"], "nowhere is not a run folder"),
        (["--captions", "a", "--seed", "-1"], "--seed -1: expected"),
        (["--captions", "a", "--gpu", "two"], "GPU_ID is 'two'"),
        (["--captions", "a", "--set", "TEST.NUM_COPIES=1"], "nearest: TEST.NUM_COPY"),
        (["--set", "TEST.CAPTION_PATH=nowhere.txt"], r"nowhere\.txt: cannot be read"),
        (["--set", f"TEST.CAPTION_PATH={TABLE}"], "have width 16, but the run .* on width 8"),
        (["--captions", "a", "--set", "EVAL.METRICS=[fud]"], "unknown fud"),
        (["--captions", "a", "--set", "EVAL.METRICS=[attributes]"], "needs EVAL.CLASSIFIER"),
        (["--captions", "a", "--set", "EVAL.METRICS=[r_precision]"], "needs EVAL.ENCODER"),
        (["--captions", "a", "--cfg", "CFG"], "TRAIN.FLAG is True, but this program samples"),
        (["--captions", "a", "--cfg", "OTHER"], "the run was trained on tiny"),
    ],
)
def test_mistakes_are_named_before_tensorflow_is_needed(
    world, tmp_path, monkeypatch, flags, message
):
    (tmp_path / "FILE").write_text("a regular file")
    (tmp_path / "CFG").write_text("DATASET_NAME: tiny\n")
    (tmp_path / "OTHER").write_text("DATASET_NAME: birds\nTRAIN:\n  FLAG: False\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("misc.config.quiet.import_tensorflow", lambda: pytest.fail("too late"))
    with pytest.raises(UserError, match=message):
        main.main(["--run", str(world.final), *flags])


def test_a_run_must_be_named_and_be_a_gans(world):
    with pytest.raises(UserError, match="no run to sample"):
        main.main(["--captions", "a"])
    with pytest.raises(UserError, match="is a run of encoder, expected one of initial or final or"):
        main.main(["--captions", "a", "--run", str(world.encoder)])


def test_the_program_ends_with_the_sheet_or_with_one_line_and_2(world, tmp_path):
    def program(*flags):
        argv = [sys.executable, "main.py", "--gpu", "-1", *flags]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    out = tmp_path / "out"
    config = tmp_path / "eval.yml"
    config.write_text(
        f"DATASET_NAME: tiny\nTRAIN:\n  FLAG: False\n  PRETRAINED_MODEL: {world.initial}\n"
        "TEST:\n  NUM_COPY: 2\n"
    )
    done = program("--cfg", str(config), "--captions", *SENTENCES, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(out / "sheet.png")]
    assert "Traceback" not in done.stderr
    done = program("--cfg", str(config), "--captions", "")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: --captions: ")


def test_help_and_mistakes_need_no_tensorflow():
    code = (
        "import sys, main\n"
        "for argv in (['--help'], ['--run', 'nowhere'], ['--set', 'NO=1']):\n"
        "    try: main.main(argv)\n"
        "    except (SystemExit, main.UserError): pass\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "--captions" in done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["bird", "flower"])
def test_the_shipped_configurations(kind):
    cfg = load_config("main", ROOT / "cfg" / f"eval_{kind}.yml")
    assert cfg.TRAIN.FLAG is False and cfg.TEST.NUM_COPY == 8 and cfg.TEST.BATCH_SIZE == 64
    assert cfg.TRAIN.PRETRAINED_MODEL == f"runs/final_{kind}s" and cfg.B_VALIDATION is False
    text = (ROOT / "cfg" / f"eval_{kind}.yml").read_text()
    assert not {"GF_DIM", "DIMENSION", "IMSIZE"} & set(text.replace(":", " ").split())
