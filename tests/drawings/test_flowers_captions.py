import re
from collections import Counter

import pytest

from misc.drawings import flowers
from misc.drawings import flowers_captions as writing
from misc.drawings.flowers_captions import captions

COLOUR_OF = {w: c for c in flowers.COLOURS for w in writing.COLOUR_WORDS.get(c, (c,))}
COLOUR = "|".join(sorted(COLOUR_OF, key=len, reverse=True))
CENTER = rf"({COLOUR}) (?:{'|'.join(writing.CENTER_WORDS)})\b"
EASY_SECOND = [rf"({COLOUR}) base", rf"petals are ({COLOUR}) inside"]


def ways_of(pattern):
    """Expressions for what captions say of a pattern, with its colour as a group."""
    return [way.format(f"({COLOUR})") for way in writing.PATTERN_WORDS[pattern]]


def said(caption):
    """(part, colour) pairs of a sentence and its patterns, read without the code that wrote it."""
    pairs, patterns = set(), set()

    def take(expression, part):
        nonlocal caption
        found = re.findall(expression, caption)
        pairs.update((part, COLOUR_OF[colour]) for colour in found)
        caption = re.sub(expression, "something", caption)
        return bool(found)

    for pattern in writing.PATTERN_WORDS:
        if any([take(way, "second") for way in ways_of(pattern)]):
            patterns.add(pattern)
    for way in EASY_SECOND:
        take(way, "second")
    take(CENTER, "center")
    take(rf"flower is (?:{COLOUR}) and ({COLOUR})$", "second")
    take(rf"\b({COLOUR})\b", "petal")
    return pairs, patterns


@pytest.mark.parametrize(
    "preset, species", [("easy", None), ("full", None), ("full", "independent")]
)
def test_colours_are_true_and_seen(preset, species):
    counts = Counter()
    for seed in range(80):
        flower = flowers.attributes(seed, preset, species)
        unseen = flowers.hidden(flower)
        for caption in captions(flower, 10):
            pairs, patterns = said(caption)
            for part, colour in pairs:
                assert flower[f"{part}_color"] == colour, (caption, flower)
                assert f"{part}_color" not in unseen, (caption, flower)
            assert patterns <= {flowers.in_full(flower)["pattern"]}, caption
            counts[len(pairs)] += 1
    assert set(counts) <= {0, 1, 2, 3} and counts[0] < 0.05 * sum(counts.values())
    assert all(counts[k] > 60 for k in (2, 3))


FORMS = {
    "petals": writing.COUNT_WORDS,
    "petal_shape": writing.SHAPE_WORDS,
    "layers": writing.LAYER_WORDS,
    "form": writing.FORM_WORDS,
    "center_size": writing.SIZE_WORDS,
    "stamens": {"yes": writing.STAMEN_WORDS},
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_true_and_each_is_spoken_of(name):
    spoken = Counter()
    for seed in range(150):
        flower = flowers.attributes(seed, "full", "independent")
        # "three layers" counts no petals, "a tiny brown center" sizes no flower.
        text = " | ".join(captions(flower, 10))
        if name == "petals":
            text = re.sub("many overlapping", "", text)
        for value, words in FORMS[name].items():
            if re.search(rf"\b({'|'.join(words)})\b", text):
                assert flower[name] == value, text
                assert name not in flowers.hidden(flower), text
                spoken[value] += 1
    assert set(spoken) == set(FORMS[name])


def test_petals_are_counted_only_where_they_can_be():
    for seed in range(100):
        flower = flowers.attributes(seed, "full", "independent")
        if flower["layers"] != "one" and flower["petals"] != "many":
            for caption in captions(flower):
                assert not re.search(r"\b(four|five|six|eight|twelve|dozen)\b", caption)


def test_easy_captions_are_short_and_always_name_the_petals():
    named = Counter()
    for seed in range(60):
        flower = flowers.attributes(seed, "easy")
        for caption in captions(flower, 10):
            assert len(caption.replace(",", "").split()) <= 18
            pairs, _ = said(caption)
            assert ("petal", flower["petal_color"]) in pairs
            named.update(part for part, _ in pairs)
            assert not re.search(r"  | petals petals", caption)
    assert named["center"] > 380 and named["second"] > 380


def test_captions_of_a_seed_stay_and_differ():
    flower = flowers.attributes(11)
    ten = captions(flower)
    assert ten == captions(flower, 10) and ten[:4] == captions(flower, 4)
    assert len(set(ten)) == 10
    assert ten != captions({**flower, "seed": 12})


def test_captions_name_neither_view_nor_background():
    for seed in range(40):
        for preset in flowers.PRESETS:
            text = " ".join(captions(flowers.attributes(seed, preset)))
            words = "front|side|tilted|leaves|background|soil|sky|meadow|grass"
            assert not re.search(rf"\b({words})\b", text)


def test_sentences_are_well_formed():
    for seed in range(120):
        for preset in flowers.PRESETS:
            for caption in captions(flowers.attributes(seed, preset)):
                assert caption == caption.strip() and "  " not in caption
                assert not re.search(r"\b(a [aeio]|an [^aeiou])", caption), caption
                assert not re.search(r"\b(and|with|,)$|, ,|and and", caption), caption
