"""Captions of a drawn face, as people describe a face: true, but never complete.

`full` follows the manner of Face2Text: one to six sentences about a man, a woman or a person, of
two to about a hundred words, which name what the writer happened to notice. `easy` is one short
sentence. Not mentioned: the seed's nuisances (background, clothes and their colours, pose) and
whatever the picture hides.
"""

import numpy as np

from misc.drawings.faces import unseen
from misc.drawings.grammar import choose, distinct, listed, some, with_article
from misc.drawings.kinds import stream

NOUNS = {
    "man": ("man", "man", "man", "guy", "gentleman", "male"),
    "woman": ("woman", "woman", "woman", "lady", "female"),
}
AGES = {"young": ("young", "young", "youngish"), "old": ("old", "elderly", "older")}
PRONOUNS = {"man": ("he", "his"), "woman": ("she", "her")}
HAIR_WORDS = {
    "black": ("black", "black", "jet black"),
    "brown": ("brown", "brown", "brunette"),
    "blond": ("blond", "blonde", "fair"),
    "red": ("red", "ginger"),
    "gray": ("gray", "grey"),
}
# What can be said of an attribute's value, and how; {his} stands for the possessive.
SAID = {
    ("age", "young"): ("is young", "looks young"),
    ("age", "old"): ("is old", "has wrinkles", "has a wrinkled face", "looks old"),
    ("skin", "pale"): ("has pale skin", "has a pale face", "has very light skin"),
    ("skin", "tan"): ("has tanned skin", "is tanned"),
    ("skin", "brown"): ("has brown skin",),
    ("skin", "dark"): ("has dark skin", "has a dark complexion"),
    ("face", "oval"): ("has an oval face",),
    ("face", "round"): ("has a round face",),
    ("face", "square"): ("has a square face", "has a square jaw"),
    ("chubby", "yes"): ("is chubby", "has chubby cheeks", "has a chubby face"),
    ("double_chin", "yes"): ("has a double chin",),
    ("cheekbones", "high"): ("has high cheekbones", "has prominent cheekbones"),
    ("eye_color", "brown"): ("has brown eyes",),
    ("eye_color", "blue"): ("has blue eyes",),
    ("eye_color", "green"): ("has green eyes",),
    ("eyes", "narrow"): ("has narrow eyes", "has {his} eyes half closed"),
    ("nose", "big"): ("has a big nose", "has a large nose", "has a wide nose"),
    ("nose", "pointed"): ("has a pointed nose", "has a pointy nose"),
    ("lips", "full"): ("has full lips", "has big lips"),
    ("brows", "bushy"): ("has bushy eyebrows", "has thick eyebrows"),
    ("brows", "thin"): ("has thin eyebrows",),
    ("brow_shape", "arched"): ("has arched eyebrows", "has raised eyebrows"),
    ("hairline", "bangs"): ("has bangs", "has a fringe"),
    ("hairline", "receding"): ("has a receding hairline", "has a high forehead"),
    ("hairline", "bald"): ("is bald", "has a bald head", "is bald-headed"),
    ("style", "tied"): ("has {his} hair tied up", "has {his} hair in a bun", "has a bun"),
    ("expression", "smile"): ("is smiling", "is smiling", "has a smile", "looks happy"),
    ("expression", "neutral"): ("has a neutral expression", "has a serious look", "looks serious"),
    ("expression", "frown"): ("is frowning", "looks sad", "looks unhappy", "has a sad look"),
    ("mouth", "open"): ("has {his} mouth open", "has an open mouth", "has a slightly open mouth"),
    ("glasses", "round"): ("wears glasses", "wears round glasses", "wears spectacles"),
    ("glasses", "square"): ("wears glasses", "wears square glasses", "wears spectacles"),
    ("glasses", "sunglasses"): ("wears sunglasses", "wears dark glasses"),
    ("hat", "cap"): ("wears a cap", "wears a hat", "wears a flat cap"),
    ("hat", "beanie"): ("wears a beanie", "wears a woolly hat", "wears a knitted hat"),
    ("hat", "brimmed"): ("wears a hat", "wears a hat with a brim", "wears a fedora"),
    ("beard", "stubble"): ("has stubble", "has a five o'clock shadow", "is unshaven"),
    ("beard", "goatee"): ("has a goatee", "has a small beard on {his} chin"),
    ("beard", "full"): ("has a beard", "has a full beard", "is bearded"),
    ("mustache", "yes"): ("has a mustache", "has a moustache"),
    ("sideburns", "yes"): ("has sideburns", "has long sideburns"),
    ("bags", "yes"): ("has bags under {his} eyes", "looks tired"),
    ("makeup", "yes"): ("wears heavy makeup", "wears eye shadow", "wears a lot of makeup"),
    ("lipstick", "yes"): ("wears lipstick",),
    ("blush", "yes"): ("has rosy cheeks", "has red cheeks", "is blushing"),
    ("earrings", "yes"): ("wears earrings", "has earrings"),
    ("necklace", "yes"): ("wears a necklace", "wears beads"),
    ("necktie", "yes"): ("wears a tie", "wears a necktie", "wears a shirt and a tie"),
}
SENTENCES = (0.25, 0.31, 0.2, 0.12, 0.07, 0.05)  # the shares of captions with one to six


def captions(face: dict, count: int = 5) -> list[str]:
    """`count` descriptions of a face; the first n are the same whatever the count."""
    rng = stream(face["seed"], "captions")
    describe = _easy_sentence if face["preset"] == "easy" else _full_text
    return distinct(lambda: describe(face, rng), count)


