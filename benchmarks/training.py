"""Speed and memory of training, sampling and input, as ratios to a plain Keras form.

    python -m benchmarks.training [--rounds 5] [--only stage1-train] [--out docs/training.json]

Every variant lives in a process of its own, built and warmed up; then they take turns, one timed
burst each a round, so that whatever else the machine does meets all of them. Ratios are medians
over rounds of images a second against the same round's plain form (float32, stock layers:
`benchmarks/plain.py`). Layout: StackGAN-Pytorch's (NETWORK_TYPE pytorch, one fake batch for both
updates), published widths; `published` is TF1's layout with fresh fakes for the generator. `input`
makes Stage-I's batches of drawn birds at 64 px and trains nothing.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time

WORKS = {
    "stage1-train": (
        "plain float32",
        "float32",
        "bfloat16",
        "published float32",
        "published bfloat16",
        "input of 240 pictures",
        "input of 2400 pictures",
    ),
    "stage1-sample": ("plain float32", "float32", "bfloat16"),
    "stage2-train": ("plain float32", "float32", "bfloat16"),
    "stage2-sample": ("plain float32", "float32", "bfloat16"),
}
BATCH = {"stage1-train": 64, "stage1-sample": 16, "stage2-train": 4, "stage2-sample": 4}


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --variant) serve as one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(WORKS), help="one kind of work alone")
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--variant", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.variant:
        return serve(*args.variant)
    rows = []
    for work in [args.only] if args.only else list(WORKS):
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(work, args.rounds, folder)
    print(table(rows))
    keep(args.out, rows, rounds=args.rounds)


def measure(work: str, rounds: int, folder: str) -> list[dict]:
    """One row a variant: images/s (median), ratio to the first variant, peak memory."""
    for variant in WORKS[work]:
        if variant.startswith("input"):
            draw(folder, variant.split()[2])
    command = [sys.executable, "-m", "benchmarks.training", "--variant", work]
    turns = take_turns([[*command, variant, folder] for variant in WORKS[work]], rounds)
    rows = []
    for variant, (rate, ratio, last) in zip(WORKS[work], turns, strict=True):
        row = {
            "work": work,
            "variant": variant,
            "images_per_second": round(rate, 2),
            "ratio": round(ratio, 3),
            "peak_gib": round(last["peak_gib"], 2),
        }
        rows.append(row)
        print(row, file=sys.stderr)
    return rows


def take_turns(commands: list[list[str]], rounds: int) -> list[tuple[float, float, dict]]:
    """Start a process for each command, then let each run one burst a round (see `serve_bursts`).

    Returns: for each its rate (median), ratio to the first one's in the same round (median), and
      all that it said last, with its peak memory in GiB as `peak_gib`.
    """
    processes = []
    for command in commands:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ask(process)  # one at a time, so that building does not fight over the cores
        processes.append(process)
    answers = [[ask(process) for process in processes] for _ in range(rounds)]
    for process in processes:
        process.stdin.close()
        process.wait()
    rates = [[answer["rate"] for answer in turn] for turn in answers]
    return [
        (
            statistics.median(turn[i] for turn in rates),
            statistics.median(turn[i] / turn[0] for turn in rates),
            answers[-1][i],
        )
        for i in range(len(commands))
    ]


def draw(folder: str, count: str) -> None:
    """A prepared set of `count` drawn birds in folder/set_COUNT."""
    raw = f"{folder}/raw_{count}"
    drawn = ["misc/draw_dataset.py", "--preset", "easy", "--count", count, "--out", raw]
    prepared = ["misc/preprocess_birds.py", "--source", raw, "--out", f"{folder}/set_{count}"]
    for program in (drawn, [*prepared, "--imsizes", "64", "128"]):
        subprocess.run([sys.executable, *program], check=True, stdout=subprocess.DEVNULL)


def ask(process) -> dict:
    """Let a variant run one burst."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def serve(work: str, variant: str, folder: str) -> None:
    """Build one variant and serve its bursts."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from benchmarks.variants import make_step

    step, steps = make_step(work, variant, BATCH[work], folder)
    step()
    serve_bursts(lambda: [step() for _ in range(steps)], steps * BATCH[work])


def serve_bursts(burst, count: int, **facts) -> None:
    """For each line on stdin run a burst of `count` items; print its rate, peak memory, facts."""
    for _ in sys.stdin:
        start = time.perf_counter()
        burst()
        rate = count / (time.perf_counter() - start)
        print(json.dumps({"rate": rate, "peak_gib": peak_gib(), **facts}), flush=True)


def peak_gib() -> float:
    """Largest resident memory of this process so far, in GiB (POSIX)."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine() -> dict:
    """What the numbers were taken on."""
    from importlib.metadata import version

    names = ("tensorflow-cpu", "tensorflow", "keras", "numpy")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except ImportError:
            continue
    return {"python": platform.python_version(), "processor": platform.processor(), **found}


def keep(path: str | None, rows: list[dict], **facts) -> None:
    """Write rows, facts and what they were taken on as JSON, if a file is named."""
    if path:
        from misc.data.atomic import write_atomic

        result = {"machine": machine(), **facts, "rows": rows}
        write_atomic(path, (json.dumps(result, indent=1) + "\n").encode())


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = ["| work | variant | images/s | ratio | peak GiB |", "| --- | --- | --- | --- | --- |"]
    for r in rows:
        cells = (r["work"], r["variant"], r["images_per_second"], r["ratio"], r["peak_gib"])
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
