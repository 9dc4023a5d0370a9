"""Write a prepared set: pictures cropped, resized and packed in parallel, tables beside them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Picture:
    """One picture of a source, small and picklable; nothing of it is read before `write_set`.

    Attributes:
      path: the picture file.
      name: unique in its split, such as `001.Black_footed_Albatross/Black_0001`.
      class_name: its class, whose members are never each other's wrong image.
      captions: its sentences; may be empty if embeddings are imported.
      box: bounding box (x, y, width, height) in pixels, or None for the whole picture.
      attributes: 1 yes, 0 no, -1 unknown, one a name of `write_set`'s `attribute_names`.
    """

    path: Path
    name: str
    class_name: str
    captions: tuple[str, ...]
    box: tuple[float, float, float, float] | None = None
    attributes: tuple[int, ...] = ()


def write_set(
    out: Path,
    splits: dict[str, list[Picture]],
    *,
    name: str,
    imsizes: tuple[int, int] = (64, 256),
    stretch: bool = False,
    attribute_names: tuple[str, ...] = (),
    card: dict,
    embeddings: dict[str, dict[str, np.ndarray]] | None = None,
    workers: int | None = None,
) -> dict:
    """Prepare a set in folder `out` and return its card, the content of `set.json`.

    Args:
      splits: split name ("train", "test") -> its pictures, in the order they are to be stored.
      imsizes: the two sizes models train at; stored pictures are int(imsize * 76 / 64) px.
      stretch: StackGAN's hidden contrast stretch, see `images.stretch_contrast`.
      card: facts for set.json: `split_rule`, `source` and whatever the source knows.
      embeddings: encoder name -> split -> float (pictures, captions, width), or (pictures, width)
        for one caption each, in the order of `splits`.
      workers: processes; None: one a core, 1: this one.
    """
    raise NotImplementedError
