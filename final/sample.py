"""Stage-II for others: `load(run)` gives a function from embeddings to large pictures."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from final.model import Generator
from initial.sample import build_generator as build_stage1_generator
from initial.sample import stage1_image
from misc.config.errors import UserError
from misc.data.images import to_uint8
from misc.evaluation.steady import steady
from misc.training import noise
from misc.training.average import sampled
from misc.training.distribute import precision
from misc.training.runs import load_run, restore_networks
from misc.training.text import Text


def stage1_config(cfg: EasyDict) -> EasyDict:
    """The configuration of the Stage-I run that TRAIN.PRETRAINED_MODEL names.

    Raises: UserError if none is named, it is not a Stage-I run, or the two do not fit together.
    """
    run = cfg.TRAIN.PRETRAINED_MODEL
    if not run:
        raise UserError(
            "TRAIN.PRETRAINED_MODEL is empty: Stage-II needs the run folder of a trained Stage-I, "
            "such as runs/initial_birds (python initial/run_exp.py makes it)"
        )
    _, stage1 = load_run(run, "initial")
    for section, key in (("TEST", "LR_IMSIZE"), ("TEXT", "DIMENSION"), ("TEXT", "STANDARDIZE")):
        own, first = cfg[section][key], stage1[section][key]
        if own != first:
            raise UserError(f"{section}.{key} is {own}, but the Stage-I run {run} has {first}")
    return stage1


def build_generator(cfg: EasyDict, replicas: int = 1) -> Generator:
    """The Stage-II generator, as training and sampling both build it."""
    if cfg.GAN.NETWORK_TYPE == "simple":
        raise UserError("GAN.NETWORK_TYPE simple is a Stage-I layout: use default or pytorch")
    return Generator(
        gf_dim=cfg.GAN.GF_DIM,
        c_dim=cfg.GAN.EMBEDDING_DIM,
        text_dim=cfg.TEXT.DIMENSION,
        lr_imsize=cfg.TEST.LR_IMSIZE,
        hr_imsize=cfg.TEST.HR_IMSIZE,
        r_num=cfg.GAN.R_NUM,
        network_type=cfg.GAN.NETWORK_TYPE,
        augment=cfg.TRAIN.COND_AUGMENTATION,
        synchronized=replicas > 1,
    )


class Sampler:
    """Embeddings in, pictures of both stages out, in one graph; row r as in Stage-I's sampler.

    Attributes: cfg, text: of the run; step: of its checkpoint; imsize: side of a large picture.
    """

    def __init__(self, stage1_generator, stage1: EasyDict, generator, cfg, text: Text, step=0):
        self.cfg, self.text, self.step = cfg, text, step
        self.imsize = cfg.TEST.HR_IMSIZE
        self._stage1, self._stage1_generator, self._generator = stage1, stage1_generator, generator
        self._run = tf.function(self._images)
        self._steady = steady(self._rows)

    def __call__(self, embedding: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
        """Raw embeddings float32 (n, width) -> uint8 (n, imsize, imsize, 3)."""
        return self.stages(embedding, seed, start)[1]

    def stages(
        self, embedding: np.ndarray, seed: int, start: int = 0, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same with the Stage-I pictures: uint8 (n, small, small, 3) and the large ones.

        `walk` as in Stage-I's sampler.
        """
        return self._steady(self.text.scaled(embedding), seed, start, walk)

    def _rows(self, embedding, seed, start, walk=None):
        numbers = (tf.constant(number, tf.int64) for number in (seed, start))
        small, large = self._run(embedding, *numbers, walk)
        return to_uint8(small.numpy()), to_uint8(large.numpy())

    def _images(self, embedding, seed, start, walk):
        small = stage1_image(self._stage1_generator, self._stage1, embedding, seed, start, walk)
        width, truncated = self.cfg.GAN.EMBEDDING_DIM, self.cfg.GAN.NETWORK_TYPE != "pytorch"
        rows = tf.shape(embedding)[0]
        eps = noise.rows_normal(
            seed, start, rows, noise.EPS2_G, width, truncated=truncated, walk=walk
        )
        return small, self._generator([small, embedding, eps], training=False)["image"]


def load(run: str | Path, checkpoint: str = "newest") -> Sampler:
    """The sampler of a Stage-II run folder, which holds its Stage-I generator too.

    `checkpoint` as `restore_networks` takes it.
    Raises: UserError if it is none, or untrained.
    """
    from misc.config.load import load_run_config

    _, cfg = load_run(run, "final")
    _, stage1 = load_run_config(Path(run) / "stage1.yml")
    with precision(cfg.PRECISION):
        networks = {sampled(cfg): build_generator(cfg)}
        networks["stage1_generator"] = build_stage1_generator(stage1)
    step = restore_networks(run, networks, checkpoint)
    generators = networks["stage1_generator"], stage1, networks[sampled(cfg)]
    return Sampler(*generators, cfg, Text.load(run), step)
