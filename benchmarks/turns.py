"""Processes that take turns, so that whatever else the machine does meets all of them alike.

Each of them lives on its own, built and warmed up; then they are timed one after another, a burst
each a round. What counts is the median over rounds of the ratio to the first one's rate in the same
round.
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

BURST = 1.5  # seconds, about
_WARM = 3  # steps before anything is timed
_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy")


class Work(NamedTuple):
    """What is timed.

    Attributes: step: does it once and waits for it.  count: of the items that it makes.
      facts: what else a row tells of it, as JSON has it; asked for after the last burst.
    """

    step: Callable[[], object]
    count: float = 1
    facts: Callable[[], dict] = dict


def take_turns(commands: Sequence[Sequence[str]], rounds: int) -> list[dict]:
    """Start a process for each command, each of which calls `serve`, and time them in turns.

    Returns: for each: `per_second`, items (median); `ratio` to the first one (median); `peak_gib`,
      its largest resident memory; `graph_seconds`, what its first step took longer than others; and
      its own facts.
    Raises: RuntimeError if one of them ends before it is told to.
    """
    processes = []
    try:
        for command in commands:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            processes.append(process)
            _ask(process)  # one at a time, so that building does not fight over the cores
        rates = [[_ask(process)["rate"] for process in processes] for _ in range(rounds)]
        told = [_ask(process, "end") for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return [
        {
            "per_second": statistics.median(turn[i] for turn in rates),
            "ratio": statistics.median(turn[i] / turn[0] for turn in rates),
            **facts,
        }
        for i, facts in enumerate(told)
    ]


def _ask(process: subprocess.Popen, what: str = "go") -> dict:
    try:
        process.stdin.write(what + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())
    except (OSError, ValueError) as error:
        raise RuntimeError(f"no answer from {' '.join(process.args)}") from error


def serve(work: Work) -> None:
    """Warm up; run a burst and print its rate for each line on stdin; at `end`, print the facts."""
    seconds = []
    for _ in range(_WARM):
        start = time.perf_counter()
        work.step()
        seconds.append(time.perf_counter() - start)
    steps = max(1, round(BURST / seconds[-1]))
    for line in sys.stdin:
        if line.strip() == "end":
            graph = round(max(0.0, seconds[0] - seconds[-1]), 1)
            facts = {"peak_gib": round(peak_gib(), 2), "graph_seconds": graph, **work.facts()}
            print(json.dumps(facts), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(steps):
            work.step()
        rate = steps * work.count / (time.perf_counter() - start)
        print(json.dumps({"rate": rate}), flush=True)


def peak_gib() -> float:
    """Largest resident memory of this process so far, in GiB (POSIX)."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine() -> dict:
    """What the numbers are taken on: versions, and the processor with its number of cores."""
    import os

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"processor": _processor(), "cores": len(os.sched_getaffinity(0))}


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
