"""What the encoder can do for classes it was not trained on: a number, and a sheet to look at."""

import numpy as np

from encoder.batches import family, shrunk
from misc.data.images import centre_of, contact_sheet, to_float
from misc.data.prepared import PreparedSplit

PICTURES = 400  # of the test split; as many at every step, so that the numbers compare
CAPTIONS = 16  # of a class
BATCH = 64  # pictures at once
ROWS, BEST = 6, 5  # of the sheet: captions, and pictures for each


class HeldOut:
    """A fixed sample of the test split: pictures, and captions of their classes.

    Args:
      split: a `PreparedSplit` with captions, or a `ReleaseSplit`.
      side: of the pictures, px, as `PairBatches` takes it; the centre of each is looked at.
      seed: int >= 0.
      features: picture features in place of pictures, as `PairBatches` takes them; of several views
        the first, as published.
    """

    def __init__(self, split: PreparedSplit, *, side: int, seed: int, features=None):
        self.split, self.features = split, features
        self.side = side
        if split.sizes:
            self.imsize, self.stored = family(split, side if features is None else 1)
        rng = np.random.default_rng(seed)
        captioned = np.flatnonzero(split.index["count"])
        self.pictures = np.sort(rng.permutation(captioned)[:PICTURES])
        self.classes, self.labels = np.unique(split.labels[self.pictures], return_inverse=True)
        self.captions, self.caption_labels = [], []
        for label in range(len(self.classes)):
            members = self.pictures[self.labels == label]
            said = [c for i in members for c in split.record(int(i))["captions"]]
            chosen = [said[j] for j in rng.permutation(len(said))[:CAPTIONS]]
            self.captions += chosen
            self.caption_labels += [label] * len(chosen)

    def measure(self, embed, look):
        """Zero-shot accuracy, and the sheet of the pictures that fit some captions best.

        Args:
          embed: list of captions -> float32 (n, d), the text encoder.
          look: float32 (n, s, s, 3) in [-1, 1], or (n, d) features -> float32 (n, d).
        Returns: numbers by name; a Pillow image, one caption a row, the best picture first, or None
          where there are features alone.
        """
        texts = embed(self.captions)
        parts = np.array_split(self.pictures, -(-len(self.pictures) // BATCH))
        seen = np.concatenate([look(self._input(part)) for part in parts])
        accuracy = zero_shot_accuracy(texts, np.array(self.caption_labels), seen, self.labels)
        numbers = {"zero_shot_accuracy": accuracy, "zero_shot_chance": 1 / len(self.classes)}
        return numbers, self._sheet(texts, seen) if self.split.sizes else None

    def _input(self, indices) -> np.ndarray:
        if self.features is None:
            return shrunk(to_float(np.stack(self._shown(indices))), self.side)
        rows = np.asarray(self.features[self.split.rows[indices]])
        return rows if rows.ndim == 2 else rows[:, :, 0]

    def _shown(self, indices) -> list[np.ndarray]:
        """uint8 (imsize, imsize, 3) centres of pictures."""
        pngs = self.split.pictures(indices, self.stored)
        return [centre_of(png, self.imsize) for png in pngs]

    def _sheet(self, texts, seen):
        first = np.searchsorted(self.caption_labels, np.arange(len(self.classes))[:ROWS])
        best = np.argsort(-texts[first] @ seen.T, axis=1, kind="stable")[:, :BEST]
        pictures = self._shown(self.pictures[best.ravel()])
        return contact_sheet(pictures, [self.captions[i] for i in first], columns=1)


def zero_shot_accuracy(texts, text_labels, pictures, picture_labels) -> float:
    """Share of pictures whose class is the one with the largest score.

    A class is the mean embedding of its captions, the score a dot product.

    Args:
      texts: float (m, d); pictures: float (n, d).
      text_labels: int (m,), pictures_labels: int (n,); each class 0, 1, ... has a text.
    Source: reedscot/cvpr2016, classify_sje_tcnn.lua.
    """
    classes = np.stack(
        [texts[text_labels == label].mean(0) for label in range(text_labels.max() + 1)]
    )
    return float(np.mean(np.argmax(pictures @ classes.T, axis=1) == picture_labels))
