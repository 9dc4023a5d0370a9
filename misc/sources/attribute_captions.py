"""Sentences about a face from CelebA's yes and no: true, but never complete, as people describe.

A sentence calls the person a man, a woman or a person, now and then young or older, and names two
to five of what is true, picked at random, in one of several frames; about one in ten is vague. What
is not known (-1, or not among the attributes) is not mentioned, nor what the row denies, but two:
a beard where No_Beard is denied, and no smile where Smiling is. Rows contradict themselves here and
there: of two hair colours, or of a goatee but no beard, nothing is said; nor of the hair that bald
people have left. Not mentioned at all: opinions (Attractive, Chubby) and what is true of the
photograph alone (Blurry).
"""

import hashlib
from typing import NamedTuple

import numpy as np

from misc.drawings.grammar import choose, distinct, listed, some, with_article
from misc.words.celeba import (
    BALD,
    HAIR_COLOURS,
    HAIR_STYLES,
    HAS,
    NOT_SMILING,
    PICTURES,
    SHAVEN,
    SMILING,
    TRAITS,
    UNCOUNTED,
    WEARS,
)

Aspect = tuple[tuple[str, str], ...]


class Person(NamedTuple):
    """How sentences call somebody: nouns to pick from, `he`, `his`, and words for the age."""

    nouns: tuple[str, ...]
    pronoun: str
    possessive: str
    ages: tuple[str, ...]


def attribute_captions(
    values: dict[str, int], name: str, seed: int = 0, count: int = 10
) -> tuple[str, ...]:
    """`count` sentences about one face, in lower case and without a full stop at the end.

    Args:
      values: CelebA's names of attributes -> 1 yes, 0 no, -1 unknown; any of the 40, or others,
        which are passed over.
      name: of the picture. Together with `seed` it decides the sentences, whatever other pictures
        there are; the first n are the same whatever the count.
    """
    digest = hashlib.blake2b(
        f"{seed} {name}".encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "little"))
    person, aspects = _person(values), _aspects(values)
    return tuple(distinct(lambda: _sentence(person, aspects, rng), count))


def _person(values: dict[str, int]) -> Person:
    ages = {1: ("young",), 0: ("older", "older", "mature")}.get(values.get("Young"), ())
    if values.get("Male") == 1:
        return Person(("man", "man", "man", "guy", "gentleman"), "he", "his", ages)
    if values.get("Male") == 0:
        return Person(("woman", "woman", "woman", "lady"), "she", "her", ages)
    return Person(("person",), "this person", "their", ages)


def _aspects(values: dict[str, int]) -> list[Aspect]:
    """What can be said, each with the ways to say it: (`has`, `wears`, `is` or `of`, words)."""
    yes = {name for name, value in values.items() if value == 1}
    no = {name for name, value in values.items() if value == 0}
    if {"Bangs", "Receding_Hairline"} <= yes:
        yes -= {"Bangs", "Receding_Hairline"}
    aspects = _hair(yes) + _beard(yes, no)
    if "Smiling" in yes | no:
        aspects.append(SMILING if "Smiling" in yes else NOT_SMILING)
    for name in yes & TRAITS.keys():
        noun, words = TRAITS[name]
        aspects.append(_trait(noun, words))
    for kind, table in (("has", HAS), ("wears", WEARS)):
        aspects += [tuple((kind, way) for way in table[name]) for name in yes & table.keys()]
    return sorted(aspects)  # sets have no order


def _hair(yes: set[str]) -> list[Aspect]:
    """Colour and style, unless there are two of one; takes from `yes` what bald people lack."""
    if "Bald" in yes:
        yes -= {"Bangs", "Receding_Hairline"}
        return [BALD]
    colours, styles = sorted(yes & HAIR_COLOURS.keys()), sorted(yes & HAIR_STYLES.keys())
    tones = HAIR_COLOURS[colours[0]] if len(colours) == 1 else ()
    forms = HAIR_STYLES[styles[0]] if len(styles) == 1 else ()
    if not tones or not forms:
        return [_trait("hair", tones or forms)] if tones or forms else []
    ways = []
    for tone in tones:
        for form in forms:
            ways += [("has", f"{form} {tone} hair"), ("has", f"{tone} {form} hair")]
            ways += [("has", f"{tone} hair"), ("of", f"hair is {tone} and {form}")]
    return [tuple(ways)]


