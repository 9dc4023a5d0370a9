"""The words for drawn flowers: colours of petals and centre, numbers, forms, patterns."""

from functools import cache

from misc.drawings import flowers, flowers_captions
from misc.words.lexicon import Fact, Lexicon, Token, Words


@cache
def lexicon() -> Lexicon:
    """Colours of petals and centre, the second colour, the forms of `flowers.FORMS`."""
    words, grammar = Words(), flowers_captions
    words.nouns("flower", ["flower", "blossom", "bloom"])
    words.nouns("petal", ["petals"])
    words.nouns("second", ["base"])
    words.nouns("center", [*grammar.CENTER_WORDS, "centre"])
    for pattern, ways in grammar.PATTERN_WORDS.items():
        fact = (Fact("pattern", pattern),)
        for way in ways:
            before, after = (side.strip() for side in way.split("{}"))
            if pattern == "two-tone":
                words.phrases[after] = (Token("inside", "", fact),)
            elif after:  # with white edges
                words.nouns(pattern, [after])
            else:  # outlined in white
                opened = (Token("break"), Token("noun", pattern), Token("copula"))
                words.phrases[before] = opened
        if pattern != "two-tone":
            words.means(pattern, [], *fact)
    words.phrases["inside"] = (Token("inside"),)
    coloured = {"flower": "petal", "petal": "petal", "center": "center", "second": "second"}
    coloured |= dict.fromkeys(set(grammar.PATTERN_WORDS) - {"two-tone"}, "second")
    for colour in flowers.COLOURS:
        words.adjectives(colour, grammar.COLOUR_WORDS.get(colour, (colour,)))
        for noun, part in coloured.items():
            words.means(noun, [colour], Fact(f"{part}_color", colour))
    for name, noun, ways in (
        ("petals", "petal", grammar.COUNT_WORDS),
        ("petal_shape", "petal", grammar.SHAPE_WORDS),
        ("center_size", "center", grammar.SIZE_WORDS),
    ):
        for value, said in ways.items():
            words.adjectives(value, (way.removeprefix("a ") for way in said))
            words.means(noun, [value], Fact(name, value))
    for way in grammar.STAMEN_WORDS:
        words.thing(way, (Fact("stamens", "yes"),))
    words.thing("stamens", (Fact("stamens", "yes"),))
    for name, ways in (("layers", grammar.LAYER_WORDS), ("form", grammar.FORM_WORDS)):
        for value, said in ways.items():
            for way in said:
                words.say(way.removeprefix("that are ").removeprefix("that "), (Fact(name, value),))
    words.phrases |= dict.fromkeys(("in color", "in colour", "of this flower", "of the flower"), ())
    return Lexicon(
        words.phrases,
        words.meanings,
        colours=frozenset(flowers.COLOURS),
        whole=frozenset({"flower"}),
        inner="second",
    )
