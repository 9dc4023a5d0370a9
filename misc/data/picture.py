"""One picture of a raw set before it is prepared, and streams of millions of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FARTHEST = 2**20  # pixels: no picture has more in a row, so no box reaches beyond


@dataclass(frozen=True)
class Picture:
    """One picture of a raw set, picklable; of a file nothing is read before it is prepared.

    Attributes:
      image: the picture file; or its bytes, from an archive that holds many; or, stored as they
        are, two arrays uint8 (side, side, 3), the low and the high stored size.
      name: unique in its split, such as `001.Black_footed_Albatross/Black_0001`.
      class_name: its class, whose members are never each other's wrong image; None: its own.
      captions: its sentences; may be empty if embeddings are imported.
      box: bounding box (x, y, width, height) in pixels, or None for the whole picture.
      attributes: 1 yes, 0 no, -1 unknown, one a name of `write_set`'s `attribute_names`.
    """

    image: Path | bytes | tuple[np.ndarray, np.ndarray]
    name: str
    class_name: str | None
    captions: tuple[str, ...]
    box: tuple[float, float, float, float] | None = None
    attributes: tuple[int, ...] = ()


class Pictures:
    """Pictures that are made while they are gone through, one at a time, as often as need be.

    Args:
      make: gives the same pictures, in the same order, each time it is called.
      count: how many, about: for the progress bar.
    """

    def __init__(self, make: Callable[[], Iterator[Picture]], count: int):
        self.make, self.count = make, count

    def __iter__(self) -> Iterator[Picture]:
        return self.make()

    def __length_hint__(self) -> int:
        return self.count
