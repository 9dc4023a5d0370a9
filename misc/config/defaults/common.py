"""The keys that every room which trains has."""

from misc.config.keys import Key, above, at_least, one_of, plain_name, within

KEYS = (
    Key("DATASET_NAME", "birds", "name of the prepared set; the run folder carries it", plain_name),
    Key("CONFIG_NAME", "", "name of the experiment; the run folder carries it", plain_name),
    # Free, as a run compares the set itself and not where it lies.
    Key("DATA_DIR", "", "folder of the prepared set; empty: data/<DATASET_NAME>", free=True),
    Key("GPU_ID", 0, 'a GPU index, "0,1" for several, -1 for the CPU', free=True, types=(int, str)),
    Key(
        "SEED",
        0,
        "fixes weights, noise, and the order and crops of the pictures",
        within(0, 2**32 - 1),  # what NumPy's global seed takes
    ),
    Key(
        "PRECISION",
        "float32",
        "arithmetic of the layers; weights and losses stay float32 (bfloat16 wants a CPU with "
        "avx512_bf16, or a GPU)",
        one_of("float32", "bfloat16"),
    ),
    Key("TRAIN.FLAG", True, "True trains; sampling is main.py's"),
    Key("TRAIN.BATCH_SIZE", 64, "pictures a step, over all devices", at_least(2)),
    Key("TRAIN.MAX_EPOCH", 600, "epoch at which training ends", at_least(1), free=True),
    Key("TRAIN.SNAPSHOT_INTERVAL", 2000, "steps between checkpoints", at_least(1), free=True),
    Key("TRAIN.SNAPSHOT_MINUTES", 10.0, "minutes between checkpoints", above(0), free=True),
    Key(
        "TRAIN.WAIT_MINUTES",
        10.0,
        "minutes that one worker of several waits for the others to come (TF_CONFIG)",
        above(0),
        free=True,
    ),
    Key("TRAIN.LOG_INTERVAL", 50, "steps between logged losses", at_least(1), free=True),
    Key("TRAIN.GRID_INTERVAL", 500, "steps between sample grids", at_least(1), free=True),
)
