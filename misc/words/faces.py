"""The words for faces, as CelebA names what is to be seen of them.

A name such as Eyeglasses is an attribute that is yes or no, but for those of the hair, which has
one `hair_color` and one `texture`, and for No_Beard, which is the attribute `Beard` denied.
"""

from collections.abc import Iterator
from functools import cache

from misc.drawings import faces, faces_captions, faces_people
from misc.words import celeba
from misc.words.lexicon import Fact, Lexicon, Token, Words, normal

HAIR = {name: frozenset(faces_people.LASTING[name]) for name in ("hair_color", "texture")}
# What people say beyond the two grammars, as `SAID` has it: how, and what it tells.
PEOPLE_SAY = {
    "is bespectacled": ("Eyeglasses", "yes"),
    "is grinning": ("Smiling", "yes"),
    "is laughing": ("Smiling", "yes"),
    "is unsmiling": ("Smiling", "no"),
    "has a grin": ("Smiling", "yes"),
    "is hatless": ("Wearing_Hat", "no"),
    "has a closed mouth": ("Mouth_Slightly_Open", "no"),
    "has {his} mouth closed": ("Mouth_Slightly_Open", "no"),
    "is moustached": ("Mustache", "yes"),
}
WHO = {"man": "men boy gentlemen", "woman": "women girl"}
NO_BEARD = (Fact("Beard", "no"), Fact("Goatee", "no"))
SHAVEN = (*NO_BEARD, Fact("5_o_Clock_Shadow", "no"), Fact("Mustache", "no"))
BEARERS = {"hair": "haired", "nose": "nosed", "skin": "skinned", "lips": "lipped"}
SHADES = ("dark", "light", "deep", "medium")


def column(name: str) -> tuple[str, str] | None:
    """The attribute and the value that one of CelebA's names stands for; None for other names."""
    if name not in faces.CELEBA:
        return None
    means = faces.CELEBA[name]
    if means and means[0] in HAIR:
        return means[:2]
    return ("Beard", "no") if name == "No_Beard" else (name, "yes")


@cache
def lexicon() -> Lexicon:
    """All that `faces_captions` and `attribute_captions` say, and `PEOPLE_SAY`."""
    words = Words()
    words.nouns("person", ["person", "people", "head"])
    words.nouns("hair", ["hair"])
    for noun, _ in celeba.TRAITS.values():
        words.nouns(noun, [noun])
    for noun, bearer in BEARERS.items():
        words.bearers(noun, [bearer])
    words.nouns("skin", ["complexion"])
    _add_people(words)
    for tones in (faces_captions.HAIR_WORDS, _tones()):
        for value, ways in tones.items():
            for way in ways:
                words.means("hair", [way], Fact("hair_color", value))
                if value == "blond" or way == "brunette":
                    words.means("person", [way], Fact("hair_color", value))
                for shade in SHADES:  # dark brown hair is brown, dark hair is black
                    words.phrases[f"{shade} {way}"] = words.phrases[normal(way)]
    for way in ("straight", "wavy", "curly"):
        words.means("hair", [way], Fact("texture", "straight" if way == "straight" else "wavy"))
    for name, (noun, ways) in celeba.TRAITS.items():
        for way in ways:
            words.thing(f"{way} {noun}", (Fact(name, "yes"),))
    for table in (celeba.HAS, celeba.WEARS):
        for name, ways in table.items():
            for way in ways:
                words.thing(way, (Fact(name, "yes"),))
    for ways, facts in (
        (celeba.SHAVEN, SHAVEN),
        ([("is", "clean shaven")], SHAVEN),
        ([("is", "beardless")], NO_BEARD),
        (celeba.BALD, (Fact("Bald", "yes"),)),
        (celeba.SMILING, (Fact("Smiling", "yes"),)),
    ):
        for verb, way in ways:
            _add(words, f"{verb} {way}", facts)
    for way, facts in _said().items():
        _add(words, way, facts)
    for way, fact in PEOPLE_SAY.items():
        _add(words, way, (Fact(*fact),))
    words.say("facial hair", (Fact("Beard", "yes"),), "unknown")
    for way in ("no facial hair", "without facial hair"):
        words.say(way, SHAVEN)
    words.nouns("makeup", ["makeup", "make up"])
    words.phrases |= dict.fromkeys(("pair of",), ())
    absent = {"beard": NO_BEARD, "makeup": (Fact("Heavy_Makeup", "no"),)}
    absent["hair"] = (Fact("Bald", "yes"),)
    return Lexicon(words.phrases, words.meanings, absent, whole=frozenset({"person"}))


def _tones() -> dict[str, tuple[str, ...]]:
    """CelebA's colours of hair, by the values that `column` gives them."""
    return {column(name)[1]: ways for name, ways in celeba.HAIR_COLOURS.items()}


def _add_people(words: Words) -> None:
    """Men, women, young and old; a pronoun says who it is whatever else is denied."""
    for gender, nouns in faces_captions.NOUNS.items():
        fact = (Fact("Male", "yes" if gender == "man" else "no"),)
        for noun in (*nouns, *WHO[gender].split()):
            for form in (noun, f"{noun}s"):
                words.say(form, fact)
                words.phrases[form] += (Token("noun", "person"),)
        he, his = faces_captions.PRONOUNS[gender]
        words.phrases[he] = (Token("tell", "", fact), Token("break"))
        words.phrases[his] = (Token("tell", "", fact), Token("determiner"))
    words.phrases["him"] = words.phrases["he"]
    for age, ways in (faces_captions.AGES | {"mature": ("mature",)}).items():
        for way in ways:
            words.say(way, (Fact("Young", "yes" if age == "young" else "no"),))


def _said() -> dict[str, tuple[Fact, ...]]:
    """What the grammar of drawn faces says: its ways to say it, and what they tell."""
    possible: dict[str, list[tuple[str, str]]] = {}
    for fact, ways in faces_captions.SAID.items():
        for way in ways:
            possible.setdefault(way, []).append(fact)
    return {way: facts for way, meant in possible.items() if (facts := tuple(_facts(meant)))}


def _facts(meant: list[tuple[str, str]]) -> Iterator[Fact]:
    """What CelebA's names have of an attribute that has one of these values."""
    attribute, values = meant[0][0], {value for _, value in meant}
    named = {n: set(m[1:]) for n, m in faces.CELEBA.items() if m and m[0] == attribute}
    if attribute == "beard":
        yield Fact("Beard", "yes")
        del named["No_Beard"]
    for name, those in named.items():
        if values <= those:
            yield Fact(*column(name))
        elif not values & those and len(named) == 1:  # else it may have both, as a big pointy nose
            yield Fact(name, "no")


def _add(words: Words, way: str, facts: tuple[Fact, ...]) -> None:
    """Add `wears a hat`, `is bald`, `has {his} mouth open`."""
    verb, said = way.split(" ", 1)
    if said.startswith("{his} "):
        noun, *adjectives = normal(said.removeprefix("{his} ")).split()
        words.means(words.noun_of(noun), adjectives, *facts)
    elif "{his}" in said:
        for his in ("his", "her", "their", "the"):
            words.thing(said.format(his=his), facts)
    elif verb in ("has", "wears"):
        words.thing(said, facts)
    else:
        words.say(said, facts)
