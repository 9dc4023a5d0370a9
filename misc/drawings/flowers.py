"""Drawn flowers: what can be said of one (its attributes), and the species they come from.

A flower is a plain dict, as a bird is: `seed`, `preset`, `species` (a number, or None) and one
value for each attribute of its preset. Three pure functions make everything else of it, here and
beside: `attributes(seed)`, `flowers_draw.draw(flower, size)`, `flowers_captions.captions(flower,
count)`. The seed decides only what no attribute names (pose, light, wording), so two flowers that
share it differ in nothing but their attributes.

Presets: `full` has the 102 classes of Oxford-102, 82 of them for training; `easy` is what a small
network learns in minutes on a processor.
"""

from functools import cache

import numpy as np

from misc.drawings.kinds import Species, binary_labels, binary_names, pick, stream

COLOURS = {
    "red": (208, 32, 36),
    "orange": (242, 128, 24),
    "yellow": (248, 214, 44),
    "green": (134, 186, 68),
    "blue": (62, 94, 218),
    "purple": (118, 52, 164),
    "white": (246, 244, 238),
    "pink": (240, 136, 176),
    "magenta": (206, 34, 136),
    "lavender": (184, 158, 228),
    "peach": (248, 188, 150),
    "maroon": (112, 20, 44),
    "brown": (104, 66, 38),
    "black": (40, 32, 38),
}
EASY_COLOURS = tuple(COLOURS)[:8]
PETAL_COLOURS = tuple(COLOURS)[:12]
CENTER_COLOURS = ("yellow", "orange", "green", "brown", "white", "red", "purple", "black")
PARTS = ("petal", "second", "center")
PETALS = {"four": 4, "five": 5, "six": 6, "eight": 8, "twelve": 12, "many": 19}
VIEWS = {
    "flat": ("front", "tilted"),
    "cupped": ("tilted", "side"),
    "drooping": ("tilted", "side"),
}
FORMS = {
    "petals": tuple(PETALS),
    "petal_shape": ("rounded", "pointed", "heart shaped", "thin", "ruffled"),
    "pattern": ("plain", "two-tone", "edged", "veined", "spotted"),
    "layers": ("one", "two", "three"),
    "form": tuple(VIEWS),
    "center_size": ("small", "large"),
    "stamens": ("no", "yes"),
}
BACKGROUNDS = ("leaves", "dark", "soil", "sky", "meadow")

# Every attribute of a preset with its possible values, in the order of the attribute files.
PRESETS = {
    "easy": {
        **{f"{part}_color": EASY_COLOURS for part in PARTS},
        "petal_shape": ("rounded", "pointed"),
        "background": ("leaves", "dark"),
    },
    "full": {
        "petal_color": PETAL_COLOURS,
        "second_color": PETAL_COLOURS,
        "center_color": CENTER_COLOURS,
        **FORMS,
        "view": ("front", "tilted", "side"),
        "background": BACKGROUNDS,
    },
}

# Colour-part pairs that no training species of `full` has; test species have each of them.
HELD_OUT = (("petal", "blue"), ("second", "orange"), ("center", "purple"), ("center", "red"))

_NAMES = {
    "flat": "Aster Daisy Phlox Primrose Anemone Zinnia Cosmos Dahlia Clematis",
    "cupped": "Tulip Poppy Lotus Crocus Buttercup Magnolia",
    "drooping": "Coneflower Lily Cyclamen Columbine Rudbeckia",
}
# Species that a gardener would believe: how often each number of petals, and what fits it.
_PETAL_SHARES = (0.08, 0.3, 0.18, 0.14, 0.12, 0.18)
_SHAPE_SHARES = {  # rounded, pointed, heart shaped, thin, ruffled
    "few": (0.34, 0.2, 0.2, 0.06, 0.2),
    "many": (0.28, 0.38, 0.06, 0.28, 0.0),
}


def attributes(seed: int, preset: str = "full", species: int | str | None = None) -> dict:
    """The flower of a seed.

    Args:
      seed: any number >= 0.
      preset: `easy` or `full`.
      species: its number in `all_species(preset)`; None draws one of them; "independent" draws
        each attribute on its own, so that no attribute tells another (the view still fits the
        form, and the second colour is not the first), for training a network that reads them.
    """
    rng = stream(seed, "attributes")
    if species == "independent":
        species = None
        values = PRESETS[preset]
        shared = {
            name: pick(rng, options)
            for name, options in values.items()
            if name not in ("view", "background")
        }
        others = [c for c in values["second_color"] if c != shared["petal_color"]]
        shared["second_color"] = pick(rng, others)
    else:
        if species is None:
            species = int(rng.integers(len(all_species(preset))))
        shared = all_species(preset)[species].shared
    flower = {"seed": int(seed), "preset": preset, "species": species, **shared}
    if "form" in shared:
        flower["view"] = pick(rng, VIEWS[shared["form"]])
    return flower | {"background": pick(rng, PRESETS[preset]["background"])}


