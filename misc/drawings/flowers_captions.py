"""Captions of a drawn flower, as people write them: true, but never complete.

Each caption names one to four of the flower's attributes, picked at random, in one of several
sentence frames; `full` adds synonyms, changes of word order and now and then a vague sentence.
Not mentioned: the seed's nuisances, the view, the background, and what cannot be seen.
"""

import numpy as np

from misc.drawings.flowers import hidden
from misc.drawings.grammar import choose, distinct, listed, some, with_article
from misc.drawings.kinds import stream

COLOUR_WORDS = {
    "red": ("red", "red", "crimson", "scarlet"),
    "yellow": ("yellow", "yellow", "golden"),
    "green": ("green", "green", "light green"),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink", "pink", "rose pink"),
    "magenta": ("magenta", "magenta", "hot pink"),
    "lavender": ("lavender", "lavender", "lilac"),
    "peach": ("peach", "peach", "salmon"),
    "maroon": ("maroon", "maroon", "burgundy", "dark red"),
}
COUNT_WORDS = {
    "four": ("four",),
    "five": ("five",),
    "six": ("six",),
    "eight": ("eight",),
    "twelve": ("twelve", "a dozen"),
    "many": ("many", "numerous", "a lot of"),
}
SHAPE_WORDS = {
    "rounded": ("rounded", "rounded", "round"),
    "pointed": ("pointed", "pointed", "pointy"),
    "heart shaped": ("heart shaped", "heart-shaped", "notched"),
    "thin": ("thin", "narrow", "slender"),
    "ruffled": ("ruffled", "wavy", "frilly"),
}
CENTER_WORDS = ("center", "center", "pistil", "middle")
SIZE_WORDS = {"small": ("small", "tiny", "little"), "large": ("large", "large", "big")}
# What follows "petals": the second colour where it lies, which is the word {}.
PATTERN_WORDS = {
    "two-tone": ("that are {} near the center", "that turn {} towards the middle"),
    "edged": ("with {} edges", "with {} trim", "outlined in {}"),
    "veined": ("with {} veins", "with {} lines", "streaked with {}"),
    "spotted": ("with {} spots", "dotted with {}"),
}
LAYER_WORDS = {
    "one": ("in a single layer",),
    "two": ("in two layers", "arranged in two layers"),
    "three": ("in three layers", "in many overlapping layers"),
}
FORM_WORDS = {
    "flat": ("that are spread out flat", "that open flat"),
    "cupped": ("that form a cup", "that curve upward"),
    "drooping": ("that droop", "that hang downward"),
}
STAMEN_WORDS = ("long stamens", "visible stamens", "stamens around the center")


def captions(flower: dict, count: int = 10) -> list[str]:
    """`count` sentences about a flower; the first n are the same whatever the count."""
    rng = stream(flower["seed"], "captions")
    sentence = _easy_sentence if flower["preset"] == "easy" else _full_sentence
    return distinct(lambda: sentence(flower, rng), count)


def _easy_sentence(flower: dict, rng: np.random.Generator) -> str:
    """A short sentence: the petals' colour always, and most of what else is to be seen."""
    petal, second, centre = (flower[f"{part}_color"] for part in ("petal", "second", "center"))
    named = choose(rng, ("both", "both", "center", "second"))
    shape = f"{flower['petal_shape']} " if named == "center" or rng.random() < 0.5 else ""
    middle = f"{with_article(centre)} center"
    inner, base = f"that are {second} near the center", f"{with_article(second)} base"
    frames = {
        "both": (
            f"this flower has {shape}{petal} petals {inner} and {middle}",
            f"{with_article(petal)} flower with {middle} and {shape}petals {inner}",
            f"{shape}{petal} petals with {base} around {middle}",
            f"the flower is {petal} with {middle}, the {shape}petals are {second} inside",
        ),
        "center": (
            f"{with_article(petal)} flower with {shape}petals and {middle}",
            f"this flower has {shape}{petal} petals and {middle}",
            f"this {petal} flower has {middle} and {shape}petals",
        ),
        "second": (
            f"this flower has {shape}{petal} petals {inner}",
            f"{with_article(petal)} flower with {shape}petals {inner}",
            f"the {shape}{petal} petals have {base}",
        ),
    }
    return choose(rng, frames[named])


