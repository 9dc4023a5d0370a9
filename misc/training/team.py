"""Several workers on one run: they meet before training, agree, and learn who left them and why.

TensorFlow's own workers wait for each other without a word or a limit, and cannot be interrupted.
So before it starts, the chief listens at its own address and the others connect. The connections
stay, and carry a line of JSON now and then; whoever dies closes its own.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from misc.config.errors import UserError
from misc.training.cluster import Cluster

ANSWER = 20.0  # seconds; TensorFlow itself needs about 12 to give up one that hangs
A_DAY = 24 * 3600.0  # the chief may evaluate and write for long when the others are done
_MOST_BYTES = 2**20  # of a message, which has a few thousand
_LEFT = b'{"left": '
_AGAIN = (
    "what was saved is kept: start every worker again with the same command, and they go on from "
    "the last checkpoint"
)


class Team:
    """The workers of a cluster; with one worker alone there is nobody to wait for.

    Use it as a context: within, an error that TensorFlow raises because another worker is gone
    becomes a `UserError` that names it; and at the end all wait for the last.

    Args: seconds: how long one waits for the others, where a step is not what it waits in.
    Attributes: cluster; several: whether there is more than one.
    """

    def __init__(self, cluster: Cluster, seconds: float):
        self.cluster, self.several, self._seconds = cluster, len(cluster.workers) > 1, seconds
        self._lines: dict[int, _Line] = {}  # by rank: the chief has all others, they have the chief

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _traceback):
        try:
            if error is None:
                self._part()
            elif self._lines and _may_be_anothers(error):
                self.agree({}, ANSWER)  # raises, and names it, if one is missing
        except UserError as named:
            error = named
            raise
        finally:
            self._leave(error)
            for line in self._lines.values():
                line.close()

    def meet(self, facts: dict[str, Any]) -> None:
        """Wait until all have come, and `agree` with them.

        Raises: UserError also if this worker's port is taken, or one has not come in time.
        """
        if not self.several:
            return
        _, host, port = self.cluster.workers[self.cluster.rank]
        print(
            f"{self.cluster.name(self.cluster.rank)}: waits up to {self._seconds:g} s for the "
            f"others of {len(self.cluster.workers)} workers",
            file=sys.stderr,
        )
        try:
            server = socket.create_server(("", port))
        except OSError as error:
            raise UserError(
                f"TF_CONFIG: port {port} of {host} is taken ({error.strerror}): end what holds it, "
                "perhaps a worker of an earlier start, or choose another port"
            ) from error
        facts = {"the addresses in TF_CONFIG": [list(w) for w in self.cluster.workers]} | facts
        deadline = time.monotonic() + self._seconds
        with server:
            if self.cluster.rank == 0:
                self._say(_verdict(self.cluster, facts, self._receive_all(server, deadline)))
        if self.cluster.rank:
            self._call(facts, deadline)

    def agree(self, facts: dict[str, Any], seconds: float | None = None) -> None:
        """Wait until every worker has called this, and have them find equal what must be.

        Args: facts: what JSON can carry, by the name it has for people.
          seconds: other than the team's own.
        Raises: UserError, with the same line in all workers, if a fact differs or one is missing.
        """
        deadline = time.monotonic() + (self._seconds if seconds is None else seconds)
        if self.cluster.rank == 0:
            said = {rank: line.receive(deadline) for rank, line in self._lines.items()}
            self._say(_verdict(self.cluster, facts, said))
        else:
            self._lines[0].send({"facts": facts})
            self._hear(deadline + ANSWER)  # the chief may have come here later

    def _part(self) -> None:
        """At the end: the others wait for the chief, which may write for long; the chief, which has
        saved all, goes on without one that is gone."""
        if self.cluster.rank:
            return self.agree({}, A_DAY)
        deadline = time.monotonic() + self._seconds
        for rank, line in self._lines.items():
            if reason := line.receive(deadline).get("left"):
                print(f"{self.cluster.name(rank)} {reason}, after the last step", file=sys.stderr)
        self._say("")

    def start(self, make: Callable) -> Any:
        """`make()`, in which TensorFlow waits for all workers; ends the program if one leaves."""
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watch.start()
        try:
            return make()
        finally:
            done.set()
            watch.join()
            with contextlib.suppress(ValueError):  # not the main thread
                # TensorFlow has taken the signal to itself, and would do nothing on it.
                signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))

    def _receive_all(self, server: socket.socket, deadline: float) -> dict[int, dict]:
        """As the chief: what the others say who come to `server`."""
        said, expected = {}, set(range(1, len(self.cluster.workers)))
        while missing := expected - said.keys():
            server.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                line = _Line(server.accept()[0])
            except TimeoutError:
                names = ", ".join(self.cluster.name(rank) for rank in sorted(missing))
                self._say(
                    f"{names} did not come within {self._seconds:g} s: see what it says itself, "
                    "and whether its address can be reached"
                )
            hello = line.receive(time.monotonic() + 5)
            rank = hello.get("rank")
            known = type(rank) is int and rank in expected
            if not known or not isinstance(hello.get("facts"), dict):
                line.send({"verdict": f"{self.cluster.name(0)} does not know this worker"})
                line.close()
                continue
            if rank in said and not self._lines[rank].left():
                twice = f"two processes say that they are {self.cluster.name(rank)}"
                line.send({"verdict": twice})
                self._say(twice)
            self._lines[rank], said[rank] = line, hello
        return said

    def _call(self, facts: dict[str, Any], deadline: float) -> None:
        """As another worker: connect to the chief, and hear what it says when all have come."""
        _, *address = self.cluster.workers[0]
        reason = "another program answers there"
        while time.monotonic() < deadline:
            try:
                line = _Line(socket.create_connection(address, timeout=5))
            except (OSError, UnicodeError) as error:  # a name such as "a..b" is the latter
                reason = getattr(error, "strerror", None) or str(error)
            else:
                self._lines[0] = line
                line.send({"rank": self.cluster.rank, "facts": facts})
                # The chief, which may have come later, waits no longer than this.
                if self._hear(time.monotonic() + self._seconds + ANSWER, late=True):
                    return
                line.close()
            time.sleep(0.2)
        self._lines.clear()
        raise UserError(
            f"{self.cluster.name(0)} did not come within {self._seconds:g} s ({reason}): see what "
            "it says itself, and whether its address can be reached"
        )

    def _say(self, verdict: str) -> None:
        for line in self._lines.values():
            line.send({"verdict": verdict})
        if verdict:
            raise UserError(verdict)

    def _hear(self, deadline: float, *, late: bool = False) -> bool:
        """Whether there was a verdict of the chief, which `late` may still come."""
        answer = self._lines[0].receive(deadline)
        if answer.get("verdict"):
            raise UserError(str(answer["verdict"]))
        if not late and "verdict" not in answer:
            answer = {"left": "is gone"} | answer
            raise UserError(f"{self.cluster.name(0)} {answer['left']}; {_AGAIN}")
        return "verdict" in answer

    def _leave(self, error: BaseException | None) -> None:
        if error is not None:
            reason = str(error) if isinstance(error, UserError) else repr(error)[:300]
            for line in self._lines.values():
                line.send({"left": f"ended: {' '.join(reason.split())}"})

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(0.2):
            for rank, line in self._lines.items():
                if line.left():
                    reason = line.receive(time.monotonic() + 1)["left"]
                    message = f"{self.cluster.name(rank)} {reason}; {_AGAIN}"
                    self._leave(UserError(message))
                    print(f"error: {message}", file=sys.stderr, flush=True)
                    os._exit(2)  # as the main thread is where no exception can reach it


class _Line:
    """A connection that carries one JSON object a line."""

    def __init__(self, connection: socket.socket):
        self._socket, self._file = connection, connection.makefile("rb")

    def send(self, message: dict) -> None:
        """Send; one that is not there any more is found out by who receives."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(5)
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, deadline: float) -> dict:
        """The next message; its key `left` says that and why the other one is not there."""
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.01))
            message = json.loads(self._file.readline(_MOST_BYTES) or '{"left": "is gone"}')
        except TimeoutError:
            return {"left": "does not answer"}
        except (OSError, ValueError, RecursionError):
            return {"left": "is gone"}
        return message if isinstance(message, dict) else {"left": "is gone"}

    def left(self) -> bool:
        """Whether the next thing to receive is that the other one is not there."""
        try:
            if not select.select([self._socket], [], [], 0)[0]:
                return False
            begin = self._socket.recv(len(_LEFT), socket.MSG_PEEK)
        except OSError:
            return True
        return not begin or begin == _LEFT

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()


