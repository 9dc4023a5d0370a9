"""Whom drawn faces show: the attributes with their values, and people who share some of them."""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from misc.drawings.kinds import pick, stream

NO_YES = ("no", "yes")
# What a person keeps from picture to picture. Where there is a plainest value, it comes first.
LASTING = {
    "gender": ("woman", "man"),
    "age": ("young", "old"),
    "skin": ("light", "pale", "tan", "brown", "dark"),
    "face": ("oval", "round", "square"),
    "chubby": NO_YES,
    "double_chin": NO_YES,
    "cheekbones": ("low", "high"),
    "eye_color": ("brown", "blue", "green"),
    "eyes": ("wide", "narrow"),
    "nose": ("small", "big", "pointed"),
    "lips": ("thin", "full"),
    "brows": ("natural", "thin", "bushy"),
    "brow_shape": ("straight", "arched"),
    "hair_color": ("brown", "black", "blond", "red", "gray"),
    "texture": ("straight", "wavy", "curly"),
}
# What changes; only who is bald or has a receding hairline has so in every picture.
CHANGING = {
    "hairline": ("full", "bangs", "receding", "bald"),
    "style": ("short", "long", "tied"),
    "expression": ("neutral", "smile", "frown"),
    "mouth": ("closed", "open"),
    "glasses": ("none", "round", "square", "sunglasses"),
    "hat": ("none", "cap", "beanie", "brimmed"),
    "beard": ("none", "stubble", "goatee", "full"),
    "mustache": NO_YES,
    "sideburns": NO_YES,
    "bags": NO_YES,
    "makeup": NO_YES,
    "lipstick": NO_YES,
    "blush": NO_YES,
    "earrings": NO_YES,
    "necklace": NO_YES,
    "necktie": NO_YES,
}

# Every attribute of a preset with its possible values.
PRESETS = {
    "easy": {
        "gender": LASTING["gender"],
        "skin": ("light", "tan", "brown"),
        "hair_color": LASTING["hair_color"],
        "style": ("short", "long"),
        "expression": ("neutral", "smile"),
        "glasses": ("none", "round", "sunglasses"),
        "hat": ("none", "cap"),
        "beard": ("none", "full"),
    },
    "full": LASTING | CHANGING,
}
EASY_LASTING = ("gender", "skin", "hair_color", "style")
COUNTS = {"easy": (50, 10), "full": (150, 50)}  # training and test people

_FIRST = {
    "woman": "Ada Bella Clara Dora Emma Flora Greta Hanna Ida Julia Karen Laura Maria Nora Olga "
    "Paula Rita Sara Tina Vera",
    "man": "Adam Ben Carl David Emil Frank George Hugo Ivan John Karl Leo Mark Noah Oscar Paul "
    "Robert Simon Tom Victor",
}
_LAST = "Ash Birch Cedar Dale Elm Field Grove Hill Isle Lake Moor"


class Person(NamedTuple):
    """Whom pictures show: a name (`Ada_Ash`), its split and what all pictures have in common."""

    name: str
    split: str
    shared: dict[str, str]


@cache
def all_people(preset: str) -> tuple[Person, ...]:
    """The people of a preset: 50 + 10 (`easy`) or 150 + 50 (`full`), training people first."""
    shared = _easy_people() if preset == "easy" else _full_people()
    training = COUNTS[preset][0]
    numbers = {gender: iter(range(len(shared))) for gender in LASTING["gender"]}
    people = []
    for k, values in enumerate(shared):
        first, last = _FIRST[values["gender"]].split(), _LAST.split()
        number = next(numbers[values["gender"]])
        # 20 first and 11 last names have no common divisor: 220 different people of a gender.
        name = f"{first[number % len(first)]}_{last[number % len(last)]}"
        people.append(Person(name, "train" if k < training else "test", values))
    return tuple(people)


def _easy_people() -> list[dict]:
    """Everyone whom gender, skin, hair colour and style can make; no two of them are alike.

    The last ten, for testing, have each colour of hair twice, on a man and on a woman, and every
    skin and style about equally often.
    """
    options = [PRESETS["easy"][name] for name in EASY_LASTING]
    training, testing = [], []
    for numbers in product(*(range(len(values)) for values in options)):
        gender, skin, colour, style = numbers
        chosen = skin == (colour + gender) % 3 and style == (colour + gender) % 2
        values = [values[n] for values, n in zip(options, numbers, strict=True)]
        person = dict(zip(EASY_LASTING, values, strict=True))
        (testing if chosen else training).append(person)
    return training + testing


def _full_people() -> list[dict]:
    people = []
    for number in range(sum(COUNTS["full"])):
        rng = stream(number, "person")
        while (person := _random_person(rng, LASTING["gender"][number % 2])) in people:
            pass
        people.append(person)
    return people