def _beard(yes: set[str], no: set[str]) -> list[Aspect]:
    """What kind of beard, if any; takes the moustache and sideburns of women from `yes`.

    No_Beard says that there is none; if it is denied, a goatee or a shadow may be all of the beard.
    """
    kinds = {"Goatee", "5_o_Clock_Shadow"}
    if "Male" in no:
        yes -= {"Mustache", "Sideburns"}
        return []
    if "No_Beard" in yes:
        shaven = "Male" in yes and no >= kinds | {"Mustache", "Sideburns"}
        return [SHAVEN] if shaven else []
    stubble = tuple(("has", way) for way in ("stubble", "a stubbly chin", "a five o'clock shadow"))
    aspects = [stubble] if "5_o_Clock_Shadow" in yes else []
    if "Goatee" in yes:
        aspects.append((("has", "a goatee"),))
    if "No_Beard" in no and not aspects:
        beard = (("has", "a beard"), ("is", "bearded"))
        aspects.append(beard if no >= kinds else (("has", "facial hair"),))
    return aspects


def _trait(noun: str, words: tuple[str, ...]) -> Aspect:
    """`a big nose` and `nose is big`, in all the words for it."""
    verb = "are" if noun.endswith("s") else "is"
    ways = []
    for word in words:
        phrase = f"{word} {noun}"
        ways.append(("has", phrase if noun in UNCOUNTED else with_article(phrase)))
        ways.append(("of", f"{noun} {verb} {word}"))
    return tuple(ways)


def _sentence(person: Person, aspects: list[Aspect], rng: np.random.Generator) -> str:
    noun = choose(rng, person.nouns)
    if person.ages and rng.random() < 0.5:
        noun = f"{choose(rng, person.ages)} {noun}"
    if not aspects or rng.random() < 0.1:
        return _vague_sentence(noun, aspects, rng)
    said: dict[str, list[str]] = {"is": [], "has": [], "wears": [], "of": []}
    for aspect in some(rng, aspects, 2, 5):
        kind, way = choose(rng, aspect)
        said[kind].append(way)
    tail = [f"{person.possessive} {way}" for way in said["of"]]
    frames = (_described, _described, _told, _told, _in_two)
    return choose(rng, frames)(person, noun, said, tail, rng)


def _vague_sentence(noun: str, aspects: list[Aspect], rng: np.random.Generator) -> str:
    frames = [with_article(noun), f"{choose(rng, PICTURES)} {with_article(noun)}"]
    if SMILING in aspects:
        frames += [with_article(f"smiling {noun}"), f"the {noun} is smiling"]
    return choose(rng, frames)


def _described(person: Person, noun: str, said: dict, tail: list[str], rng) -> str:
    """`a smiling man with a goatee and glasses, his hair is black`."""
    states, things = said["is"], said["has"] + said["wears"]
    if states and NOT_SMILING[0][1] not in states and rng.random() < 0.5:
        noun, states = f"{' '.join(states)} {noun}", []
    phrase = with_article(noun)
    if rng.random() < 0.2:
        phrase = f"{choose(rng, PICTURES)} {phrase}"
    if things:
        phrase += f" with {listed(things)}"
    if states:
        phrase += f"{',' if things else ''} who is {listed(states)}"
    return ", ".join([phrase, listed(tail)] if tail else [phrase])


def _told(person: Person, noun: str, said: dict, tail: list[str], rng) -> str:
    """`this man is smiling, has a goatee and wears glasses, his hair is black`."""
    clauses = _clauses(said, rng)
    if not clauses:
        return f"{choose(rng, ('this is', 'here is'))} {with_article(noun)}, {listed(tail)}"
    sentence = f"{choose(rng, ('this', 'the'))} {noun} {listed(clauses)}"
    return ", ".join([sentence, listed(tail)] if tail else [sentence])


def _in_two(person: Person, noun: str, said: dict, tail: list[str], rng) -> str:
    """`the man has a goatee. he wears glasses and is smiling. his hair is black`."""
    first, *rest = _clauses(said, rng) or [None]
    opening = f"the {noun} {first}" if first else f"this is {with_article(noun)}"
    sentences = [opening, f"{person.pronoun} {listed(rest)}"] if rest else [opening]
    return ". ".join([*sentences, listed(tail)] if tail else sentences)


def _clauses(said: dict, rng: np.random.Generator) -> list[str]:
    """`is smiling`, `has a goatee`, `wears glasses`, in any order."""
    verbs = {"is": "is", "has": "has", "wears": choose(rng, ("wears", "is wearing"))}
    clauses = [f"{verb} {listed(said[kind])}" for kind, verb in verbs.items() if said[kind]]
    return [clauses[i] for i in rng.permutation(len(clauses))]