def _verdict(cluster: Cluster, facts: dict[str, Any], said: dict[int, dict]) -> str:
    """What is wrong, for people, with what the others say beside the chief's facts, or ""."""
    lost = [f"{cluster.name(r)} {one['left']}" for r, one in sorted(said.items()) if "left" in one]
    if lost:
        return f"{', '.join(lost)}; {_AGAIN}"
    facts = json.loads(json.dumps(facts))
    for rank, one in sorted(said.items()):
        theirs = one.get("facts", {})
        differing = [
            f"{name} ({_short(facts.get(name))} -> {_short(theirs.get(name))})"
            for name in facts | theirs
            if facts.get(name) != theirs.get(name)
        ]
        if differing:
            return (
                f"from {cluster.name(0)} to {cluster.name(rank)} differ: {', '.join(differing)}; "
                "all workers need the same command, code, data and run folder"
            )
    return ""


def _short(value) -> str:
    return str(value)[:100]


def _may_be_anothers(error: BaseException) -> bool:
    """Whether this is what TensorFlow raises where another worker does not answer.

    What fails here alone, such as for want of memory, is said at once: the others wait in a step,
    and would not answer either.
    """
    import tensorflow as tf

    names = ("Unavailable", "Aborted", "Cancelled", "DeadlineExceeded", "Internal", "Unknown")
    return isinstance(error, tuple(getattr(tf.errors, f"{name}Error") for name in names))
