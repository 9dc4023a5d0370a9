"""What faces train on: pictures with captions. Batch k is a function of (seed, k)."""

import copy
import functools
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from faces.captions import Vocabulary, tokens
from faces.growth import Growth
from misc.config.errors import UserError
from misc.data.images import centre_of, contact_sheet, to_float
from misc.data.pipeline import batches_from, crops, draws
from misc.data.prepared import PreparedSplit, open_split
from misc.training.gan_data import data_folder, set_digest

# What the random numbers of one seed are for; each purpose has its own stream.
_ORDER, _DRAWS, _SHOWN = range(3)


@functools.lru_cache(maxsize=1)
def _vocabulary(folder, _digest: str) -> Vocabulary:
    return Vocabulary.of(_captions(open_split(folder, "train")))


def training_vocabulary(cfg: EasyDict) -> Vocabulary:
    """The words of the captions that a run of this configuration trains on.

    Raises: UserError if the set is missing, or a picture has no caption, or an empty one.
    """
    open_split(data_folder(cfg), "train")  # which says it if there is none
    return _vocabulary(data_folder(cfg), set_digest(cfg))


def with_vocabulary(cfg: EasyDict) -> EasyDict:
    """The configuration with the size of the vocabulary of its set as VOCAB_SIZE.

    A run's config.yml has to say it: its networks are built from that alone.
    """
    cfg, vocabulary = copy.deepcopy(cfg), training_vocabulary(cfg)
    cfg.VOCAB_SIZE = len(vocabulary.words)
    return cfg


class Plan(NamedTuple):
    """What batch k shows, before any file is read; `b` is the global batch size.

    Attributes:
      pictures: int64 (b,), indices in the split.
      captions: int64 (b,), which of its captions each picture comes with.
      wrong: int32 (b,), whose caption in this batch is the wrong one for each picture.
      offsets: int64 (b, 2), px of the last size that the crop is off the middle, down, right.
      flips: bool (b,), mirrored or not.
    """

    pictures: np.ndarray
    captions: np.ndarray
    wrong: np.ndarray
    offsets: np.ndarray
    flips: np.ndarray


