"""What a step will take on machines that are not here: time, scaling and memory, from its graph.

    python -m benchmarks.plan --cfg final/cfg/coco.yml --gpus 64
    python -m benchmarks.plan --cfg initial/cfg/coco.yml --gpus 16 --batch 1024 --rate 60

Each device takes as many pictures a step as the configuration's TRAIN.BATCH_SIZE (of faces, the
last of its BATCH_SIZES) says, unless --batch says how many all of them take together (which is what
the key says in training). Of faces it is the last stage's step, with captions as long as they may
be. The step is traced as training on a CPU would run it, alone and beside a second device, and not
run. What devices do a second is assumed: by default sustained shares of what is published of an
H100 (SXM) in nodes of 8. `python -m benchmarks --suite scaling` compares time and memory of one
core, and of two workers, with what these formulas foretell from what a core attains.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import NamedTuple

from misc.config.errors import UserError, run_program
from misc.config.load import load_config

ROOMS = ("initial", "final", "faces")
# Published: 989 dense TFLOP/s in bfloat16, 495 in TF32, which TensorFlow takes for float32; memory
# 3,350 GB/s; NVLink 450 GB/s a way; 400 Gbit/s a device between nodes. The shares are assumptions.
RATES = {"bfloat16": 0.4 * 989, "float32": 0.4 * 495}
_FLAGS = {
    "rate": (None, "TFLOP/s that products and convolutions attain"),
    "traffic": (0.7 * 3350, "GB/s of a device's memory that all else attains"),
    "bandwidth": (0.7 * 450, "GB/s a way between devices of a node"),
    "network": (0.7 * 50, "GB/s a way of a device between nodes"),
    "latency": (10.0, "microseconds until a message is there"),
    "memory": (74.5, "GiB of a device, such as 74.5 of 80 GB"),
}


class Machine(NamedTuple):
    """Devices: FLOP/s, bytes/s of memory, bytes/s of links in and between nodes, seconds of a
    message, devices of a node."""

    rate: float
    traffic: float
    bandwidth: float
    network: float
    latency: float
    per_node: int


def compute_seconds(flop: float, traffic: float, machine: Machine) -> float:
    """Of one device's step: its products, then the bytes of all else, one after another."""
    return flop / machine.rate + traffic / machine.traffic


def reduce_seconds(reduces: float, reduced: float, machine: Machine, devices: int) -> float:
    """Of all-reduces of so many bytes in all, over rings as fast as their slowest link; none of it
    is hidden by computing. A message goes through a tree of the devices, up and down."""
    link = machine.bandwidth if devices <= machine.per_node else machine.network
    waiting = reduces * 2 * math.ceil(math.log2(devices)) * machine.latency
    return waiting + 2 * (devices - 1) / devices * reduced / link


def main(argv: list[str] | None = None) -> None:
    """Print the plan, or write it to --out."""
    args = _parse(argv)
    room, cfg = _configured(args)
    rate = args.rate or RATES[cfg.PRECISION]
    machine = Machine(
        rate * 1e12,
        args.traffic * 1e9,
        args.bandwidth * 1e9,
        args.network * 1e9,
        args.latency * 1e-6,
        args.per_node,
    )
    text = page(args, cfg.PRECISION, rate, machine, *_traced(room, cfg, args.gpus > 1))
    if args.out:
        from misc.data.atomic import write_atomic

        write_atomic(args.out, text.encode())
    else:
        print(text, end="")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plan",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--cfg", required=True, metavar="ROOM/cfg/FILE.yml", help=f"of {', '.join(ROOMS)}")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="change one key")
    add("--gpus", type=int, required=True, metavar="N", help="devices")
    add("--batch", type=int, metavar="N", help="pictures of a step, of all devices together")
    add("--per-node", type=int, default=8, metavar="N", help="devices of a node (8)")
    by_precision = ", ".join(f"{rate:.0f} in {name}" for name, rate in RATES.items())
    for name, (default, about) in _FLAGS.items():
        value = by_precision if default is None else f"{default:g}"
        add(f"--{name}", type=float, default=default, metavar="X", help=f"{about} ({value})")
    add("--out", type=Path, metavar="FILE.md", help="write the page there")
    args = parser.parse_args(argv)
    numbers = [getattr(args, name) for name in ("gpus", "per_node", "batch", *_FLAGS)]
    if not all(number is None or 0 < number < math.inf for number in numbers):
        raise UserError(
            f"--gpus, --batch, --per-node, --{', --'.join(_FLAGS)}: expected numbers above 0"
        )
    return args


def _configured(args: argparse.Namespace):
    """The room that --cfg lies in, and its configuration, with the pictures of one device."""
    room = Path(args.cfg).resolve().parent.parent.name
    if room not in ROOMS:
        raise UserError(
            f"--cfg {args.cfg}: expected a file in ROOM/cfg/, where ROOM is one of: "
            f"{', '.join(ROOMS)}"
        )
    cfg = load_config(room, args.cfg, args.set)
    more = ["MASKED=False"] if room == "faces" else []  # a mask hides how long its loops run
    if args.batch:
        own, rest = divmod(args.batch, args.gpus)
        if rest:
            raise UserError(
                f"--batch {args.batch} cannot be shared by --gpus {args.gpus}: take "
                f"{max(1, own) * args.gpus} or {(own + 1) * args.gpus}"
            )
        if room == "faces":
            more.append(f"BATCH_SIZES={[*cfg.BATCH_SIZES[:-1], own]}")
        else:
            more.append(f"TRAIN.BATCH_SIZE={own}")
    cfg = load_config(room, args.cfg, [*args.set, *more])
    if room != "faces" and not cfg.TEXT.DIMENSION:
        raise UserError("TEXT.DIMENSION is 0, but there is no set here to ask: say it with --set")
    return room, cfg


