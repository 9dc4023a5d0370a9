"""What drawn birds' captions name, found by words alone, must be read of them."""

import re
from collections import Counter

import pytest

from misc.drawings import birds
from misc.drawings.birds_captions import EXTRAS, KINDS, PART_WORDS, SCENE_WORDS, SIZE_WORDS
from misc.words.birds import lexicon
from misc.words.phrases import read

PART_OF = {word: part for part, words in PART_WORDS.items() for word in words}
PART = "|".join(sorted(PART_OF, key=len, reverse=True))


def facts(sentence):
    return {(f.attribute, f.value, f.holds) for f in read(sentence, lexicon())}


def named(caption, bird):
    """The attributes that a caption of `full` names, by the words that stand for nothing else."""
    found = set()
    for (name, _), ways in EXTRAS.items():
        for way in ways:
            caption, times = re.subn(rf"\b{way}\b", "", caption)
            found |= {name} if times else set()
    for table, name in ((SCENE_WORDS, "scene"), (SIZE_WORDS, "size")):
        if any(way in caption for way in table[bird[name]]):
            found.add(name)
    if any(re.search(rf"\b{way}\b", caption) for way in KINDS[bird["shape"]] if way != "bird"):
        found.add("shape")
    if re.search(rf"{bird['bill_shape']} ", caption):
        found.add("bill_shape")
    return found | {f"{PART_OF[word]}_color" for word in re.findall(rf"\b({PART})\b", caption)}


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_full_captions_name_is_read(read_drawn, which):
    asked, missed = Counter(), Counter()
    for caption, (said, bird) in read_drawn("birds", "full", which, 150).items():
        for name in named(caption, bird):
            asked[name] += 1
            value = bird[name].replace(" ", "_")
            missed[name] += said[f"has_{name}::{value}"] != 1
    assert len(asked) == len(birds.PRESETS["full"]) - 1  # the side a bird faces is never said
    assert sum(missed.values()) < 0.01 * sum(asked.values()), missed
    assert all(missed[name] <= 0.1 * asked[name] for name in asked), missed


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_easy_captions_name_is_read(read_drawn, which):
    for caption, (said, bird) in read_drawn("birds", "easy", which, 80).items():
        parts = [part for part in ("wing", "belly", "crown") if part in caption]
        for part in ("body", *parts):
            assert said[f"has_{part}_color::{bird[f'{part}_color']}"] == 1, caption
            others = [v for n, v in said.items() if n.startswith(f"has_{part}_color")]
            assert sorted(others) == [0] * 7 + [1]
        place = re.search(r"branch|grass", caption)
        assert (said[f"has_scene::{bird['scene']}"] == 1) == bool(place)
        assert said["has_facing::left"] == said["has_facing::right"] == -1


def test_birds_as_people_describe_them():
    assert facts("a small yellow bird with a black crown and a short black pointed beak") >= {
        ("size", "small", True),
        ("primary_color", "yellow", True),
        ("crown_color", "black", True),
        ("bill_color", "black", True),
        ("bill_shape", "short pointed", True),
    }
    assert ("wing_color", "red", True) in facts("a red-winged blackbird on a reed")
    assert ("crown_color", "white", True) in facts("a white-crowned sparrow")
    assert facts("olive underparts, a rufous nape") == {
        ("underparts_color", "olive", True),
        ("nape_color", "rufous", True),
    }
    # Of a bird in two colours neither is the main one.
    assert not facts("a black and white bird")
    assert facts("a duck without a crest") == {("shape", "duck", True), ("crest", "no", True)}
