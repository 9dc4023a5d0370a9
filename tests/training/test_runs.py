"""Run folders: made, resumed, refused; networks taken out of them."""

import json
import os

import keras
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.config.load import load_config
from misc.training.runs import load_run, open_run, restore_networks, rewind_log, run_folder

DATA = {"prepared set": "a" * 64, "embeddings": "b" * 64}


def small(units=2):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])


def save(folder, **networks):
    step = tf.Variable(7, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(step=step, **networks)
    tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), 2).save(7)


def test_folder_name():
    cfg = load_config("initial", None, ["CONFIG_NAME=initial", "DATASET_NAME=cub"])
    assert run_folder(cfg, None).as_posix() == "runs/initial_cub"
    assert run_folder(cfg, "elsewhere").as_posix() == "elsewhere"


def test_same_configuration_resumes_another_is_refused(tmp_path):
    cfg = load_config("initial", None)
    longer = load_config("initial", None, ["TRAIN.MAX_EPOCH=900"])
    open_run(cfg, "initial", tmp_path / "run", DATA)
    open_run(longer, "initial", tmp_path / "run", DATA)
    assert load_run(tmp_path / "run", "initial")[1].TRAIN.MAX_EPOCH == 900
    with pytest.raises(UserError, match=r"GAN.GF_DIM \(128 -> 64\)"):
        narrow = load_config("initial", None, ["GAN.GF_DIM=64"])
        open_run(narrow, "initial", tmp_path / "run", DATA)
    with pytest.raises(UserError, match="a run of initial, not of final"):
        open_run(load_config("final", None), "final", tmp_path / "run", DATA)
    assert load_run(tmp_path / "run")[1].GAN.GF_DIM == 128


def test_other_data_are_refused(tmp_path):
    cfg, run = load_config("initial", None), tmp_path / "run"
    open_run(cfg, "initial", run, DATA)
    with pytest.raises(
        UserError, match=r"other data: embeddings \(bbbbbbbbbbbb -> cccccccccccc\);"
    ):
        open_run(cfg, "initial", run, DATA | {"embeddings": "c" * 64})
    with pytest.raises(UserError, match=r"text encoder \(None -> d\)"):
        open_run(cfg, "initial", run, DATA | {"text encoder": "d"})
    assert json.loads((run / "data.json").read_text()) == DATA
    (run / "data.json").write_text("{")
    with pytest.raises(UserError, match="data.json is damaged"):
        open_run(cfg, "initial", run, DATA)
    # Runs of older versions have no such file.
    (run / "data.json").unlink()
    open_run(cfg, "initial", run, DATA)
    assert json.loads((run / "data.json").read_text()) == DATA


def test_nothing_is_written_where_nothing_changed_nor_by_other_workers(tmp_path):
    cfg, run = load_config("initial", None), tmp_path / "run"
    open_run(cfg, "initial", run, DATA, write=False)
    assert not run.exists()
    open_run(cfg, "initial", run, DATA)
    (run / "log.jsonl").write_text('{"step": 1}\n')
    before = {path: path.stat().st_mtime_ns for path in run.iterdir()}
    open_run(cfg, "initial", run, DATA)
    rewind_log(run, 1)
    longer = load_config("initial", None, ["TRAIN.MAX_EPOCH=900"])
    open_run(longer, "initial", run, DATA, write=False)
    assert {path: path.stat().st_mtime_ns for path in run.iterdir()} == before


def test_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        open_run(load_config("initial", None), "initial", tmp_path / "file" / "run", DATA)


def test_load_run_refuses_other_folders(tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        load_run(tmp_path)
    open_run(load_config("encoder", None), "encoder", tmp_path, DATA)
    with pytest.raises(UserError, match="a run of encoder, expected one of initial or final"):
        load_run(tmp_path, "initial", "final")


def test_restore_networks_by_name(tmp_path):
    generator, other = small(), small()
    save(tmp_path, generator=generator, other=other)
    fresh = small()
    assert restore_networks(tmp_path, {"generator": fresh}) == 7
    for a, b in zip(fresh.weights, generator.weights, strict=True):
        assert (a.numpy() == b.numpy()).all()


def test_a_checkpoint_of_another_architecture_or_damaged(tmp_path):
    with pytest.raises(UserError, match="no checkpoint yet"):
        restore_networks(tmp_path, {"generator": small()})
    save(tmp_path, generator=small())
    with pytest.raises(UserError, match="does not fit the networks"):
        restore_networks(tmp_path, {"generator": small(5)})
    with pytest.raises(UserError, match="does not fit the networks"):
        restore_networks(tmp_path, {"discriminator": small()})
    (data,) = (tmp_path / "checkpoints").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(UserError, match="or is damaged"):
        restore_networks(tmp_path, {"generator": small()})
    (tmp_path / "checkpoints" / "ckpt-7.index").write_bytes(b"")
    with pytest.raises(UserError, match="no checkpoint in it can be read"):
        restore_networks(tmp_path, {"generator": small()})


def test_the_newest_checkpoint_is_found_without_tensorflows_list(tmp_path):
    generator = small()
    save(tmp_path, generator=generator)
    (tmp_path / "checkpoints" / "checkpoint").write_text("")
    assert restore_networks(tmp_path, {"generator": small()}) == 7


def test_rewind_drops_later_lines_grids_and_cut_lines(tmp_path):
    lines = [json.dumps({"step": n}) for n in (1, 2, 3)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"ste')
    (tmp_path / "grids").mkdir()
    for n in (2, 3):
        (tmp_path / "grids" / f"step-{n:07d}.png").touch()
    os.link(tmp_path / "log.jsonl", tmp_path / "before")
    rewind_log(tmp_path, 2)
    # Not rewritten in place: a kill in between leaves the old one.
    assert (tmp_path / "before").read_text().endswith('{"ste')
    assert (tmp_path / "log.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'
    assert [p.name for p in (tmp_path / "grids").iterdir()] == ["step-0000002.png"]
