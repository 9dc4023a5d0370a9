"""TF_CONFIG: what it may say."""

import json

import pytest

from misc.config.errors import UserError
from misc.training.cluster import ALONE, read_cluster

TWO = {"worker": ["one:2222", "two:2222"]}


def test_a_worker_knows_the_others_and_its_place():
    text = json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 1}})
    cluster = read_cluster(text)
    assert cluster.workers == (("worker 0", "one", 2222), ("worker 1", "two", 2222))
    assert cluster.rank == 1 and cluster.name(1) == "worker 1 (two:2222)"
    assert read_cluster("") is ALONE and ALONE.rank == 0


def test_a_chief_comes_first():
    jobs = {"worker": ["one:1", "two:2"], "chief": ["boss:1"]}
    text = json.dumps({"cluster": jobs, "task": {"type": "worker", "index": 0}})
    cluster = read_cluster(text)
    assert [name for name, *_ in cluster.workers] == ["chief 0", "worker 0", "worker 1"]
    assert cluster.rank == 1


@pytest.mark.parametrize(
    ("cluster", "task", "said"),
    [
        (None, ("worker", 0), '"cluster" must map'),
        ({}, ("worker", 0), '"cluster" must map'),
        (TWO | {"ps": ["three:1"]}, ("worker", 0), '"cluster" must map'),
        ({"worker": "one:1"}, ("worker", 0), '"worker" must be a list'),
        ({"worker": []}, ("worker", 0), '"task" is'),
        (TWO, ("worker", 2), "but the cluster has worker 0, worker 1"),
        (TWO, ("worker", -1), "but the cluster has"),
        (TWO, ("chief", 0), "but the cluster has"),
        (TWO, None, '"task" is null'),
        ({"worker": ["one:1", "one:1"]}, ("worker", 0), "2 workers have the address one:1"),
        ({"worker": ["one:1"], "chief": ["one:1"]}, ("chief", 0), "2 workers have the address"),
        ({"chief": ["one:1", "two:1"]}, ("chief", 0), "there may be one chief, not 2"),
        ({"worker": ["one"]}, ("worker", 0), "'one' is no address HOST:PORT"),
        ({"worker": ["one:0"]}, ("worker", 0), "'one:0' is no address"),
        ({"worker": ["one:70000"]}, ("worker", 0), "'one:70000' is no address"),
        ({"worker": [7]}, ("worker", 0), "7 is no address"),
    ],
)
def test_what_is_wrong_is_said(cluster, task, said):
    task = task and {"type": task[0], "index": task[1]}
    with pytest.raises(UserError, match="^TF_CONFIG in the environment: ") as caught:
        read_cluster(json.dumps({"cluster": cluster, "task": task}))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "7", "[" * 100_000, "{}"])
def test_what_is_no_object_is_said(text):
    with pytest.raises(UserError, match="^TF_CONFIG in the environment: "):
        read_cluster(text)
