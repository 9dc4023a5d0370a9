"""Strict merging: every mistake is named, nothing is guessed."""

import pytest

from misc.config.errors import UserError
from misc.config.load import (
    ROOMS,
    differing_keys,
    load_config,
    load_run_config,
    save_config,
)


def write(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    return path


def test_precedence_is_defaults_then_file_then_flags(tmp_path):
    path = write(tmp_path, "TRAIN: {BATCH_SIZE: 8, NUM_COPY: 3}")
    cfg = load_config("initial", path, ["TRAIN.NUM_COPY=5"])
    assert (cfg.TRAIN.BATCH_SIZE, cfg.TRAIN.NUM_COPY, cfg.TRAIN.MAX_EPOCH) == (8, 5, 600)


def test_published_defaults():
    cfg = load_config("initial", None)
    assert (cfg.Z_DIM, cfg.GAN.GF_DIM, cfg.GAN.DF_DIM, cfg.GAN.EMBEDDING_DIM) == (100, 128, 64, 128)
    assert (cfg.TRAIN.GENERATOR_LR, cfg.TRAIN.COEFF.KL, cfg.TRAIN.FT_LR_RATIO) == (2e-4, 2.0, 0.1)
    assert (cfg.TEST.LR_IMSIZE, cfg.TEST.HR_IMSIZE, cfg.TEST.NUM_COPY) == (64, 256, 16)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TRAIN: {GENRATOR_LR: 0.1}", r"GENRATOR_LR is not a known key .*TRAIN.GENERATOR_LR"),
        ("TRAIN: {GENERATOR_LR: 2e-4}", r"write 2.0e-4"),
        ("TRAIN: {BATCH_SIZE: '64'}", r"BATCH_SIZE is '64', expected int .*without quotes"),
        ("TRAIN: {BATCH_SIZE: 64.0}", r"expected int"),
        ("TRAIN: {B_WRONG: 1}", r"expected bool"),
        ("TRAIN: {BATCH_SIZE: 0}", r"at least 2"),
        ("TEST: {LR_IMSIZE: 60}", r"power of two"),
        ("TEST: {LR_IMSIZE: 256}", r"HR_IMSIZE must be larger"),
        ("EMBEDDING_TYPE: skip-thought", r"skip-thought is not available"),
        ("CONFIG_NAME: ../x", r"plain name"),
        ("SEED: 1\nSEED: 2", r"SEED is given twice"),
        ("SEED: 4294967296", r"expected a number from 0 to 4294967295"),
        ("TRAIN: {GENERATOR_LR: .inf}", r"expected a finite number"),
        ("TRAIN: {SNAPSHOT_MINUTES: .nan}", r"expected a finite number"),
        (f"TRAIN: {{GENERATOR_LR: 1{'0' * 400}}}", r"expected a smaller number"),
        ("CONFIG_NAME: 2020-13-45", r"not a valid YAML file: month must be in 1..12"),
        ("a: " + "[" * 100_000, r"not a valid YAML file: it is nested too deeply"),
        ("a: &x [1]\nb: *x", r"the alias \*x is not allowed"),
        ("TRAIN: 5", r"TRAIN is not a known key"),
        ("- 1\n- 2", r"expected KEY: value lines, found list"),
        ("a: [", r"not a valid YAML"),
        ("1: 2", r"the key 1 is not text"),
        ("!!python/object/apply:os.system ['true']", r"not a valid YAML"),
        ("SEED: 1\nTRAIN: {X: 1, BATCH_SIZE: a}", r"TRAIN.X .*; .*BATCH_SIZE"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, said):
    with pytest.raises(UserError, match=said) as error:
        load_config("initial", write(tmp_path, text))
    assert "x.yml" in str(error.value)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(UserError, match="no such configuration file"):
        load_config("initial", tmp_path / "none.yml")
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        load_config("initial", tmp_path / "b.yml")
    with pytest.raises(UserError, match="expected KEY=VALUE"):
        load_config("initial", None, ["SEED"])


def test_a_value_on_the_command_line_is_read_as_strictly():
    with pytest.raises(UserError, match="--set SEED=.*not YAML: month must be in 1..12"):
        load_config("initial", None, ["SEED=2020-13-45"])


def test_an_old_spelling_is_read_and_said(tmp_path, capsys):
    cfg = load_config("final", write(tmp_path, "TRAIN: {FT_LR_RETIO: 0.5}"))
    assert cfg.TRAIN.FT_LR_RATIO == 0.5
    assert "FT_LR_RETIO is read as TRAIN.FT_LR_RATIO" in capsys.readouterr().err


def test_a_key_of_an_earlier_version_is_passed_over_and_said(tmp_path, capsys):
    cfg = load_config("final", write(tmp_path, "EVAL: {COLOUR_COUNT: 9}"))
    assert "COLOUR_COUNT" not in cfg.EVAL
    assert "EVAL.COLOUR_COUNT counts for nothing" in capsys.readouterr().err


def test_int_widens_to_float_and_gpu_takes_both():
    assert load_config("initial", None, ["TRAIN.COEFF.KL=2"]).TRAIN.COEFF.KL == 2.0
    assert load_config("initial", None, ["GPU_ID=0,1"]).GPU_ID == "0,1"
    assert load_config("initial", None, ["GPU_ID=-1"]).GPU_ID == -1


def test_each_call_gives_a_fresh_tree():
    first, second = load_config("main", None), load_config("main", None)
    first.EVAL.METRICS.append("is")
    first.TRAIN.BATCH_SIZE = 1
    assert second.EVAL.METRICS == [] and second.TRAIN.BATCH_SIZE == 64


@pytest.mark.parametrize("room", list(ROOMS))
def test_save_and_read_back(tmp_path, room):
    cfg = load_config(room, None, ["SEED=7"])
    save_config(cfg, room, tmp_path / "config.yml")
    assert load_run_config(tmp_path / "config.yml") == (room, cfg)


def test_saving_replaces_the_file_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "config.yml"
    save_config(load_config("initial", None, ["SEED=7"]), "initial", path)
    before, old = path.read_bytes(), path.stat().st_mtime_ns
    save_config(load_config("initial", None, ["SEED=7"]), "initial", path)
    assert path.stat().st_mtime_ns == old  # nothing changed, nothing written

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_config(load_config("initial", None, ["SEED=8"]), "initial", path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_only_what_changes_the_learning_counts_as_different():
    old = load_config("initial", None)
    new = load_config("initial", None, ["TRAIN.MAX_EPOCH=700", "GPU_ID=-1", "GAN.GF_DIM=64"])
    assert differing_keys("initial", old, new) == ["GAN.GF_DIM (128 -> 64)"]
    free = ["B_VALIDATION=True", "DATA_DIR=/elsewhere", "TEST.NUM_COPY=2", "TEST.BATCH_SIZE=2"]
    free += ["TEST.CAPTION_PATH=x", "TEST.PRETRAINED_MODEL=x", "EVAL.METRICS=[colour]"]
    free += ["EVAL.COUNT=20", "EVAL.SPLITS=2", "EVAL.ENCODER=x", "EVAL.CLASSIFIER=x"]
    assert not differing_keys("initial", old, load_config("initial", None, free))


@pytest.mark.parametrize("room", list(ROOMS))
def test_every_key_is_documented_and_passes_its_own_check(room):
    for key in ROOMS[room].KEYS:
        assert key.meaning and (key.check is None or key.check(key.default) is None), key.name
