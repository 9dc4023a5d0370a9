"""Embedding captions: the char-CNN-RNN at its published size (4,045,184 parameters, GRU, 18 steps,
1024 wide), untrained, on different captions of drawn birds, which are about as long as CUB's.

`plain float32`: stock Keras layers (`benchmarks.plain`) and `model.predict`.  `one by one`: our
network called once a caption, without a tf.function.  `float32`, `bfloat16`: `encoder.embed.load`,
nothing cached.
"""

from pathlib import Path

from benchmarks.turns import Work

UNIT, ROUNDS = "captions", 3
WORK, PLAIN, SLOW = "embedding", "plain float32", "one by one"
BATCH = 256
COUNT = 8 * BATCH


def works(_args) -> dict[str, tuple[str, ...]]:
    """One work."""
    return {WORK: (PLAIN, SLOW, "float32", "bfloat16")}


def make(_args, _work: str, variant: str, folder: str) -> Work:
    """All captions, or a few of them."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    texts = captions(COUNT // 100 if variant == SLOW else COUNT)
    burst = _burst(variant, Path(folder))
    return Work(lambda: burst(texts), len(texts))


def captions(count: int) -> list[str]:
    """Different captions of drawn birds."""
    from misc.drawings import birds, birds_captions

    found, seed = {}, 0
    while len(found) < count:
        found |= dict.fromkeys(birds_captions.captions(birds.attributes(seed)))
        seed += 1
    return list(found)[:count]


def _burst(variant: str, folder: Path):
    """The function of a variant, from captions to their embeddings."""
    import numpy as np

    from benchmarks import plain
    from encoder.alphabet import ALPHABET, encode
    from encoder.embed import load
    from encoder.trainer import build_text_encoder
    from misc.config.load import load_config
    from misc.training.import_run import save_networks

    if variant == PLAIN:
        model, one_hot = plain.char_cnn_rnn(), np.eye(len(ALPHABET) + 1, dtype=np.float32)[:, 1:]
        return lambda texts: model.predict(one_hot[encode(texts)], batch_size=BATCH, verbose=0)
    dtype = "float32" if variant == SLOW else variant
    cfg = load_config("encoder", None, [f"PRECISION={dtype}"])
    network = build_text_encoder(cfg)
    if variant == SLOW:
        return lambda texts: [network(encode([text]), training=False).numpy() for text in texts]
    run = folder / variant
    save_networks(run, 0, cfg, "encoder", {"text_encoder": network})
    return load(run, BATCH, cached=False)
