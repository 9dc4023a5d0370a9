"""Evaluation during training: what it measures and costs, and that training does not feel it."""

import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from initial.run_exp import main
from initial.sample import load
from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.images import centre_of
from misc.data.prepared import open_split
from misc.data.writer import write_embeddings, write_set
from misc.evaluation import classifier
from misc.sources.source import card
from misc.training import live
from misc.training.gan_data import GanData
from misc.training.hooks import Reporter
from misc.training.live import Live
from misc.training.runs import newest_checkpoint, read_best

LIVE = {"EVAL__LIVE_INTERVAL": 2, "EVAL__LIVE_COUNT": 8, "TRAIN__MAX_EPOCH": 4}


@pytest.fixture(scope="module")
def three_splits(make_set):
    """8 training pictures of red and green (an epoch is 2 steps), 4 to test, 8 of two colours."""
    return make_set(train=("red", "green"), test=("blue",), validation=("yellow", "white"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """The folder of a classifier that has learned nothing."""
    folder = tmp_path_factory.mktemp("runs") / "classifier"
    keras.utils.set_random_seed(0)
    facts = {"name": "x", "classes": ["a", "b"], "attributes": ["is_red"], "accuracy": 0.5}
    classifier.save(folder, classifier.build(2, 1), facts)
    return folder


@pytest.fixture(scope="module")
def yml(gan_yml, three_splits, judge):
    """`yml(**keys)`: a Stage-I of 8 steps on `three_splits`, evaluated at every second."""

    def write(**keys):
        given = {"DATA_DIR": str(three_splits), "EVAL__CLASSIFIER": str(judge)}
        return gan_yml(**given | LIVE | keys)

    return write


def variables(prefix):
    reader = tf.train.load_checkpoint(prefix)
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {n: reader.get_tensor(n) for n in names if "save_counter" not in n}


def assert_same(one, other):
    one, other = variables(one), variables(other)
    assert one.keys() == other.keys() and len(one) > 50
    assert not [name for name in one if not np.array_equal(one[name], other[name])]


def best(run):
    return str(run / "best" / f"ckpt-{read_best(run)['step']}")


def logged(run):
    """{step: live values} of the log."""
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return {
        line["step"]: {k: v for k, v in line.items() if k.startswith("live_")}
        for line in lines
        if "live_kid" in line
    }


def scores(run):
    """The same without times."""
    return {s: (v["live_kid"], v["live_fid"]) for s, v in logged(run).items()}


@pytest.fixture(scope="module")
def unbroken(yml, tmp_path_factory):
    """A run from start to end."""
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    assert main(["--cfg", str(yml()), "--run", str(run)]) == 0
    return run


def test_a_run_tells_its_numbers_and_keeps_its_best(unbroken):
    told = logged(unbroken)
    assert list(told) == [2, 4, 6, 8]
    for values in told.values():
        assert values.keys() == {"live_kid", "live_fid", "live_seconds", "live_share"}
        assert values["live_fid"] > 0 and 0 < values["live_share"] < 1
    chosen = read_best(unbroken)
    step, (value, _) = min(scores(unbroken).items(), key=lambda one: one[1])
    assert (chosen["step"], chosen["value"], chosen["metric"]) == (step, value, "live_kid")
    assert load(unbroken, "best").step == step and load(unbroken).step == 8
    tags = set()
    for file in (unbroken / "tensorboard").iterdir():
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            tags |= {(value.tag, event.step) for value in event.summary.value}
    assert {("live_kid", 2), ("live_share", 8)} <= tags


def test_training_does_not_feel_it(unbroken, yml, tmp_path):
    flags = ["--cfg", str(yml(EVAL__LIVE_INTERVAL=0)), "--run", str(tmp_path / "run")]
    assert main(flags) == 0
    assert_same(newest_checkpoint(unbroken), newest_checkpoint(tmp_path / "run"))
    assert not (tmp_path / "run" / "best").exists() and not logged(tmp_path / "run")


def test_killed_and_resumed_it_keeps_the_same_best(unbroken, yml, tmp_path, monkeypatch, run_main):
    """Killed when step 4 is evaluated but not told, and resumed from step 3: 4 comes again."""
    run = tmp_path / "run"
    flags = ["--cfg", yml(TRAIN__SNAPSHOT_INTERVAL=3), "--run", run]
    snapshot = Reporter.snapshot

    class Killed(BaseException):
        pass

    def killed(self, step, values, picture):
        if step == 4 and picture is None:
            raise Killed
        snapshot(self, step, values, picture)

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "snapshot", killed)
        with pytest.raises(Killed):
            main([str(flag) for flag in flags])
    assert read_best(run)["history"][-1]["step"] in (2, 4) and list(logged(run)) == [2]
    code, out, _ = run_main(main, *flags)
    assert code == 0 and "goes on from step 3" in out
    assert scores(run) == scores(unbroken) and read_best(run) == read_best(unbroken)
    assert_same(best(run), best(unbroken))
    assert_same(newest_checkpoint(run), newest_checkpoint(unbroken))


class Fakes:
    """A trainer whose pictures are what `look(embedding, k)` says; `asked`: the embeddings."""

    def __init__(self, look):
        self.look, self.asked = look, []

    def sampler(self, data):
        def sample(embedding, seed, start):
            self.asked += list(embedding)
            return np.stack([self.look(e, start + k) for k, e in enumerate(embedding)])

        return sample


class Colours:
    """A judge by mean colour, which reads whether wings are red and whether they are blue."""

    digests = {"colours": "0"}
    attributes = ["has_wing_color::red", "has_wing_color::blue", "has_size::tiny"]

    def __init__(self, cfg):
        self.looked = 0

    def __call__(self, batches):
        means = np.concatenate([b.mean(axis=(1, 2)) for b in batches]) / 255
        self.looked += 1
        red, blue = means[:, 0] > means[:, 2], means[:, 0] <= means[:, 2]
        return means, np.stack([red, blue, 0 * red], axis=1).astype(float)


WINGS = {"red": "a bird with red wings", "blue": "its wings are blue"}


@pytest.fixture(scope="module")
def birds(make_pictures, tmp_path_factory):
    """A set whose sentences name the colour of wings; its embeddings are 1 for red, 0 for blue."""
    root, splits = tmp_path_factory.mktemp("birds"), {}
    for split in ("train", "test", "validation"):
        pictures = make_pictures(root / "raw", ("red", "blue"), per_class=40, captions=1)
        splits[split] = [replaced(p, captions=(WINGS[p.class_name],)) for p in pictures]
    facts = card("the tests", "by chance", "picture", "ours")
    names = {"attribute_names": ("is_red", "is_round")}
    write_set(root / "set", splits, name="b", imsizes=(16, 32), card=facts, workers=1, **names)
    for split, pictures in splits.items():
        rows = [[float(p.class_name == "red")] * 8 for p in pictures]
        write_embeddings(root / "set" / split, "text", [np.array(rows)])
    return root / "set"


def replaced(picture, **changes):
    return type(picture)(**vars(picture) | changes)


@pytest.fixture
def evaluate(birds, gan_yml, tmp_path, monkeypatch):
    """`evaluate(look, *steps, **keys)` -> (the `Live`, its values at the last step)."""
    monkeypatch.setattr(live, "Jury", Colours)

    def run(trainer, *steps, **keys):
        given = {"DATA_DIR": str(birds), "EVAL__LIVE_INTERVAL": 1, "EVAL__LIVE_COUNT": 40}
        cfg = load_config("initial", gan_yml(**given | keys))
        one = Live(cfg, trainer, GanData(cfg, 16))
        one.begin(tmp_path, 0, lambda prefix: (tmp_path / f"{prefix}.index").touch())
        return one, [one(step) for step in steps][-1]

    return run


def plain(colour):
    return np.broadcast_to(np.array(colour, np.uint8), (16, 16, 3))


RED, BLUE = plain((200, 30, 30)), plain((30, 30, 200))


def test_right_colours_are_read_and_wrong_ones_are_not(evaluate):
    _, right = evaluate(Fakes(lambda e, _: RED if e[0] else BLUE), 1)
    _, wrong = evaluate(Fakes(lambda e, _: BLUE if e[0] else RED), 1)
    _, one = evaluate(Fakes(lambda e, _: RED), 1)
    assert right["live_attributes"] == 1 and wrong["live_attributes"] == 0
    assert 0.2 < one["live_attributes"] < 0.8
    # As many of each colour either way: what pictures look like as a whole is the same.
    assert right["live_kid"] == pytest.approx(wrong["live_kid"], rel=0.3)
    assert one["live_kid"] > 2 * right["live_kid"] and one["live_fid"] > right["live_fid"]


def test_real_pictures_are_as_near_as_can_be(evaluate, birds):
    split = open_split(birds, "validation")
    files = split.pictures(range(len(split)), split.sizes[0])
    _, close = evaluate(Fakes(lambda e, k: centre_of(files[2 * k], 16)), 1)
    _, far = evaluate(Fakes(lambda e, k: RED if k % 2 else BLUE), 1)
    # Below 0, as some of them are the very pictures they are compared with.
    assert close["live_kid"] < 0 < far["live_kid"] and close["live_fid"] < 0.2 * far["live_fid"]


def test_sentences_are_of_validation_fixed_and_looked_at_once(evaluate, birds):
    trainer = Fakes(lambda e, k: RED if k % 3 else BLUE)
    one, first = evaluate(trainer, 5)
    again = one(6)
    assert one._jury.looked == 3  # the real pictures, and the fakes of two evaluations
    assert len(trainer.asked) == 80
    np.testing.assert_array_equal(trainer.asked[:40], trainer.asked[40:])
    assert all(first[name] == again[name] for name in ("live_kid", "live_fid", "live_attributes"))
    other = Fakes(lambda e, k: RED)
    evaluate(other, 5, SEED=1)
    assert not np.array_equal(trainer.asked[:40], other.asked)
    few = Fakes(lambda e, k: RED)
    evaluate(few, 5, EVAL__LIVE_COUNT=1000)
    assert len(few.asked) == 80  # at most one of a picture


def test_what_names_nothing_is_not_read(evaluate, three_splits, capsys):
    _, values = evaluate(Fakes(lambda e, _: RED), 1, DATA_DIR=str(three_splits))
    assert "live_attributes" not in values and values["live_kid"] > 0
    assert "no live_attributes: " in capsys.readouterr().err
    with pytest.raises(UserError, match="0 of 8 captions name an attribute"):
        keys = {"EVAL__LIVE_BEST": "live_attributes", "EVAL__CLASSIFIER": "x"}
        evaluate(Fakes(lambda e, _: RED), 1, DATA_DIR=str(three_splits), **keys)


def test_who_judges(gan_yml, judge, monkeypatch):
    loaded = []

    def network(name):
        loaded.append(name)
        return SimpleNamespace(judge=name, digest="d")

    monkeypatch.setattr(live, "load_network", network)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), np.uint8)
    own = live.Jury(load_config("initial", gan_yml(EVAL__CLASSIFIER=str(judge))))
    seen, read = own([pictures[:3], pictures[3:]])
    known = classifier.load(judge)(pictures)
    np.testing.assert_allclose(seen, known["features"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(read, known["attributes"], rtol=1e-4, atol=1e-5)
    assert not loaded and list(own.digests) == ["classifier"]
    live.Jury(load_config("initial", gan_yml()))
    keys = {"EVAL__CLASSIFIER": str(judge), "EVAL__LIVE_NETWORK": "mobilenet-v2"}
    both = live.Jury(load_config("initial", gan_yml(**keys)))
    assert loaded == ["efficientnet-lite0", "mobilenet-v2"]
    assert both.digests.keys() == {"classifier", "mobilenet-v2"} and both.attributes == ["is_red"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"DATA_DIR": "tiny"}, "has no validation split, which EVAL.LIVE_INTERVAL needs: prepare"),
        ({"EVAL__CLASSIFIER": "nowhere"}, "nowhere: no classifier here"),
        ({"EVAL__LIVE_COUNT": 2}, "EVAL.LIVE_COUNT is 2, expected a number of at least 3"),
        ({"EVAL__LIVE_NETWORK": "x"}, "expected one of: , classifier, efficientnet-lite0"),
        (
            {"EVAL__LIVE_BEST": "live_attributes", "EVAL__CLASSIFIER": ""},
            "live_attributes needs EVAL.CLASSIFIER",
        ),
        ({"EVAL__LIVE_BEST": "live_attributes"}, "0 of 8 captions name an attribute"),
    ],
)
def test_a_mistake_is_one_line_at_the_start(keys, said, yml, tiny_set, tmp_path, run_main):
    if "DATA_DIR" in keys:
        keys = {"DATA_DIR": str(tiny_set)}
    code, _, err = run_main(main, "--cfg", yml(**keys), "--run", tmp_path / "run")
    assert code == 2 and err.splitlines()[-1].startswith("error: ") and said in err
    assert not (tmp_path / "run").exists()


