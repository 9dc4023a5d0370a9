"""The char-CNN-RNN at its published size (4,045,184 parameters, GRU, 18 steps, 1024 wide): training
steps, and embedding different captions of drawn birds, which are about as long as CUB's.

A step is on 40 captions, and pictures of 64 px of noise. `plain float32`: stock Keras layers
(`benchmarks.plain`), Keras' RMSprop, and `model.predict`. `one by one`: our network called once a
caption, without a tf.function. `float32`, `bfloat16`: `encoder.trainer`, and `encoder.embed.load`
with nothing cached. Operations and what is attainable are those of the suite `training`; ours looks
up what the plain form multiplies by one-hot characters.
"""

from pathlib import Path

from benchmarks.suites.attainable import LIMITS, facts, limit
from benchmarks.turns import Work

UNIT, ROUNDS = "captions", 3
TRAINING, EMBEDDING = "training step, batch 40", "embedding"
PLAIN, SLOW, OURS = "plain float32", "one by one", ("float32", "bfloat16")
BATCH = 256
COUNT = 8 * BATCH


def works(_args) -> dict[str, tuple[str, ...]]:
    """Training and embedding."""
    return {TRAINING: (PLAIN, *OURS, *LIMITS), EMBEDDING: (PLAIN, SLOW, *OURS, *LIMITS)}


def make(_args, work: str, variant: str, folder: str) -> Work:
    """One step; all captions, or a few of them; or what these are compared with."""
    if variant in LIMITS:
        return limit(variant)
    from misc.config.load import load_config
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    dtype = variant if variant in OURS else "float32"
    cfg = load_config("encoder", None, [f"PRECISION={dtype}"])
    if work == TRAINING:
        run = _step(cfg, variant)
        return Work(lambda: float(run()), cfg.TRAIN.BATCH_SIZE, facts(run, cfg.TRAIN.BATCH_SIZE))
    texts = captions(COUNT // 100 if variant == SLOW else COUNT)
    burst, told = _burst(cfg, variant, Path(folder))
    return Work(lambda: burst(texts), len(texts), told)


def captions(count: int) -> list[str]:
    """Different captions of drawn birds."""
    from misc.drawings import birds, birds_captions

    found, seed = {}, 0
    while len(found) < count:
        found |= dict.fromkeys(birds_captions.captions(birds.attributes(seed)))
        seed += 1
    return list(found)[:count]


def _step(cfg, variant: str):
    """A tf.function without arguments: one step; gives its loss."""
    import keras
    import tensorflow as tf

    from benchmarks import plain
    from encoder.alphabet import encode
    from encoder.trainer import build
    from misc.training.distribute import precision

    rows, side = cfg.TRAIN.BATCH_SIZE, cfg.IMAGE.SIZE
    picture = tf.random.stateless_uniform((rows, side, side, 3), (0, 0), -1.0, 1.0)
    indices = tf.constant(encode(captions(rows)), tf.int32)
    if variant == PLAIN:
        networks = plain.char_cnn_rnn(), plain.image_tower(side)
        rate, given = cfg.TRAIN.LEARNING_RATE, (tf.constant(_one_hot(indices)), picture)
        optimizers = [keras.optimizers.RMSprop(rate, rho=0.99) for _ in networks]
        for optimizer, network in zip(optimizers, networks, strict=True):
            optimizer.build(network.trainable_variables)
        return tf.function(lambda: plain.encoder_step(networks, given, optimizers))
    with precision(cfg.PRECISION):
        trainer = build(cfg, 1, 100)
    batch, number = {"picture": picture, "indices": indices}, tf.constant(0, tf.int64)
    return tf.function(lambda: trainer.train_step(batch, number)["loss"])


def _one_hot(indices):
    """Characters as the plain network reads them: of index 0 a row of zeros."""
    import numpy as np

    from encoder.alphabet import ALPHABET

    return np.eye(len(ALPHABET) + 1, dtype=np.float32)[:, 1:][indices]


def _burst(cfg, variant: str, folder: Path):
    """From captions to their embeddings, and what a `Work` of it tells."""
    import tensorflow as tf

    from benchmarks import plain
    from encoder.alphabet import encode
    from encoder.embed import load
    from encoder.trainer import build_text_encoder
    from misc.training.import_run import save_networks

    network = plain.char_cnn_rnn() if variant == PLAIN else build_text_encoder(cfg)
    given = tf.zeros((BATCH, *network.input_shape[1:]), network.inputs[0].dtype)
    told = facts(tf.function(lambda: network(given, training=False)), BATCH)
    if variant == PLAIN:
        predict = network.predict
        return lambda texts: predict(_one_hot(encode(texts)), batch_size=BATCH, verbose=0), told
    if variant == SLOW:
        return lambda texts: [
            network(encode([text]), training=False).numpy() for text in texts
        ], dict
    run = folder / variant
    save_networks(run, 0, cfg, "encoder", {"text_encoder": network})
    return load(run, BATCH, cached=False), told
