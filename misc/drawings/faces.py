"""Drawn faces: their attributes, and the labels that CelebA would give them.

A face is a plain dict: `seed`, `preset`, `person` (a number, or None) and one value for each
attribute of its preset. Three pure functions make everything else of it, here and beside:
`attributes(seed)`, `faces_draw.draw(face, size)`, `faces_captions.captions(face, count)`.
The seed decides only what no attribute names (pose, light, clothes, background, wording), so two
faces that share it differ in nothing but their attributes.

Presets: `full` decides all of CelebA's attributes that a drawing can; `easy` is what a small
network learns in minutes on a processor.
"""

import numpy as np

from misc.drawings.faces_people import PRESETS, all_people, occasion
from misc.drawings.kinds import pick, stream

# CelebA's forty names in its order: which values of which attribute they stand for.
CELEBA = {
    "5_o_Clock_Shadow": ("beard", "stubble"),
    "Arched_Eyebrows": ("brow_shape", "arched"),
    "Attractive": None,
    "Bags_Under_Eyes": ("bags", "yes"),
    "Bald": ("hairline", "bald"),
    "Bangs": ("hairline", "bangs"),
    "Big_Lips": ("lips", "full"),
    "Big_Nose": ("nose", "big"),
    "Black_Hair": ("hair_color", "black"),
    "Blond_Hair": ("hair_color", "blond"),
    "Blurry": None,
    "Brown_Hair": ("hair_color", "brown"),
    "Bushy_Eyebrows": ("brows", "bushy"),
    "Chubby": ("chubby", "yes"),
    "Double_Chin": ("double_chin", "yes"),
    "Eyeglasses": ("glasses", "round", "square", "sunglasses"),
    "Goatee": ("beard", "goatee"),
    "Gray_Hair": ("hair_color", "gray"),
    "Heavy_Makeup": ("makeup", "yes"),
    "High_Cheekbones": ("cheekbones", "high"),
    "Male": ("gender", "man"),
    "Mouth_Slightly_Open": ("mouth", "open"),
    "Mustache": ("mustache", "yes"),
    "Narrow_Eyes": ("eyes", "narrow"),
    "No_Beard": ("beard", "none"),
    "Oval_Face": ("face", "oval"),
    "Pale_Skin": ("skin", "pale"),
    "Pointy_Nose": ("nose", "pointed"),
    "Receding_Hairline": ("hairline", "receding"),
    "Rosy_Cheeks": ("blush", "yes"),
    "Sideburns": ("sideburns", "yes"),
    "Smiling": ("expression", "smile"),
    "Straight_Hair": ("texture", "straight"),
    "Wavy_Hair": ("texture", "wavy", "curly"),
    "Wearing_Earrings": ("earrings", "yes"),
    "Wearing_Hat": ("hat", "cap", "beanie", "brimmed"),
    "Wearing_Lipstick": ("lipstick", "yes"),
    "Wearing_Necklace": ("necklace", "yes"),
    "Wearing_Necktie": ("necktie", "yes"),
    "Young": ("age", "young"),
}
# The names that a preset's pictures decide, one way and the other.
DRAWN = {
    preset: tuple(
        name
        for name, means in CELEBA.items()
        if means and 0 < len(set(means[1:]) & set(values.get(means[0], ()))) < len(values[means[0]])
    )
    for preset, values in PRESETS.items()
}


def attributes(seed: int, preset: str = "full", person: int | str | None = None) -> dict:
    """The face of a seed.

    Args:
      seed: any number >= 0.
      preset: `easy` or `full`.
      person: their number in `all_people(preset)`; None draws one of them; "independent" draws
        each attribute on its own, so that no attribute tells another, for training a network
        that reads attributes. What hides another thing still hides it: see `unseen`.
    """
    rng = stream(seed, "attributes")
    values = PRESETS[preset]
    if person == "independent":
        person = None
        shown = {name: _evenly(rng, options) for name, options in values.items()}
    else:
        if person is None:
            person = int(rng.integers(len(all_people(preset))))
        shared = all_people(preset)[person].shared
        shown = occasion(rng, preset, shared) | shared
    ordered = {name: shown[name] for name in values}
    return {"seed": int(seed), "preset": preset, "person": person, **ordered}


def in_full(face: dict) -> dict:
    """The same face with every attribute of `full`: what an easy face leaves unsaid is plain."""
    if face["preset"] == "full":
        return face
    plain = {name: values[0] for name, values in PRESETS["full"].items()}
    # Men and women differ more than they need to, so that it can be seen at 32 pixels.
    woman = {"face": "oval", "brows": "thin", "lips": "full", "lipstick": "yes"}
    man = {"face": "square", "brows": "bushy"}
    clear = woman if face["gender"] == "woman" else man
    grown = {"mustache": "yes"} if face["beard"] == "full" else {}
    grin = {"mouth": "open"} if face["expression"] == "smile" else {}
    return plain | clear | grown | grin | face


def unseen(face: dict) -> dict[str, int]:
    """The attributes of a face that its picture does not show, each with the label it gets.

    0 where there is nothing to see (no colour of hair on a bald head, no fringe under a hat), -1
    where it may be there, but something covers it.
    """
    face = in_full(face)
    out = {}
    bald, hat = face["hairline"] == "bald", face["hat"] != "none"
    if bald:
        out |= {"hair_color": 0, "texture": 0, "style": 0, "sideburns": -1}
    elif face["style"] == "tied":  # and combed flat
        out |= {"texture": -1}
    elif face["style"] == "long":
        out |= {"earrings": -1, "sideburns": -1}
    if hat:
        out |= {"hairline": 0}
        if face["style"] != "long" and not bald:  # a bun may be under it
            out |= {"texture": -1, "style": -1}
    if face["glasses"] == "sunglasses":
        out |= dict.fromkeys(("eyes", "eye_color", "bags", "makeup"), -1)
    if face["beard"] == "full":
        out |= {"double_chin": -1}
    return out


def celeba_names(preset: str) -> list[str]:
    """CelebA's forty names, in its order, whatever the preset; see `DRAWN` for what varies."""
    return list(CELEBA)


def labels(face: dict) -> np.ndarray:
    """int8 (40,), one for each of `CELEBA`: 1 yes, 0 no, -1 not decided or covered."""
    full, covered = in_full(face), unseen(face)
    out = []
    for means in CELEBA.values():
        if means is None:
            out.append(-1)
        else:
            name, *values = means
            out.append(covered.get(name, int(full[name] in values)))
    return np.array(out, np.int8)


def _evenly(rng: np.random.Generator, options) -> str:
    """Each option equally often, but half the time none where that is possible."""
    if options[0] != "none":
        return pick(rng, options)
    return pick(rng, options[1:]) if rng.random() < 0.5 else "none"
