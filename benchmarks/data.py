"""Preparing and feeding large sets: pictures/s and peak memory as the number of pictures grows.

    python -m benchmarks.data [--counts 2000 20000 200000] [--out docs/data.json]

The pictures are colour fields of 76 px, generated one at a time, in 100 classes, two captions each.
`prepare` packs them (`misc.data.writer.write_set`: decoded, resized to 76 and 38 px, encoded, with
all tables) with one process a core; `feed` opens it and makes Stage-I's batches: 64 pairs
of a right and a wrong picture of 64 px with their embedding (128 wide), after a first epoch's
order has been drawn. Each line is a process of its own; its peak memory is the resident one, of
`prepare` also that of the largest process of its pool.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

from benchmarks.training import keep, peak_gib

SIDE, CLASSES, BATCH, WIDTH, STEPS = 76, 100, 64, 128, 150


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark, or (with --work) serve as one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--counts", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    parser.add_argument("--out", help="also write the numbers as JSON here")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        work, count, folder = args.work
        print(json.dumps({"prepare": prepare, "feed": feed}[work](int(count), folder)))
        return
    rows = []
    for count in args.counts:
        with tempfile.TemporaryDirectory() as folder:
            for work in ("prepare", "feed"):
                command = [sys.executable, "-m", "benchmarks.data", "--work", work, str(count)]
                done = subprocess.run([*command, folder], check=True, stdout=subprocess.PIPE)
                rows.append({"work": work, "pictures": count, **json.loads(done.stdout)})
                print(rows[-1], file=sys.stderr)
    print(table(rows))
    keep(args.out, rows)


def fields(start: int, stop: int):
    """The pictures `start` to `stop`, each made when it is asked for."""
    import numpy as np
    from PIL import Image

    from misc.data.images import encode_png
    from misc.data.picture import Picture

    slope = np.linspace(-40, 40, SIDE, dtype=np.float32)[:, None, None]
    for i in range(start, stop):
        kind, random = i % CLASSES, np.random.default_rng(i)
        colour = np.random.default_rng(kind).uniform(60, 195, 3).astype(np.float32)
        tilt = random.uniform(-1, 1, (2, 3)).astype(np.float32)
        field = colour + slope * tilt[0] + slope.transpose(1, 0, 2) * tilt[1]
        png = encode_png(Image.fromarray(field.clip(0, 255).astype(np.uint8)))
        texts = (f"a field of colour {kind}", f"colour {kind}, number {i}")
        yield Picture(png, f"field_{i:07d}", f"colour_{kind:03d}", texts)


def prepare(count: int, folder: str) -> dict:
    """Write the prepared set folder/set."""
    import resource

    from misc.data.picture import Pictures
    from misc.data.writer import write_set
    from misc.sources.source import card

    test = max(1, count // 20)
    splits = {
        "train": Pictures(lambda: fields(test, count), count - test),
        "test": Pictures(lambda: fields(0, test), test),
    }
    facts = card("generated colour fields", "the first twentieth is the test", "picture", "none")
    start = time.perf_counter()
    write_set(f"{folder}/set", splits, name="fields", imsizes=(32, 64), card=facts)
    rate = count / (time.perf_counter() - start)
    pool = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"per_second": round(rate), "peak_gib": round(peak_gib(), 2), "pool_gib": round(pool, 2)}


def feed(count: int, folder: str) -> dict:
    """Make batches of the set that `prepare` wrote."""
    import numpy as np

    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.data.batches import GanBatches
    from misc.data.prepared import caption_rows, open_split
    from misc.data.writer import write_embeddings

    split = open_split(f"{folder}/set", "train")
    rows, random = caption_rows(split.index), np.random.default_rng(0)
    blocks = (random.random((min(1000, rows - i), WIDTH)) for i in range(0, rows, 1000))
    write_embeddings(split.folder, "text", blocks)
    keys = {"imsize": 64, "batch_size": BATCH, "num_embedding": 1, "seed": 0}
    batches = GanBatches(split, split.embeddings("text"), **keys)
    taken = iter(batches.dataset(0))
    next(taken)
    start = time.perf_counter()
    for _ in range(STEPS):
        next(taken)
    rate = STEPS * BATCH / (time.perf_counter() - start)
    return {"per_second": round(rate), "peak_gib": round(peak_gib(), 2)}


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    head = "| work | pictures | pictures/s (feed: pairs/s) | peak GiB | pool's largest, GiB |"
    lines = [head, "| --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = (row["work"], f"{row['pictures']:,}", row["per_second"], row["peak_gib"])
        lines.append("| " + " | ".join(map(str, [*cells, row.get("pool_gib", "")])) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
