"""Preparing and feeding sets as they grow: pairs/s and peak memory.

Pictures are colour fields of 76 px, made one at a time, in 100 classes, two captions each. They are
packed (`misc.data.writer.write_set`: decoded, resized to 76 and 38 px, encoded, with all tables) by
one process a core, then fed to Stage-I: batches of 64 pairs of a right and a wrong picture of 64 px
with their embedding (128 wide). `prepared`: pictures/s; `preparing`: GiB of the main process by
then, which has no TensorFlow, and of the largest of its pool.
"""

import time

from benchmarks.turns import Work, peak_gib

UNIT, ROUNDS = "pairs", 3
COUNTS = [2_000, 20_000, 200_000]
SIDE, CLASSES, BATCH, WIDTH = 76, 100, 64, 128


def works(args) -> dict[str, tuple[str, ...]]:
    """One work, of sets of as many pictures."""
    counts = args.pictures or COUNTS
    return {"feeding Stage-I": tuple(f"{count:,} pictures" for count in counts)}


def make(_args, _work: str, variant: str, folder: str) -> Work:
    """Batches of a set that is prepared first."""
    count = int(variant.split()[0].replace(",", ""))
    folder = f"{folder}/{count}"
    facts = prepare(count, folder)
    batches = iter(_batches(folder))
    return Work(lambda: next(batches)["real"].numpy(), BATCH, lambda: facts)


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
    """Write a prepared set; what that took."""
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
    write_set(folder, splits, name="fields", imsizes=(32, 64), card=facts)
    rate = count / (time.perf_counter() - start)
    pool = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"prepared": round(rate), "preparing": f"{peak_gib():.2f}, {pool:.2f}"}


def _batches(folder: str):
    import numpy as np

    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.data.batches import GanBatches
    from misc.data.prepared import caption_rows, open_split
    from misc.data.writer import write_embeddings

    split = open_split(folder, "train")
    rows, random = caption_rows(split.index), np.random.default_rng(0)
    blocks = (random.random((min(1000, rows - i), WIDTH)) for i in range(0, rows, 1000))
    write_embeddings(split.folder, "text", blocks)
    keys = {"imsize": 64, "batch_size": BATCH, "num_embedding": 1, "seed": 0}
    return GanBatches(split, split.embeddings("text"), **keys).dataset(0)
