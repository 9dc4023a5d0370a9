"""Choosing devices and arithmetic."""

from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from misc.training import distribute
from misc.training.cluster import ALONE
from misc.training.distribute import choose_strategy, is_chief, precision
from misc.training.team import Team


def test_one_device_is_one_replica():
    strategy = choose_strategy(-1, Team(ALONE, 0.0), {})
    assert strategy.num_replicas_in_sync == 1 and is_chief(strategy)


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
