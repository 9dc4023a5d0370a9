"""The words for birds, drawn ones and those of CUB-200-2011: parts, colours, forms, scenes."""

from functools import cache

from misc.drawings import birds, birds_captions
from misc.words.lexicon import Fact, Lexicon, Token, Words, normal

# Attributes of CUB's that sentences name in the words for a drawn bird's.
NAMES = {
    "has_head_pattern::crested": ("crest", "yes"),
    "has_head_pattern::eyering": ("head_pattern", "eye ring"),
    "has_breast_pattern::spotted": ("breast_pattern", "spots"),
    "has_breast_pattern::striped": ("breast_pattern", "streaks"),
    "has_wing_pattern::striped": ("wing_pattern", "bars"),
    "has_tail_shape::forked_tail": ("tail_shape", "forked"),
}
COLOURS = ("olive", "rufous", "iridescent")  # beyond those of drawn birds, as are the parts
PARTS = ("forehead", "nape", "eye", "upperparts", "underparts", "head", "neck")
# A red-winged bird has red wings.
BEARERS = {
    "crown": "crowned capped",
    "face": "faced cheeked",
    "throat": "throated",
    "breast": "breasted chested",
    "belly": "bellied",
    "back": "backed",
    "wing": "winged",
    "tail": "tailed",
    "bill": "billed beaked",
    "leg": "legged footed",
}


@cache
def lexicon() -> Lexicon:
    """Colours of parts and of the whole, forms of `birds.FORMS`, scenes; of drawn birds and CUB."""
    words, grammar = Words(), birds_captions
    whole = ("body_color", "primary_color")
    words.nouns("bird", ["bird", "body"])
    for part in (*birds.PARTS, *PARTS):
        words.nouns(part, [part, *grammar.PART_WORDS.get(part, ())])
    for part, bearers in BEARERS.items():
        words.bearers(part, bearers.split())
    colours = (*birds.COLOURS, *COLOURS)
    for colour in colours:
        words.adjectives(colour, grammar.COLOUR_WORDS.get(colour, (colour,)))
        words.means("bird", [colour], *(Fact(name, colour) for name in whole))
        for part in (*birds.PARTS, *PARTS):
            words.means(part, [colour], Fact(f"{part}_color", colour))
    for shape in birds.FORMS["bill_shape"]:
        words.means("bill", shape.split(), Fact("bill_shape", shape))
    for size, ways in grammar.SIZE_WORDS.items():
        words.adjectives(size, ways)
        words.means("bird", [size], Fact("size", size))
    for (name, value), ways in grammar.EXTRAS.items():
        for way in ways:
            words.thing(way, (Fact(name, value),))
    kinds = [way for ways in grammar.KINDS.values() for way in dict.fromkeys(ways)]
    for shape, ways in grammar.KINDS.items():
        for way in ways:
            if kinds.count(way) == 1:
                words.say(way, (Fact("shape", shape),))
                words.phrases[normal(way)] += (Token("noun", "bird"),)
    for scene, ways in grammar.SCENE_WORDS.items():
        for way in ways:
            place = way.split(" ", 1)[1]  # without its verb
            words.say(place, (Fact("scene", scene),), "break")
    words.phrases |= dict.fromkeys(("in color", "in colour", "of this bird", "of the bird"), ())
    return Lexicon(
        words.phrases, words.meanings, colours=frozenset(colours), whole=frozenset({"bird"})
    )
