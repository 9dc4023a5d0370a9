import re
from collections import Counter

import pytest

from misc.drawings import birds
from misc.drawings.birds_captions import (
    COLOUR_WORDS,
    EXTRAS,
    PART_WORDS,
    captions,
    primary_colour,
)

COLOUR_OF = {word: c for c in birds.COLOURS for word in COLOUR_WORDS.get(c, (c,))}
PART_OF = {word: part for part, words in PART_WORDS.items() for word in words}
SHAPES = "|".join(birds.FORMS["bill_shape"])
COLOUR = "|".join(sorted(COLOUR_OF, key=len, reverse=True))
PART = "|".join(sorted(PART_OF, key=len, reverse=True))


def said(caption):
    """(part, colour) pairs of a sentence, read without the code that wrote it."""
    for way in sum(EXTRAS.values(), ()):
        caption = re.sub(rf"\b{way}\b", "something", caption)
    word = rf"(?:(?:{SHAPES}) )?(?:{PART})"
    # "a red crown, throat and wings" names one colour for several parts.
    groups = re.finditer(rf"\b({COLOUR}) ({word}(?:(?:, | and ){word}\b)*)", caption)
    pairs = [(p, COLOUR_OF[m[1]]) for m in groups for p in re.findall(rf"\b({PART})\b", m[2])]
    verbs = re.finditer(rf"\bits ({PART}) (?:is|are) ({COLOUR})\b", caption)
    pairs += [(m[1], COLOUR_OF[m[2]]) for m in verbs]
    return {(PART_OF[part], colour) for part, colour in pairs}


@pytest.mark.parametrize(
    "preset, species", [("easy", None), ("full", None), ("full", "independent")]
)
def test_captions_are_true_and_name_one_to_four_things(preset, species):
    counts = Counter()
    for seed in range(80):
        bird = birds.attributes(seed, preset, species)
        full = birds.in_full(bird)
        for caption in captions(bird, 10):
            pairs = said(caption)
            for part, colour in pairs:
                assert full[f"{part}_color"] == colour, (caption, bird)
            counts[len(pairs)] += 1
            every = {COLOUR_OF[word] for word in re.findall(rf"\b({COLOUR})\b", caption)}
            about_whole = {bird.get("body_color") or primary_colour(full)}
            assert every <= {colour for _, colour in pairs} | about_whole, caption
    assert max(counts) <= 4 and len(counts) >= 3
    assert counts[0] < 0.25 * sum(counts.values())


def test_extras_and_shapes_are_true():
    spoken = Counter()
    for seed in range(150):
        bird = birds.attributes(seed, "full", "independent")
        text = " | ".join(captions(bird, 10))
        for (name, value), ways in EXTRAS.items():
            if any(re.search(rf"\b{way}\b", text) for way in ways):
                assert bird[name] == value
                spoken[name, value] += 1
        for shape in re.findall(rf"({SHAPES})[a-z ]* (?:bill|beak)", text):
            assert shape == bird["bill_shape"]
        for size, words in (("small", "small|little|tiny"), ("large", "large|big")):
            assert not re.search(rf"\b({words})\b", text) or bird["size"] == size
        if not birds.legs_show(bird):
            assert not re.search(r"\b(legs|feet)\b", text)
    assert set(spoken) == set(EXTRAS)


def test_easy_captions_are_short_and_always_name_the_body():
    named = Counter()
    for seed in range(60):
        bird = birds.attributes(seed, "easy")
        for caption in captions(bird, 10):
            words = caption.replace(",", "").split()
            assert len(words) <= 24
            assert re.search(
                rf"\b{bird['body_color']} bird|bird is {bird['body_color']}\b", caption
            )
            named.update(part for part, _ in said(caption))
    assert named["wing"] > 400 and named["belly"] > 380 and named["crown"] > 200


def test_captions_of_a_seed_stay_and_differ():
    bird = birds.attributes(11)
    ten = captions(bird)
    assert ten == captions(bird, 10) and ten[:4] == captions(bird, 4)
    assert len(set(ten)) == 10
    assert ten != captions({**bird, "seed": 12})


def test_captions_never_name_the_side():
    for seed in range(40):
        for preset in birds.PRESETS:
            text = " ".join(captions(birds.attributes(seed, preset)))
            assert "left" not in text and "right" not in text
