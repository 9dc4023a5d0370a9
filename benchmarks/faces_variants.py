"""The variants that the suite of faces times, each as a `Work` that does its work once."""

import numpy as np
import tensorflow as tf

from benchmarks import plain_faces
from benchmarks.suites.attainable import facts
from benchmarks.suites.faces import VARIANTS
from benchmarks.turns import Work
from faces.captions import PAD, UNKNOWN, Vocabulary
from faces.sample import Sampler, build_sampled
from faces.trainer import build
from misc.data.images import to_uint8
from misc.training.distribute import precision

MEDIAN, SPREAD = 24, 0.55  # words of a caption of Face2Text, and the deviation of their log
STEPS = 100  # an epoch
FACES = 16  # sampled at once


def make_step(cfg, stage: int, fading: bool, variant: str, *, sampling: bool = False):
    """A step of a stage, or sampling at its end.

    The work of a step tells its operations.
    """
    if sampling:
        return Work(_plain_sampling(cfg) if variant == VARIANTS[0] else _sampling(cfg, variant))
    last = cfg.DEPTH - 1 if cfg.NETWORK_TYPE == "multiscale" else stage
    batch = noise_batch(cfg, cfg.BATCH_SIZES[stage], 4 << last)
    if variant == VARIANTS[0]:
        return _plain_step(cfg, batch, last, fading)
    with precision(variant):
        trainer = build(cfg, 1, STEPS)
    number = STEPS * sum(cfg.EPOCHS[: stage + 1]) - 1
    if fading:
        number -= int(STEPS * cfg.EPOCHS[stage] * (1 - cfg.FADE_IN_PERCENTAGE[stage] / 200))
    number = tf.constant(number, tf.int64)

    def step(batch):
        losses = trainer.train_step(batch, number, stage)
        trainer.average.update(number)
        return losses["d_loss"]

    def told():
        # Cut to the longest caption beforehand, as the mask would cut it in the graph, whose length
        # is not known until it runs.
        trainer.networks["text_encoder"].masked = False
        longest = int(tf.reduce_max(tf.math.count_nonzero(batch["tokens"], 1)))
        cut = batch | {"tokens": batch["tokens"][:, :longest]}
        return facts(tf.function(lambda: step(cut)))()

    run = tf.function(lambda: step(batch))
    return Work(lambda: float(run()), facts=told)


def noise_batch(cfg, rows: int, side: int) -> dict:
    """Pictures of noise, and captions as long as those of Face2Text."""
    given = np.random.default_rng(0)
    words = np.exp(given.normal(np.log(MEDIAN), SPREAD, (rows, 1))).round()
    tokens = given.integers(2, cfg.VOCAB_SIZE, (rows, cfg.CAPTIONS_LENGTH))
    tokens *= np.arange(cfg.CAPTIONS_LENGTH) < words
    return {
        "real": tf.constant(given.uniform(-1, 1, (rows, side, side, 3)), tf.float32),
        "tokens": tf.constant(tokens, tf.int32),
        "wrong": tf.constant(np.roll(np.arange(rows), 1), tf.int32),
    }


def _draws(cfg, rows: int, *names: str) -> dict:
    """Noise for the plain form."""
    draws = {name: tf.random.normal((rows, cfg.LATENT_SIZE - cfg.CA_OUT_SIZE)) for name in names}
    return draws | {"eps": tf.random.normal((rows, cfg.CA_OUT_SIZE))}


def _plain_step(cfg, batch: dict, stage: int, fading: bool):
    networks = plain_faces.build(cfg, stage, fading)
    averages = plain_faces.build(cfg, stage, fading)
    del averages["discriminator"]  # it is not sampled
    optimizers = plain_faces.adams(cfg, networks)
    rows = len(batch["real"])

    @tf.function
    def run():
        draws = _draws(cfg, rows, "d", "g") | {"mix": tf.random.uniform((rows,))}
        loss = plain_faces.step(networks, optimizers, batch, draws, cfg, stage, fading)
        plain_faces.average(networks, averages, cfg.EMA_DECAY)
        return loss

    return Work(lambda: float(run()), facts=facts(run))


def _embedding(cfg):
    return np.random.default_rng(0).uniform(-1, 1, (FACES, cfg.HIDDEN_SIZE)).astype(np.float32)


def _sampling(cfg, variant: str):
    with precision(variant):
        networks = build_sampled(cfg, cfg.VOCAB_SIZE)
    growth, embedding = (cfg.DEPTH - 1, 1.0), _embedding(cfg)
    sampler = Sampler(networks, cfg, Vocabulary((PAD, UNKNOWN)), growth)
    return lambda: sampler(embedding, 0)


def _plain_sampling(cfg):
    networks, embedding = plain_faces.build(cfg, cfg.DEPTH - 1, False), _embedding(cfg)

    @tf.function
    def run(embedding):
        return plain_faces.sample(networks, embedding, _draws(cfg, FACES, "g"))

    return lambda: to_uint8(run(embedding).numpy())
