"""The editor in use: pictures in and out, flags, files, mistakes."""

import json
import shutil
from functools import cache
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from editor import edit
from editor.directions import find_directions
from editor.edit import Editor, load
from editor.frame import Frame
from editor.trainer import build_networks
from misc.config.errors import UserError
from misc.config.load import save_config
from misc.data.images import open_picture
from misc.evaluation.gallery import write_gallery
from misc.training.loop import Checkpoints

SIDE = 32
GREY = tf.constant([0.299, 0.587, 0.114])


def save_run(folder, cfg, seed):
    """A run folder as training leaves it, with weights large enough to give varied pictures."""
    keras.utils.set_random_seed(seed)
    networks = build_networks(cfg)
    for weight in (w for network in networks.values() for w in network.weights):
        if len(weight.shape) > 1:
            weight.assign(weight * 6.0)
    folder.mkdir()
    save_config(cfg, "editor", folder / "config.yml")
    trainer = SimpleNamespace(networks=networks, optimizers={})
    Checkpoints(trainer, tf.Variable(7, dtype=tf.int64), folder, chief=True).save()
    return folder


@pytest.fixture(scope="module")
def world(make_set, small_config, tmp_path_factory):
    """A set whose attributes are Eyeglasses and Smiling, two runs on it, and a photograph."""
    root, data = tmp_path_factory.mktemp("world"), make_set(per_class=12, width=None)
    card = json.loads((data / "set.json").read_text())
    (data / "set.json").write_text(json.dumps(card | {"attributes": ["Eyeglasses", "Smiling"]}))
    cfg = small_config(f"DATA_DIR={data}")
    runs = [save_run(root / name, cfg, seed) for seed, name in enumerate(("run", "other"))]
    photograph = root / "me.png"
    levels = np.random.default_rng(0).integers(60, 200, (12, 9, 3)).astype(np.uint8)
    Image.fromarray(levels).resize((90, 120), Image.Resampling.BICUBIC).save(photograph)
    return SimpleNamespace(root=root, data=data, run=runs[0], other=runs[1], image=photograph)


@pytest.fixture(scope="module")
def loaded():
    return cache(load)


@pytest.fixture
def run(world, loaded, run_main, monkeypatch):
    """`run(*flags)` -> the JSON lines of edit.py, on the world's run and picture."""
    monkeypatch.setattr(edit, "load", loaded)

    def run(*flags, image=world.image):
        source = [] if "--latent" in flags else ["--image", image]
        code, out, err = run_main(edit.main, "--run", world.run, *source, *flags)
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]

    return run