def test_a_classifier_without_attributes_chooses_nothing_by_them(yml, tmp_path, run_main):
    facts = {"name": "x", "classes": ["a", "b"], "attributes": [], "accuracy": 0.5}
    classifier.save(tmp_path / "judge", classifier.build(2, 0), facts)
    keys = {"EVAL__LIVE_BEST": "live_attributes", "EVAL__CLASSIFIER": str(tmp_path / "judge")}
    code, _, err = run_main(main, "--cfg", yml(**keys), "--run", tmp_path / "run")
    assert code == 2 and "was trained on a set without attributes" in err.splitlines()[-1]


def test_a_validation_split_needs_pictures_and_the_same_encoder(
    yml, make_set, three_splits, tmp_path, run_main
):
    few = make_set(validation=("white",), per_class=2)
    flags = ["--run", tmp_path / "run", "--cfg"]
    code, _, err = run_main(main, *flags, yml(DATA_DIR=str(few)))
    assert code == 2 and "2 pictures with captions are too few to evaluate on" in err
    other = shutil.copytree(three_splits, tmp_path / "other")
    (other / "validation/embeddings/text.json").write_text('{"digest": "d"}')
    code, _, err = run_main(main, *flags, yml(DATA_DIR=str(other)))
    assert code == 2 and "validation: the embeddings text are not by the encoder that" in err
    (other / "validation/embeddings/text.npy").unlink()
    code, _, err = run_main(main, *flags, yml(DATA_DIR=str(other)))
    assert code == 2 and "validation/embeddings/text.npy: no embeddings of this encoder" in err
