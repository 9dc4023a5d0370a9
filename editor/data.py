"""What the editor trains on and is shown on: pictures alone. Batch k is a function of (seed, k)."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.images import centre_of, contact_sheet, to_float, to_uint8
from misc.data.pipeline import batches_from, crops, draws
from misc.data.prepared import PreparedSplit, open_split
from misc.training.gan_data import data_folder

HELD_OUT = 256  # test pictures, at most, that reconstructions are measured on
# What the random numbers of one seed are for; each purpose has its own stream.
_ORDER, _DRAWS, _SHOWN = range(3)


def to_network(pictures, channels: int):
    """uint8 (n, s, s, 3) -> float32 (n, s, s, channels) in [-1, 1], as the networks take them."""
    pictures = to_float(tf.convert_to_tensor(pictures))
    return tf.image.rgb_to_grayscale(pictures) if channels == 1 else pictures


def from_network(pictures) -> np.ndarray:
    """Float (n, s, s, 1 or 3) in [-1, 1] -> uint8 (n, s, s, 3)."""
    pictures = to_uint8(np.asarray(pictures))
    return np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures


def centres(split: PreparedSplit, rows: Sequence[int], imsize: int) -> np.ndarray:
    """Pictures of a split as they are encoded after training: their middle, uint8 (n, s, s, 3)."""
    size = split.stored(imsize, "IMAGE.SIZE")
    return np.stack([centre_of(png, imsize) for png in split.pictures(rows, size)])


class Plan(NamedTuple):
    """What batch k shows, before any file is read; `b` is the global batch size.

    Attributes:
      pictures: int64 (b,), indices in the split.
      offsets: int64 (b, 2), top and left of the crop.
      mirrored: bool (b,), all alike.
    """

    pictures: np.ndarray
    offsets: np.ndarray
    mirrored: np.ndarray


class PictureBatches:
    """Endless batches of pictures; every epoch is a new permutation of the split.

    A crop of `imsize` px is cut out of the stored picture, from its middle or up to `jitter` px off
    it. With `mirror` half of the batches, drawn by chance, are mirrored as a whole, as published.

    Attributes: steps_per_epoch: full batches in the split.
    Raises: UserError if the split has fewer pictures than a batch, none of this size, or no room
      for the jitter.
    """

    def __init__(
        self,
        split: PreparedSplit,
        *,
        imsize: int,
        channels: int,
        batch_size: int,
        seed: int,
        jitter: int,
        mirror: bool,
    ):
        self.split, self.imsize, self.channels = split, imsize, channels
        self.batch_size, self.seed, self.jitter, self.mirror = batch_size, seed, jitter, mirror
        self.size = split.stored(imsize, "IMAGE.SIZE")
        self._middle = (self.size - imsize) // 2
        if jitter > self._middle:
            raise UserError(
                f"{split.folder}: IMAGE.JITTER {jitter} is more than the {self._middle} px about "
                f"the middle {imsize} of pictures stored at {self.size} px"
            )
        if len(split) < batch_size:
            raise UserError(
                f"{split.folder}: {len(split)} pictures are less than one batch of {batch_size}; "
                "lower TRAIN.BATCH_SIZE or add pictures"
            )
        self.steps_per_epoch = len(split) // batch_size
        self._order = functools.lru_cache(maxsize=2)(
            lambda epoch: draws(seed, _ORDER, epoch).permutation(len(split))
        )

    def plan(self, step: int) -> Plan:
        """Decide what global batch `step` shows; reads no picture."""
        epoch, position = divmod(step, self.steps_per_epoch)
        b, random = self.batch_size, draws(self.seed, _DRAWS, step)
        pictures = self._order(epoch)[position * b : (position + 1) * b]
        offsets = self._middle + random.integers(-self.jitter, self.jitter + 1, (b, 2))
        mirrored = self.mirror and random.random() < 0.5
        return Plan(pictures, offsets, np.full(b, mirrored))

    def dataset(self, start_step: int, context=None):
        """Batches from `start_step` on, as a `tf.data.Dataset` of dicts, without end.

        Elements: `real`, float32 (b, imsize, imsize, channels) in [-1, 1].
        Args: context: None, or a `tf.distribute.InputContext`, see `batches_from`.
        """

        def read(step: int, part: slice):
            plan = Plan(*(values[part] for values in self.plan(step)))
            pngs = np.array(self.split.pictures(plan.pictures, self.size), object)
            return pngs, plan.offsets.astype(np.int32), plan.mirrored

        def finish(length: int, pngs, offsets, mirrored):
            pictures = to_network(crops(pngs, offsets, mirrored, self.imsize), self.channels)
            shape = (length, self.imsize, self.imsize, self.channels)
            return {"real": tf.ensure_shape(pictures, shape)}

        types = (tf.string, tf.int32, tf.bool)
        return batches_from(
            start_step, read, types, finish, batch_size=self.batch_size, context=context
        )


class EditorData:
    """Batches of the training pictures, pictures for the grids, and held-out ones.

    Attributes: steps_per_epoch; dataset: of `PictureBatches`.  shown: uint8 (2 k, s, s, 3), of
      train and test in turn.  heldout: uint8 (n, s, s, 3), of the test split.
    Raises: UserError if the set is missing or does not fit the configuration.
    """

    def __init__(self, cfg: EasyDict):
        splits = [open_split(data_folder(cfg), name) for name in ("train", "test")]
        self.batches = PictureBatches(
            splits[0],
            imsize=cfg.IMAGE.SIZE,
            channels=cfg.IMAGE.CHANNELS,
            batch_size=cfg.TRAIN.BATCH_SIZE,
            seed=cfg.SEED,
            jitter=cfg.IMAGE.JITTER,
            mirror=cfg.TRAIN.MIRROR,
        )
        self.steps_per_epoch = self.batches.steps_per_epoch
        self.dataset = self.batches.dataset
        rows = [draws(cfg.SEED, _SHOWN, 0).permutation(len(split)) for split in splits]
        self.heldout = centres(splits[1], rows[1][:HELD_OUT], cfg.IMAGE.SIZE)
        copies = min(cfg.TRAIN.NUM_COPY, *map(len, splits))
        sides = [
            centres(split, own[:copies], cfg.IMAGE.SIZE)
            for split, own in zip(splits, rows, strict=True)
        ]
        self.shown = np.stack(sides, axis=1).reshape(-1, *self.heldout.shape[1:])
        self._mute = "" if splits[0].attribute_names else str(splits[0].folder.parent)

    def save(self, folder: Path) -> None:
        """A run of the editor needs nothing of its data later; here it is said what it will lack.

        Without attributes it learns as well, but there will be no directions to edit along.
        """
        if self._mute:
            print(
                f"{self._mute}: the set has no attributes: {folder} will encode, reconstruct and "
                "sample, but editor/edit.py will have nothing to edit by",
                file=sys.stderr,
            )

    def grid(self, reconstructions: np.ndarray, samples: np.ndarray):
        """A Pillow sheet: original | reconstruction | sample of the prior; train left, test right.

        Args: uint8 (2 k, s, s, 3) each, of `shown` and of as many codes.
        """
        rows = zip(self.shown, reconstructions, samples, strict=True)
        pictures = [picture for row in rows for picture in row]
        captions = ["train: original, reconstruction, sample", "test"] * (len(self.shown) // 2)
        tile = max(64, self.shown.shape[1])
        return contact_sheet(pictures, captions, columns=2, tile=tile)
