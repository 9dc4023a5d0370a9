"""Choosing devices and arithmetic."""

from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.training import distribute
from misc.training.distribute import choose_strategy, gpu_indices, is_chief, precision


def test_gpu_indices():
    assert gpu_indices(-1) == [] and gpu_indices("-1") == []
    assert gpu_indices(0) == [0] and gpu_indices("0,1") == [0, 1]


@pytest.mark.parametrize("bad", ["a", "0,0", "-2", "0,-1", "", "1.5"])
def test_gpu_indices_that_make_no_sense(bad):
    with pytest.raises(UserError, match="GPU_ID is"):
        gpu_indices(bad)


def test_no_gpu_means_the_cpu_and_says_so(capsys):
    strategy = choose_strategy(0)
    assert strategy.num_replicas_in_sync == 1 and is_chief(strategy)
    assert capsys.readouterr().err.count("no GPU in this machine") == 1
    choose_strategy(-1)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("jobs", "task", "chief"),
    [
        ({"worker": ["a", "b"]}, ("worker", 0), True),
        ({"worker": ["a", "b"]}, ("worker", 1), False),
        ({"chief": ["a"], "worker": ["b", "c"]}, ("chief", 0), True),
        ({"chief": ["a"], "worker": ["b", "c"]}, ("worker", 0), False),
    ],
)
def test_a_cluster_has_one_chief(jobs, task, chief):
    cluster = tf.train.ClusterSpec(jobs)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type=task[0], task_id=task[1]
    )
    assert is_chief(SimpleNamespace(cluster_resolver=resolver)) == chief


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu0", "gpu1"])
    with pytest.raises(UserError, match=r"no GPU 2; this machine has 2 \(0 to 1\)"):
        choose_strategy("0,2")


def test_precision_is_set_within_the_block_only(monkeypatch):
    monkeypatch.setattr(distribute, "_fast_bfloat16", lambda: True)
    with precision("bfloat16"):
        layer = keras.layers.Dense(2)
    assert layer.compute_dtype == "bfloat16" and layer.variable_dtype == "float32"
    assert keras.layers.Dense(2).compute_dtype == "float32"


def test_bfloat16_falls_back_where_it_would_crawl(monkeypatch, capsys):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with precision("bfloat16"):
        assert keras.layers.Dense(2).compute_dtype == "float32"
    assert "using float32" in capsys.readouterr().err
