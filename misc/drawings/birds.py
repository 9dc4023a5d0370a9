"""Drawn birds: what can be said of one (its attributes), and the species they come from.

A bird is a plain dict: `seed`, `preset`, `species` (a number, or None) and one value for each
attribute of its preset. Three pure functions make everything else of it, here and beside:
`attributes(seed)`, `birds_draw.draw(bird, size)`, `birds_captions.captions(bird, count)`.
The seed decides only what no attribute names (pose, light, background, wording), so two birds
that share it differ in nothing but their attributes.

Presets: `full` has the form of CUB-200-2011, whose attribute names it follows where both have
one; `easy` is what a small network learns in minutes on a processor.
"""

from functools import cache

import numpy as np

from misc.drawings.kinds import Species, binary_labels, binary_names, pick, stream

COLOURS = {
    "red": (204, 38, 32),
    "orange": (238, 128, 26),
    "yellow": (246, 212, 50),
    "green": (58, 146, 62),
    "blue": (42, 98, 204),
    "purple": (124, 60, 164),
    "black": (34, 34, 38),
    "white": (244, 242, 236),
    "pink": (238, 142, 168),
    "brown": (122, 80, 46),
    "grey": (132, 136, 142),
    "buff": (216, 184, 132),
}
EASY_COLOURS = tuple(COLOURS)[:8]
PARTS = ("crown", "face", "throat", "breast", "belly", "back", "wing", "tail", "bill", "leg")
EASY_PARTS = ("body", "wing", "belly", "crown")
SCENES = {
    "songbird": ("branch", "snow", "meadow"),
    "wader": ("shore", "marsh"),
    "duck": ("water",),
    "flyer": ("sky", "sunset"),
}
FORMS = {
    "shape": tuple(SCENES),
    "bill_shape": ("short pointed", "long thin", "thick conical", "hooked", "flat"),
    "wing_pattern": ("solid", "bars", "dark edges"),
    "breast_pattern": ("solid", "streaks", "spots"),
    "head_pattern": ("plain", "eye ring", "eyebrow"),
    "crest": ("no", "yes"),
    "tail_shape": ("short", "long", "forked"),
    "size": ("small", "medium", "large"),
}
FACING = ("left", "right")

# Every attribute of a preset with its possible values, in the order of the attribute files.
PRESETS = {
    "easy": {
        **{f"{part}_color": EASY_COLOURS for part in EASY_PARTS},
        "scene": ("branch", "meadow"),
        "facing": FACING,
    },
    "full": {
        **{f"{part}_color": tuple(COLOURS) for part in PARTS},
        **FORMS,
        "scene": tuple(scene for scenes in SCENES.values() for scene in scenes),
        "facing": FACING,
    },
}

# Colour-part pairs that no training species of `full` has; test species have each of them.
HELD_OUT = (
    ("crown", "purple"),
    ("throat", "green"),
    ("breast", "pink"),
    ("belly", "blue"),
    ("wing", "orange"),
    ("tail", "yellow"),
)

_MARKS = {"crown": "crowned", "throat": "throated", "breast": "breasted", "belly": "bellied"}
_MARKS |= {"wing": "winged", "tail": "tailed", "back": "backed", "bill": "billed"}
_NAMES = {
    "songbird": "Finch Warbler Sparrow Thrush Bunting Tanager Robin Wren Oriole Starling Lark",
    "wader": "Heron Stilt Sandpiper Plover Egret Curlew Ibis",
    "duck": "Duck Teal Wigeon Pochard Grebe Shoveler",
    "flyer": "Swallow Falcon Tern Kite Swift Martin",
}


def attributes(seed: int, preset: str = "full", species: int | str | None = None) -> dict:
    """The bird of a seed.

    Args:
      seed: any number >= 0.
      preset: `easy` or `full`.
      species: its number in `all_species(preset)`; None draws one of them; "independent" draws
        each attribute on its own, so that no attribute tells another (the scene still fits the
        shape), for training a network that reads attributes.
    """
    rng = stream(seed, "attributes")
    if species == "independent":
        species = None
        shared = {
            name: pick(rng, values)
            for name, values in PRESETS[preset].items()
            if name not in ("scene", "facing")
        }
    else:
        if species is None:
            species = int(rng.integers(len(all_species(preset))))
        shared = all_species(preset)[species].shared
    scenes = SCENES[shared["shape"]] if "shape" in shared else PRESETS[preset]["scene"]
    return {
        "seed": int(seed),
        "preset": preset,
        "species": species,
        **shared,
        "scene": pick(rng, scenes),
        "facing": pick(rng, FACING),
    }


def in_full(bird: dict) -> dict:
    """The same bird with every attribute of `full`: what an easy bird leaves unsaid is fixed."""
    if bird["preset"] == "full":
        return bird
    body = bird["body_color"]
    fixed = {name: values[0] for name, values in FORMS.items()} | {"size": "medium"}
    parts = {f"{part}_color": body for part in ("face", "throat", "breast", "back")}
    hidden = {"tail_color": bird["wing_color"], "bill_color": "black", "leg_color": "grey"}
    return fixed | parts | hidden | bird


