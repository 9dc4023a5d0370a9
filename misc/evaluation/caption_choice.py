"""Which captions of a split a GAN is measured on, and the pictures that they were written about."""

import hashlib
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from misc.config.errors import UserError
from misc.data.images import centre_of
from misc.data.prepared import PreparedSplit
from misc.evaluation.steady import Stages


class CaptionChoice:
    """A seeded choice of captions of a split, with the pictures they are about.

    Every picture has one caption in the choice before any has two.

    Args: count: captions; 0: one for each picture that has any.   distinct: at most that many.
    Attributes:
      pictures, rows: (n,) indices of pictures, and of captions among the embeddings.
      own: (n,) the place of each caption's picture among those that `reals` gives.
    Raises: UserError if no picture has a caption.
    """

    def __init__(
        self,
        split: PreparedSplit,
        embeddings: np.ndarray,
        count: int,
        seed: int,
        distinct: bool = False,
    ):
        random = np.random.default_rng(seed)
        captioned = np.flatnonzero(split.index["count"])
        if not len(captioned):
            raise UserError(f"{split.folder}: no picture has a caption, so none can be asked for")
        count = count or len(captioned)
        count = min(count, len(captioned)) if distinct else count
        rounds = -(-count // len(captioned))
        order = np.concatenate([random.permutation(captioned) for _ in range(rounds)])
        entries = split.index[order[:count]]
        self.split, self.embeddings, self.seed = split, embeddings, seed
        self.pictures = order[:count]
        self._said = random.integers(0, entries["count"])
        self.rows = entries["first"] + self._said
        self._distinct, self.own = np.unique(self.pictures, return_inverse=True)

    def captions(self) -> list[str]:
        """The sentences, in order; empty ones for embeddings that came without their text."""
        records = (self.split.record(int(i))["captions"] for i in self.pictures)
        return [r[k] if r else "" for r, k in zip(records, self._said, strict=True)]

    @property
    def distinct(self) -> int:
        """How many pictures `reals` gives."""
        return len(self._distinct)

    def content(self, imsize: int) -> str:
        """By which pictures of `reals` are known again: a digest of what decides which they are."""
        digest = hashlib.sha256((self.split.folder.parent / "set.json").read_bytes())
        digest.update(f"{self.split.split} {imsize}".encode())
        digest.update(self.split.rows[self._distinct].astype(np.int64).tobytes())
        return digest.hexdigest()

    @property
    def labels(self) -> np.ndarray:
        """int (n,): the class of each caption's picture."""
        return self.split.labels[self.pictures]

    def fakes(self, stages: Stages, batch: int, copies: int = 1) -> Iterator[np.ndarray]:
        """Last-stage pictures of the captions, in order: uint8 (at most `batch`, s, s, 3).

        `copies`: of each caption, one after the other, with noise of its own.
        """
        wanted = np.repeat(self.rows, copies)
        with tqdm(total=len(wanted), desc="measure", unit="picture", disable=None) as bar:
            for start in range(0, len(wanted), batch):
                rows = wanted[start : start + batch]
                yield stages(np.asarray(self.embeddings[rows]), self.seed, start)[-1]
                bar.update(len(rows))

    def reals(self, imsize: int, batch: int) -> Iterator[np.ndarray]:
        """The pictures that the captions are about, each once: uint8 (at most `batch`, s, s, 3).

        Of a stored picture it is the middle, as large as the GAN is trained to see.

        Raises: UserError if the set stores none of this size.
        """
        if imsize not in self.split.card["imsizes"]:
            known = " and ".join(map(str, self.split.card["imsizes"]))
            raise UserError(
                f"{self.split.folder}: pictures for models of {known} px, the run's are {imsize} "
                "px; prepare the set with --imsizes, or, if the run is still growing, give the "
                "command that began it again, and let it come to its end"
            )
        size = self.split.sizes[self.split.card["imsizes"].index(imsize)]
        for start in range(0, len(self._distinct), batch):
            files = self.split.pictures(self._distinct[start : start + batch], size)
            yield np.stack([centre_of(file, imsize) for file in files])
