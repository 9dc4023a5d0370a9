"""How workers meet, agree and learn who left, over the loopback and without TensorFlow's own."""

import contextlib
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf

from misc.config.errors import UserError
from misc.training import team as module
from misc.training.cluster import ALONE, Cluster
from misc.training.team import Team


@pytest.fixture
def gather(free_ports, monkeypatch):
    """`gather(*works, seconds=20)`: calls work(team) for a worker each, all at once -> what each
    returned, or the line of its `UserError`."""
    monkeypatch.setattr(module, "ANSWER", 0.5)

    def run(*works, seconds=20.0):
        addresses = [(f"worker {i}", "127.0.0.1", p) for i, p in enumerate(free_ports(len(works)))]

        def one(rank):
            try:
                with Team(Cluster(tuple(addresses), rank), seconds) as team:
                    return works[rank](team)
            except UserError as error:
                return str(error)
            except tf.errors.OpError as error:
                return error

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(one, range(len(works))))

    return run


def meet(team):
    team.meet({"SEED": 1})
    return "met"


def elsewhere(_):
    raise UserError("elsewhere")


def test_one_worker_alone_waits_for_nobody():
    with Team(ALONE, 0.0) as team:
        team.meet({})
        team.agree({"SEED": 1})


def test_three_workers_meet_in_any_order_and_tensorflow_gets_the_port(gather):
    held = []

    def late(team):
        time.sleep(0.5)
        return meet(team)

    def chief(team):
        meet(team)
        held.append(socket.create_server(("", team.cluster.workers[0][2])))
        return "met"

    assert gather(chief, late, meet) == ["met"] * 3
    held[0].close()


def test_what_differs_is_named_by_all(gather):
    def other(team):
        team.meet({"SEED": 2, "more": None})

    lines = gather(meet, meet, other)
    assert len(set(lines)) == 1
    assert lines[0].startswith("from worker 0 (127.0.0.1:")
    assert "to worker 2 (127.0.0.1:" in lines[0] and "SEED (1 -> 2)" in lines[0]


def test_a_later_fact_is_compared_as_well(gather):
    def work(team):
        meet(team)
        team.agree({"newest checkpoint": f"ckpt-{team.cluster.rank}", "sizes": (1, 2)})

    lines = gather(work, work)
    assert lines[0] == lines[1]
    assert "differ: newest checkpoint (ckpt-0 -> ckpt-1); all workers need" in lines[0]


def test_who_does_not_come_is_named_by_all_who_did(gather):
    lines = gather(meet, elsewhere, meet, seconds=1.0)
    assert lines[1] == "elsewhere" and lines[0] == lines[2]
    assert lines[0].startswith("worker 1 (127.0.0.1:")
    assert "did not come within 1 s" in lines[0] and "worker 2" not in lines[0]
    first, second = gather(elsewhere, meet, seconds=0.5)
    assert second.startswith("worker 0 (127.0.0.1:")
    assert "did not come within 0.5 s (Connection refused)" in second


def test_a_port_that_is_taken_is_said(free_ports):
    (port,) = free_ports(1)
    cluster = Cluster((("worker 0", "localhost", 1), ("worker 1", "localhost", port)), 1)
    with socket.create_server(("", port)), pytest.raises(UserError, match=f"port {port}.* taken"):
        Team(cluster, 5.0).meet({})


def test_a_stranger_at_the_door_is_turned_away(gather, free_ports):
    def stranger(team):
        hellos = (b'{"rank": 7, "facts": {}}\n', b'{"rank": [], "facts": {}}\n')
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\n", *hellos, b"[]\n"):
            while True:
                with contextlib.suppress(OSError):
                    address = team.cluster.workers[0][1:]
                    with socket.create_connection(address, timeout=5) as connection:
                        connection.sendall(said)
                        assert b"does not know" in connection.recv(1000)
                    break
        return meet(team)

    assert gather(meet, stranger) == ["met", "met"]