def linear(cfg):
    """An editor that no training made: a code is the picture's mean colour, grey or not."""

    def encoder(pictures, training):
        return {"mu": tf.reduce_mean(pictures, (1, 2)) * 3.0}

    def decoder(codes, training):
        picture = tf.reshape(codes / 3.0, (-1, 1, 1, cfg.Z_DIM))
        return tf.tile(picture, (1, SIDE, SIDE, 1)) / tf.cast(tf.shape(codes)[0] / 16, tf.float32)

    return Editor(encoder, decoder, cfg, 3, "00" * 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_become_codes_and_codes_pictures(small_config, channels):
    editor = linear(small_config(f"IMAGE.CHANNELS={channels}", f"Z_DIM={channels}"))
    colours = np.random.default_rng(0).integers(0, 256, (21, 1, 1, 3), dtype=np.uint8)
    pictures = np.tile(colours, (1, SIDE, SIDE, 1))
    codes = editor.encode(pictures)
    assert codes.dtype == np.float32 and codes.shape == (21, channels)
    wanted = colours[:, 0, 0] @ GREY.numpy()[:, None] if channels == 1 else colours[:, 0, 0]
    np.testing.assert_allclose((codes / 3 + 1) * 127.5, wanted, atol=0.1)
    drawn = editor.decode(codes)
    assert drawn.dtype == np.uint8 and drawn.shape == pictures.shape
    np.testing.assert_allclose(drawn[:, 5, 5], wanted * np.ones(3), atol=1)
    moved = editor.decode(codes[:1] + 0.3)[0, 0, 0].astype(int) - drawn[0, 0, 0]
    assert (np.abs(moved - 12.75) <= 1).all()


def test_a_row_does_not_depend_on_how_many_there_are(small_config):
    editor = linear(small_config("Z_DIM=3"))  # its pictures are dimmed by the rows of their batch
    pictures = np.full((20, SIDE, SIDE, 3), 200, np.uint8)
    codes = editor.encode(pictures)
    assert (editor.decode(codes) == 200).all() and (editor.decode(codes[:1]) == 200).all()
    with pytest.raises(ValueError, match="expected"):
        editor.encode(pictures[:, :16])


def test_a_loaded_run_knows_itself(world, loaded):
    first, second = loaded(world.run), load(world.run)
    assert first.step == 7 and len(first.digest) == 64
    assert first.digest == second.digest != loaded(world.other).digest
    pictures = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    codes = first.encode(pictures)
    np.testing.assert_array_equal(second.encode(pictures), codes)
    np.testing.assert_array_equal(second.decode(codes), first.decode(codes))
    assert codes.shape == (3, 5) and codes.std() > 0.01 and first.decode(codes).std() > 1


def expected(world, loaded, steps, method="regression", **framing):
    """Reconstruction and edit of the photograph."""
    editor = loaded(world.run)
    frame = Frame(open_picture(world.image), SIDE, **framing)
    move = find_directions(editor, world.run, method).move(steps)
    code = editor.encode(frame.pixels[None])
    return editor.decode(np.concatenate([code, code + move]))


def test_an_edit_is_shown_beside_original_and_reconstruction(world, run, loaded, tmp_path):
    out = tmp_path / "new" / "sheet.png"
    line = run("--edit", "Smiling=+1", "Eyeglasses=-0.5", "--out", out)[0]
    assert line["steps"] == {"Smiling": 1.0, "Eyeglasses": -0.5}
    assert (line["out"], line["picture"], line["step"]) == (out.as_posix(), "me", 7)
    content = out.read_bytes()
    sheet = np.asarray(Image.open(out))
    assert 3 * edit.TILE < sheet.shape[1] < 4 * edit.TILE
    pair = expected(world, loaded, line["steps"])
    assert (pair[0] != pair[1]).any()
    margin = edit.TILE // 8
    for place, picture in enumerate(pair, 1):
        left = margin + place * (edit.TILE + 2 + margin - 2)
        large = Image.fromarray(picture).resize((edit.TILE, edit.TILE), Image.Resampling.BICUBIC)
        shown = sheet[margin : margin + edit.TILE, left : left + edit.TILE]
        assert np.abs(shown.astype(int) - np.asarray(large)).mean() < 1
    run("--edit", "Smiling=+1", "Eyeglasses=-0.5", "--out", out)
    assert out.read_bytes() == content


@pytest.mark.parametrize("method", ["difference", "regression"])
def test_the_edit_alone(world, run, loaded, tmp_path, method):
    out = tmp_path / "edit.png"
    run("--edit", "Smiling=2", "--only-edit", "--whole", "--method", method, "--out", out)
    wanted = expected(world, loaded, {"Smiling": 2}, method, whole=True)[1]
    np.testing.assert_array_equal(np.asarray(Image.open(out)), wanted)


def test_a_pasted_edit_has_the_size_of_the_original(world, run, loaded, tmp_path):
    out = tmp_path / "edit.png"
    flags = ["--edit", "Smiling=1", "--paste", "--out", out]
    run(*flags, "--only-edit")
    pasted, original = Image.open(out), open_picture(world.image)
    assert pasted.size == original.size == (90, 120)
    wanted = Frame(original, SIDE).paste(*expected(world, loaded, {"Smiling": 1})[::-1])
    np.testing.assert_array_equal(np.asarray(pasted), np.asarray(wanted))
    change = (np.asarray(pasted) != np.asarray(original)).any(-1)
    assert change.any() and not change[:15].any() and not change[106:].any()
    run(*flags)
    assert 4 * edit.TILE < Image.open(out).width < 5 * edit.TILE


def test_a_strip_goes_from_minus_to_plus_two(world, run, tmp_path):
    rows, pasted = tmp_path / "rows.png", tmp_path / "pasted.png"
    line = run("--strip", "Smiling", "Eyeglasses", "--out", rows)[0]
    assert line["strip"] == ["Smiling", "Eyeglasses"] and line["steps"] == {}
    sheet = Image.open(rows)
    assert 6 * edit.TILE < sheet.width < 7 * edit.TILE < 3 * sheet.height
    run("--strip", "Smiling", "--paste", "--out", pasted)
    cell, margin = np.asarray(Image.open(pasted)), edit.TILE // 8
    cells = [cell[margin : margin + edit.TILE, margin + k * (edit.TILE + margin) :][:, : edit.TILE]
             for k in range(6)]  # fmt: skip
    np.testing.assert_array_equal(cells[3], cells[0])  # no step, no change
    assert (cells[5] != cells[0]).any() and (cells[1] != cells[5]).any()


def test_a_sentence_is_followed(run, tmp_path):
    flags = ["--toward", "a smiling man without glasses", "--out", tmp_path / "a.png"]
    assert run(*flags)[0]["steps"] == {"Smiling": 1.0, "Eyeglasses": -1.0}
    assert run(*flags, "--edit", "Smiling=2")[0]["steps"]["Smiling"] == 2.0


def test_every_kind_of_picture(world, run, tmp_path):
    picture = Image.open(world.image)
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    picture.convert("L").save(folder / "grey.png")
    picture.convert("RGBA").save(folder / "more" / "alpha.webp", lossless=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.png", exif=turned)
    out = tmp_path / "out"
    flags = ["--edit", "Smiling=1", "--only-edit", "--out"]
    lines = run(*flags, out, image=folder)
    assert [line["picture"] for line in lines] == ["grey", "more/alpha", "turned"]
    run(*flags, tmp_path / "alone.png")
    alone = (tmp_path / "alone.png").read_bytes()
    assert (out / "more" / "alpha.png").read_bytes() == (out / "turned.png").read_bytes() == alone
    assert (out / "grey.png").read_bytes() != alone


def test_what_main_py_makes_of_sentences_is_edited(world, run, loaded, tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    facts = {"run": "runs/initial", "step": 1, "encoder": ""}
    size = {"copies": 2, "batch": 2, "seed": 0}
    write_gallery(
        tmp_path, ["a red bird"], np.zeros((1, 4)), lambda *_: (levels,), **size, facts=facts
    )
    flags = ["--edit", "Smiling=1", "--only-edit", "--whole", "--out", tmp_path / "edited"]
    lines = run(*flags, image=tmp_path / "pictures")
    names = [f"0001_a-red-bird_0{copy}_stage1" for copy in (1, 2)]
    assert [line["picture"] for line in lines] == names
    editor = loaded(world.run)
    move = find_directions(editor, world.run, "regression").move({"Smiling": 1})
    for name, picture in zip(names, levels, strict=True):
        wanted = editor.decode(editor.encode(picture[None]) + move)[0]
        edited = np.asarray(Image.open(tmp_path / "edited" / f"{name}.png"))
        np.testing.assert_array_equal(edited, wanted)


def test_codes_are_saved_and_edited_on(world, run, loaded, tmp_path):
    codes, edited = tmp_path / "codes.npz", tmp_path / "edited.npz"
    assert run("--save-latent", codes) == []
    run("--edit", "Smiling=1", "--out", tmp_path / "a.png", "--only-edit", "--save-latent", edited)
    run("--latent", codes, "--edit", "Smiling=1", "--out", tmp_path / "b.png", "--only-edit")
    run("--latent", edited, "--edit", "Smiling=0", "--out", tmp_path / "c", "--only-edit")
    pictures = [tmp_path / name for name in ("a.png", "b.png", "c/code_0001.png")]
    assert len({path.read_bytes() for path in pictures}) == 1
    sheet = tmp_path / "sheet.png"  # without an original
    run("--latent", codes, "--edit", "Smiling=1", "--out", sheet)
    assert 2 * edit.TILE < Image.open(sheet).width < 3 * edit.TILE
    other = loaded(world.other)
    with pytest.raises(UserError, match="a code means nothing to another run or checkpoint"):
        edit.load_codes(codes, other)
    edit.save_codes(codes, np.zeros((1, 4), np.float32), other)
    with pytest.raises(UserError, match="1 codes of width 4"):
        edit.load_codes(codes, other)


def test_the_attributes_are_listed_without_tensorflow(world, run_main, monkeypatch):
    monkeypatch.setattr(edit, "load", lambda run: pytest.fail("loads networks"))
    code, out, _ = run_main(edit.main, "--run", world.run, "--list")
    assert code == 0
    assert out.splitlines()[0].split() == "Eyeglasses 12 with 23 without 1 unknown".split()


DRAW = ["--image", "IMAGE", "--out", "OUT.png"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "expected either --image or --latent"),
        ([*DRAW, "--latent", "a.npz"], "expected either --image or --latent"),
        (["--image", "IMAGE"], "nothing to do"),
        (DRAW, "nothing to do"),
        (["--list", *DRAW], "--list goes without pictures"),
        ([*DRAW, "--strip", "Smiling", "--edit", "Smiling=1"], "--strip goes without"),
        ([*DRAW, "--strip", "Smiling", "--only-edit"], "--only-edit goes with"),
        (["--image", "IMAGE", "--edit", "Smiling=1"], "--out: expected where to write"),
        ([*DRAW, "--save-latent", "a.npz"], "--out goes with --edit"),
        ([*DRAW[:3], "me.jpg", "--edit", "Smiling=1"], "--out me.jpg: expected a name ending in"),
        (["--image", "IMAGE", "--save-latent", "a.npy"], "expected a name ending in .npz"),
        (["--latent", "a.npz", "--paste", "--edit", "Smiling=1", "--out", "a"], "need the picture"),
        ([*DRAW, "--edit", "Smilng=1"], "'Smilng' is not an attribute of the set (nearest: Smil"),
        ([*DRAW, "--strip", "smiling"], "(nearest: Smiling); --list shows all of them"),
        ([*DRAW, "--edit", "Smiling=big"], "expected NAME=STEPS"),
        ([*DRAW, "--toward", "a bird"], "names no attribute that the run has a direction of"),
        ([*DRAW, "--edit", "Smiling=1", "--gpu", "x"], "GPU_ID is 'x'"),
        ([*DRAW, "--edit", "Smiling=1", "--box", "900", "0", "9", "9"], "leaves nothing of the 90"),
        ([*DRAW, "--edit", "Smiling=1", "--box", "nan", "0", "9", "9"], "expected four numbers"),
        ([*DRAW, "--toward", "!"], "--toward: the sentence '!' has no word"),
        ([*DRAW, "--edit", "Smiling=1", "--data", "nowhere"], "nowhere: no prepared set here"),
        (["--image", "none.png", *DRAW[2:], "--edit", "Smiling=1"], "none.png: no such picture"),
        (
            ["--image", "IMAGE", "IMAGE", "--out", "a", "--edit", "Smiling=1"],
            "two pictures are",
        ),
        (["--image", "RUN/config.yml", *DRAW[2:], "--edit", "Smiling=1"], "not a readable picture"),
        (["--image", "IMAGE", "--out", "IMAGE", "--edit", "Smiling=1"], "would overwrite"),
        (["--image", "IMAGE", "OTHER", *DRAW[2:], "--edit", "Smiling=1"], "expected a folder, for"),
        (["--latent", "none.npz", *DRAW[2:], "--edit", "Smiling=1"], "none.npz: no such file"),
    ],
)
def test_mistakes_are_told_in_a_line(
    world, run_main, loaded, monkeypatch, tmp_path, flags, message
):
    monkeypatch.setattr(edit, "load", loaded)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (9, 9)).save("other.png")
    names = {"IMAGE": world.image, "OTHER": "other.png", "RUN/config.yml": world.run / "config.yml"}
    flags = [names.get(flag, flag) for flag in flags]
    code, out, err = run_main(edit.main, "--run", world.run, *flags)
    assert (code, out) == (2, "") and message in err
    assert not [path for path in tmp_path.rglob("*") if path.name != "other.png"]


def test_runs_that_cannot_edit(world, run_main, tmp_path):
    flags = ["--image", world.image, "--save-latent", tmp_path / "a.npz"]
    code, _, err = run_main(edit.main, "--run", tmp_path, *flags)
    assert code == 2 and "is not a run folder" in err
    shutil.copy(world.run / "config.yml", tmp_path)
    code, _, err = run_main(edit.main, "--run", tmp_path, *flags)
    assert code == 2 and "holds no checkpoint yet" in err
