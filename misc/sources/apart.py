"""Readers in C that trust their files run in a process of their own, which damage can end."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from misc.config.errors import UserError


def apart(read: Callable[..., Iterator], *args, where: Path) -> Iterator:
    """What the generator `read(*args)` yields, made in another process.

    That process is a few items ahead, and ends with this iterator: close it, if not at its end.

    Args: read, args: picklable, as the items.   where: the file, for the message.
    Raises: UserError if `read` raises one, or if its process ends in the midst of it.
    """
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(its, read, args), daemon=True)
    process.start()
    its.close()
    try:
        while (message := ours.recv()) is not None:
            if isinstance(message, str):
                raise UserError(message)
            yield message[0]
    except EOFError as error:
        raise UserError(
            f"{where} is damaged: what reads it ended the process it was in; download it again"
        ) from error
    finally:
        process.kill()
        process.join()
        ours.close()


def _send(pipe: Connection, read: Callable[..., Iterator], args: tuple) -> None:
    """Send each item as a tuple; then None, or in words why there are no more."""
    # Ctrl-C reaches every process; the parent alone reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        for item in read(*args):
            pipe.send((item,))
        pipe.send(None)
    except UserError as error:
        pipe.send(str(error))
    except BrokenPipeError:  # the parent was killed
        return
