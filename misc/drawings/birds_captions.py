"""Captions of a drawn bird, as people write them: true, but never complete.

Each caption names one to four of the bird's attributes, picked at random, in one of several
sentence frames; `full` adds synonyms, changes of word order and now and then a vague sentence.
Not mentioned: the seed's nuisances, parts that cannot be seen, and the side a bird faces, because
training mirrors pictures.
"""

import numpy as np

from misc.drawings.birds import legs_show
from misc.drawings.grammar import choose, distinct, listed, some, with_article
from misc.drawings.kinds import stream

COLOUR_WORDS = {
    "red": ("red", "red", "crimson", "scarlet"),
    "yellow": ("yellow", "yellow", "golden"),
    "purple": ("purple", "purple", "violet"),
    "black": ("black", "black", "jet black"),
    "brown": ("brown", "brown", "chestnut"),
    "grey": ("grey", "grey", "gray"),
    "buff": ("buff", "tan", "beige"),
}
PART_WORDS = {
    "crown": ("crown", "crown", "cap"),
    "face": ("face", "face", "cheek patch"),
    "throat": ("throat", "throat", "chin"),
    "breast": ("breast", "breast", "chest"),
    "belly": ("belly", "belly", "abdomen"),
    "back": ("back", "back", "mantle"),
    "wing": ("wings",),
    "tail": ("tail", "tail", "tail feathers"),
    "bill": ("bill", "beak", "beak"),
    "leg": ("legs", "legs", "feet"),
}
SIZE_WORDS = {
    "small": ("small", "small", "little", "tiny"),
    "medium": ("medium sized", "medium-sized", "mid-sized"),
    "large": ("large", "large", "big"),
}
KINDS = {
    "songbird": ("bird", "bird", "bird", "songbird"),
    "wader": ("wading bird", "wader", "bird"),
    "duck": ("duck", "duck", "water bird"),
    "flyer": ("flying bird", "bird"),
}
SCENE_WORDS = {
    "branch": ("sits on a branch", "perches on a branch", "is on a twig"),
    "snow": ("sits on a snowy branch", "perches in the snow"),
    "meadow": ("stands in the grass", "walks in a meadow"),
    "shore": ("stands on the shore", "walks on the sand"),
    "marsh": ("stands in a marsh", "walks in the reeds"),
    "water": ("swims on the water", "floats on a lake"),
    "sky": ("flies in the sky", "flies under the clouds"),
    "sunset": ("flies at sunset", "flies in the evening sky"),
}
EXTRAS = {
    ("wing_pattern", "bars"): ("wing bars", "striped wings"),
    ("wing_pattern", "dark edges"): ("edged wings", "wings with outlined edges"),
    ("breast_pattern", "streaks"): ("a streaked breast", "streaks on its breast"),
    ("breast_pattern", "spots"): ("a spotted breast", "spots on its breast"),
    ("head_pattern", "eye ring"): ("an eye ring", "a ring around its eye"),
    ("head_pattern", "eyebrow"): ("an eyebrow", "a stripe above its eye"),
    ("crest", "yes"): ("a crest", "a pointed crest", "a crested head"),
    ("tail_shape", "long"): ("a long tail",),
    ("tail_shape", "forked"): ("a forked tail", "a split tail"),
}
# How much of a bird each part makes up, for what colour it is on the whole.
AREA = {"back": 3, "wing": 3, "belly": 2, "breast": 2, "face": 2, "crown": 1, "tail": 1}


def captions(bird: dict, count: int = 10) -> list[str]:
    """`count` sentences about a bird; the first n are the same whatever the count."""
    rng = stream(bird["seed"], "captions")
    sentence = _easy_sentence if bird["preset"] == "easy" else _full_sentence
    return distinct(lambda: sentence(bird, rng), count)


def primary_colour(bird: dict) -> str | None:
    """The colour of at least two fifths of a `full` bird, if there is one."""
    share: dict[str, float] = {}
    for part, area in AREA.items():
        colour = bird[f"{part}_color"]
        share[colour] = share.get(colour, 0) + area / sum(AREA.values())
    colour = max(share, key=share.get)
    return colour if share[colour] >= 0.4 else None


