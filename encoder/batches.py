"""Batches of matching pictures and captions, each pair of another class.

Batch k is a function of (seed, k). Reference: reedscot/cvpr2016, train_sje_hybrid.lua.
"""

from typing import NamedTuple

import numpy as np

from encoder.alphabet import LENGTH, encode
from misc.config.errors import UserError
from misc.data.images import to_float
from misc.data.pipeline import batches_from, crops
from misc.data.prepared import PreparedSplit


class Plan(NamedTuple):
    """What batch k shows, before any file is read; `b` is the global batch size.

    Attributes:
      pictures: int64 (b,), indices in the split, of b different classes.
      captions: int64 (b,), which caption of each picture.
      offsets: int64 (b, 2), top and left of the crop.
      views: int64 (b,), which view of the picture's features, if they have several.
    """

    pictures: np.ndarray
    captions: np.ndarray
    offsets: np.ndarray
    views: np.ndarray


class PairBatches:
    """Endless batches of `batch_size` different classes, drawn without replacement.

    Of each class one picture, and one of its captions, is drawn. Pictures are cropped at random but
    never mirrored: a caption may say which way something faces.

    Args:
      split: a `PreparedSplit` with captions, or a `ReleaseSplit`, which needs `features`.
      batch_size: global, over all replicas.
      seed: int >= 0.
      side: of the pictures, px; one of the card's `imsizes`, or one divided by a whole number.
      features: in place of pictures, as `image_features` gives them; or None.

    Attributes:
      steps_per_epoch: the number of classes, which is what the published schedule counts.

    Raises: UserError if the split has fewer classes than a batch, no captions, or no pictures of
      this size.
    """

    def __init__(
        self,
        split: PreparedSplit,
        *,
        batch_size: int,
        seed: int,
        side: int,
        features: np.ndarray | None = None,
    ):
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.side, self.features = side, features
        self._views = features.shape[2] if features is not None and features.ndim == 3 else 1
        self._counts = np.asarray(split.index["count"])
        # Pictures class by class, of those that have captions.
        captioned = np.flatnonzero(self._counts)
        self._by_class = captioned[np.argsort(split.labels[captioned], kind="stable")]
        _, self._starts, self._sizes = np.unique(
            split.labels[self._by_class], return_index=True, return_counts=True
        )
        self.steps_per_epoch = len(self._sizes)
        self._check()
        if features is None:
            self.imsize, self.stored = family(split, side)

    def plan(self, step: int) -> Plan:
        """Decide what global batch `step` shows; reads no file."""
        draws = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, step))))
        b = self.batch_size
        classes = draws.choice(len(self._sizes), b, replace=False)
        pictures = self._by_class[self._starts[classes] + draws.integers(0, self._sizes[classes])]
        captions = draws.integers(0, self._counts[pictures])
        margin = 0 if self.features is not None else self.stored - self.imsize
        offsets = draws.integers(0, margin + 1, (b, 2))
        return Plan(pictures, captions, offsets, draws.integers(0, self._views, b))

    def dataset(self, start_step: int, context=None):
        """Batches from `start_step` on, as a `tf.data.Dataset` of dicts, without end.

        Elements: `indices`, int32 (b, 201), characters of the captions; `picture`, float32
        (b, side, side, 3) in [-1, 1], or, with `features`, float32 (b, d) of them.

        Args:
          context: None, or a `tf.distribute.InputContext`, see `batches_from`.
        """
        import tensorflow as tf

        def read(step: int, part: slice):
            plan = Plan(*(values[part] for values in self.plan(step)))
            offsets = plan.offsets.astype(np.int32)
            return self._characters(plan), offsets, self._pictures(plan)

        def finish(length: int, indices, offsets, pictures):
            if self.features is not None:
                pictures = tf.ensure_shape(pictures, (length, self.features.shape[1]))
            else:
                pixels = crops(pictures, offsets, tf.zeros(length, tf.bool), self.imsize)
                pixels = tf.ensure_shape(pixels, (length, self.imsize, self.imsize, 3))
                pictures = shrunk(to_float(pixels), self.side)
            return {"indices": tf.ensure_shape(indices, (length, LENGTH)), "picture": pictures}

        types = (tf.int32, tf.int32, tf.string if self.features is None else tf.float32)
        return batches_from(
            start_step, read, types, finish, batch_size=self.batch_size, context=context
        )

    def _pictures(self, plan: Plan) -> np.ndarray:
        """PNG bytes (b,), or float32 (b, d) features."""
        if self.features is None:
            return np.array(self.split.pictures(plan.pictures, self.stored), object)
        rows = self.features[self.split.rows[plan.pictures]]
        return rows if rows.ndim == 2 else rows[np.arange(len(rows)), :, plan.views]

    def _characters(self, plan: Plan) -> np.ndarray:
        """int32 (b, 201) of the captions of a plan."""
        chosen = zip(plan.pictures.tolist(), plan.captions.tolist(), strict=True)
        captions = [self.split.record(picture)["captions"][caption] for picture, caption in chosen]
        return encode(captions).astype(np.int32)

    def _check(self) -> None:
        folder, classes = self.split.folder, self.steps_per_epoch
        if not classes or not self.split.record(int(self._by_class[0]))["captions"]:
            raise UserError(
                f"{folder}: no captions to train a text encoder on; prepare the set from sources "
                "with captions"
            )
        if classes < self.batch_size:
            raise UserError(
                f"{folder}: {classes} classes, but a batch takes {self.batch_size} pictures of "
                f"different classes; set TRAIN.BATCH_SIZE to at most {classes}"
            )


def family(split: PreparedSplit, side: int) -> tuple[int, int]:
    """The smallest of the set's picture sizes from which pictures of `side` px can be made.

    Returns: its imsize, a multiple of `side`, and the size at which it is stored.
    Raises: UserError if there is none.
    """
    imsizes = split.card["imsizes"]
    for imsize, stored in sorted(zip(imsizes, split.sizes, strict=True)):
        if imsize % side == 0:
            return imsize, stored
    raise UserError(
        f"{split.folder}: prepared for pictures of {imsizes} px, from which none of {side} px can "
        "be made; set IMAGE.SIZE to one of them, or to half of one"
    )


def shrunk(pictures, side: int):
    """Pictures (n, k side, k side, c) as (n, side, side, c): means of k x k pixels; any k."""
    k = pictures.shape[1] // side
    return sum(pictures[:, i::k, j::k] for i in range(k) for j in range(k)) / k**2
