"""Work in several processes: how many there may be, and what is said when one is killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from misc.config.errors import UserError

_MOST = 61  # Windows waits for no more at once


def how_many(workers: int | None) -> int:
    """The processes to start if `workers` are asked for; None: one a core. At most 61."""
    return min(workers or os.cpu_count() or 1, _MOST)


@contextmanager
def processes(workers: int | None, did: str, after: str = "") -> Iterator[Executor]:
    """An executor of `how_many` processes; of one, it works in this process.

    Its `map` gives what is done in the order of the tasks, before all are done.

    Args: did, after: for the message: what they did, and what there is to know besides.
    Raises: UserError if one of the processes is killed.
    """
    if (workers := how_many(workers)) == 1:
        yield _Here()
        return
    # Spawned, not forked: the one way that is the same on every system. Ctrl-C reaches every
    # process; the parent alone reports it.
    spawn = multiprocessing.get_context("spawn")
    quiet = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_DFL)}
    executor = ProcessPoolExecutor(workers, spawn, **quiet)
    try:
        yield executor
    except BrokenProcessPool as error:
        raise UserError(
            f"a process that {did} was killed, probably for want of memory; run the same command "
            f"again with fewer --workers{after}"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


class _Here(Executor):
    """What fails raises at once, as there is nothing to wait for."""

    def submit(self, fn: Callable, /, *args, **kwargs) -> Future:
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def map(self, fn: Callable, *iterables, timeout=None, chunksize=1) -> Iterator:
        return map(fn, *iterables)
