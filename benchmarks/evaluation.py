"""What judges pictures: features a second, and peak memory as the number of pictures grows.

    python -m benchmarks.evaluation [--counts 250 1000] [--networks efficientnet-lite0 ...]
        [--weights NETWORK=FILE ...] [--out docs/evaluation.json]

Noise of 256 px, made a batch of 64 at a time, resized and looked at, the features written to a
file and mapped into memory. Each line is a process of its own, with the network loaded and warmed
up before the clock starts; its peak memory is the resident one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.training import keep, peak_gib

SIDE, BATCH = 256, 64


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --work) serve as one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--counts", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--networks", nargs="+", default=["efficientnet-lite0"])
    parser.add_argument("--weights", nargs="+", default=[], help="of networks without a package")
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        name, weights, count = args.work
        print(json.dumps(look(name, weights, int(count))))
        return
    files = dict(pair.split("=", 1) for pair in args.weights)
    rows = []
    for name in args.networks:
        for count in args.counts:
            command = [sys.executable, "-m", "benchmarks.evaluation", "--work", name]
            command += [files.get(name, ""), str(count)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            rows.append({"network": name, "pictures": count, **json.loads(done.stdout)})
            print(rows[-1], file=sys.stderr)
    print(table(rows))
    keep(args.out, rows)


def noise(count: int):
    """`count` pictures, in batches that are made when they are asked for."""
    import numpy as np

    random = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        size = (min(BATCH, count - start), SIDE, SIDE, 3)
        yield random.integers(0, 256, size, np.uint8)


def look(name: str, weights: str, count: int) -> dict:
    """Features of `count` pictures, with the time they take."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.evaluation.features import load

    network = load(name, weights)
    network(next(noise(1)))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = network.features_of(noise(count), Path(folder), "noise", count)
        seconds = time.perf_counter() - start
        if len(found.features) != count:
            raise ValueError(f"{len(found.features)} rows of {count} pictures")
    return {
        "per_second": round(count / seconds, 1),
        "seconds": round(seconds, 1),
        "peak_gib": round(peak_gib(), 2),
        "digest": network.digest,
    }


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    head = "| network | pictures | pictures/s | seconds | peak GiB | SHA-256 of the weights |"
    lines = [head, "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = [row["network"], f"{row['pictures']:,}", row["per_second"], row["seconds"]]
        cells += [row["peak_gib"], f"{row['digest'][:12]}..."]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
