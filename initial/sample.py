"""Stage-I for others: `load(run)` gives a function from embeddings to pictures."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from initial.model import Generator
from misc.data.images import to_uint8
from misc.evaluation.steady import steady
from misc.training import noise
from misc.training.average import sampled
from misc.training.distribute import precision
from misc.training.runs import load_run, restore_networks
from misc.training.text import Text


def build_generator(cfg: EasyDict, replicas: int = 1) -> Generator:
    """The generator alone, as training and sampling both build it."""
    return Generator(
        gf_dim=cfg.GAN.GF_DIM,
        c_dim=cfg.GAN.EMBEDDING_DIM,
        z_dim=cfg.Z_DIM,
        text_dim=cfg.TEXT.DIMENSION,
        imsize=cfg.TEST.LR_IMSIZE,
        network_type=cfg.GAN.NETWORK_TYPE,
        augment=cfg.TRAIN.COND_AUGMENTATION,
        synchronized=replicas > 1,
    )


class Sampler:
    """Embeddings in, pictures out; row r depends on it and (seed, start + r) alone.

    Attributes: cfg, text: of the run; step: of its checkpoint; imsize: side of a picture.
    """

    def __init__(self, generator, cfg: EasyDict, text: Text, step: int = 0):
        self.cfg, self.text, self.step = cfg, text, step
        self.imsize = cfg.TEST.LR_IMSIZE
        self._generator = generator
        self._run = tf.function(self._images)  # always of as many rows; one graph more for walks
        self._steady = steady(self._rows)

    def __call__(self, embedding: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
        """Raw embeddings float32 (n, width) -> uint8 (n, imsize, imsize, 3)."""
        return self.stages(embedding, seed, start)[0]

    def stages(
        self, embedding: np.ndarray, seed: int, start: int = 0, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray]:
        """The same as the tuple of stages that every room's sampler gives; here of one.

        `walk`: float32 (n,) from 0 to 1, for rows on the way from noise `start` to the next.
        """
        return self._steady(self.text.scaled(embedding), seed, start, walk)

    def _rows(self, embedding, seed, start, walk=None):
        numbers = (tf.constant(number, tf.int64) for number in (seed, start))
        return (to_uint8(self._run(embedding, *numbers, walk).numpy()),)

    def _images(self, embedding, seed, start, walk):
        return stage1_image(self._generator, self.cfg, embedding, seed, start, walk)


def stage1_image(generator, cfg: EasyDict, embedding, seed, start, walk=None):
    """Stage-I pictures float32 in [-1, 1] by the statistics that training learned."""
    rows, truncated = tf.shape(embedding)[0], cfg.GAN.NETWORK_TYPE != "pytorch"
    z = noise.rows_normal(seed, start, rows, noise.Z_G, cfg.Z_DIM, walk=walk)
    width = cfg.GAN.EMBEDDING_DIM
    eps = noise.rows_normal(seed, start, rows, noise.EPS_G, width, truncated=truncated, walk=walk)
    return generator([embedding, eps, z], training=False)["image"]


def load(run: str | Path, checkpoint: str = "newest") -> Sampler:
    """The sampler of a Stage-I run folder; `checkpoint` as `restore_networks` takes it.

    Raises: UserError if it is none, or untrained.
    """
    _, cfg = load_run(run, "initial")
    with precision(cfg.PRECISION):
        generator = build_generator(cfg)
    step = restore_networks(run, {sampled(cfg): generator}, checkpoint)
    return Sampler(generator, cfg, Text.load(run), step)
