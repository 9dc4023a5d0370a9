"""What is checked and printed before a run trains."""

import json
from argparse import Namespace
from types import SimpleNamespace

import keras
import pytest

from misc.config.errors import UserError
from misc.config.load import load_config
from misc.training import experiment
from misc.training.experiment import check_networks, common_facts, sizes, train, weights_digest


def network(units=2):
    layers = [keras.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()]
    return keras.Sequential(layers)


@pytest.fixture
def fake_trainer():
    return SimpleNamespace(networks={"generator": network(2), "discriminator": network(1)})


@pytest.fixture
def cfg():
    return load_config("initial", None, ["GPU_ID=-1"])


def never(*_):
    raise AssertionError("a dry run needs no data and no devices")


# Dense: 3 u + u; batch normalisation: 2 u trained, 2 u moving statistics.
SIZES = {
    "generator": {"trainable": 12, "non_trainable": 4},
    "discriminator": {"trainable": 6, "non_trainable": 2},
}


def test_sizes_count_what_is_trained_and_what_is_not(fake_trainer):
    assert sizes(fake_trainer) == SIZES


def test_a_dry_run_only_builds_and_counts(fake_trainer, cfg, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(experiment, "choose_strategy", never)
    monkeypatch.chdir(tmp_path)
    built = []

    def build(*arguments):
        built.append(arguments)
        return fake_trainer

    assert train(cfg, Namespace(run=None, dry_run=True), "initial", build, never) == 0
    assert built == [(cfg, 1, 1)]
    assert json.loads(capsys.readouterr().out) == {"networks": SIZES}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("override", "replicas", "said"),
    [
        ("SEED=0", 3, "64 must be divisible by the 3 devices$"),
        ("TRAIN.ACCUMULATE=3", 1, "by the 1 devices times the 3 parts of TRAIN.ACCUMULATE"),
        ("TRAIN.ACCUMULATE=32", 4, "by the 4 devices times the 32 parts of TRAIN.ACCUMULATE"),
        ("XLA=True", 2, "XLA is for one device, and there are 2"),
    ],
)
def test_what_the_devices_cannot_do_is_one_line(override, replicas, said, monkeypatch):
    cfg = load_config("initial", None, [override])
    several = SimpleNamespace(num_replicas_in_sync=replicas)
    monkeypatch.setattr(experiment, "choose_strategy", lambda *_: several)
    with pytest.raises(UserError, match=said):
        train(cfg, Namespace(run=None, dry_run=False), "initial", never, never)


def test_workers_have_in_common_what_is_no_matter_of_their_machines(cfg):
    common = common_facts(cfg, "initial")
    other = load_config("initial", None, ["GPU_ID=0", "DATA_DIR=/elsewhere"])
    assert common_facts(other, "initial") == common
    other = load_config("initial", None, ["TRAIN.MAX_EPOCH=7", "SEED=1"])
    found = common_facts(other, "initial")
    assert {name for name in common if common[name] != found[name]} == {"TRAIN.MAX_EPOCH", "SEED"}
    assert {"program", "our code", "keras", "PRECISION"} <= common.keys()


def test_a_changed_weight_changes_the_digest(fake_trainer):
    before = weights_digest(fake_trainer)
    assert weights_digest(fake_trainer) == before
    weight = fake_trainer.networks["generator"].weights[-1]
    weight.assign(weight + 1e-6)
    assert weights_digest(fake_trainer) != before


def test_a_variable_of_two_networks_is_our_mistake(fake_trainer):
    check_networks(fake_trainer)
    fake_trainer.frozen = {"stage1_generator": network()}
    check_networks(fake_trainer)
    fake_trainer.frozen = {"stage1_generator": fake_trainer.networks["generator"]}
    with pytest.raises(ValueError, match="belongs to generator and to stage1_generator"):
        check_networks(fake_trainer)
