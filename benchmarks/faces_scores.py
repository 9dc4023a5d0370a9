"""How often faces show the words that people ask for; see `benchmarks.faces`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from misc.config.errors import UserError
from misc.evaluation.bootstrap import Estimate, bootstrap

# Of several columns one is asked for; of a single one, whether it is there. CelebA has a beard as
# No_Beard, denied.
WORDS = {
    "hair colour": ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    "eyeglasses": ("Eyeglasses",),
    "beard": ("No_Beard",),
    "smile": ("Smiling",),
    "hat": ("Wearing_Hat",),
    "sex": ("Male",),
}
AMONG = {"beard": "sex"}  # without a beard are above all women: men tell more


class Contrast(NamedTuple):
    """Of a word that captions only affirm: it is not asked of all that lack it.

    said, lacking: captions that affirm it, and captions whose real picture has it not.
    affirmed, absent: shares of their fakes that show it.   difference: of these two.
    """

    said: int
    lacking: int
    affirmed: float
    absent: float
    difference: Estimate


class Score(NamedTuple):
    """What becomes of one word.

    asked: captions that say something of it.
    value, ceiling, chance: shares of these that are read right: from their fakes, from their own
      real pictures, and from the fakes of all other captions.
    gain, real_gain: value minus chance; and that of the real pictures in place of the fakes.
    contrast: None if captions deny it, too, or it is one of several.
    """

    asked: int
    value: float
    ceiling: float
    chance: float
    gain: Estimate
    real_gain: float
    contrast: Contrast | None


def answers(said: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """What is said of each word of `WORDS` that the names have.

    Args: said: int8 (n, a), 1 for yes, 0 for no and -1 for nothing, of columns with these names.
    Returns: {word: int (n,)}: the place of the one colour that is named, or 1 or 0; else -1.
    """
    found = {}
    for word, columns in columns_of(names).items():
        told = said[:, columns].astype(int)
        if len(columns) == 1:
            found[word] = _turned(told[:, 0], names[columns[0]])
        else:
            one = (told == 1).sum(axis=1) == 1
            found[word] = np.where(one, told.argmax(axis=1), -1)
    return found


def seen(readings: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The same of probabilities float (n, a): the most probable colour, or what is above 0.5."""
    found = {}
    for word, columns in columns_of(names).items():
        if len(columns) == 1:
            found[word] = _turned((readings[:, columns[0]] > 0.5).astype(int), names[columns[0]])
        else:
            found[word] = readings[:, columns].argmax(axis=1)
    return found


def columns_of(names: Sequence[str]) -> dict[str, list[int]]:
    """Of each word whose attributes are all among the names, the places of these."""
    names = list(names)
    return {
        word: [names.index(name) for name in columns]
        for word, columns in WORDS.items()
        if set(columns) <= set(names)
    }


def _turned(values: np.ndarray, name: str) -> np.ndarray:
    return np.where(values < 0, -1, 1 - values) if name.startswith("No_") else values


def scores(
    asked: dict[str, np.ndarray],
    shown: dict[str, np.ndarray],
    real: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    seed: int,
) -> dict[str, Score]:
    """The score of each word that two captions or more ask for.

    Args:
      asked, labels: `answers` of n captions, and of what is known of their real pictures.
      shown, real: `seen` of their fakes, and of their real pictures.   seed: of the bootstrap.
    Raises: UserError if there is no such word.
    """
    found = {}
    for word, wanted in asked.items():
        rows = wanted >= 0
        if rows.sum() < 2:
            continue
        value, chance = _rates(wanted, shown[word])
        ceiling, among_real = _rates(wanted, real[word])
        contrast = None
        if len(WORDS[word]) == 1 and not (wanted == 0).any():
            lacking = labels[word] == 0
            if AMONG.get(word) in asked:
                lacking &= asked[AMONG[word]] == 1
            contrast = _contrast(wanted == 1, lacking, shown[word], seed)
        found[word] = Score(
            int(rows.sum()),
            value,
            ceiling,
            chance,
            _gain(wanted, shown[word], seed),
            ceiling - among_real,
            contrast,
        )
    if not found:
        raise UserError(
            f"fewer than two of {len(next(iter(asked.values()), []))} test captions ask for any of "
            f"{', '.join(WORDS)}; take a set of described faces, or more captions (--most)"
        )
    return found


def _rates(wanted: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """Value and chance; the chance of a caption is the mean over the fakes of all others."""
    rows = wanted >= 0
    if not rows.any():
        return 0.0, 0.0  # captions drawn again, of a word that few ask for
    value = float((shown == wanted)[rows].mean())
    anywhere = np.bincount(shown, minlength=wanted.max() + 1)[wanted[rows]].mean()
    return value, float(anywhere - value) / (len(wanted) - 1)


def _gain(wanted: np.ndarray, shown: np.ndarray, seed: int) -> Estimate:
    def gained(places):
        value, chance = _rates(wanted[places], shown[places])
        return value - chance

    return bootstrap(gained, len(wanted), seed)


def _contrast(said, lacking, shown, seed) -> Contrast | None:
    if not lacking.any():
        return None

    def apart(places):
        return _share(said[places], shown[places]) - _share(lacking[places], shown[places])

    difference = bootstrap(apart, len(said), seed)
    shares = _share(said, shown), _share(lacking, shown)
    return Contrast(int(said.sum()), int(lacking.sum()), *shares, difference)


def _share(rows: np.ndarray, shown: np.ndarray) -> float:
    return float((shown == 1)[rows].mean()) if rows.any() else 0.0


def varied(asked: dict[str, np.ndarray], count: int) -> list[int]:
    """`count` captions that say different things, the first ones of equally different ones.

    Each is worth what it says, and does not say, of every word: half as much each time that was
    chosen before.
    """
    said = np.stack(list(asked.values()), axis=1) + 1
    times = np.zeros((said.shape[1], said.max() + 1), int)
    words, chosen = np.arange(said.shape[1]), []
    for _ in range(min(count, len(said))):
        worth = (0.5 ** times[words, said]).sum(axis=1)
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        times[words, said[chosen[-1]]] += 1
    return chosen
