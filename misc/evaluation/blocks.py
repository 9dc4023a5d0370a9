"""Features read a block of rows at a time, so that memory does not grow with their number."""

from collections.abc import Iterator

import numpy as np

ROWS = 2048


def blocks(features: np.ndarray, rows: int = ROWS) -> Iterator[np.ndarray]:
    """The rows in order, float64 (at most `rows`, d); `features` may lie in a file."""
    for start in range(0, len(features), rows):
        yield np.asarray(features[start : start + rows], np.float64)


def check(metric: str, fake: np.ndarray, real: np.ndarray, least: int) -> None:
    """Refuse what `metric` cannot compare.

    Raises: ValueError unless both are finite numbers (n, d) with the same d >= 1, of `least`
      pictures or more.
    """
    for name, features in (("fake", fake), ("real", real)):
        if features.ndim != 2 or not features.shape[1] or features.dtype.kind not in "fiu":
            shape = f"{features.dtype} {features.shape}"
            raise ValueError(f"{metric}: {name} features: expected numbers (n, d), got {shape}")
        if len(features) < least:
            raise ValueError(f"{metric}: {len(features)} {name} pictures, needs at least {least}")
        if not all(np.isfinite(block).all() for block in blocks(features)):
            raise ValueError(f"{metric}: {name} features that are not finite")
    if fake.shape[1] != real.shape[1]:
        raise ValueError(f"{metric}: features of {fake.shape[1]} (fake), {real.shape[1]} (real)")
