"""Several workers on this machine."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def free_ports():
    """`free_ports(count)`: ports that nobody listens at."""

    def find(count):
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
            return [found.getsockname()[1] for found in sockets]

    return find


@pytest.fixture
def start_workers(free_ports, tmp_path):
    """`start_workers(*flags, kinds=("worker", "worker"), last=())`: the processes of one Stage-I
    run, the last with flags of its own; what they put away for a while is in tmp_path / "tmp"."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with contextlib.ExitStack() as stack:

        def start(*flags, kinds=("worker", "worker"), last=()):
            cluster, tasks = {}, []
            for kind, port in zip(kinds, free_ports(len(kinds)), strict=True):
                addresses = cluster.setdefault(kind, [])
                tasks.append({"type": kind, "index": len(addresses)})
                addresses.append(f"127.0.0.1:{port}")
            started = []
            for task in tasks:
                more = last if task is tasks[-1] else ()
                own = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
                process = subprocess.Popen(
                    [sys.executable, "initial/run_exp.py", *map(str, (*flags, *more))],
                    cwd=ROOT,
                    env=os.environ | own | {"TMPDIR": str(temporary)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                stack.callback(process.kill)
                started.append(process)
            return started

        yield start
