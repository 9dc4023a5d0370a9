"""What judges pictures: EfficientNet-Lite0's features of noise of 256 px, made a batch at a time,
resized and looked at, the features written to a file and mapped into memory.
"""

import tempfile
from pathlib import Path

from benchmarks.turns import Work

UNIT, ROUNDS = "pictures", 3
COUNTS = [250, 1000]
SIDE, BATCH, NETWORK = 256, 64, "efficientnet-lite0"


def works(args) -> dict[str, tuple[str, ...]]:
    """One work, of as many pictures at once."""
    return {"features": tuple(f"{count:,} pictures" for count in args.pictures or COUNTS)}


def make(_args, _work: str, variant: str, folder: str) -> Work:
    """The features of all of them."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    from misc.evaluation.features import load

    count, network = int(variant.split()[0].replace(",", "")), load(NETWORK)

    def step():
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            found = network.features_of(noise(count), Path(aside), "noise", count)
            if len(found.features) != count:
                raise ValueError(f"{len(found.features)} rows of {count} pictures")

    return Work(step, count)


def noise(count: int):
    """`count` pictures, in batches that are made when they are asked for."""
    import numpy as np

    random = np.random.default_rng(0)
    for start in range(0, count, BATCH):
        size = (min(BATCH, count - start), SIDE, SIDE, 3)
        yield random.integers(0, 256, size, np.uint8)
