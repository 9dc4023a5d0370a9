"""What this machine attains: a 3x3 convolution of 256 channels, the same with its gradients by maps
and kernel, and a product of matrices of 2,048 rows in GFLOP/s; a sum in place of 64 MiB, which
reads two numbers for each that it writes, in GB/s.
"""

from benchmarks.turns import Work

UNIT, ROUNDS = "GFLOP or GB", 5
CONVOLUTION, PRODUCT, SUM = "convolution", "product", "sum in place"
LEARNING = "convolution and its gradients"
# The convolution, in turns with other works: what they are compared with.
LIMITS = ("attainable float32", "attainable bfloat16")


def works(_args) -> dict[str, tuple[str, ...]]:
    """Each in both arithmetics."""
    return dict.fromkeys((CONVOLUTION, LEARNING, PRODUCT, SUM), ("float32", "bfloat16"))


def make(_args, work: str, variant: str, _folder: str) -> Work:
    """One of them."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    dtype = tf.as_dtype(variant)
    if work == SUM:
        size = 2**26 // dtype.size
        a, b = tf.Variable(tf.zeros((size,), dtype)), tf.zeros((size,), dtype)
        return Work(tf.function(lambda: a.assign_add(b)), 3 * size * dtype.size / 1e9)
    shapes = ((2048, 2048),) * 2 if work == PRODUCT else ((8, 32, 32, 256), (3, 3, 256, 256))
    given = [tf.cast(tf.random.stateless_normal(shape, (0, 0)), dtype) for shape in shapes]

    def compute():
        if work == PRODUCT:
            return [tf.matmul(*given)]
        with tf.GradientTape() as tape:
            tape.watch(given)
            y = tf.nn.conv2d(*given, 1, "SAME")
        return [y, *tape.gradient(y, given, given[0])] if work == LEARNING else [y]

    # A number of each comes back, so that nothing else is timed.
    run = tf.function(lambda: tf.add_n([tf.reshape(found, (-1,))[0] for found in compute()]))
    gflop = facts(run)()["gflop"]
    return Work(lambda: run().numpy(), gflop, facts(run, gflop))


def limit(variant: str) -> Work:
    """One of `LIMITS`."""
    return make(None, CONVOLUTION, variant.split()[-1], "")


def facts(run, items: float = 1):
    """What a `Work` of a tf.function without arguments tells: `gflop`, of each of its items."""
    from benchmarks.operations import products

    def told():
        try:
            flop = sum(products(run.get_concrete_function().graph).values())
        except ValueError:  # on a GPU a recurrent layer is one operation of cuDNN
            return {}
        return {"gflop": flop / 1e9 / items}

    return told


def compare(rows: list[dict]) -> list[dict]:
    """Rows of one work in turns, with `gflops` and `attained` where a row tells its `gflop`.

    The latter is compared with what was attained in the same rounds, in the arithmetic that a
    word of a variant names. The rows of `LIMITS` lose their own rates: of other things.
    """
    limits = {row["variant"].split()[-1]: row for row in rows if row["variant"] in LIMITS}
    told = []
    for row in rows:
        if "gflop" in row and limits:
            best = next(limits[word] for word in row["variant"].split() if word in limits)
            attained = row["ratio"] * row["gflop"] / (best["ratio"] * best["gflop"])
            row = row | {"gflops": row["per_second"] * row["gflop"], "attained": attained}
        told.append(row | {"per_second": None, "ratio": None} if row["variant"] in LIMITS else row)
    return told