def test_two_that_say_they_are_the_same_are_refused(free_ports):
    ports = free_ports(3)
    chief, worker = (("worker 0", "127.0.0.1", ports[0]), ("worker 1", "127.0.0.1", ports[1]))
    third = ("worker 2", "127.0.0.1", ports[2])
    again = ("worker 1", "127.0.0.1", ports[2])  # on its own machine it is free

    def line(workers, rank):
        with pytest.raises(UserError) as caught, Team(Cluster(workers, rank), 20.0) as team:
            team.meet({})
        return str(caught.value)

    asked = [((chief, worker, third), 0), ((chief, worker, third), 1), ((chief, again, third), 1)]
    with ThreadPoolExecutor(3) as pool:
        lines = set(pool.map(lambda one: line(*one), asked))
    assert lines == {f"two processes say that they are worker 1 (127.0.0.1:{ports[1]})"}


def test_why_one_ended_is_told_to_the_others(gather):
    def damaged(team):
        meet(team)
        raise UserError("a picture is damaged")

    def other(team):
        meet(team)
        team.agree({})

    first, second, third = gather(other, other, damaged)
    assert third == "a picture is damaged"
    assert first == second and first.startswith("worker 2 (127.0.0.1:")
    assert "ended: a picture is damaged; what was saved is kept: start every worker" in first


def test_after_the_last_step_only_the_chief_is_missed(gather, capfd):
    def gone(team):
        meet(team)
        for line in team._lines.values():
            line._socket.shutdown(socket.SHUT_RDWR)
        return "gone"

    assert gather(meet, gone, meet)[::2] == ["met", "met"]
    assert " is gone, after the last step" in capfd.readouterr().err
    first, *others = gather(gone, meet, meet)
    assert first == "gone" and all("worker 0 (127.0.0.1:" in line for line in others)


def stuck(team):
    meet(team)
    raise tf.errors.UnavailableError(None, None, "Socket closed")


def test_who_is_gone_when_tensorflow_fails_is_named(gather):
    def gone(team):
        meet(team)
        for line in team._lines.values():
            line._socket.shutdown(socket.SHUT_RDWR)

    first, second, _ = gather(stuck, stuck, gone)
    assert first == second and first.startswith("worker 2 (127.0.0.1:") and "is gone;" in first
    _, second, third = gather(gone, stuck, stuck)
    assert second == third and second.startswith("worker 0 (127.0.0.1:") and "is gone;" in second


def test_who_hangs_when_tensorflow_fails_is_named(gather):
    def hangs(team):
        meet(team)
        time.sleep(2)

    first, second, _ = gather(stuck, stuck, hangs)
    assert first == second and first.startswith("worker 2 (127.0.0.1:")
    assert "does not answer;" in first


@pytest.mark.parametrize("failing", [0, 1])
def test_who_fails_alone_says_so_itself_and_blames_nobody(failing, gather):
    def fails(team):
        meet(team)
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    said = gather(*(fails if rank == failing else stuck for rank in range(2)))
    assert isinstance(said[failing], tf.errors.ResourceExhaustedError)
    other = said[1 - failing]
    assert other.startswith(f"worker {failing} (127.0.0.1:") and "ended: Resource" in other


def test_tensorflows_own_error_stays_if_all_are_there(gather):
    assert [type(error) for error in gather(stuck, stuck)] == [tf.errors.UnavailableError] * 2


LEFT_BEHIND = """
import sys, threading
from misc.training.cluster import Cluster
from misc.training.team import Team

ports = sys.argv[1:]
cluster = Cluster(tuple((f"worker {i}", "127.0.0.1", int(p)) for i, p in enumerate(ports)), 1)
team = Team(cluster, 20.0)
team.meet({})
team.start(threading.Event().wait)
"""


def test_tensorflows_silent_start_ends_if_one_leaves(free_ports):
    ports = free_ports(2)
    command = [sys.executable, "-c", LEFT_BEHIND, *map(str, ports)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    workers = tuple((f"worker {i}", "127.0.0.1", port) for i, port in enumerate(ports))
    with pytest.raises(UserError, match="no"), Team(Cluster(workers, 0), 20.0) as team:
        team.meet({})
        team.start(lambda: None)
        raise UserError("no")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1].startswith(f"error: worker 0 (127.0.0.1:{ports[0]}) ended: no; ")
