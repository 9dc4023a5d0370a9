"""Work in this process or in others: the same results, and one line when one is killed."""

import os
import signal

import pytest

from misc.config.errors import UserError
from misc.data.processes import how_many, processes


def test_no_more_than_windows_can_wait_for(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    assert [how_many(workers) for workers in (1, 7, 61, 62, 1024, None)] == [1, 7, 61, 61, 61, 61]
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert how_many(None) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers):
    with processes(workers, "counted") as executor:
        assert list(executor.map(divmod, [7, 9, 8], [2, 2, 3], chunksize=2)) == [
            (3, 1),
            (4, 1),
            (2, 2),
        ]
        assert executor.submit(pow, 3, 2).result() == 9
        assert (executor.submit(os.getpid).result() == os.getpid()) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_task_raises_comes_out(workers):
    with pytest.raises(ZeroDivisionError), processes(workers, "divided") as executor:
        list(executor.map(divmod, [1, 1], [1, 0]))


def test_one_process_begins_a_task_when_its_turn_comes():
    begun = []
    with processes(1, "counted") as executor:
        results = executor.map(begun.append, [1, 2, 3])
        next(results)
        assert begun == [1]


def test_ctrl_c_ends_the_others_without_a_word():
    with processes(2, "waited") as executor:
        assert executor.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_DFL


@pytest.mark.parametrize("after", ["", "; what is finished is kept"])
def test_a_process_that_is_killed_is_said_in_one_line(after):
    line = f"a process that looked was killed, .*with fewer --workers{after}$"
    with pytest.raises(UserError, match=line), processes(2, "looked", after) as executor:
        list(executor.map(os._exit, [3, 3]))
