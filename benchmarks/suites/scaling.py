"""Stage-I steps (layout pytorch, published widths, float32) on one core, and on twice as many: two
devices of one process (MirroredStrategy), two workers over the loopback, a core each
(MultiWorkerMirroredStrategy). 16 pictures a core and step; batch normalisation is synchronised, in
`one core, synchronised` without another: a ratio of 1 is scaling without loss. The all-reduces are
the two workers' alone. What they foretell is compared with what is measured (benchmarks/plan.py).
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial

from benchmarks.plan import Machine, reduce_seconds
from benchmarks.turns import Work

UNIT, ROUNDS = "steps", 3
STEP, REDUCE = "Stage-I step, 16 a core", "all-reduce between two workers"
ONE, ALIKE, DEVICES, WORKERS = "one core", "one core, synchronised", "two devices", "two workers"
LARGE, SMALL = "16 MiB", "2 KiB"
_BYTES = {LARGE: 2**24, SMALL: 2**11}
_SECOND = "second of "  # and the variant whose other worker it is
_KEYS = ("GAN.NETWORK_TYPE=pytorch", "TRAIN.REUSE_FAKE=true", "GPU_ID=-1", "TRAIN.BATCH_SIZE=16")


def works(_args) -> dict[str, tuple[str, ...]]:
    """Steps, and what workers say to each other."""
    return {STEP: (ONE, ALIKE, DEVICES, WORKERS), REDUCE: (LARGE, SMALL)}


def make(_args, work: str, variant: str, folder: str) -> Work:
    """One step, or all-reduce, of all replicas."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise RuntimeError("scaling needs two cores")
    second = variant.startswith(_SECOND)
    variant = variant.removeprefix(_SECOND)
    if second:
        threading.Thread(target=_end_with_the_first, daemon=True).start()
    elif variant in (WORKERS, LARGE, SMALL):
        _start_second(work, variant, folder)
    if variant != DEVICES:
        os.sched_setaffinity(0, {cores[second]})
    step, facts = _step(variant)
    while second:
        step()
    return Work(step, facts=facts)


def more(_args, rows: list[dict]) -> str:
    """What one core and the all-reduces foretell of two workers, and what those took."""
    found = {row["variant"]: row for row in rows}
    one, workers = found[ALIKE], found[WORKERS]
    small, large = (1 / found[name]["per_second"] for name in (SMALL, LARGE))
    bandwidth = (_BYTES[LARGE] - _BYTES[SMALL]) / (large - small)
    machine = Machine(1, 1, bandwidth, bandwidth, small / 2, 1)
    alone, took = 1 / one["per_second"], 1 / workers["per_second"]
    told = alone + reduce_seconds(workers["reduces"], workers["reduced"], machine, 2)
    return (
        f"Two workers by the formulas of docs/plan.md: {told:.2f} s a step, of which one core's "
        f"{alone:.2f} s, and {told - alone:.2f} s of {workers['reduces']:.0f} all-reduces of "
        f"{workers['reduced'] / 1e6:.1f} MB in all, at {1e3 * small:.2f} ms for a small one and "
        f"{bandwidth / 1e6:,.0f} MB/s. Measured: {took:.2f} s; the plan is {told / took - 1:+.0%} "
        "off."
    )


def _start_second(work: str, variant: str, folder: str) -> None:
    ports = _free_ports(2)
    os.environ["TF_CONFIG"] = _cluster(ports, 0)
    program = [sys.executable, "-m", "benchmarks", "--suite", "scaling", "--serve"]
    environment = os.environ | {"TF_CONFIG": _cluster(ports, 1)}
    subprocess.Popen(
        [*program, work, _SECOND + variant, folder],
        env=environment,
        stdin=subprocess.PIPE,  # closed when this process ends
        stdout=subprocess.DEVNULL,
    )


def _end_with_the_first() -> None:
    sys.stdin.read()
    os._exit(0)


def _step(variant: str):
    """A function that does a step and waits for it, and the facts of its graph."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from benchmarks import rooms

    if variant in (ONE, ALIKE):
        strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    elif variant == DEVICES:
        strategy = rooms.two_devices()
    else:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if variant in _BYTES:
        return _all_reduce(strategy, _BYTES[variant]), dict
    from misc.config.load import load_config

    cfg = load_config("initial", None, list(_KEYS))
    trainer = rooms.build("initial", cfg, strategy, 1 if variant == ONE else 2)
    run = rooms.step("initial", cfg, strategy, trainer)
    return lambda: float(run()["d_loss"]), partial(_facts, run, 2 if variant == DEVICES else 1)


def _all_reduce(strategy, size: int):
    import tensorflow as tf

    given = tf.ones((size // 4,))

    def reduce():
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, given)[0]

    run = tf.function(lambda: strategy.run(reduce))
    return lambda: float(run())


def _facts(run, here: int) -> dict:
    """The work of one replica, of those `here` in a graph."""
    from benchmarks.operations import count

    work = count(run.get_concrete_function().graph).share(here)
    facts = {"gflop": work.total / 1e9, "traffic": work.traffic, "held": work.held}
    return facts | {"reduces": work.reduces, "reduced": work.reduced}


def _free_ports(count: int) -> list[int]:
    import socket

    with ExitStack() as open_at_once:
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for one in taken:
            open_at_once.enter_context(one)
        return [one.getsockname()[1] for one in taken]


def _cluster(ports: list[int], index: int) -> str:
    workers = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
