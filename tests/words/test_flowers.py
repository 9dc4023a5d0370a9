"""What drawn flowers' captions name, found by words alone, must be read of them."""

import re
from collections import Counter

import pytest

from misc.drawings.flowers_captions import (
    COLOUR_WORDS,
    COUNT_WORDS,
    FORM_WORDS,
    LAYER_WORDS,
    PATTERN_WORDS,
    SHAPE_WORDS,
    STAMEN_WORDS,
)
from misc.words.flowers import lexicon
from misc.words.phrases import read


def facts(sentence):
    return {(f.attribute, f.value, f.holds) for f in read(sentence, lexicon())}


def named(caption, flower):
    """The attributes that a caption of `full` names, by words that stand for nothing else."""

    def spoken(words):
        return any(re.search(rf"\b{word}\b", caption) for word in words)

    found = set()
    for pattern in PATTERN_WORDS.get(flower["pattern"], ()):
        before, after = pattern.split("{}")
        if before in caption and after in caption:
            found |= {"second_color", "pattern"}
    tables = {"layers": LAYER_WORDS, "form": FORM_WORDS, "petal_shape": SHAPE_WORDS}
    found |= {name for name, table in tables.items() if spoken(table[flower[name]])}
    counts = "|".join(COUNT_WORDS[flower["petals"]])
    if re.search(rf"\b({counts}) [a-z -]*petals", caption) and "many overlapping" not in caption:
        found.add("petals")
    if spoken(STAMEN_WORDS):
        found.add("stamens")
    if re.search(r"(center|pistil|middle)\b", re.sub(r"near the center|towards the middle|"
                 r"stamens around the center", "", caption)):  # fmt: skip
        found.add("center_color")
    colours = "|".join(COLOUR_WORDS.get(flower["petal_color"], (flower["petal_color"],)))
    if re.search(rf"\b({colours}) (petals|flower with|flower has)|are ({colours}) and", caption):
        found.add("petal_color")
    return found


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_full_captions_name_is_read(read_drawn, which):
    asked, missed = Counter(), Counter()
    for caption, (said, flower) in read_drawn("flowers", "full", which, 150).items():
        for name in named(caption, flower):
            asked[name] += 1
            value = flower[name].replace(" ", "_")
            missed[name] += said[f"has_{name}::{value}"] != 1
    assert len(asked) == 9 and asked["petal_color"] > 800
    assert sum(missed.values()) < 0.01 * sum(asked.values()), missed
    assert all(missed[name] <= 0.1 * asked[name] for name in asked), missed


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_easy_captions_name_is_read(read_drawn, which):
    for caption, (said, flower) in read_drawn("flowers", "easy", which, 80).items():
        asked = {"petal_color"}
        asked |= {"second_color"} if re.search("near the center|base|inside", caption) else set()
        asked |= {"petal_shape"} if flower["petal_shape"] in caption else set()
        around = caption.replace("near the center", "")
        asked |= {"center_color"} if "center" in around else set()
        for name in asked:
            assert said[f"has_{name}::{flower[name]}"] == 1, caption


def test_flowers_as_people_describe_them():
    assert facts("five pointed petals outlined in white around a small yellow centre") == {
        ("petals", "five", True),
        ("petal_shape", "pointed", True),
        ("pattern", "edged", True),
        ("second_color", "white", True),
        ("center_size", "small", True),
        ("center_color", "yellow", True),
    }
    assert facts("pink petals that are white near the center") == {
        ("petal_color", "pink", True),
        ("second_color", "white", True),
        ("pattern", "two-tone", True),
    }
    # Which of the two the petals are, nobody says.
    assert not facts("this flower is red and white")
