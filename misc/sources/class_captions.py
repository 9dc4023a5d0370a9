"""Captions for sets that have none: all that they say of a picture is its class.

A small grammar. What is mentioned: the class ("a golden retriever"), now and then only its family
("a retriever") or its kind ("a dog"), as people do who cannot tell, so that a text encoder meets
such sentences too. How: in one of several frames, with synonyms for the kind and for "photo".
Everything is true of every picture of the class, and in lower case.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np

from misc.drawings.grammar import choose, distinct

# How often a sentence after the first mentions the family, if there is one, or the kind alone.
FAMILY, VAGUE = 0.15, 0.15
PHOTOS = ("photo", "photo", "picture", "image", "photograph")
FRAMES = (
    "{thing}",
    "{thing}",
    "this is {thing}",
    "{a_photo} of {thing}",
    "the {photo} shows {thing}",
    "there is {thing} in this {photo}",
)
# Only where the class is named.  {full}: "a siamese cat"; {word}: one of the kind's words.
LIVING = (
    "{full}",
    "{full}",
    "{a_photo} of {full}",
    "this {word} is {thing}",
    "the {word} is {thing}",
)


class Kind(NamedTuple):
    """What all classes of a set are.

    Attributes:
      words: for it, each equally likely; the first can follow the name of a class, if `frames` do.
      frames: more of them than `FRAMES`, for sentences that name the class.
    """

    words: tuple[str, ...]
    frames: tuple[str, ...]


KINDS = {
    "dog": Kind(("dog", "dog", "dog", "canine"), (*LIVING, "{thing}, a breed of dog")),
    "cat": Kind(("cat", "cat", "cat", "feline"), (*LIVING, "{thing}, a breed of cat")),
    "bird": Kind(("bird",), (*LIVING, "{thing}, a species of bird")),
    "flower": Kind(
        ("flower", "flower", "blossom", "bloom"), (*LIVING, "{thing}, a kind of flower")
    ),
    "room": Kind(("room", "room", "indoor scene"), ("the inside of {thing}", "inside {thing}")),
    "building": Kind(
        ("building", "building", "outdoor scene"),
        ("the outside of {thing}", "{thing} from outside", "this {word} is {thing}"),
    ),
    "structure": Kind(
        ("structure", "outdoor scene"), ("{a_photo} of {thing} outdoors", "a view of {thing}")
    ),
}
# Unlike parts of drawn things, classes are singular even in -s (an iris), but for these.
PLURALS = ("bells", "feathers")


def spoken(class_name: str) -> str:
    """A class as people say it: `n02085936-Maltese_dog` -> `maltese dog`.

    Numbers that sort the classes are left out, as in `001.Black_footed_Albatross`, unless there is
    nothing else.
    """
    name = re.sub(r"^n?\d+[.-]", "", class_name)
    return " ".join(name.replace("_", " ").lower().split()) or class_name


def families(subjects: Iterable[str]) -> dict[str, str]:
    """What part of a name can stand for it: the last word, if several classes end with it.

    Of birds, say, `albatross` for each of three kinds; but no `widow` for `chuck will widow`.
    Returns: {subject: family}, without those that have none.
    """
    last = {subject: subject.rpartition(" ")[2] for subject in subjects}
    times = Counter(last.values())
    return {subject: word for subject, word in last.items() if times[word] > 1 and word != subject}


def class_captions(
    subject: str, kind: str, name: str, seed: int, count: int = 5, family: str | None = None
) -> tuple[str, ...]:
    """Sentences about one picture of a class; the first one always names the class.

    They depend on the arguments alone, not on other pictures, and the first n are the same whatever
    the count.

    Args:
      subject: the class in words, see `spoken`.
      kind: what it is one of, a key of `KINDS`; may be the subject too, if there is but one class.
      name: of the picture, so that pictures of a class have different sentences.
      seed: at least 0.   family: see `families`.

    Returns: `count` sentences, different as far as the frames allow.
    """
    rng = np.random.default_rng([seed, *name.encode("utf-8", "surrogatepass")])
    shares = chain([1.0], iter(rng.random, None))  # the first sentence is no partial mention

    def sentence() -> str:
        words, frames = KINDS[kind]
        share = next(shares)
        if share < VAGUE or subject == kind:
            return _fill(choose(rng, FRAMES), rng, choose(rng, words), kind)
        if share < VAGUE + FAMILY and family:
            return _fill(choose(rng, FRAMES), rng, family, kind)
        return _fill(choose(rng, FRAMES + frames), rng, subject, kind)

    return tuple(distinct(sentence, count))


def _fill(frame: str, rng: np.random.Generator, thing: str, kind: str) -> str:
    words, photo = KINDS[kind].words, choose(rng, PHOTOS)
    # A sheepdog, a windflower and a passion flower say what they are.
    full = thing if thing.endswith(kind) else f"{thing} {words[0]}"
    return frame.format(
        thing=_article(thing),
        full=_article(full),
        word=choose(rng, words),
        photo=photo,
        a_photo=_article(photo),
    )


def _article(phrase: str) -> str:
    """`a church`, `an iris`, `a european goldfinch`; `canterbury bells` as they are."""
    if phrase.endswith(PLURALS):
        return phrase
    an = phrase[0] in "aeiou" and not phrase.startswith(("eu", "uni", "one"))
    return f"an {phrase}" if an else f"a {phrase}"
