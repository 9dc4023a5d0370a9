"""The eye of a trained encoder: `load(run)` gives a function from pictures to vectors.

They lie in the space of its captions' embeddings, where a caption and its picture are near.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from encoder.batches import shrunk
from encoder.model import ImageTower
from misc.config.errors import UserError
from misc.data.images import to_float
from misc.training.distribute import precision
from misc.training.runs import load_run, newest_checkpoint, restore_networks


class Eye:
    """Pictures in, vectors out. Attributes: side: px at which it looks; step: of its checkpoint."""

    def __init__(self, tower: ImageTower, side: int, step: int = 0):
        self.side, self.step = side, step
        self._look = tf.function(
            lambda pixels: tower(pixels, training=False), reduce_retracing=True
        )

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (n, k side, k side, 3) -> float32 (n, d).

        Raises: UserError for pictures of a size that is no multiple of `side`.
        """
        if pictures.shape[1] % self.side or pictures.shape[1] != pictures.shape[2]:
            height, width = pictures.shape[1:3]
            raise UserError(
                f"the encoder looks at pictures of {self.side} x {self.side} px, which cannot be "
                f"made of {width} x {height} px; take one trained with another IMAGE.SIZE"
            )
        return self._look(shrunk(to_float(pictures), self.side)).numpy()


def has_eye(run: str | Path) -> bool:
    """Whether the run was trained with an image tower of its own."""
    saved = tf.train.list_variables(newest_checkpoint(Path(run)))
    return any("image_tower/" in name for name, _ in saved)  # or of its optimizer


def load(run: str | Path, cfg: EasyDict | None = None) -> Eye:
    """The eye of an encoder's run folder.

    Raises: UserError if the folder is no encoder's, is untrained, or has no image tower.
    """
    cfg = cfg or load_run(run, "encoder")[1]
    if newest_checkpoint(Path(run)) is None or not has_eye(run):
        raise UserError(
            f"{run}: this encoder has no image tower, so it cannot look at pictures; take one that "
            "encoder/run_exp.py trained on pictures"
        )
    with precision(cfg.PRECISION):
        tower = ImageTower(cfg.IMAGE.SIZE, cfg.IMAGE.WIDTH, cfg.TEXT.DIMENSION, cfg.IMAGE.GRID)
    step = restore_networks(run, {"image_tower": tower})
    return Eye(tower, cfg.IMAGE.SIZE, step)
