"""Published encoders become runs that give what Torch7 gave, for every genuine file."""

import contextlib
import functools
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from encoder import embed
from encoder.alphabet import encode
from encoder.import_torch7 import main
from misc.data.prepared import open_split
from misc.data.torch7 import read_t7
from misc.training.runs import load_run

KINDS = ["rnn", "gru"]
FACTS = {"dimension": 7, "cnn_dim": 5, "widths": [6, 8], "step": 1}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """`imported(kind)` -> (run folder, the line that the program printed)."""
    files = Path(__file__).parents[1] / "fixtures" / "t7"

    @functools.cache
    def make(kind):
        run, out = tmp_path_factory.mktemp("runs") / f"encoder_{kind}", io.StringIO()
        with contextlib.redirect_stdout(out):
            main([str(files / f"tiny_charcnn_{kind}.t7"), "--out", str(run)])
        return run, json.loads(out.getvalue())

    return make


@pytest.fixture
def recorded(t7_files):
    """`recorded(kind)`: captions, their indices and embeddings as Torch7 had them."""
    return lambda kind: read_t7(t7_files / f"tiny_charcnn_{kind}_io.t7")


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_what_torch7_gave(imported, recorded, kind):
    embedder, io = embed.load(imported(kind)[0]), recorded(kind)
    assert io["output"].std() > 0.01
    np.testing.assert_allclose(embedder(io["captions"]), io["output"], atol=1e-5)
    alone = np.concatenate([embedder([caption]) for caption in io["captions"]])
    np.testing.assert_allclose(embedder(io["captions"]), alone, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_read_as_torch7_read_them(imported, recorded, kind):
    io = recorded(kind)
    np.testing.assert_array_equal(encode(io["captions"]), io["ids"])
    hyphen, cut = io["captions"][1], io["captions"][2]
    assert "-" in hyphen and len(cut) > 201
    embedder = embed.load(imported(kind)[0])
    # The rest of a long caption, and what is not in the alphabet at the end, is not seen.
    rows = embedder([cut, cut[:201] + "more", cut[:120], hyphen, hyphen + "éé", hyphen.upper()])
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-6)
    assert np.abs(rows[2] - rows[0]).max() > 1e-6
    np.testing.assert_allclose(rows[4:], rows[[3, 3]], atol=1e-6)


@pytest.mark.parametrize("kind, steps, parameters", [("rnn", 8, 2153), ("gru", 18, 2273)])
def test_it_says_what_it_found(imported, kind, steps, parameters):
    run, line = imported(kind)
    facts = {"out": run.as_posix(), "recurrence": kind, "steps": steps, "parameters": parameters}
    assert line == FACTS | facts | {"digest": embed.load(run).digest}
    room, cfg = load_run(run, "encoder")
    assert (cfg.TEXT.WIDTHS, cfg.TEXT.STEPS, cfg.TEXT.RECURRENCE) == ([6, 8], steps, kind)


def test_a_set_is_embedded_by_it(imported, tiny_set, tmp_path, run_main):
    run, line = imported("gru")
    data = tmp_path / "set"
    shutil.copytree(tiny_set, data)
    code, out, err = run_main(embed.main, "--run", run, "--data", data, "--gpu", -1)
    assert code == 0, err
    split = open_split(data, "test")
    rows = split.embeddings("encoder_gru")
    np.testing.assert_allclose(rows[:3], embed.load(run)(split.record(0)["captions"]), atol=1e-6)
    assert json.loads(out)["digest"] == line["digest"]


@pytest.fixture
def refusal(run_main, tmp_path):
    """`refusal(file)`: the one line with which an import ends, leaving nothing behind."""

    def start(file):
        code, out, err = run_main(main, file, "--out", tmp_path / "runs" / "run")
        assert (code, out) == (2, "") and not (tmp_path / "runs").exists()
        assert err.startswith("error: ") and err.count("\n") == 1
        return err

    return start


def test_mistakes_are_one_line(refusal, imported, run_main, t7_files):
    assert "captions.t7 is refused: the outermost module" in refusal(t7_files / "captions.t7")
    assert "no.t7 cannot be read: No such file" in refusal(t7_files / "no.t7")
    run, _ = imported("rnn")
    before = sorted(run.rglob("*"))
    code, _, err = run_main(main, t7_files / "tiny_charcnn_rnn.t7", "--out", run)
    assert code == 2 and f"{run} is a run folder already" in err
    assert sorted(run.rglob("*")) == before


def fed(position, *parents):
    """Feeds a node of the recurrence from others."""

    def change(nodes):
        pairs = [(number, nodes[parent]["data"]) for number, parent in enumerate(parents, 1)]
        # nngraph's table leads both ways.
        nodes[position]["data"]["mapindex"] = pairs + [(data, number) for number, data in pairs]

    return change


def exchanged(first, second):
    """Gives two nodes each other's module."""

    def change(nodes):
        one, other = nodes[first]["data"], nodes[second]["data"]
        one["module"], other["module"] = other["module"], one["module"]

    return change


def constant(position, value):
    """Gives a module of the recurrence another constant."""

    def change(nodes):
        nodes[position]["data"]["module"]["constant_scalar"] = value

    return change


def selected(position, value):
    """Lets a step look at another input."""

    def change(nodes):
        nodes[position]["data"]["selectindex"] = value

    return change


@pytest.mark.parametrize(
    "kind, changes, reason",
    [
        ("rnn", [selected(6, 3)], "is wired in another way than the published rnn"),
        ("rnn", [constant(55, 0.25)], "ours differs by 0.5 of the largest output"),
        # The gate z on the old state, 1 - z on the new one, at one step.
        ("gru", [fed(21, 11, 5), fed(24, 23, 20)], "another way than the published gru"),
        # Update and reset gate in each other's place, at one step.
        ("gru", [exchanged(29, 34), exchanged(30, 35)], "another way than the published gru"),
        ("gru", [constant(22, float("nan"))], "differs by nan"),
        ("gru", [constant(22, [1, 2])], "is damaged"),
        ("rnn", [selected(6, 9)], "is damaged"),
        ("rnn", [fed(5, 6)], "is damaged"),  # by what comes later
    ],
)
def test_another_wiring_of_the_same_modules_is_refused(
    refusal, t7_files, write_t7, tmp_path, kind, changes, reason
):
    value = read_t7(t7_files / f"tiny_charcnn_{kind}.t7")
    for change in changes:
        change(value["protos"]["enc_doc"]["modules"][3]["forwardnodes"])
    assert reason in refusal(write_t7(tmp_path / "other.t7", value))
