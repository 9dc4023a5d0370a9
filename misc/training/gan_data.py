"""What a GAN trains on and is shown on: batches, grid rows, and the facts about its text."""

import copy
import hashlib
from pathlib import Path

import numpy as np
from easydict import EasyDict

from misc.data.batches import GanBatches
from misc.data.images import centre_of, contact_sheet
from misc.data.prepared import embeddings_file, open_split, read_card
from misc.data.quarantine import read_quarantine
from misc.training.text import Text, embeddings_name


def data_folder(cfg: EasyDict) -> Path:
    """Folder of the prepared set: DATA_DIR, or data/<DATASET_NAME>."""
    return Path(cfg.DATA_DIR or Path("data") / cfg.DATASET_NAME)


def set_digest(cfg: EasyDict) -> str:
    """SHA-256 of the prepared set's card, set.json, and of what is in quarantine: 64 hex digits."""
    folder = data_folder(cfg)
    digest = hashlib.sha256((folder / "set.json").read_bytes())
    for split in read_card(folder)["splits"]:
        if quarantined := read_quarantine(folder / split):
            digest.update(f"{split}: {list(quarantined)}".encode())
    return digest.hexdigest()


def with_width(cfg: EasyDict) -> EasyDict:
    """The configuration with the width of the set's embeddings where TEXT.DIMENSION is 0.

    A run's config.yml has to say the width: its networks are built from that alone.
    Raises: UserError if the set or its embeddings are missing.
    """
    if cfg.TEXT.DIMENSION:
        return cfg
    split, cfg = open_split(data_folder(cfg), "train"), copy.deepcopy(cfg)
    cfg.TEXT.DIMENSION = split.embeddings(embeddings_name(cfg, split)).shape[1]
    return cfg


class GanData:
    """Batches of real, wrong and embedding at `imsize` px, and the rows of the sample grids.

    Attributes: text: the `Text` trained on.  facts: digests of the training embeddings and of the
      encoder that made them.
    Raises: UserError if the set or its embeddings are missing or do not fit the configuration.
    """

    def __init__(self, cfg: EasyDict, imsize: int):
        self.imsize, self.copies, self.seed = imsize, cfg.TRAIN.NUM_COPY, cfg.SEED
        self.splits = {name: open_split(data_folder(cfg), name) for name in ("train", "test")}
        train = self.splits["train"]
        self.text = Text.of_training_set(cfg, train)
        self.embeddings = {s: self.text.stored(split) for s, split in self.splits.items()}
        with open(embeddings_file(train.folder, self.text.embeddings), "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        self.facts = {"embeddings": content, "text encoder": self.text.digest}
        self.batches = GanBatches(
            train,
            self.embeddings["train"],
            imsize=imsize,
            batch_size=cfg.TRAIN.BATCH_SIZE,
            num_embedding=cfg.TRAIN.NUM_EMBEDDING,
            seed=cfg.SEED,
            wrong=cfg.TRAIN.B_WRONG,
            mean=self.text.mean,
            deviation=self.text.deviation,
        )
        self.steps_per_epoch = self.batches.steps_per_epoch
        self.dataset = self.batches.dataset

    def save(self, folder: Path) -> None:
        """Write into the run folder what sampling needs to know about the text."""
        self.text.save(folder)

    def grid(self, sampler):
        """A Pillow sheet of NUM_COPY training and as many test captions: real | NUM_COPY fakes.

        Pictures, captions and noise are the same at every step, so that grids can be compared.
        """
        reals, rows, captions = [], [], []
        for name, split in self.splits.items():
            picks = np.random.default_rng(self.seed).permutation(len(split))[: self.copies]
            for pick, png in zip(picks, split.pictures(picks, self.batches.size), strict=True):
                reals.append(centre_of(png, self.imsize))
                rows += [self.embeddings[name][split.index["first"][pick]]] * self.copies
                record = split.record(int(pick))
                # Imported embeddings may come without the sentences they were made from.
                captions.append(f"{name}: {(record['captions'] or [record['name']])[0]}")
        fakes = np.split(sampler(np.stack(rows), seed=self.seed), len(reals))
        pictures = [p for real, own in zip(reals, fakes, strict=True) for p in (real, *own)]
        return contact_sheet(pictures, captions, columns=2, tile=max(64, self.imsize))