def _random_person(rng: np.random.Generator, gender: str) -> dict:
    """Someone as one may meet them: what goes together often does so here."""
    man, old = gender == "man", rng.random() < 0.28
    skin = pick(rng, LASTING["skin"], (0.34, 0.14, 0.2, 0.17, 0.15))
    colours = (0.33, 0.2, 0.3, 0.14, 0.03) if skin in ("light", "pale") else None
    colours = colours or (
        (0.4, 0.45, 0.1, 0.03, 0.02) if skin == "tan" else (0.2, 0.72, 0.05, 0.02, 0.01)
    )
    chubby = rng.random() < 0.2
    person = {
        "gender": gender,
        "age": "old" if old else "young",
        "skin": skin,
        "face": pick(rng, LASTING["face"], (0.4, 0.25, 0.35) if man else (0.5, 0.3, 0.2)),
        "chubby": _yes(rng, chubby),
        "double_chin": _yes(rng, 0.55 if chubby else 0.04),
        "cheekbones": pick(rng, LASTING["cheekbones"], (0.55, 0.45)),
        "eye_color": pick(
            rng,
            LASTING["eye_color"],
            (0.4, 0.4, 0.2) if skin in ("light", "pale") else (0.85, 0.06, 0.09),
        ),
        "eyes": pick(rng, LASTING["eyes"], (0.8, 0.2)),
        "nose": pick(rng, LASTING["nose"], (0.45, 0.3, 0.25)),
        "lips": pick(rng, LASTING["lips"], (0.7, 0.3) if man else (0.5, 0.5)),
        "brows": pick(rng, LASTING["brows"], (0.5, 0.05, 0.45) if man else (0.5, 0.4, 0.1)),
        "brow_shape": pick(rng, LASTING["brow_shape"], (0.85, 0.15) if man else (0.55, 0.45)),
        "hair_color": "gray"
        if old and rng.random() < 0.7
        else pick(rng, LASTING["hair_color"], colours),
        "texture": pick(
            rng,
            LASTING["texture"],
            (0.25, 0.3, 0.45) if skin in ("brown", "dark") else (0.5, 0.33, 0.17),
        ),
    }
    thin = rng.random()
    if man and thin < (0.6 if old else 0.2):
        person["hairline"] = "bald" if thin < (0.28 if old else 0.1) else "receding"
    return person


def occasion(rng: np.random.Generator, preset: str, person: dict) -> dict:
    """What else someone shows in one picture: a value for each attribute that changes.

    Args: person: the `shared` attributes of one.
    """
    return _easy_day(rng, person) if preset == "easy" else _full_day(rng, person)


def _full_day(rng: np.random.Generator, person: dict) -> dict:
    """How someone looks in one picture."""
    man, old = person["gender"] == "man", person["age"] == "old"
    beards = (0.5, 0.17, 0.12, 0.21) if man else (1, 0, 0, 0)
    beard = pick(rng, CHANGING["beard"], beards)
    mustaches = {"none": 0.1, "stubble": 0.15, "goatee": 0.75, "full": 0.88}
    made_up = 0 if man else 0.35
    return {
        "hairline": pick(
            rng, CHANGING["hairline"], (0.85, 0.15, 0, 0) if man else (0.66, 0.34, 0, 0)
        ),
        "style": pick(rng, CHANGING["style"], (0.86, 0.1, 0.04) if man else (0.22, 0.55, 0.23)),
        "expression": pick(rng, CHANGING["expression"], (0.38, 0.48, 0.14)),
        "mouth": pick(rng, CHANGING["mouth"], (0.55, 0.45)),
        "glasses": pick(rng, CHANGING["glasses"], (0.64, 0.13, 0.13, 0.1)),
        "hat": pick(rng, CHANGING["hat"], (0.85, 0.06, 0.05, 0.04)),
        "beard": beard,
        "mustache": _yes(rng, man * mustaches[beard]),
        "sideburns": _yes(rng, man * 0.25),
        "bags": _yes(rng, 0.4 if old else 0.15),
        "makeup": _yes(rng, made_up),
        "lipstick": _yes(rng, 1.3 * made_up),
        "blush": _yes(rng, 0.08 + 0.5 * made_up),
        "earrings": _yes(rng, 0.06 if man else 0.4),
        "necklace": _yes(rng, 0.05 if man else 0.35),
        "necktie": _yes(rng, 0.3 if man else 0.03),
    }


def _easy_day(rng: np.random.Generator, person: dict) -> dict:
    bearded = 0.45 if person["gender"] == "man" else 0
    return {
        "expression": pick(rng, PRESETS["easy"]["expression"]),
        "glasses": pick(rng, PRESETS["easy"]["glasses"], (0.5, 0.25, 0.25)),
        "hat": pick(rng, PRESETS["easy"]["hat"], (0.7, 0.3)),
        "beard": pick(rng, PRESETS["easy"]["beard"], (1 - bearded, bearded)),
    }


def _yes(rng: np.random.Generator, share: float) -> str:
    return NO_YES[int(rng.random() < share)]
