"""How words bind, on a lexicon of few: crown, wings and tail in three colours, hat and beard."""

import pytest

from misc.words.lexicon import Fact, Lexicon, Token, Words
from misc.words.phrases import read

COLOURS = ("red", "blue", "white")


@pytest.fixture(scope="module")
def lexicon():
    words = Words()
    for noun in ("bird", "crown", "wing", "tail"):
        words.nouns(noun, [noun])
        for colour in COLOURS:
            words.means(noun, [colour], Fact(noun, colour))
    words.means("tail", ["long"], Fact("length", "long"))
    words.means("tail", ["long", "thin"], Fact("length", "very"))
    words.thing("a hat", (Fact("hat", "yes"),))
    words.thing("a beard", (Fact("beard", "yes"),))
    words.say("bald", (Fact("bald", "yes"),))
    words.phrases["her"] = (Token("tell", "", (Fact("male", "no"),)), Token("determiner"))
    words.phrases["inside"] = (Token("inside", "", (Fact("pattern", "two"),)),)
    words.nouns("base", ["base"])
    words.means("base", ["white"], Fact("base", "white"))
    return Lexicon(
        words.phrases,
        words.meanings,
        absent={"beard": (Fact("shaven", "yes"),)},
        colours=frozenset(COLOURS),
        whole=frozenset({"bird"}),
        inner="base",
    )


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        # Adjectives before a noun, behind it, and behind a verb.
        ("a red crown and blue wings", "crown=red wing=blue"),
        ("red and blue wings", "wing=red wing=blue"),
        ("wings red and white, crown blue", "wing=red crown=blue"),
        ("a blue crown, red and white wings", "crown=blue wing=red wing=white"),
        ("its wings are blue and very white, and its tail is red", "wing=blue wing=white tail=red"),
        ("the wings of it are blue", ""),
        ("wings that are blue", "wing=blue"),
        ("a long red tail", "tail=red length=long"),
        ("its thin tail is long", "length=long length=very"),
        ("its wings and tail are blue", "wing=blue tail=blue"),
        ("a bird and its wings are blue", "wing=blue"),
        ("this is a red bird", "bird=red"),
        # What a colour is shared with.
        ("a red crown, wings and tail", "crown=red wing=red tail=red"),
        ("a red crown and a tail", "crown=red"),
        ("a red crown and long tail", "crown=red length=long"),
        ("a red crown, wings are blue", "crown=red wing=blue"),
        ("a red bird and wings", "bird=red"),
        # What takes adjectives along.
        ("a red hat and wings", "hat=yes wing=red"),
        ("a red something and wings", ""),
        ("red crown stripe", ""),
        ("a red crown sits", "crown=red"),
        ("white striped wings", ""),
        ("red on its wings", ""),
        ("a red and blue bird", ""),
        ("the wing tail", ""),
        # Whose colour it is when the verb does not fit the noun.
        ("a bird with blue wings that is red", "wing=blue"),
        ("a bird with a blue crown and is red", "crown=blue"),
        ("a tail that is white inside", "base=white pattern=two"),
        # What is denied, and how far.
        ("no hat", "hat=no"),
        ("no beard", "shaven=yes"),
        ("not bald", "bald=no"),
        ("without a hat or a beard", "hat=no shaven=yes"),
        ("without a hat and a beard", "hat=no"),
        ("no hat and a beard", "hat=no beard=yes"),
        ("without a hat but with a beard", "hat=no beard=yes"),
        ("without a hat and beard, her wings are red", "hat=no male=no wing=red"),
        ("is not bald, her tail is red", "bald=no male=no tail=red"),
        ("without her hat", "male=no hat=no"),
        ("does not have a hat", "hat=no"),
        ("lacks a hat", "hat=no"),
        ("doesn't seem to be wearing a hat", "hat=no"),
        ("neither a hat nor a beard", "hat=no shaven=yes"),
        ("no blue wings", "wing!blue"),
        ("wings that are not blue", "wing!blue"),
        ("its wings are not blue and its crown is red", "wing!blue crown=red"),
        ("is red, not blue", ""),
        ("the crown is red, not blue", "crown=red crown!blue"),
        ("no long hat", ""),
        ("", ""),
        ("the of and, without", ""),
    ],
)
def test_what_is_said(lexicon, sentence, told):
    facts = {f"{f.attribute}{'=' if f.holds else '!'}{f.value}" for f in read(sentence, lexicon)}
    assert facts == set(told.split())


def test_any_order_of_words_can_be_read(lexicon):
    import random

    pick = random.Random(0)
    words = [*lexicon.phrases, "and", ",", "or", "is", "that", "not", "no", "without", "with", "a"]
    for _ in range(3000):
        read(" ".join(pick.choices(words, k=12)), lexicon)
