import pytest

from misc.words import birds, faces, flowers
from misc.words.lexicon import FUNCTION, Fact, Lexicon, Token, Words, normal


def test_normal_text():
    assert normal("It's a RED-winged bird, isn't it?") == "it a red winged bird , is not it ?"
    assert normal("a five o’clock shadow") == "a five o'clock shadow"
    assert normal("the bird's wings\n") == "the bird wings"
    assert normal("...") == ". . ." and normal("") == ""


def test_opposites():
    assert Fact("crest", "yes").opposite() == Fact("crest", "no")
    assert Fact("crest", "no").opposite() == Fact("crest", "yes")
    assert Fact("wing_color", "blue").opposite() == Fact("wing_color", "blue", False)
    assert Fact("wing_color", "blue", False).opposite() == Fact("wing_color", "blue")


def test_the_longest_phrase_counts():
    red, maroon = Token("adjective", "red"), Token("adjective", "maroon")
    lexicon = Lexicon({"red": (red,), "dark red": (maroon,), "in color": ()}, {})
    assert lexicon.tokens("dark red") == [maroon]
    assert lexicon.tokens("dark and red in color") == [*FUNCTION["dark"], *FUNCTION["and"], red]
    assert lexicon.tokens("xyz red") == [Token("unknown", "xyz"), red]
    assert lexicon.attributes == frozenset()


def test_words_in_the_making():
    words = Words()
    words.nouns("wing", ["wings"])
    assert words.phrases["wing"] == (Token("noun", "wing"),)
    assert words.phrases["wings"] == (Token("nouns", "wing"),)
    words.nouns("tail", ["wing"])  # whose word it is already, it stays
    assert words.noun_of("wing") == "wing" and words.noun_of("long") == ""

    yes = (Fact("bars", "yes"),)
    words.thing("striped wings", yes)
    assert words.meanings["wing"] == {frozenset({"striped"}): yes}
    assert words.phrases["striped"] == (Token("adjective", "striped"),)
    words.thing("a crest", yes)
    assert words.meanings["crest"] == {frozenset(): yes}
    words.thing("a pointed crest", yes)  # says no more than a crest
    assert words.meanings["crest"] == {frozenset(): yes}
    words.thing("a wing bar", yes)
    assert words.phrases["wing bar"] == (Token("say", "", yes), Token("unknown"))
    words.thing("bars on its wings", yes)
    assert words.phrases["bars on its wings"][0].facts == yes and "bar" not in words.phrases


@pytest.mark.parametrize("part", [birds, flowers, faces])
def test_every_role_is_one_that_can_be_read(part):
    from misc.words.phrases import _Reader

    lexicon = part.lexicon()
    tokens = [t for table in (lexicon.phrases, FUNCTION) for ts in table.values() for t in ts]
    assert all(hasattr(_Reader, f"on_{token.role}") for token in tokens)
    assert all(phrase == normal(phrase) for phrase in lexicon.phrases)
    nouns = {token.word for token in tokens if token.role in ("noun", "nouns")}
    assert lexicon.meanings.keys() | lexicon.absent.keys() | lexicon.whole <= nouns | {"second"}
    adjectives = {token.word for token in tokens if token.role == "adjective"}
    for entries in lexicon.meanings.values():
        for needed, facts in entries.items():
            for word in needed - adjectives:  # `bald`, of `a bald head`, says it alone
                assert lexicon.phrases[word] == (Token("say", "", facts),)