def _easy_sentence(face: dict, rng: np.random.Generator) -> str:
    """A short sentence: the hair's colour always, and most of what else there is."""
    length = "" if "style" in unseen(face) or rng.random() < 0.25 else f"{face['style']} "
    hair = f"{length}{face['hair_color']} hair"
    glasses = {"round": "glasses", "sunglasses": "sunglasses"}.get(face["glasses"])
    hat = "a hat" if face["hat"] != "none" else None
    beard = "a beard" if face["beard"] == "full" else None
    things = [thing for thing in (glasses, hat, beard) if thing and rng.random() < 0.85]
    features = [hair, *things]
    features = listed([features[i] for i in rng.permutation(len(features))])
    who, (he, _) = face["gender"], PRONOUNS[face["gender"]]
    look = "smiling" if face["expression"] == "smile" else "serious"
    if rng.random() < (0.15 if look == "smiling" else 0.5):
        frames = f"{with_article(who)} with {features}", f"this {who} has {features}"
    else:
        frames = (
            f"{with_article(f'{look} {who}')} with {features}",
            f"this {look} {who} has {features}",
            f"this {who} is {look} and has {features}",
            f"the {who} has {features}, {he} is {look}",
        )
    return choose(rng, frames)


def _full_text(face: dict, rng: np.random.Generator) -> str:
    facts = _facts(face, rng)
    he, _ = PRONOUNS[face["gender"]]
    noun = "person" if rng.random() < 0.15 else choose(rng, NOUNS[face["gender"]])
    if rng.random() < 0.4:  # the age belongs to the noun, and is not said again
        facts = [fact for fact in facts if fact[0] != "age"]
        noun = f"{choose(rng, AGES[face['age']])} {noun}"
    if rng.random() < 0.05:
        return _vague(noun, rng)
    said = [way for _, way in some(rng, facts, len(facts), len(facts))]
    count = 1 + int(rng.choice(len(SENTENCES), p=SENTENCES))
    sentences = [_opening(noun, _taken(said, rng, 2, 4), rng)]
    while said and len(sentences) < count:
        few = _taken(said, rng, 1, 4)
        subject = he if rng.random() < 0.75 else f"the {noun.split()[-1]}"
        sentences.append(f"{subject} {_predicate(few, rng)}")
    return ". ".join(sentences) + "."


def _facts(face: dict, rng: np.random.Generator) -> list[tuple[str, str]]:
    """(attribute, `has a beard`) for all that could be said, one way of saying it for each."""
    hidden, (_, his) = unseen(face), PRONOUNS[face["gender"]]
    facts = []
    for (name, value), ways in SAID.items():
        # That a head is bald or has a fringe goes unseen under a hat.
        if face[name] == value and name not in hidden:
            facts.append((name, choose(rng, ways).format(his=his)))
    hair = _hair(face, hidden, rng)
    if hair:
        facts.append(("hair", f"has {hair}"))
    if face["gender"] == "man" and face["beard"] == "none" and face["mustache"] == "no":
        facts.append(("shaven", choose(rng, ("is clean shaven", "has no beard"))))
    # What catches the eye is told oftener than the shape of a brow.
    striking = {"hair", "expression", "glasses", "hat", "beard", "mustache", "age", "hairline"}
    return [fact for fact in facts if fact[0] in striking or rng.random() < 0.6]


def _hair(face: dict, hidden: dict, rng: np.random.Generator) -> str:
    """`long wavy blond hair`, or less of it; nothing where no hair can be seen."""
    if "hair_color" in hidden:
        return ""
    words = {"hair_color": choose(rng, HAIR_WORDS[face["hair_color"]])}
    if "texture" not in hidden:
        words["texture"] = face["texture"]
    if "style" not in hidden and face["style"] != "tied":
        words["style"] = face["style"]
    kept = some(rng, list(words), 1, 3)
    ordered = [words[name] for name in ("style", "texture", "hair_color") if name in kept]
    return " ".join([*ordered, "hair"])


def _taken(said: list[str], rng: np.random.Generator, low: int, high: int) -> list[str]:
    """Between `low` and `high` of what is left to say, which is then no longer left."""
    count = int(rng.integers(low, high + 1))
    few, said[:] = said[:count], said[count:]
    return few


def _opening(noun: str, said: list[str], rng: np.random.Generator) -> str:
    things = [way.split(" ", 1)[1] for way in said if way.startswith(("has ", "wears "))]
    others = [way for way in said if not way.startswith(("has ", "wears "))]
    frames = [f"this {noun} {_predicate(said, rng)}", f"the {noun} {_predicate(said, rng)}"]
    if things:
        extra = f" who {_predicate(others, rng)}" if others else ""
        frames += 2 * [f"{with_article(noun)} with {listed(things)}{extra}"]
        if others and not extra.startswith(" who looks"):
            frames.append(
                f"{with_article(noun)} that {_predicate(others, rng)}, with {listed(things)}"
            )
    return choose(rng, frames)


def _predicate(said: list[str], rng: np.random.Generator) -> str:
    """`has a beard and blue eyes, wears a hat and is smiling`."""
    wears = choose(rng, ("wears", "is wearing", "has"))
    objects: dict[str, list[str]] = {}
    for way in said:
        verb, thing = way.split(" ", 1)
        objects.setdefault(wears if verb == "wears" else verb, []).append(thing)
    return listed([f"{verb} {listed(things)}" for verb, things in objects.items()])


def _vague(noun: str, rng: np.random.Generator) -> str:
    a_noun = with_article(noun)
    return choose(rng, (a_noun, f"this is {a_noun}", f"the face of {a_noun}", f"the {noun}"))
