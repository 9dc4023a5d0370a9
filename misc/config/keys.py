"""What a configuration key is, and the checks of its value."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

Check = Callable[[Any], str | None]


@dataclass(frozen=True)
class Key:
    """One configuration key.

    Attributes:
      name: dotted, in capitals: "TRAIN.BATCH_SIZE".
      default: value if no file and no flag sets it; its type is the key's type.
      meaning: one line with the unit.
      check: returns what was expected if a value is out of range, else None.
      free: a resumed run may change it, because it does not alter what is learned.
      types: accepted types if there is more than the default's.
    """

    name: str
    default: Any
    meaning: str
    check: Check | None = None
    free: bool = False
    types: tuple[type, ...] = ()

    @property
    def accepted(self) -> tuple[type, ...]:
        """The types a value may have."""
        return self.types or (type(self.default),)


def at_least(low: float) -> Check:
    """Accept numbers from `low` up."""
    return lambda value: None if value >= low else f"a number of at least {low}"


def above(low: float) -> Check:
    """Accept numbers greater than `low`."""
    return lambda value: None if value > low else f"a number above {low}"


def within(low: int, high: int) -> Check:
    """Accept numbers from `low` to `high`."""
    return lambda value: None if low <= value <= high else f"a number from {low} to {high}"


def one_of(*choices: Any) -> Check:
    """Accept the listed values alone."""
    listed = ", ".join(map(str, choices))
    return lambda value: None if value in choices else f"one of: {listed}"


def each(*types: type, low: float = -math.inf, high: float = math.inf) -> Check:
    """Accept lists whose values are of these types, from `low` to `high`."""
    kind = "numbers" if float in types else "whole numbers"
    bounds = f" from {low} to {high}" if high < math.inf else f" of at least {low}"

    def check(values: list) -> str | None:
        good = all(type(value) in types and low <= value <= high for value in values)
        return None if good else f"a list of {kind}{bounds if low > -math.inf else ''}"

    return check


def power_of_two(low: int) -> Check:
    """Accept 2^k from `low` up."""

    def check(value: int) -> str | None:
        good = value >= low and value & (value - 1) == 0
        return None if good else f"a power of two of at least {low}"

    return check


def share(value: float) -> str | None:
    """Accept numbers from 0 to below 1."""
    return None if 0 <= value < 1 else "a number from 0 to below 1"


def plain_name(value: str) -> str | None:
    """Accept text that can be part of a folder's name."""
    bad = any(c in value for c in '/\\:*?"<>|') or value.startswith(".") or len(value) > 100
    return 'a plain name (no / \\ : * ? " < > |), at most 100 characters' if bad else None


def with_defaults(keys: Iterable[Key], **defaults: Any) -> tuple[Key, ...]:
    """The same keys with other defaults; `TRAIN__BATCH_SIZE` stands for TRAIN.BATCH_SIZE."""
    wanted = {name.replace("__", "."): value for name, value in defaults.items()}
    changed = tuple(replace(k, default=wanted.pop(k.name, k.default)) for k in keys)
    if wanted:
        raise ValueError(f"with_defaults: no such keys: {sorted(wanted)}")
    return changed
