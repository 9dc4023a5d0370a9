"""Faces for others: `load(run)` gives functions from descriptions to embeddings, and to faces."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from easydict import EasyDict

from faces import model_multiscale, model_progressive
from faces.captions import Vocabulary
from faces.growth import Growth
from faces.layers import grown_up
from faces.text_encoder import Conditioning, TextEncoder
from misc.data.images import to_uint8
from misc.evaluation.steady import steady
from misc.training import noise
from misc.training.distribute import precision
from misc.training.runs import load_run, restore_networks

MODELS = {"progressive": model_progressive, "multiscale": model_multiscale}
SAMPLED = ("text_encoder", "conditioning", "generator")


def build_sampled(cfg: EasyDict, vocab_size: int) -> dict[str, keras.Model]:
    """The networks of `SAMPLED` by name, as training and sampling both build them."""
    return {
        "text_encoder": TextEncoder(
            vocab_size=vocab_size,
            embedding_size=cfg.EMBEDDING_SIZE,
            hidden_size=cfg.HIDDEN_SIZE,
            num_layers=cfg.NUM_LAYERS,
            masked=cfg.MASKED,
        ),
        "conditioning": Conditioning(
            text_size=cfg.HIDDEN_SIZE,
            ca_out_size=cfg.CA_OUT_SIZE,
            form=cfg.CA_FORM,
            equalised=cfg.USE_EQL,
        ),
        "generator": MODELS[cfg.NETWORK_TYPE].Generator(
            depth=cfg.DEPTH, latent_size=cfg.LATENT_SIZE, rgb=cfg.RGB, equalised=cfg.USE_EQL
        ),
    }


def sampled(cfg: EasyDict) -> dict[str, str]:
    """Names, in a run's checkpoints, of the networks to sample, by what they are."""
    return {name: f"average_{name}" if cfg.USE_EMA else name for name in SAMPLED}


def generate(generator, cfg: EasyDict, c, z, stage: int, alpha):
    """Faces of a condition and noise: float32 (n, side, side, 3); of all sizes at once, a list."""
    latent = tf.concat([c, z], -1)
    if cfg.NETWORK_TYPE == "multiscale":
        return generator(latent)
    return generator(latent, stage=stage, alpha=alpha)


class Sampler:
    """Descriptions in, faces out; row r depends on it and (seed, start + r) alone.

    An embedding is what the LSTM makes of a description, float32 (HIDDEN_SIZE,).

    Args:
      networks: those of `SAMPLED`, by name.
      growth: the stage that the generator is in, and how far that has faded in, 0 to 1.
    Attributes: cfg, vocabulary: of the run; step: of its checkpoint; growth: may be set anew.
    """

    def __init__(
        self,
        networks: dict,
        cfg: EasyDict,
        vocabulary: Vocabulary,
        growth: tuple[int, float] = (0, 1.0),
        step: int = 0,
    ):
        self.cfg, self.vocabulary, self.step, self.growth = cfg, vocabulary, step, growth
        self._networks = networks
        encoded = tf.function(lambda ids: networks["text_encoder"](ids))
        self._embedded = steady(lambda ids, seed, start: (encoded(ids).numpy(),))
        # Always of as many rows; a graph for each stage, one more while it fades, and for walks.
        self._run = tf.function(self._pictures)
        self._steady = steady(self._rows)

    @property
    def imsize(self) -> int:
        """Side of a face, px, at this stage."""
        return 4 << self.growth[0]

    def embed(self, captions: Sequence[str]) -> np.ndarray:
        """Captions -> embeddings, float32 (n, HIDDEN_SIZE); each unknown word is read as `<unk>`.

        `faces.captions.check_descriptions` finds those of which nothing is read.
        """
        ids = self.vocabulary.ids(captions, self.cfg.CAPTIONS_LENGTH)
        return self._embedded(ids, 0, 0)[0]

    def __call__(self, embedding: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
        """Embeddings -> faces, uint8 (n, imsize, imsize, 3)."""
        return self.scales(embedding, seed, start)[-1]

    def stages(
        self, embedding: np.ndarray, seed: int, start: int = 0, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray]:
        """The same as the tuple of stages that every room's sampler gives; here of one.

        `walk`: float32 (n,) from 0 to 1, for rows on the way from noise `start` to the next.
        """
        return self.scales(embedding, seed, start, walk)[-1:]

    def scales(
        self, embedding: np.ndarray, seed: int, start: int = 0, walk: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        """The same in every size that the networks make at once, 4 px first."""
        return self._steady(np.asarray(embedding, np.float32), seed, start, walk)

    @property
    def digest(self) -> str:
        """SHA-256 of what makes embeddings, weights, words and how they are used: 64 hex digits."""
        cfg = self.cfg
        facts = [cfg.MASKED, cfg.CAPTIONS_LENGTH, cfg.NUM_LAYERS, self.vocabulary.digest]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for weight in self._networks["text_encoder"].weights:
            digest.update(np.ascontiguousarray(weight.numpy(), "<f4").tobytes())
        return digest.hexdigest()

    def _rows(self, embedding, seed, start, walk=None):
        numbers = (tf.constant(number, tf.int64) for number in (seed, start))
        stage, alpha = self.growth
        alpha = alpha if grown_up(alpha) else tf.constant(alpha, tf.float32)
        made = self._run(embedding, *numbers, walk, stage, alpha)
        return tuple(to_uint8(scale.numpy()) for scale in made)

    def _pictures(self, embedding, seed, start, walk, stage: int, alpha):
        cfg, rows = self.cfg, tf.shape(embedding)[0]
        eps = noise.rows_normal(seed, start, rows, noise.EPS_G, cfg.CA_OUT_SIZE, walk=walk)
        width = cfg.LATENT_SIZE - cfg.CA_OUT_SIZE
        z = noise.rows_normal(seed, start, rows, noise.Z_G, width, walk=walk)
        c = self._networks["conditioning"]([embedding, eps])["c"]
        return tf.nest.flatten(generate(self._networks["generator"], cfg, c, z, stage, alpha))


def load(run: str | Path, checkpoint: str = "newest") -> Sampler:
    """The sampler of a run folder, at the stage that its checkpoint is in.

    Args: checkpoint: as `restore_networks` takes it.
    Raises: UserError if it is none of faces, untrained, or its words are another run's.
    """
    _, cfg = load_run(run, "faces")
    vocabulary, growth = Vocabulary.load(run), Growth.load(run, cfg)
    with precision(cfg.PRECISION):
        networks = build_sampled(cfg, len(vocabulary.words))
    names = sampled(cfg)
    step = restore_networks(run, {names[k]: network for k, network in networks.items()}, checkpoint)
    return Sampler(networks, cfg, vocabulary, growth.at(step), step)
