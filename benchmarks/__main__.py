"""Speed and memory of what this project does, as ratios in one interleaved run.

    python -m benchmarks --suite training [--only "Stage-II step, batch 4"] [--rounds 5]
    python -m benchmarks --suite faces --cfg faces/cfg/progressive_demo.yml --gpu -1
    python -m benchmarks --suite sampling --out docs/performance.json
    python -m benchmarks --suite sampling --against docs/performance.json

Ratios are to a plain Keras form of the same work (stock layers, float32: benchmarks/plain.py),
medians over rounds, in each of which every variant is timed for some seconds (benchmarks/turns.py);
benchmarks/suites says what a suite times. --out keeps the numbers, beside those of other suites
that the file holds, and writes the page of all of them, here docs/performance.md. --against tells
what has changed since a file was written.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import performance_page
from benchmarks.suites import attainable
from benchmarks.turns import machine, serve, take_turns
from misc.config.cli import add_config_flags
from misc.config.errors import UserError, run_program

SUITES = (
    "attainable",
    "training",
    "memory",
    "sampling",
    "data",
    "encoder",
    "faces",
    "editor",
    "evaluation",
    "scaling",
    "changes",
)
_CONFIGURED = ("faces", "editor")  # by --cfg
_MOST_BYTES = 2**24  # of a file of numbers


def main(argv: list[str] | None = None) -> None:
    """Time a suite, and print its table; or (with --serve) be one of its processes."""
    args = _parse(argv)
    suite = importlib.import_module(f"benchmarks.suites.{args.suite}")
    if args.serve:
        return serve(suite.make(args, *args.serve))
    _check(args, suite)
    kept, old = _read(args.out), _read(args.against)
    before = old.get(_name(args), {}).get("rows", [])
    if args.against and not before:
        raise UserError(
            f"--against {args.against} holds no numbers of {_name(args)}; it has "
            f"{', '.join(old) or 'none'}"
        )
    rows = measure(args, suite, sys.argv[1:] if argv is None else argv)
    text = performance_page.table(rows, suite.UNIT, before)
    more = "" if args.only or not hasattr(suite, "more") else suite.more(args, rows)
    print(text + (f"\n\n{more}" if more else ""))
    if args.out:
        facts = {"machine": machine(), "rounds": args.rounds or suite.ROUNDS, "unit": suite.UNIT}
        _keep(args, kept, {**facts, "about": suite.__doc__, "rows": rows, "more": more})


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--suite", choices=SUITES, required=True)
    add("--only", metavar="WORK", help="one work of the suite alone")
    add("--rounds", type=int, default=0, help="0: as many as the suite says (0)")
    add("--out", type=Path, metavar="FILE.json", help="keep the numbers here, with a page beside")
    add("--against", type=Path, metavar="FILE.json", help="numbers of before")
    add(
        "--pictures",
        type=int,
        nargs="+",
        metavar="N",
        help="data, evaluation: how many at once; faces: of a training set",
    )
    add_config_flags(parser)  # for faces and editor
    add("--serve", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _check(args: argparse.Namespace, suite) -> None:
    if args.rounds < 0 or min(args.pictures or [1]) < 1:
        raise UserError("--rounds, --pictures: expected at least 0 and 1")
    if args.suite not in _CONFIGURED and (args.cfg or args.set or args.gpu is not None):
        raise UserError(
            f"--cfg, --set, --gpu: the suite {args.suite} has sizes of its own; leave them out, or "
            f"choose one of: {', '.join(_CONFIGURED)}"
        )
    if hasattr(suite, "check"):
        suite.check(args)
    works = suite.works(args)
    if args.only not in (None, *works):
        raise UserError(f"--only {args.only}: expected one of: {'; '.join(works)}")
    if args.only and args.out:
        raise UserError("--out keeps whole suites: leave --only out")
    if args.out and args.out.suffix != ".json":
        raise UserError(f"--out {args.out}: expected a name ending in .json")


def measure(args: argparse.Namespace, suite, given: list[str]) -> list[dict]:
    """A row a variant: `work`, `variant`, and what `take_turns` tells of it, compared."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for work, variants in suite.works(args).items():
            if args.only not in (None, work):
                continue
            program = [sys.executable, "-m", "benchmarks", *given, "--serve", work]
            commands = [[*program, variant, folder] for variant in variants]
            turns = take_turns(commands, args.rounds or suite.ROUNDS)
            named = zip(variants, turns, strict=True)
            told = [{"work": work, "variant": variant, **turn} for variant, turn in named]
            rows += attainable.compare(told)
            print(*rows[-len(told) :], sep="\n", file=sys.stderr)
    return rows


def _name(args: argparse.Namespace) -> str:
    """What the numbers are kept under: the suite, and its configuration."""
    return " ".join([args.suite, Path(args.cfg).stem]) if args.cfg else args.suite


def _read(path: Path | None) -> dict:
    """The suites that a file holds; {} if there is none.

    Raises: UserError if it is not of ours.
    """
    if path is None or not path.exists():
        return {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES:,} bytes")
        suites = json.loads(path.read_text(encoding="utf-8"))["suites"]
        for suite in suites.values():
            performance_page.table(suite["rows"], suite["unit"], suite["rows"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} holds no numbers of `python -m benchmarks --out` ({error!r:.80}); name another"
        ) from error
    return suites


def _keep(args: argparse.Namespace, suites: dict, found: dict) -> None:
    from misc.data.atomic import write_atomic

    suites = dict(sorted({**suites, _name(args): found}.items()))
    write_atomic(args.out, (json.dumps({"suites": suites}, indent=1) + "\n").encode())
    write_atomic(args.out.with_suffix(".md"), performance_page.page(suites).encode())


if __name__ == "__main__":
    sys.exit(run_program(main))