def _traced(room: str, cfg, several: bool):
    """Pictures of a device's step; bytes of its variables by kind; its work alone and, with
    `several`, as one of two."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from benchmarks import rooms
    from benchmarks.operations import count
    from misc.config.devices import choose_devices

    choose_devices(-1)
    found = []
    pair = rooms.two_devices()
    for replicas in (1, 2) if several else (1,):
        strategy = pair if replicas == 2 else tf.distribute.OneDeviceStrategy("CPU:0")
        trainer = rooms.build(room, cfg, strategy, replicas)
        run = rooms.step(room, cfg, strategy, trainer)
        found.append(count(run.get_concrete_function().graph).share(replicas))
        kept = bytes_of(trainer)
        del trainer, run
    return rooms.batch_size(room, cfg), kept, found


def bytes_of(trainer) -> dict[str, int]:
    """Bytes of a trainer's variables, by kind."""
    kinds = {
        "weights": trainer.networks,
        "optimisers": trainer.optimizers,
        "frozen networks and averages": getattr(trainer, "frozen", {}),
    }
    return {
        kind: sum(
            variable.value.shape.num_elements() * variable.value.dtype.size
            for part in parts.values()
            for variable in part.variables
        )
        for kind, parts in kinds.items()
    }


def table(rows: int, kept: float, works: list, machine: Machine, devices: list[int]) -> list[str]:
    """Lines of a Markdown table. Args: rows: pictures of a device's step; kept: bytes of variables;
    works: `Operations` of a device alone and of one of several."""
    lines = [
        "| devices | pictures a step | computing, ms | all-reduces, ms | images/s | efficiency | "
        "GiB a device |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for number in devices:
        work = works[number > 1]
        computing = compute_seconds(work.total, work.traffic, machine)
        talking = reduce_seconds(work.reduces, work.reduced, machine, number)
        rate = number * rows / (computing + talking)
        if number == 1:
            alone = rate
        cells = (
            f"{number} | {number * rows:,} | {1e3 * computing:.1f} | {1e3 * talking:.1f}",
            f"{rate:,.0f} | {rate / (number * alone):.0%} | {(kept + work.held) / 2**30:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def page(args, precision: str, rate: float, machine: Machine, rows: int, kept, works) -> str:
    """The plan as Markdown; of `_traced`'s results."""
    work, own = works[-1], sum(kept.values())
    devices = [1 << i for i in range(args.gpus.bit_length())]
    devices += [args.gpus] * (args.gpus not in devices)
    changed = "".join(f" --set {one}" for one in args.set)
    changed += f" --batch {args.batch}" if args.batch else ""
    need = max(own + one.held for one in works) / 2**30
    fits = "fits" if need <= args.memory else "**does not fit**"
    kinds = ", ".join(f"{kind} {n / rows / 1e9:.3g}" for kind, n in work.flop.most_common())
    memory = "; ".join(f"{name} {size / 2**30:.2f}" for name, size in kept.items())
    lines = [
        f"# {args.cfg} on {args.gpus} devices",
        "",
        f"Foretold, not measured, by `python -m benchmarks.plan --cfg {args.cfg} --gpus "
        f"{args.gpus}{changed}`, in {precision}, {rows} pictures a device and step.",
        "",
        *table(rows, own, works, machine, devices),
        "",
        f"- A device's step is {work.total / 1e9:,.0f} GFLOP in products and convolutions, "
        f"{work.total / rows / 1e9:.1f} a picture ({kinds}); all else reads and writes "
        f"{work.traffic / 1e9:,.1f} GB. As one of several it sums {work.reduced / 1e6:,.1f} MB of "
        f"gradients and batch statistics in {work.reduces:.0f} all-reduces.",
        f"- A device holds, in GiB: {memory}; results that the backward pass waits for, gradients "
        f"and the like at their most {work.held / 2**30:.2f}. This {fits} in {args.memory:g}.",
        f"- Assumed of a device: {rate:.0f} TFLOP/s, {args.traffic:,.0f} GB/s of memory, "
        f"{args.bandwidth:.0f} GB/s a way to the others of its node of {args.per_node}, "
        f"{args.network:.0f} GB/s to other nodes, {args.latency:g} us a message. A flag changes "
        "each.",
        "",
        "## Formulas",
        "",
        "For n devices, each of which does the same step on pictures of its own:",
        "",
        "    computing   = FLOP / rate + bytes of all else / memory's rate",
        "    all-reduces = number * 2 ceil(log2 n) * latency + 2 (n - 1) / n * bytes / bandwidth",
        "    images/s    = n * pictures / (computing + all-reduces)",
        "    efficiency  = images/s / (n * images/s of one)",
        "",
        "The first term of the all-reduces is a tree's, up and down: that of the many small ones "
        "of synchronised batch normalisation. The second is a ring's, as fast as its slowest link. "
        "None of them is hidden by computing: a pessimist's assumption. Operations do not overlap, "
        "nor are they fused: of what is no product, every one reads and writes memory, so that a "
        "compiler may do better. Reading pictures, launching operations and waiting for a slower "
        "device take no time here: with few pictures a device, it will be slower. Memory is that "
        "of the order of tracing, without the workspaces of convolutions. The text encoder of "
        "faces, many small products one after another, will take longer than its operations say. "
        "`python -m benchmarks --suite scaling` compares all this with one core and two workers.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_program(main))
