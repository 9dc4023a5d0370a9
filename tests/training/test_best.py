"""The best checkpoint of a run: chosen, replaced, found again, and what a kill leaves of it."""

import json
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.training.best import Best
from misc.training.loop import Checkpoints
from misc.training.runs import restore_networks, rewind_log

RULE = {"metric": "live_kid", "count": 8, "classifier": "a" * 64}


@pytest.fixture
def begin(tmp_path):
    """`begin(**changes)`: the best of the run in `tmp_path`, of one weight, set by `offer`."""

    class Run:
        def __init__(self, **changes):
            self.network = one_weight()
            self.step = tf.Variable(0, dtype=tf.int64)
            trainer = SimpleNamespace(networks={"generator": self.network}, optimizers={})
            self.save = Checkpoints(trainer, self.step, tmp_path, chief=True).save
            self.best = Best(tmp_path, RULE | changes, self.save)

        def offer(self, step, value):
            self.step.assign(step)
            self.network.weights[0].assign([[step]])
            self.best.offer(step, value)

    return Run


def one_weight():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])


def kept(run):
    """Step and weight of the best checkpoint, as who samples it gets them."""
    network = one_weight()
    step = restore_networks(run, {"generator": network}, "best")
    return step, float(network.weights[0].numpy()[0, 0])


def told(run):
    return json.loads((run / "best" / "best.json").read_text())


def test_what_is_lower_is_kept_alone(begin, tmp_path):
    run = begin()
    for step, value in ((10, 3.0), (20, 4.0), (30, -0.5), (40, -0.5), (50, float("nan"))):
        run.offer(step, value)
    assert kept(tmp_path) == (30, 30.0)
    history = [{"step": 10, "value": 3.0}, {"step": 30, "value": -0.5}]
    assert told(tmp_path) == {"step": 30, "value": -0.5, "history": history} | RULE
    names = {path.name.partition(".")[0] for path in (tmp_path / "best").iterdir()}
    assert names == {"best", "ckpt-30"}


def test_of_attributes_the_highest_is_best(begin, tmp_path):
    run = begin(metric="live_attributes")
    for step, value in ((10, 0.5), (20, 0.7), (30, 0.6)):
        run.offer(step, value)
    assert kept(tmp_path) == (20, 20.0)


def test_nothing_finite_is_no_best(begin, tmp_path):
    begin().offer(10, float("inf"))
    with pytest.raises(UserError, match="keeps no best checkpoint: take the newest"):
        kept(tmp_path)


def test_a_later_sitting_goes_on_with_it(begin, tmp_path, capsys):
    begin().offer(10, 1.0)
    run = begin()
    run.offer(20, 2.0)
    assert kept(tmp_path) == (10, 10.0)
    run.offer(30, 0.5)
    assert kept(tmp_path) == (30, 30.0) and len(told(tmp_path)["history"]) == 2
    assert not capsys.readouterr().err


def test_steps_done_again_keep_it_and_its_history(begin, tmp_path):
    run = begin()
    run.offer(20, 2.0)
    run.offer(30, 1.0)
    # Killed, and resumed from a checkpoint of step 15: what comes again is not better.
    again = begin()
    again.offer(20, 2.0)
    assert kept(tmp_path) == (30, 30.0)
    again.offer(30, 1.0)
    before = told(tmp_path)
    assert [one["step"] for one in before["history"]] == [20, 30]
    # Unless devices round otherwise: then the history is that of the steps before.
    again.offer(20, 0.5)
    assert [one["step"] for one in told(tmp_path)["history"]] == [20]
    assert kept(tmp_path) == (20, 20.0)


@pytest.mark.parametrize("change", [{"metric": "live_fid"}, {"count": 9}, {"classifier": "b" * 64}])
def test_values_of_another_rule_do_not_count(change, begin, tmp_path, capsys):
    begin().offer(10, 1.0)
    run = begin(**change)
    assert "the next evaluation replaces it" in capsys.readouterr().err
    assert kept(tmp_path) == (10, 10.0)  # until then it is there
    run.offer(20, 5.0)
    assert kept(tmp_path) == (20, 20.0) and told(tmp_path)["history"] == [
        {"step": 20, "value": 5.0}
    ]


@pytest.mark.parametrize("moment", ["save", "json"])
def test_a_kill_leaves_the_old_one_or_the_new_one(moment, begin, tmp_path, monkeypatch):
    begin().offer(10, 1.0)

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    run = begin()
    if moment == "json":
        monkeypatch.setattr("misc.training.best.write_atomic", killed)
    else:

        def half(prefix):
            run.save(prefix)
            (tmp_path / "best" / "ckpt-20.index").unlink()
            (tmp_path / "best" / "ckpt-20_temp").mkdir()
            raise Killed

        run.best._save = half
    with pytest.raises(Killed):
        run.offer(20, 0.5)
    monkeypatch.undo()
    assert kept(tmp_path) == (10, 10.0) and told(tmp_path)["step"] == 10
    begin().offer(30, 0.1)
    assert kept(tmp_path) == (30, 30.0)
    assert not list((tmp_path / "best").glob("ckpt-[12]0*"))


def test_weights_that_are_gone_are_chosen_anew(begin, tmp_path):
    begin().offer(10, 1.0)
    for path in (tmp_path / "best").glob("ckpt-10.*"):
        path.unlink()
    with pytest.raises(UserError, match="ckpt-10: this checkpoint does not fit"):
        kept(tmp_path)
    begin().offer(20, 2.0)
    assert kept(tmp_path) == (20, 20.0)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"step": "../../x", "value": 1.0, "history": []}', '{"step": 10}']
    + ['{"step": 10, "value": NaN, "history": []}', "[" * 100_000]
    + [f'{{"step": 10, "value": 1{"0" * 400}, "history": []}}']
    + ['{"step": 10, "value": 1.0, "history": [{"step": 10}]}'],
)
def test_a_damaged_file_is_one_line(content, begin, tmp_path):
    begin().offer(10, 1.0)
    (tmp_path / "best" / "best.json").write_text(content)
    for use in (begin, lambda: kept(tmp_path)):
        with pytest.raises(UserError, match="best.json is damaged"):
            use()


def test_a_run_that_begins_anew_has_no_best(begin, tmp_path):
    begin().offer(10, 1.0)
    rewind_log(tmp_path, 5)
    assert kept(tmp_path) == (10, 10.0)
    rewind_log(tmp_path, 0)
    assert not (tmp_path / "best").exists()
