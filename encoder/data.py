"""What the encoder trains on, and what it is measured on."""

from pathlib import Path

import numpy as np
from easydict import EasyDict

from encoder.batches import PairBatches
from encoder.heldout import HeldOut
from encoder.release import is_release, open_release
from misc.config.errors import UserError
from misc.data.prepared import PreparedSplit, open_split
from misc.training.gan_data import data_folder


class EncoderData:
    """Batches of the training classes, and a sample of the test classes if there are any.

    Attributes: steps_per_epoch: the training classes.  heldout: `HeldOut`, or None where the test
      split has no captions, or where TRAIN.IMAGE_FEATURES is a file, which is the training split's.
      facts: digests of a release's files.
    Raises: UserError if the set is missing or does not fit the configuration.
    """

    def __init__(self, cfg: EasyDict):
        opened = _released if is_release(data_folder(cfg)) else _prepared
        (train, features), held, self.facts = opened(cfg)
        self.batches = PairBatches(
            train,
            batch_size=cfg.TRAIN.BATCH_SIZE,
            seed=cfg.SEED,
            side=cfg.IMAGE.SIZE,
            features=features,
        )
        self.steps_per_epoch = self.batches.steps_per_epoch
        self.dataset = self.batches.dataset
        self.heldout = None
        if held:
            test, features = held
            self.heldout = HeldOut(test, side=cfg.IMAGE.SIZE, seed=cfg.SEED, features=features)

    def save(self, folder: Path) -> None:
        """A run of the encoder needs nothing of its data later."""


def learns_from_features(cfg: EasyDict) -> bool:
    """Whether features stand in for pictures, so that no image tower is trained along."""
    return bool(cfg.TRAIN.IMAGE_FEATURES) or is_release(data_folder(cfg))


def _prepared(cfg):
    """Of a prepared set: the training split and its features, the same to measure on, facts."""
    given, width = cfg.TRAIN.IMAGE_FEATURES, cfg.TEXT.DIMENSION
    train, test = (open_split(data_folder(cfg), name) for name in ("train", "test"))

    def seen(split):
        return split, image_features(split, given, width) if given else None

    measured = test.record(0)["captions"] and not given.endswith(".npy")
    return seen(train), seen(test) if measured else None, {}


def _released(cfg):
    """The same of a release."""
    if cfg.TRAIN.IMAGE_FEATURES:
        raise UserError(
            f"TRAIN.IMAGE_FEATURES is {cfg.TRAIN.IMAGE_FEATURES}, but {data_folder(cfg)} holds the "
            "published features, in images/: leave it out"
        )
    train, test = open_release(data_folder(cfg), cfg.TEXT.DIMENSION)
    facts = {"training classes": train.digest} | ({"test classes": test.digest} if test else {})
    return (train, train.features), (test, test.features) if test else None, facts


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
