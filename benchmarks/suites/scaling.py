"""Stage-I steps (layout pytorch, published widths, float32) on one core, and on twice as many: two
devices of one process (MirroredStrategy), two workers over the loopback, a core each
(MultiWorkerMirroredStrategy). 16 pictures a core and step: a ratio of 1 is scaling without loss.
Batch normalisation is synchronised, in `one core, synchronised` without another, and in `two cores,
no messages` by two processes that only begin each step together: what that loses, the cores take
from each other, and the machine's other work from both. The all-reduces are the two workers' alone;
what a core attains is timed on one of them. What these foretell by the formulas of docs/plan.md
(benchmarks/plan.py), of one core and of two workers, is compared with what is measured.
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial

from benchmarks.plan import Machine, bytes_of, compute_seconds, reduce_seconds
from benchmarks.suites import attainable
from benchmarks.turns import Work

UNIT, ROUNDS = "steps", 3
STEP, REDUCE = "Stage-I step, 16 a core", "all-reduce between two workers"
_ATTAINED = (attainable.LEARNING, attainable.SUM)
ONE, ALIKE, APART = "one core", "one core, synchronised", "two cores, no messages"
DEVICES, WORKERS = "two devices", "two workers"
LARGE, SMALL = "16 MiB", "2 KiB"
_BYTES = {LARGE: 2**24, SMALL: 2**11}
_SECOND = "second of "  # and the variant whose other worker it is
_KEYS = ("GAN.NETWORK_TYPE=pytorch", "TRAIN.REUSE_FAKE=true", "GPU_ID=-1", "TRAIN.BATCH_SIZE=16")


def works(_args) -> dict[str, tuple[str, ...]]:
    """Steps, what workers say to each other, and what limits a core."""
    steps = (ONE, ALIKE, APART, DEVICES, WORKERS)
    limits = {f"{one}, one core": (one,) for one in _ATTAINED}
    return {STEP: steps, REDUCE: (LARGE, SMALL), **limits}


def make(_args, work: str, variant: str, folder: str) -> Work:
    """One step, or all-reduce, of all replicas."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise RuntimeError("scaling needs two cores")
    second = variant.startswith(_SECOND)
    variant = variant.removeprefix(_SECOND)
    other = None
    if not second and variant in (APART, WORKERS, LARGE, SMALL):
        other = _start_second(work, variant, folder)
    if variant != DEVICES:
        os.sched_setaffinity(0, {cores[second]})
    if variant in _ATTAINED:
        limit = attainable.make(None, variant, "float32", folder)
        return Work(limit.step, facts=lambda: {"giga": limit.count})
    step, facts = _step(variant)
    if second:
        _follow(step, asked=variant == APART)
    if variant == APART:
        step = partial(_both, step, other)
    return Work(step, facts=facts)


def _follow(step, asked: bool) -> None:
    """Be the second process: step, each time when `asked` to, until the first one ends."""
    if not asked:
        threading.Thread(target=_end_with_the_first, daemon=True).start()
        while True:
            step()
    for _ in sys.stdin:
        step()
        print(flush=True)
    sys.exit()


def _both(step, other: subprocess.Popen) -> None:
    print(file=other.stdin, flush=True)
    step()
    other.stdout.readline()


def more(_args, rows: list[dict]) -> str:
    """What the plan's formulas foretell of one core and of two workers, and what was measured."""
    found = {row["variant"]: row for row in rows}
    seconds = {name: 1 / row["per_second"] for name, row in found.items() if row["per_second"]}
    rate, traffic = (1e9 * found[name]["giga"] / seconds[name] for name in _ATTAINED)
    bandwidth = (_BYTES[LARGE] - _BYTES[SMALL]) / (seconds[LARGE] - seconds[SMALL])
    machine = Machine(rate, traffic, bandwidth, bandwidth, seconds[SMALL] / 2, 1)
    workers = found[WORKERS]
    messages = reduce_seconds(workers["reduces"], workers["reduced"], machine, 2)
    told = []
    for name, waiting, also in ((ONE, 0.0, ""), (WORKERS, messages, ", and all-reduces")):
        row = found[name]
        step = waiting + compute_seconds(1e9 * row["gflop"], row["traffic"], machine)
        told.append((name, "s a step", f"what a core attains{also}", step, seconds[name]))
        gib = found[SMALL]["peak_gib"] + (row["kept"] + row["held"]) / 2**30
        what = "variables, what is held at once, and a process of neither"
        told.append((name, "peak GiB", what, gib, row["peak_gib"]))
    for name in (ALIKE, APART):
        what, step = f"the step of `{name}`, and all-reduces", seconds[name] + messages
        told.append((WORKERS, "s a step", what, step, seconds[WORKERS]))
    lines = [
        f"A core attains {rate / 1e9:,.0f} GFLOP/s in convolutions and their gradients, and "
        f"{traffic / 1e9:.1f} GB/s in sums; its step is {found[ONE]['gflop']:.0f} GFLOP, all else "
        f"reads and writes {found[ONE]['traffic'] / 1e9:.1f} GB. Between two workers "
        f"{messages:.2f} s of a step are "
        f"{workers['reduces']:.0f} all-reduces of {workers['reduced'] / 1e6:.1f} MB in all, at "
        f"{1e3 * seconds[SMALL]:.2f} ms for a small one and {bandwidth / 1e6:,.0f} MB/s.",
        "",
        "| of | quantity | by | foretold | measured | off |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {unit} | {by} | {foretold:.2f} | {took:.2f} | {foretold / took - 1:+.0%} |"
        for name, unit, by, foretold, took in told
    ]
    return "\n".join(lines)


def _start_second(work: str, variant: str, folder: str) -> subprocess.Popen:
    ports = _free_ports(2)
    environment = dict(os.environ)
    if variant != APART:
        os.environ["TF_CONFIG"] = _cluster(ports, 0)
        environment["TF_CONFIG"] = _cluster(ports, 1)
    program = [sys.executable, "-m", "benchmarks", "--suite", "scaling", "--serve"]
    return subprocess.Popen(
        [*program, work, _SECOND + variant, folder],
        env=environment,
        stdin=subprocess.PIPE,  # closed when this process ends
        stdout=subprocess.PIPE,
        text=True,
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

    if variant in (ONE, ALIKE, APART):
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
    here = 2 if variant == DEVICES else 1
    return lambda: float(run()["d_loss"]), partial(_facts, trainer, run, here)


def _all_reduce(strategy, size: int):
    import tensorflow as tf

    given = tf.ones((size // 4,))

    def reduce():
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, given)[0]

    run = tf.function(lambda: strategy.run(reduce))
    return lambda: float(run())


def _facts(trainer, run, here: int) -> dict:
    """The work of one replica, of those `here` in a graph, and the bytes of its variables."""
    from benchmarks.operations import count

    work = count(run.get_concrete_function().graph).share(here)
    facts = {"gflop": work.total / 1e9, "traffic": work.traffic, "held": work.held}
    facts |= {"reduces": work.reduces, "reduced": work.reduced}
    return facts | {"kept": sum(bytes_of(trainer).values())}


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
