"""The scripts that start a training on several machines, with stand-ins for ssh and Slurm."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAKES = {
    # As sshd does, it gives the words to a shell.
    "ssh": 'echo "$1" >> "$CALLED"; shift; exec bash -c "$*"',
    "scontrol": 'test "$*" = "show hostnames one,two" && echo one && echo two',
    "srun": """
        while [[ $1 == --* ]]; do echo "$1" >> "$CALLED"; shift; done
        for SLURM_PROCID in 0 1; do export SLURM_PROCID; "$@" & done
        wait -n; first=$?; wait -n; last=$?; exit $((first | last))
    """,
}
SHOWS = """
import os, sys
from misc.training.cluster import read_cluster
cluster = read_cluster(os.environ["TF_CONFIG"])
listed = [worker[1:] for worker in cluster.workers]
line = f"{cluster.name(cluster.rank)} {listed} {os.getcwd()} {sys.argv[1:]}\\n"
sys.stdout.write(line)  # at once, as the other one writes to the same pipe
sys.exit(7 * cluster.rank)
"""
WAITS = """
import os, signal, sys
from pathlib import Path
from misc.training.cluster import read_cluster
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # it waits until it is asked for
rank = read_cluster(os.environ["TF_CONFIG"]).rank
Path(sys.argv[1], str(rank)).touch()
signal.sigwait({signal.SIGTERM})
sys.stdout.write(f"saved {rank}\\n")
sys.exit(143)
"""


@pytest.fixture
def start(tmp_path):
    """`start(script, *words)`: the process, which finds FAKES; `CALLED` holds what they were."""
    for name, text in FAKES.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CALLED": str(tmp_path / "called"),
        "SLURM_JOB_NODELIST": "one,two",
    }

    def run(script, *words):
        command = ["bash", f"scripts/{script}", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)

    return run


def said(first, second):
    listed = f"[('one', {first}), ('two', {second})] {ROOT} [\"it's\", 'a b']"
    return [f"worker 0 (one:{first}) {listed}", f"worker 1 (two:{second}) {listed}"]


@pytest.mark.parametrize(
    ("script", "words", "ports", "called"),
    [
        ("ssh.sh", ["one,two:99"], (2222, 99), {"one", "two"}),
        ("slurm.sh", [], (2222, 2222), {"--ntasks=2", "--ntasks-per-node=1"}),
    ],
)
def test_every_machine_gets_the_command_and_its_tf_config(
    script, words, ports, called, start, tmp_path
):
    process = start(script, *words, sys.executable, "-c", SHOWS, "it's", "a b")
    out, err = process.communicate(timeout=60)
    assert sorted(out.splitlines()) == said(*ports), err
    assert process.returncode == 7
    assert set((tmp_path / "called").read_text().split()) == called


def test_a_signal_to_the_script_comes_to_every_worker(start, tmp_path):
    process = start("ssh.sh", "one,two", sys.executable, "-c", WAITS, tmp_path)
    while not all((tmp_path / rank).exists() for rank in "01"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # SIGINT may be ignored, as in the background of a shell
    out, err = process.communicate(timeout=60)
    assert sorted(out.splitlines()) == ["saved 0", "saved 1"], err
    assert process.returncode == 143


def test_without_a_command_it_says_how(start):
    process = start("ssh.sh", "one")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "scripts/ssh.sh HOST,HOST,... COMMAND..." in err
