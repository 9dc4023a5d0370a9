"""Attributes by their names: how often they occur, what excludes what, and what a user asks for."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from misc.config.errors import UserError

FEWEST = 10  # pictures with an attribute, and without; of fewer a mean is chance
MOST_STEPS = 10.0  # beyond, no decoder draws anything
# Names of CelebA and LFW that answer one question; those of CUB, has_wing_color::blue, show it.
ONE_OF = (
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ("Straight_Hair", "Wavy_Hair", "Curly_Hair"),
    ("Bald", "Bangs", "Receding_Hairline"),
    ("5_o_Clock_Shadow", "Goatee", "No_Beard"),
)
_QUESTIONS = {name: group[0] for group in ONE_OF for name in group}

Counts = Mapping[str, tuple[int, int, int]]  # of each attribute: present, absent, unknown


def question(name: str) -> str:
    """What an attribute answers, alike for those of which a picture has about one."""
    part, mark, _ = name.partition("::")
    return part if mark else _QUESTIONS.get(name, name)


def count(attributes: np.ndarray, names: Sequence[str]) -> Counts:
    """Pictures in which each attribute is present, absent and unknown; int8 (n, names)."""
    columns = [np.sum(attributes == value, axis=0).tolist() for value in (1, 0, -1)]
    return dict(zip(names, zip(*columns, strict=True), strict=True))


def usable(counts: Counts) -> list[str]:
    """The attributes that enough pictures have, and enough have not."""
    return [name for name, (present, absent, _) in counts.items() if min(present, absent) >= FEWEST]


def check_name(name: str, known: Iterable[str]) -> None:
    """Raise UserError unless an attribute is among those known; it names the nearest ones."""
    lowered = {one.lower(): one for one in known}
    if name in lowered.values():
        return
    near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
    nearest = f" (nearest: {', '.join(lowered[one] for one in near)})" if near else ""
    raise UserError(f"{name!r} is not an attribute of the set{nearest}; --list shows all of them")


def asked(edits: Sequence[str]) -> dict[str, float]:
    """What `Smiling=+1 Eyeglasses=-0.5` asks for, as steps along each attribute.

    Raises: UserError if that is no number, or too large, or an attribute is named twice.
    """
    steps: dict[str, float] = {}
    for edit in edits:
        name, _, amount = edit.partition("=")
        try:
            number = float(amount)
        except ValueError:
            number = math.nan
        if not abs(number) <= MOST_STEPS:
            raise UserError(
                f"--edit {edit}: expected NAME=STEPS, a number from {-MOST_STEPS:g} to "
                f"{MOST_STEPS:g}, as in Smiling=+1"
            )
        if name in steps:
            raise UserError(f"--edit names {name} twice; expected one number for each attribute")
        steps[name] = number
    return steps


def named_in(sentence: str, names: Sequence[str]) -> dict[str, float]:
    """The steps towards what a sentence says: 1 along what it names, -1 along what it denies.

    Where it names one answer to a question, as in `blue wings`, the other answers are denied too;
    these do not count, for the direction of the one already leads away from the others.

    Raises: UserError if it says nothing of these attributes.
    """
    from misc.data.mentions import mentions

    said = dict(zip(names, mentions(sentence, names).tolist(), strict=True))
    answered = {question(name) for name, holds in said.items() if holds == 1}
    steps = {name: 1.0 for name, holds in said.items() if holds == 1}
    steps |= {n: -1.0 for n, holds in said.items() if holds == 0 and question(n) not in answered}
    if not steps:
        raise UserError(
            f"--toward {sentence!r} names no attribute that the run has a direction of; --list "
            "shows them, --edit NAME=STEPS takes them by name"
        )
    return steps
