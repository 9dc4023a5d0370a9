"""GAN batches from a prepared set: batch k is a function of (seed, k), so resuming is counting.

Reference: hanzhanggit/StackGAN, misc/datasets.py. Differs from it: a wrong picture is surely of
another class, and the last pictures of an epoch are left out instead of shown twice.
"""

import functools
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.data.images import to_float
from misc.data.pipeline import batches_from, crops, draws
from misc.data.prepared import PreparedSplit

# What the random numbers of one seed are for; each purpose has its own stream.
_ORDER, _DRAWS = 0, 1


class BatchPlan(NamedTuple):
    """What batch k shows, before any picture is read; `b` is the global batch size.

    Attributes:
      real, wrong: int64 (b,), indices of pictures in the split.
      captions: int64 (b, num_embedding), rows of the embeddings; -1 where a picture has fewer.
      offsets: int64 (b, 2, 2), of the real and the wrong picture: top and left of the crop.
      flips: bool (b, 2), of the real and the wrong picture: mirrored or not.
    """

    real: np.ndarray
    wrong: np.ndarray
    captions: np.ndarray
    offsets: np.ndarray
    flips: np.ndarray


class GanBatches:
    """Endless batches of matching pictures, pictures of other classes and text embeddings.

    Every epoch is a new permutation of the split. An embedding is the mean over `num_embedding`
    distinct captions of its picture (all, if it has fewer). Crop and flip are drawn for the real
    and the wrong picture independently; the crop starts at 0 to stored size - imsize - 1, as
    StackGAN draws it (so the last row and column are never reached).

    Args:
      split: a `PreparedSplit`.
      embeddings: float32 (captions, width), as `split.embeddings(encoder)` gives it.
      imsize: side in pixels of what the model sees; one of the card's `imsizes`.
      batch_size: global, over all replicas.
      seed: int >= 0.
      wrong: whether batches hold wrong pictures.
      mean, deviation: (width,), deviation > 0; if given, an embedding e, already averaged over its
        captions, becomes (e - mean) / deviation.

    Attributes:
      steps_per_epoch: full batches in the split.

    Raises: UserError if the split has fewer pictures than a batch, one class only, pictures without
      captions, no pictures of this size, or embeddings that do not fit it.
    """

    def __init__(
        self,
        split: PreparedSplit,
        embeddings: np.ndarray,
        *,
        imsize: int,
        batch_size: int,
        num_embedding: int,
        seed: int,
        wrong: bool = True,
        mean: np.ndarray | None = None,
        deviation: np.ndarray | None = None,
    ):
        self.split, self.embeddings = split, embeddings
        self.imsize, self.batch_size, self.num_embedding = imsize, batch_size, num_embedding
        self.seed, self.with_wrong = seed, wrong
        self.mean = 0.0 if mean is None else mean
        self.deviation = 1.0 if deviation is None else deviation
        self._first = np.asarray(split.index["first"])
        self._counts = np.asarray(split.index["count"])
        # Pictures class by class: those of another class are all but one stretch of this list.
        self._by_class = np.argsort(split.labels, kind="stable")
        self._class_sizes = np.bincount(split.labels)
        self._class_starts = np.cumsum(self._class_sizes) - self._class_sizes
        self.size = split.stored(imsize, "TEST.LR_IMSIZE or TEST.HR_IMSIZE")
        self._check()
        self.steps_per_epoch = len(split) // batch_size
        self._epoch_order = functools.lru_cache(maxsize=2)(self._shuffle)

    def plan(self, step: int) -> BatchPlan:
        """Decide what global batch `step` shows; cheap, reads no picture."""
        epoch, position = divmod(step, self.steps_per_epoch)
        start = position * self.batch_size
        real = self._epoch_order(epoch)[start : start + self.batch_size]
        random = draws(self.seed, _DRAWS, step)
        wrong = self._draw_wrong(random, real)
        captions = self._draw_captions(random, real)
        last = max(1, self.size - self.imsize)
        offsets = random.integers(0, last, (self.batch_size, 2, 2))
        flips = random.random((self.batch_size, 2)) < 0.5
        return BatchPlan(real, wrong, captions, offsets, flips)

    def embed(self, captions: np.ndarray) -> np.ndarray:
        """Mean embedding, standardized if so asked: float32 (b, width) of a plan's `captions`."""
        used = captions >= 0
        rows = self.embeddings[np.where(used, captions, captions[:, :1])]  # (b, captions, width)
        embedding = rows.mean(axis=1, where=used[:, :, None], dtype=np.float32)
        return ((embedding - self.mean) / self.deviation).astype(np.float32)

    def dataset(self, start_step: int, context=None):
        """Batches from `start_step` on, as a `tf.data.Dataset` of dicts, without end.

        Elements: `real` and (if asked for) `wrong`, float32 (b, imsize, imsize, 3) in [-1, 1], and
        `embedding`, float32 (b, width).

        Args:
          context: None, or a `tf.distribute.InputContext`, see `batches_from`.

        Raises: UserError if the batch size is not a multiple of the replicas.
        """
        import tensorflow as tf

        kinds = ("real", "wrong") if self.with_wrong else ("real",)
        shape = (self.imsize, self.imsize, 3)
        width = self.embeddings.shape[1]

        def read(step: int, part: slice):
            plan = BatchPlan(*(values[part] for values in self.plan(step)))
            # First all real pictures, then all wrong ones.
            indices = np.concatenate([plan.real, plan.wrong][: len(kinds)])
            offsets, flips = (
                np.concatenate([values[:, kind] for kind in range(len(kinds))])
                for values in (plan.offsets, plan.flips)
            )
            pngs = np.array(self.split.pictures(indices, self.size), object)
            return pngs, offsets.astype(np.int32), flips, self.embed(plan.captions)

        def finish(length: int, pngs, offsets, flips, embedding):
            pixels = crops(pngs, offsets, flips, self.imsize)
            pictures = to_float(tf.ensure_shape(pixels, (len(kinds) * length, *shape)))
            result = dict(zip(kinds, tf.split(pictures, len(kinds)), strict=True))
            return {**result, "embedding": tf.ensure_shape(embedding, (length, width))}

        types = (tf.string, tf.int32, tf.bool, tf.float32)
        return batches_from(
            start_step, read, types, finish, batch_size=self.batch_size, context=context
        )

    def _shuffle(self, epoch: int) -> np.ndarray:
        return draws(self.seed, _ORDER, epoch).permutation(len(self.split))

    def _draw_wrong(self, random: np.random.Generator, real: np.ndarray) -> np.ndarray:
        """Draw for each picture one of another class, every one equally likely."""
        if not self.with_wrong:
            return real
        labels = self.split.labels[real]
        sizes, starts = self._class_sizes[labels], self._class_starts[labels]
        place = random.integers(0, len(self.split) - sizes)
        return self._by_class[np.where(place < starts, place, place + sizes)]

    def _draw_captions(self, random: np.random.Generator, real: np.ndarray) -> np.ndarray:
        counts = self._counts[real][:, None]
        width = max(int(counts.max()), self.num_embedding)
        keys = random.random((len(real), width))
        keys[np.arange(width) >= counts] = 2.0  # past its captions: behind every true key
        chosen = np.argsort(keys, axis=1)[:, : self.num_embedding]
        return np.where(chosen < counts, self._first[real][:, None] + chosen, -1)

    def _check(self) -> None:
        folder, pictures = self.split.folder, len(self.split)
        if pictures < self.batch_size:
            raise UserError(
                f"{folder}: {pictures} pictures are less than one batch of {self.batch_size}; "
                "lower TRAIN.BATCH_SIZE or add pictures"
            )
        if self.with_wrong and self._class_sizes.max() == pictures:
            raise UserError(
                f"{folder}: all pictures are of one class, so none can be wrong for a caption; "
                "give the set two classes or more, or set TRAIN.B_WRONG: False"
            )
        if not self._counts.all():
            name = self.split.record(int(np.argmin(self._counts)))["name"]
            raise UserError(f"{folder}: picture {name} has no captions; add some or leave it out")
        rows = self.split.embedding_rows
        if self.embeddings.ndim != 2 or len(self.embeddings) != rows:
            raise UserError(
                f"{folder}: embeddings of shape {self.embeddings.shape}, expected {rows} rows, one "
                "a caption; make them again with encoder/embed.py --data"
            )
        for name, values in (("mean", self.mean), ("deviation", self.deviation)):
            if np.ndim(values) and np.shape(values) != self.embeddings.shape[1:]:
                raise UserError(
                    f"{folder}: embeddings are {self.embeddings.shape[1]} wide but the stored "
                    f"{name} of the training embeddings is of shape {np.shape(values)}; use the "
                    "encoder the run was trained with"
                )
