"""What the encoder trains on, and what it is measured on."""

from pathlib import Path

import numpy as np
from easydict import EasyDict

from encoder.batches import PairBatches
from encoder.heldout import HeldOut
from misc.config.errors import UserError
from misc.data.prepared import PreparedSplit, open_split
from misc.training.gan_data import data_folder


class EncoderData:
    """Batches of the training split, and a sample of the test split if it can be looked at.

    Attributes: steps_per_epoch: the training classes.  heldout: `HeldOut`, or None where the test
      split has no captions, or where TRAIN.IMAGE_FEATURES is a file, which is the training split's.
    Raises: UserError if the set is missing or does not fit the configuration.
    """

    def __init__(self, cfg: EasyDict):
        given, width = cfg.TRAIN.IMAGE_FEATURES, cfg.TEXT.DIMENSION
        train, test = (open_split(data_folder(cfg), name) for name in ("train", "test"))
        self.batches = PairBatches(
            train,
            batch_size=cfg.TRAIN.BATCH_SIZE,
            seed=cfg.SEED,
            side=cfg.IMAGE.SIZE,
            features=image_features(train, given, width) if given else None,
        )
        self.steps_per_epoch = self.batches.steps_per_epoch
        self.dataset = self.batches.dataset
        self.heldout = None
        if test.record(0)["captions"] and not given.endswith(".npy"):
            self.heldout = HeldOut(
                test,
                side=cfg.IMAGE.SIZE,
                seed=cfg.SEED,
                features=image_features(test, given, width) if given else None,
            )

    def save(self, folder: Path) -> None:
        """A run of the encoder needs nothing of its data later."""


def image_features(split: PreparedSplit, given: str, dimension: int) -> np.ndarray:
    """Memory-mapped picture features, one row a picture of the split, those in quarantine too.

    Args:
      given: path of a .npy file, or a name: features/<name>.npy in the split's folder.
      dimension: their width, TEXT.DIMENSION.
    Returns: float32 (n, dimension) or (n, dimension, views); `split.rows` leads into them.
    Raises: UserError if there is no such file or its shape is another.
    """
    path = Path(given) if given.endswith(".npy") else split.folder / "features" / f"{given}.npy"
    try:
        features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: no readable picture features ({error}); name a .npy file, or leave "
            "TRAIN.IMAGE_FEATURES empty to train an image tower along"
        ) from error
    pictures = len(split) + len(split.quarantined)
    fits = features.ndim in (2, 3) and features.shape[:2] == (pictures, dimension)
    if not fits or features.dtype != np.float32:
        raise UserError(
            f"{path}: {features.dtype} of shape {features.shape}, expected float32 of "
            f"({pictures}, {dimension}) or ({pictures}, {dimension}, views): one row a picture "
            f"of {split.folder}, TEXT.DIMENSION wide"
        )
    return features