class FaceBatches:
    """Endless batches of pictures and captions; every epoch is a new permutation of the split.

    Pictures are read at the smallest size they are stored at that a stage can be made of, and
    averaged down to its own.

    Attributes: steps_per_epoch: tuple, full batches in the split at each stage; growth.
    Raises: UserError if the split has fewer pictures than a batch, none of the last size, or no
      room for the jitter.
    """

    def __init__(self, cfg: EasyDict, split: PreparedSplit, vocabulary: Vocabulary):
        self.split, self.vocabulary, self._cfg = split, vocabulary, cfg
        too_large = [size for size in cfg.BATCH_SIZES if size > len(split)]
        if too_large:
            raise UserError(
                f"{split.folder}: {len(split)} pictures are less than one batch of {too_large[0]}; "
                "lower BATCH_SIZES or add pictures"
            )
        self.steps_per_epoch = tuple(len(split) // size for size in cfg.BATCH_SIZES)
        self.growth = Growth(cfg, self.steps_per_epoch)
        self.imsize = self.growth.sides[-1]
        margin = (split.stored(self.imsize, "DEPTH") - self.imsize) // 2
        if cfg.JITTER > margin:
            raise UserError(
                f"{split.folder}: JITTER {cfg.JITTER} is more than the {margin} px about the "
                f"middle {self.imsize} of pictures stored at {self.imsize + 2 * margin} px"
            )
        self._counts = np.asarray(split.index["count"])
        self._order = functools.lru_cache(maxsize=2)(
            lambda epoch: draws(cfg.SEED, _ORDER, epoch).permutation(len(split))
        )

    def plan(self, step: int, stage: int) -> Plan:
        """Decide what global batch `step` shows, at `stage`; reads no picture."""
        table = self.growth.timetable
        epoch, position = divmod(step - table.begins[stage], self.steps_per_epoch[stage])
        epoch += sum(one.epochs for one in table.stages[:stage])
        b, random = self._cfg.BATCH_SIZES[stage], draws(self._cfg.SEED, _DRAWS, step)
        pictures = self._order(epoch)[position * b : (position + 1) * b]
        captions = random.integers(0, self._counts[pictures])
        jitter = self._cfg.JITTER
        offsets = random.integers(-jitter, jitter + 1, (b, 2))
        flips = (random.random(b) < 0.5) & self._cfg.MIRROR
        wrong = self._draw_wrong(random, self.split.labels[pictures])
        return Plan(pictures, captions, wrong, offsets, flips)

    def _draw_wrong(self, random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
        """For each picture another of the batch, and of another class where the batch has one."""
        keys = random.random((len(labels), len(labels)))
        keys += labels[:, None] != labels
        np.fill_diagonal(keys, -1.0)
        return keys.argmax(1).astype(np.int32)

    def source(self, stage: int) -> tuple[int, int]:
        """The side in px of what a stage's pictures are made of, and that at which it is stored."""
        side = self.growth.sides[stage]
        fitting = [size for size in self.split.card["imsizes"] if size % side == 0]
        smallest = min(size for size in fitting if self.imsize % size == 0)
        return smallest, self.split.stored(smallest, "DEPTH")

    def dataset(self, start_step: int, context=None):
        """Batches from `start_step` on, as those of its stage, as a `tf.data.Dataset` without end.

        Elements: `real` float32 (b, side, side, 3) in [-1, 1]; `tokens` int32 (b, CAPTIONS_LENGTH);
        `wrong` int32 (b,), whose caption in the global batch is a wrong one for each picture.
        Args: context: None, or a `tf.distribute.InputContext`, see `batches_from`.
        """
        stage = self.growth.timetable.stage_of(start_step)
        side, (imsize, size) = self.growth.sides[stage], self.source(stage)
        words = self._cfg.CAPTIONS_LENGTH

        def read(step: int, part: slice):
            plan = Plan(*(values[part] for values in self.plan(step, stage)))
            pngs = np.array(self.split.pictures(plan.pictures, size), object)
            middle = (size - imsize) // 2
            moved = np.rint(plan.offsets * imsize / self.imsize).clip(-middle, middle)
            offsets = (middle + moved).astype(np.int32)
            rows = zip(plan.pictures, plan.captions, strict=True)
            texts = [self.split.record(int(i))["captions"][number] for i, number in rows]
            ids = self.vocabulary.ids(texts, words)
            return pngs, offsets, plan.flips, ids, plan.wrong

        def finish(length: int, pngs, offsets, flips, ids, wrong):
            pictures = to_float(crops(pngs, offsets, flips, imsize))
            pictures = tf.nn.avg_pool2d(pictures, imsize // side, imsize // side, "VALID")
            return {
                "real": tf.ensure_shape(pictures, (length, side, side, 3)),
                "tokens": tf.ensure_shape(ids, (length, words)),
                "wrong": tf.ensure_shape(wrong, (length,)),
            }

        return batches_from(
            start_step,
            read,
            (tf.string, tf.int32, tf.bool, tf.int32, tf.int32),
            finish,
            batch_size=self._cfg.BATCH_SIZES[stage],
            context=context,
            workers=self._cfg.NUM_WORKERS,
        )


class FaceData:
    """Batches of the training pictures, and the sentences of the sample grids.

    Attributes: steps_per_epoch, growth, dataset: of `FaceBatches`; timetable; vocabulary; facts:
      digest of the vocabulary; shown: the sentences of the grids.
    Raises: UserError if the set is missing or does not fit the configuration.
    """

    def __init__(self, cfg: EasyDict):
        self.vocabulary = training_vocabulary(cfg)
        self.facts = {"vocabulary": self.vocabulary.digest}
        splits = {name: open_split(data_folder(cfg), name) for name in ("test", "train")}
        batches = FaceBatches(cfg, splits["train"], self.vocabulary)
        self.steps_per_epoch, self.growth = batches.steps_per_epoch, batches.growth
        self.timetable, self.dataset = self.growth.timetable, batches.dataset
        self._copies, self._seed, self._imsize = cfg.TRAIN.NUM_COPY, cfg.SEED, batches.imsize
        self._reals, self._captions, self.shown = [], [], []
        size = splits["train"].stored(self._imsize, "DEPTH")
        for name, split in splits.items():
            for i, caption in _sayable(split, self.vocabulary, cfg):
                self._reals.append(centre_of(split.pictures([i], size)[0], self._imsize))
                self._captions.append(f"{name}: {caption}")
                self.shown.append(caption)
        if not self.shown:
            raise UserError(
                f"{splits['train'].folder}: no picture's first caption has a word among its first "
                f"{cfg.CAPTIONS_LENGTH} words and signs; expected descriptions, or a larger "
                "CAPTIONS_LENGTH"
            )

    def save(self, folder) -> None:
        """Write into the run folder what sampling needs to know: the vocabulary, and the stages.

        Raises: UserError if the vocabulary that is there is another run's.
        """
        self.vocabulary.save(folder)
        self.growth.save(folder)

    def grid(self, sampler):
        """A Pillow sheet, always of one size: real | NUM_COPY faces of each sentence.

        Args: sampler: a `faces.sample.Sampler`, of whatever stage.
        """
        embedding = sampler.embed(self.shown)
        fakes = sampler(embedding.repeat(self._copies, axis=0), self._seed)
        scale = self._imsize // fakes.shape[1]
        fakes = fakes.repeat(scale, axis=1).repeat(scale, axis=2)
        rows = zip(self._reals, np.split(fakes, len(self._reals)), strict=True)
        pictures = [picture for real, own in rows for picture in (real, *own)]
        return contact_sheet(pictures, self._captions, columns=2, tile=max(64, self._imsize))


def _captions(split: PreparedSplit) -> Iterator[str]:
    """Every caption of a split, each of which must say something."""
    for i in range(len(split)):
        record = split.record(i)
        if not record["captions"] or not all(map(tokens, record["captions"])):
            raise UserError(
                f"{split.folder}: picture {record['name']} has no captions, or an empty one; add "
                "some, or leave it out"
            )
        yield from record["captions"]


def _sayable(split: PreparedSplit, vocabulary: Vocabulary, cfg: EasyDict) -> Iterator[tuple]:
    """NUM_COPY pictures with the first of their captions; those that say nothing are passed over.

    A test picture's words may all be new to the run.
    """
    order = draws(cfg.SEED, _SHOWN, 0).permutation(len(split)).tolist()
    pairs = ((i, caption) for i in order for caption in split.record(i)["captions"][:1])
    said = (pair for pair in pairs if vocabulary.read(pair[1], cfg.CAPTIONS_LENGTH)[0])
    return itertools.islice(said, cfg.TRAIN.NUM_COPY)