def _easy_sentence(bird: dict, rng: np.random.Generator) -> str:
    """A short sentence: the body's colour always, and most of what else is coloured."""
    body = bird["body_color"]
    parts = {"wing": "wings", "belly": "belly", "crown": "crown"}
    kept = rng.random(3) < (0.9, 0.9, 0.6)  # the larger a part, the oftener it is named
    names = [name for name, keep in zip(parts, kept, strict=True) if keep] or ["wing"]
    names = [names[i] for i in rng.permutation(len(names))]
    features = listed([with_article(f"{bird[f'{name}_color']} {parts[name]}") for name in names])
    place = {"branch": "on a branch", "meadow": "in the grass"}[bird["scene"]]
    verb = {"branch": "sits", "meadow": "stands"}[bird["scene"]]
    frames = (
        f"{with_article(body)} bird with {features}",
        f"{with_article(body)} bird with {features}",
        f"this bird is {body} with {features}",
        f"this {body} bird has {features}",
        f"the bird is {body} and has {features}",
        f"{with_article(body)} bird {place} with {features}",
        f"this {body} bird {verb} {place}, it has {features}",
    )
    return choose(rng, frames)


def _full_sentence(bird: dict, rng: np.random.Generator) -> str:
    kind = choose(rng, KINDS[bird["shape"]])
    size = choose(rng, SIZE_WORDS[bird["size"]])
    scene = choose(rng, SCENE_WORDS[bird["scene"]])
    main = primary_colour(bird)
    look = _colour(main, rng) if main else choose(rng, ("colourful", "multicolored"))
    if rng.random() < 0.1:
        return _vague_sentence(kind, size, look, scene, rng)
    features = listed(_features(bird, rng))
    frames = (
        f"{with_article(size)} {look} {kind} with {features}",
        f"{with_article(look)} {kind} with {features}",
        f"this {kind} has {features}",
        f"this {kind} is {look} with {features}",
        f"this {kind} is {size} and {look} and has {features}",
        f"the {kind} {scene}, it has {features}",
        f"{with_article(size)} {kind} which {scene}, with {features}",
        f"with {features}, this {look} {kind} {scene}",
        _part_by_part(bird, kind, rng),
        _part_by_part(bird, kind, rng),
    )
    return choose(rng, frames)


def _vague_sentence(kind: str, size: str, look: str, scene: str, rng: np.random.Generator) -> str:
    return choose(
        rng,
        (
            f"{with_article(size)} {kind}",
            f"{with_article(look)} {kind}",
            f"this is {with_article(size)} {kind} that {scene}",
            f"{with_article(look)} {kind} {scene}",
            f"the {kind} {scene}",
        ),
    )


def _features(bird: dict, rng: np.random.Generator) -> list[str]:
    """One to four noun phrases: coloured parts, the bill, and what else is special."""
    parts = [*AREA, "throat", "bill"] + (["leg"] if legs_show(bird) else [])
    words: dict[str, list[str]] = {}
    for part in some(rng, parts, 1, 3):
        word = choose(rng, PART_WORDS[part])
        if part == "bill" and rng.random() < 0.6:
            word = f"{bird['bill_shape']} {word}"
        words.setdefault(bird[f"{part}_color"], []).append(word)
    phrases = []
    for colour, (first, *others) in words.items():  # one colour may cover several parts
        phrases.append(listed([with_article(f"{_colour(colour, rng)} {first}"), *others]))
    special = [ways for (name, value), ways in EXTRAS.items() if bird[name] == value]
    if special and rng.random() < 0.4:
        phrases.insert(int(rng.integers(len(phrases) + 1)), choose(rng, choose(rng, special)))
    return phrases


def _part_by_part(bird: dict, kind: str, rng: np.random.Generator) -> str:
    """`its crown is red, its wings are blue and ...`."""
    clauses = []
    for part in some(rng, tuple(AREA), 1, 3):
        word = choose(rng, PART_WORDS[part])
        verb = "are" if word in ("wings", "tail feathers") else "is"
        clauses.append(f"its {word} {verb} {_colour(bird[f'{part}_color'], rng)}")
    clauses = listed(clauses)
    return choose(rng, (f"{clauses} on this {kind}", f"this {kind}: {clauses}"))


def _colour(colour: str, rng: np.random.Generator) -> str:
    return choose(rng, COLOUR_WORDS.get(colour, (colour,)))