def _full_sentence(flower: dict, rng: np.random.Generator) -> str:
    petal = _colour(flower["petal_color"], rng)
    unseen = hidden(flower)
    if rng.random() < 0.08:
        return _vague_sentence(flower, petal, rng)
    shape = choose(rng, SHAPE_WORDS[flower["petal_shape"]])
    count = "" if "petals" in unseen else _count(flower, rng)
    after = _after_petals(flower, unseen, rng)
    features = _features(flower, unseen, rng)
    joined = f" and {listed(features)}" if features else ""
    counted = f"{count} " if count and rng.random() < 0.5 else ""
    shaped = f"{shape} " if rng.random() < 0.55 else ""
    frames = [
        f"this flower has {counted}{shaped}{petal} petals{after}{joined}",
        f"the flower has {shaped}{petal} petals{after}{joined}",
        f"{with_article(petal)} flower with {shape} petals{after}{joined}",
        f"this flower is {petal} in color, with {counted}petals that are {shape}{joined}",
        f"the petals of this flower are {petal} and {shape}{joined and ', with ' + joined[5:]}",
        f"{counted}{shaped}{petal} petals{after}{joined}",
    ]
    if features:
        frames += [
            f"this {petal} flower has {listed(features)}",
            f"{with_article(petal)} flower with {listed(features)}",
            f"a flower with {listed(features)} and {shaped}{petal} petals{after}",
        ]
    if "center_color" not in unseen:
        centre = _centre(flower, rng)
        frames.append(f"{shaped}{petal} petals{after} surrounding {with_article(centre)}")
    return choose(rng, frames)


def _vague_sentence(flower: dict, petal: str, rng: np.random.Generator) -> str:
    shape = choose(rng, SHAPE_WORDS[flower["petal_shape"]])
    frames = [
        f"{with_article(petal)} flower",
        f"this flower is {petal}",
        f"a pretty flower with {shape} petals",
        f"this is {with_article(petal)} flower with {shape} petals",
        f"a flower that has {petal} petals",
    ]
    if flower["pattern"] != "plain":
        frames.append(f"this flower is {petal} and {_colour(flower['second_color'], rng)}")
    return choose(rng, frames)


def _count(flower: dict, rng: np.random.Generator) -> str:
    """How many petals: exact only where a single layer can be counted."""
    exact = flower["layers"] == "one" or flower["petals"] == "many"
    return choose(rng, COUNT_WORDS[flower["petals"]]) if exact else ""


def _after_petals(flower: dict, unseen: set[str], rng: np.random.Generator) -> str:
    """What is said behind the word "petals": what is special, rarely what is not, or nothing."""
    ways = [choose(rng, FORM_WORDS[flower["form"]])]
    if "layers" not in unseen:
        ways.append(choose(rng, LAYER_WORDS[flower["layers"]]))
    if flower["pattern"] != "plain":
        colour = _colour(flower["second_color"], rng)
        ways += [choose(rng, PATTERN_WORDS[flower["pattern"]]).format(colour)] * 3
    special = (flower["form"], flower["layers"], flower["pattern"]) != ("flat", "one", "plain")
    return f" {choose(rng, ways)}" if rng.random() < (0.65 if special else 0.3) else ""


def _features(flower: dict, unseen: set[str], rng: np.random.Generator) -> list[str]:
    """Noun phrases for what is in the middle, none to two."""
    phrases = []
    if "center_color" not in unseen:
        phrases.append(with_article(_centre(flower, rng)))
    if flower["stamens"] == "yes" and "stamens" not in unseen:
        phrases.append(choose(rng, STAMEN_WORDS))
    return some(rng, phrases, 0 if rng.random() < 0.2 else 1, 2) if phrases else []


def _centre(flower: dict, rng: np.random.Generator) -> str:
    size = choose(rng, SIZE_WORDS[flower["center_size"]]) if rng.random() < 0.4 else ""
    colour = _colour(flower["center_color"], rng)
    return f"{size} {colour} {choose(rng, CENTER_WORDS)}".strip()


def _colour(colour: str, rng: np.random.Generator) -> str:
    return choose(rng, COLOUR_WORDS.get(colour, (colour,)))
