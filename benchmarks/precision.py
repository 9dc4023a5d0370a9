"""Does bfloat16 train as well as float32? The same Stage-I in both, from several seeds.

    python -m benchmarks.precision --cfg initial/cfg/demo.yml --eval cfg/eval_demo.yml \
        --set TRAIN.MAX_EPOCH=30 --seeds 3 --runs runs/precision --out docs/precision.md

Trains a run for each seed and arithmetic, as many steps each, then measures each as main.py does
(`EVAL.METRICS` of --eval, with --metrics; the oracle of --eval). What is trained or measured
already is not done again, so the same command goes on after an interruption. The page says whether
the two differ by more than seeds do: Welch's t-test over the runs.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.paged import publish
from misc.config.errors import UserError, run_program

PRECISIONS = ("float32", "bfloat16")
METRICS = {"kid": "{:.4f}", "attributes": "{:.1%}"}
LEVEL = 0.05


def main(argv: list[str] | None = None) -> None:
    """Train, measure, and print the page or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--cfg", required=True, metavar="FILE", help="configuration of a Stage-I")
    add("--eval", required=True, metavar="FILE", help="configuration of main.py")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of --cfg")
    add("--seeds", type=int, default=3, help="runs of each arithmetic (3)")
    add("--runs", type=Path, required=True, metavar="DIR", help="where they go")
    add("--out", type=Path, metavar="FILE.md", help="write the page here")
    add("--json", type=Path, metavar="FILE.json", help="write all the numbers here")
    args = parser.parse_args(argv)
    if args.seeds < 2:
        raise UserError(f"--seeds {args.seeds}: expected at least 2, or nothing tells their spread")
    found = {precision: [] for precision in PRECISIONS}
    for seed in range(args.seeds):
        for precision in PRECISIONS:  # in turns, for the machine's other work to meet both
            found[precision].append(measured(args, precision, seed))
    result = {"runs": found, "verdicts": verdicts(found)}
    publish(args, result, page(args, result))


def measured(args: argparse.Namespace, precision: str, seed: int) -> dict:
    """Train a run, or find it trained; its numbers by metric."""
    from misc.evaluation.records import FOLDER, read_numbers

    run = args.runs / f"{precision}_{seed}"
    keys = [*args.set, f"PRECISION={precision}", f"SEED={seed}"]
    flags = [part for key in keys for part in ("--set", key)]
    _program("initial/run_exp.py", "--cfg", args.cfg, "--run", run, *flags)
    asked = f"EVAL.METRICS=[{','.join(METRICS)}]"
    _program("main.py", "--cfg", args.eval, "--run", run, "--set", asked)
    lines = [number.line for number in read_numbers(run / FOLDER).values()]
    return {line["metric"]: line["value"] for line in lines}


def _program(*words) -> None:
    done = subprocess.run([sys.executable, *map(str, words)], check=False)
    if done.returncode:
        raise UserError(f"{words[0]} ended with {done.returncode}; mend what it says, and go on")


def verdicts(found: dict[str, list[dict]]) -> dict[str, dict]:
    """Of each metric: means, deviations over seeds, and p of the difference."""
    import numpy as np
    from scipy.stats import ttest_ind

    told = {}
    for metric in METRICS:
        one, other = ([run[metric] for run in found[precision]] for precision in PRECISIONS)
        told[metric] = {
            "mean": [float(np.mean(values)) for values in (one, other)],
            "deviation": [float(np.std(values, ddof=1)) for values in (one, other)],
            "p": float(ttest_ind(one, other, equal_var=False).pvalue),
        }
    return told


def page(args: argparse.Namespace, result: dict) -> str:
    """The numbers as Markdown."""
    keys = " ".join(args.set) or "nothing"
    lines = [
        "# Does bfloat16 train as well as float32?",
        "",
        f"`python -m benchmarks.precision`: `{args.cfg}` (changed: {keys}), a run a seed and "
        "arithmetic, as many steps each, measured by main.py on the test split.",
        "",
        f"| seed | {' | '.join(f'{m}, {p}' for m in METRICS for p in PRECISIONS)} |",
        "| --- |" + " ---: |" * (len(METRICS) * len(PRECISIONS)),
    ]
    for seed in range(args.seeds):
        cells = [
            form.format(result["runs"][precision][seed][metric])
            for metric, form in METRICS.items()
            for precision in PRECISIONS
        ]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    lines.append("")
    for metric, form in METRICS.items():
        told = result["verdicts"][metric]
        means, deviations = ([form.format(x) for x in told[k]] for k in ("mean", "deviation"))
        word = "**differ**" if told["p"] < LEVEL else "do not differ by more than seeds do"
        lines.append(
            f"- {metric}: {means[0]} (deviation {deviations[0]}) in float32, {means[1]} "
            f"({deviations[1]}) in bfloat16: they {word} (p = {told['p']:.2f})"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_program(main))