def in_full(flower: dict) -> dict:
    """The same flower with every attribute of `full`: what an easy one leaves unsaid is fixed."""
    if flower["preset"] == "full":
        return flower
    fixed = {name: options[0] for name, options in FORMS.items()}
    fixed |= {"petals": "eight", "pattern": "two-tone", "center_size": "large", "view": "front"}
    return fixed | flower


def hidden(flower: dict) -> set[str]:
    """The attributes that cannot be seen: a plain flower's second colour, a cup's inside."""
    flower = in_full(flower)
    out = {"second_color"} if flower["pattern"] == "plain" else set()
    if flower["view"] == "side":
        out.add("petals")
        if flower["form"] == "cupped":
            out |= {"center_color", "center_size", "stamens", "layers"}
    return out


def attribute_names(preset: str) -> list[str]:
    """The binary attributes of a preset, in CUB's form: `has_petal_color::pink`."""
    return binary_names(PRESETS[preset])


def labels(flower: dict) -> np.ndarray:
    """int8, one for each of `attribute_names`: 1 yes, 0 no, -1 where it cannot be seen."""
    return binary_labels(PRESETS[flower["preset"]], flower, hidden(flower))


@cache
def all_species(preset: str) -> tuple[Species, ...]:
    """The species of a preset: 24 + 6 (`easy`) or 82 + 20 (`full`), training species first."""
    if preset == "easy":
        shared, training = _easy_species(), 24
    else:
        shared, training = _full_species(), 82
    names = set()
    return tuple(
        Species(_name(k, values, names), "train" if k < training else "test", values)
        for k, values in enumerate(shared)
    )


def _easy_species() -> list[dict]:
    """Thirty species of which no two share the colours of two parts.

    As with the easy birds, the eight colours are the elements of a field, and a species is a
    point on a line through its petals' colour. The test species (the last six) have lines of their
    own, so that all their pairs of colours are new, and no flower is of one colour only.
    """
    twice = (0, 2, 4, 6, 3, 1, 7, 5)
    species = []
    for k in (1, 2, 3, 4):
        for petal in range(8):
            colours = petal, petal ^ k, petal ^ twice[k]
            names = (EASY_COLOURS[colour] for colour in colours)
            shape = PRESETS["easy"]["petal_shape"][(petal.bit_count() + k) % 2]
            species.append(
                {f"{p}_color": c for p, c in zip(PARTS, names, strict=True)}
                | {"petal_shape": shape}
            )
    return species[:30]


def _full_species() -> list[dict]:
    mains = [colour for colour in PETAL_COLOURS if ("petal", colour) not in HELD_OUT]
    species = []
    for number in range(102):
        rng = stream(number, "flower species")
        test = number - 82
        # About half of the test species carry a held-out pair, the others are only unseen.
        forced = HELD_OUT[test % len(HELD_OUT)] if 0 <= test < 3 * len(HELD_OUT) else None
        while True:
            flower = _random_species(rng, main=mains[number % len(mains)])
            if forced:
                flower[f"{forced[0]}_color"] = forced[1]
            held_out = any(flower[f"{part}_color"] == colour for part, colour in HELD_OUT)
            shows = not forced or forced[0] != "second" or flower["pattern"] != "plain"
            two_colours = flower["second_color"] != flower["petal_color"]
            if shows and two_colours and flower not in species and (test >= 0 or not held_out):
                break
        species.append(flower)
    return species


def _random_species(rng: np.random.Generator, main: str) -> dict:
    petals = pick(rng, FORMS["petals"], _PETAL_SHARES)
    few = PETALS[petals] <= 6
    form = pick(rng, FORMS["form"], (0.62, 0.22, 0.16))
    return {
        "petal_color": main,
        "second_color": pick(rng, PETAL_COLOURS),
        "center_color": pick(rng, CENTER_COLOURS, (0.3, 0.14, 0.15, 0.13, 0.1, 0.06, 0.06, 0.06)),
        "petals": petals,
        "petal_shape": pick(rng, FORMS["petal_shape"], _SHAPE_SHARES["few" if few else "many"]),
        "pattern": pick(rng, FORMS["pattern"], (0.4, 0.2, 0.15, 0.15, 0.1)),
        "layers": pick(rng, FORMS["layers"], (0.6, 0.28, 0.12)),
        "form": form,
        "center_size": pick(rng, FORMS["center_size"], (0.85, 0.15) if few else (0.35, 0.65)),
        "stamens": pick(rng, FORMS["stamens"], (0.45, 0.55) if few else (0.85, 0.15)),
    }


def _name(number: int, shared: dict, taken: set[str]) -> str:
    """A name after the look of the petals, one that no earlier species has."""
    pattern = shared.get("pattern", "plain")
    marks = [shared["petal_shape"]] + ([] if pattern == "plain" else [pattern])
    nouns = _NAMES[shared.get("form", "flat")].split()
    for turn in range(len(nouns)):
        noun = nouns[(number + turn) % len(nouns)]
        for mark in marks:
            mark = mark.replace(" ", "_").replace("-", "_")
            name = f"{shared['petal_color'].capitalize()}_{mark}_{noun}"
            if name not in taken:
                taken.add(name)
                return name
    raise ValueError(f"no name is left for species {number}: {shared}")