def attribute_names(preset: str) -> list[str]:
    """The binary attributes of a preset, named as CUB names them: `has_wing_color::blue`."""
    return binary_names(PRESETS[preset])


def labels(bird: dict) -> np.ndarray:
    """int8, one for each of `attribute_names`: 1 yes, 0 no, -1 where the part cannot be seen."""
    hidden = () if legs_show(bird) else ("leg_color",)
    return binary_labels(PRESETS[bird["preset"]], bird, hidden)


def legs_show(bird: dict) -> bool:
    """Whether the legs can be seen: not on a swimming or a flying bird."""
    return in_full(bird)["shape"] in ("songbird", "wader")


@cache
def all_species(preset: str) -> tuple[Species, ...]:
    """The species of a preset: 50 + 10 (`easy`) or 150 + 50 (`full`), training species first."""
    if preset == "easy":
        shared, training = _easy_species(), 50
    else:
        shared, training = _full_species(), 150
    names = set()
    return tuple(
        Species(_name(k, values, names), "train" if k < training else "test", values)
        for k, values in enumerate(shared)
    )


def _easy_species() -> list[dict]:
    """Sixty species of which no two share the colours of two parts.

    The eight colours are the numbers 0..7 with the addition and multiplication of the field of
    eight elements; on the line through `body` with slope `k` lie wing, belly and crown. So each
    colour is about equally frequent on each part, any two colours on any two parts meet at most
    once, and the pairs in the test species (the last ten) are all new.
    """
    twice = (0, 2, 4, 6, 3, 1, 7, 5)
    species = []
    for k in range(8):
        for body in range(8):
            colours = body, body ^ k, body ^ twice[k], body ^ twice[twice[k]]
            names = (EASY_COLOURS[colour] for colour in colours)
            species.append({f"{p}_color": c for p, c in zip(EASY_PARTS, names, strict=True)})
    return species[4:]  # birds of a single colour, of which four are enough


def _full_species() -> list[dict]:
    species = []
    for number in range(200):
        rng = stream(number, "species")
        test = number - 150
        # About half of the test species carry a held-out pair, the others are only unseen.
        forced = HELD_OUT[test % len(HELD_OUT)] if 0 <= test < 4 * len(HELD_OUT) else None
        while True:
            bird = _random_species(rng, main=tuple(COLOURS)[number % len(COLOURS)])
            if forced:
                bird[f"{forced[0]}_color"] = forced[1]
            held_out = any(bird[f"{part}_color"] == colour for part, colour in HELD_OUT)
            if bird not in species and (test >= 0 or not held_out):
                break
        species.append(bird)
    return species


def _random_species(rng: np.random.Generator, main: str) -> dict:
    """A main colour, a second one, and now and then a third, as birds have them."""
    second = pick(rng, tuple(COLOURS))

    def colour(main_share):
        if rng.random() < main_share:
            return main
        return second if rng.random() < 0.6 else pick(rng, tuple(COLOURS))

    shape = pick(rng, FORMS["shape"], (0.62, 0.14, 0.12, 0.12))
    bills = {"wader": ("long thin",), "duck": ("flat",), "flyer": ("short pointed", "hooked")}
    return {
        "shape": shape,
        "crown_color": colour(0.45),
        "face_color": main,
        "throat_color": colour(0.6),
        "breast_color": colour(0.55),
        "belly_color": pick(rng, ("white", main, second, "buff"), (0.3, 0.3, 0.25, 0.15)),
        "back_color": colour(0.7),
        "wing_color": colour(0.4),
        "tail_color": colour(0.4),
        "bill_color": pick(rng, ("black", "orange", "grey", "yellow", "red", "brown")),
        "leg_color": pick(rng, ("grey", "orange", "black", "pink", "yellow", "brown")),
        "bill_shape": pick(rng, bills.get(shape, FORMS["bill_shape"][:4])),
        "wing_pattern": pick(rng, FORMS["wing_pattern"], (0.5, 0.3, 0.2)),
        "breast_pattern": pick(rng, FORMS["breast_pattern"], (0.6, 0.25, 0.15)),
        "head_pattern": pick(rng, FORMS["head_pattern"], (0.6, 0.2, 0.2)),
        "crest": pick(rng, FORMS["crest"], (0.82, 0.18)),
        "tail_shape": pick(rng, FORMS["tail_shape"], (0.4, 0.4, 0.2)),
        "size": pick(rng, FORMS["size"]),
    }


def _name(number: int, shared: dict, taken: set[str]) -> str:
    """A name after a mark of the species, one that no earlier species has."""
    main = shared.get("body_color", shared.get("face_color"))
    marks = [(part, shared[f"{part}_color"]) for part in _MARKS if f"{part}_color" in shared]
    marks = [marks[(number + turn) % len(marks)] for turn in range(len(marks))]
    marks.sort(key=lambda mark: mark[1] == main)  # the colours that stand out come first
    nouns = _NAMES[shared.get("shape", "songbird")].split()
    for turn in range(len(nouns)):
        noun = nouns[(number + turn) % len(nouns)]
        for part, colour in marks:
            name = f"{colour.capitalize()}_{_MARKS[part]}_{noun}"
            if name not in taken:
                taken.add(name)
                return name
    raise ValueError(f"no name is left for species {number}: {shared}")
