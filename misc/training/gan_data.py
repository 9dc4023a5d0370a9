"""What a GAN trains on and is shown on: batches, grid rows, and the facts about its text."""

from pathlib import Path

import numpy as np
from easydict import EasyDict

from misc.data.batches import GanBatches
from misc.data.images import centre_of, contact_sheet
from misc.data.prepared import open_split
from misc.training.text import Text


def data_folder(cfg: EasyDict) -> Path:
    """Folder of the prepared set: DATA_DIR, or data/<DATASET_NAME>."""
    return Path(cfg.DATA_DIR or Path("data") / cfg.DATASET_NAME)


class GanData:
    """Batches of real, wrong and embedding at `imsize` px, and the rows of the sample grids.

    Raises: UserError if the set or its embeddings are missing or do not fit the configuration.
    """

    def __init__(self, cfg: EasyDict, imsize: int):
        self.imsize, self.copies, self.seed = imsize, cfg.TRAIN.NUM_COPY, cfg.SEED
        self.splits = {name: open_split(data_folder(cfg), name) for name in ("train", "test")}
        train = self.splits["train"]
        self.text = Text.of_training_set(cfg, train)
        self.batches = GanBatches(
            train,
            train.embeddings(self.text.embeddings),
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
        pictures, captions = [], []
        for split in self.splits.values():
            picks = np.random.default_rng(self.seed).permutation(len(split))[: self.copies]
            embeddings = split.embeddings(self.text.embeddings)
            for pick, png in zip(picks, split.pictures(picks, self.batches.size), strict=True):
                embedding = embeddings[split.index["first"][pick]]
                copies = np.repeat(embedding[None], self.copies, axis=0)
                fakes = sampler(copies, seed=self.seed, start=len(captions) * self.copies)
                pictures += [centre_of(png, self.imsize), *fakes]
                record = split.record(int(pick))
                # Imported embeddings may come without the sentences they were made from.
                captions.append(f"{split.split}: {(record['captions'] or [record['name']])[0]}")
        return contact_sheet(pictures, captions, columns=2, tile=max(64, self.imsize))
