"""LMDB databases of unknown origin, read in a process of their own."""

import multiprocessing
import re
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from misc.config.errors import UserError

LARGEST = 2**26  # bytes of one value; a picture of LSUN has some 20,000


def entries(folder: Path, keys: bytes) -> Iterator:
    """How many entries folder/data.mdb has, then each as (key, value), text and bytes, by the key.

    LMDB's C code trusts what it reads, and a damaged file can end the process that does; so that is
    another one, which lives as long as this iterator: close it.

    Args: keys: an expression that every key is to match; of ASCII letters.
    Raises: UserError for a damaged or empty file, other keys, or values beyond `LARGEST`.
    """
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(str(folder), keys, its), daemon=True)
    process.start()
    its.close()
    try:
        while (message := ours.recv()) is not None:
            if isinstance(message, str):
                raise UserError(message)
            yield message
    except EOFError as error:
        raise UserError(_damaged(folder, "reading it ended the process that did")) from error
    finally:
        process.kill()
        process.join()
        ours.close()


def _send(folder: str, keys: bytes, pipe: Connection) -> None:
    """Send what `entries` gives, and None; or why the database cannot be read."""
    import lmdb

    # Ctrl-C reaches every process; the parent alone reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = {"readonly": True, "create": False, "lock": False, "readahead": False}
    try:
        with lmdb.open(folder, **options) as database, database.begin(buffers=True) as view:
            count, last = view.stat()["entries"], b""
            if not count:
                raise lmdb.Error("it is empty")
            pipe.send(count)
            for key, value in view.cursor():
                key = bytes(key)
                # Keys are sorted: no damage sends us in circles.
                if not re.fullmatch(keys, key) or key <= last or len(value) > LARGEST:
                    raise lmdb.Error(f"after {last.decode()!r} comes no such key and value")
                pipe.send((key.decode(), bytes(value)))
                count, last = count - 1, key
            if count:
                raise lmdb.Error(f"{count} entries are missing")
        pipe.send(None)
    except lmdb.Error as error:
        pipe.send(_damaged(folder, str(error)))
    except BrokenPipeError:  # the parent was killed
        return


def _damaged(folder: Path | str, why: str) -> str:
    return f"{folder}/data.mdb is damaged or not what its name says ({why}); get it again"
