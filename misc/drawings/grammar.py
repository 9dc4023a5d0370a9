"""Pieces of sentences that the captions of all drawn sets share."""

from collections.abc import Callable, Sequence

import numpy as np


def choose(rng: np.random.Generator, options: Sequence):
    """One of `options`, each equally likely."""
    return options[int(rng.integers(len(options)))]


def some(rng: np.random.Generator, options: Sequence, low: int, high: int) -> list:
    """Between `low` and `high` (both included) different ones of `options`, in random order."""
    count = min(int(rng.integers(low, high + 1)), len(options))
    return [options[i] for i in rng.permutation(len(options))[:count]]


def with_article(phrase: str) -> str:
    """`a red crown`, `an orange crown`, but `red wings`: plurals take no article."""
    if phrase.endswith("feet") or (phrase.endswith("s") and not phrase.endswith("ss")):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def listed(phrases: Sequence[str]) -> str:
    """`x`, `x and y`, `x, y and z`."""
    *first, last = phrases
    return f"{', '.join(first)} and {last}" if first else last


def distinct(make: Callable[[], str], count: int) -> list[str]:
    """`count` sentences from `make`, each new as far as a few tries at a time can find one."""
    sentences: list[str] = []
    for _ in range(count):
        for _ in range(64):
            sentence = make()
            if sentence not in sentences:
                break
        sentences.append(sentence)
    return sentences
