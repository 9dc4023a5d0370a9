import re
from collections import Counter

import numpy as np
import pytest

from misc.drawings import faces
from misc.drawings.faces_captions import HAIR_WORDS, SAID, captions

COLOUR_OF = {word: colour for colour, words in HAIR_WORDS.items() for word in words}
HAIR = re.compile(
    rf"((?:(?:long|short|straight|wavy|curly|{'|'.join(sorted(COLOUR_OF, key=len)[::-1])}) )+)hair"
)


def things():
    """Every thing that SAID can name, with the (attribute, value) pairs of which it is true."""
    meanings = {}
    for fact, ways in SAID.items():
        for way in ways:
            for his in ("his", "her"):
                meanings.setdefault(way.split(" ", 1)[1].format(his=his), set()).add(fact)
    return meanings


THINGS = things()
# The longest first: "a hat with a brim" before "a hat".
THING = re.compile(rf"\b({'|'.join(sorted(map(re.escape, THINGS), key=len)[::-1])})(?![\w-])")


@pytest.mark.parametrize("person", [None, "independent"])
def test_captions_are_true_and_say_only_what_is_seen(person):
    spoken = Counter()
    for seed in range(150):
        face = faces.attributes(seed, "full", person)
        hidden = faces.unseen(face)
        for caption in captions(face):
            for words in HAIR.findall(caption):
                for word in re.findall("long|short|straight|wavy|curly", words):
                    name = "style" if word in ("long", "short") else "texture"
                    assert face[name] == word and name not in hidden, (caption, face)
                for word in COLOUR_OF:
                    if re.search(rf"\b{word}\b", words):
                        assert face["hair_color"] == COLOUR_OF[word], (caption, face)
                        assert "hair_color" not in hidden, (caption, face)
            said = THING.findall(HAIR.sub("hair", caption))
            assert len(said) == len(set(said)), caption
            for thing in said:
                true = {(n, v) for n, v in THINGS[thing] if face[n] == v and n not in hidden}
                assert true, (thing, caption, face)
                spoken.update(true)
    if person == "independent":
        assert set(spoken) >= set(SAID) - {("age", "young"), ("age", "old")}


def test_who_it_is():
    for seed in range(80):
        face = faces.attributes(seed)
        text = " ".join(captions(face))
        wrong = "man guy gentleman male he his" if face["gender"] == "woman" else ""
        wrong = wrong or "woman lady female she her"
        assert not re.search(rf"\b({wrong.replace(' ', '|')})\b", text), text
        old = re.search(r"\b(old|elderly|older|wrinkles|wrinkled)\b", text)
        young = re.search(r"\b(young|youngish)\b", text)
        assert not old or face["age"] == "old"
        assert not young or face["age"] == "young"
        if re.search("clean shaven|no beard", text):
            assert face["beard"] == "none" and face["mustache"] == "no"


def test_lengths_and_manner():
    lengths, sentences = [], Counter()
    for seed in range(200):
        for caption in captions(faces.attributes(seed)):
            lengths.append(len(re.findall(r"[a-z]+|[^a-z\s]", caption)))
            sentences[caption.count(". ") + 1] += 1
            assert caption == caption.lower().strip() and "{" not in caption
            assert not re.search(r"\b(\w+) \1\b", caption), caption
            assert "has has" not in caption and " a an " not in caption
            assert not re.search(r"\ban? (?:a|an|his|her)\b|\ba [aeio]", caption), caption
    assert min(lengths) <= 4 and 50 < max(lengths) <= 100
    assert 18 < np.median(lengths) < 30
    assert set(sentences) >= {1, 2, 3, 4} and sentences[1] > sentences[4]


def test_easy_captions_are_short_true_and_name_the_hair():
    named = Counter()
    for seed in range(120):
        face = faces.attributes(seed, "easy", "independent")
        for caption in captions(face):
            assert len(caption.split()) <= 18 and caption.count(".") == 0
            assert f"{face['hair_color']} hair" in caption and face["gender"] in caption
            assert not re.search(r"\ba [aeiou]|^(smiling|serious)", caption)
            facts = {
                "glasses": (r"\bglasses", face["glasses"] == "round"),
                "sunglasses": ("sunglasses", face["glasses"] == "sunglasses"),
                "hat": (r"\bhat", face["hat"] == "cap"),
                "beard": ("beard", face["beard"] == "full"),
                "smiling": ("smiling", face["expression"] == "smile"),
                "serious": ("serious", face["expression"] == "neutral"),
                "long": ("long", face["style"] == "long"),
                "short": ("short", face["style"] == "short" and face["hat"] == "none"),
            }
            for name, (word, true) in facts.items():
                if re.search(word, caption):
                    assert true, (caption, face)
                    named[name] += 1
    assert len(named) == 8 and min(named.values()) > 60


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_captions_of_a_seed_stay_and_differ(preset):
    face = faces.attributes(14, preset)
    five = captions(face)
    assert len(five) == 5 and five == captions(face, 5) and five[:2] == captions(face, 2)
    assert len(set(five)) > 3
    assert five != captions({**face, "seed": 15})


def test_nuisances_are_never_named():
    text = " ".join(c for s in range(100) for c in captions(faces.attributes(s)))
    assert not re.search(r"\b(background|wall|jumper|sweater|left|right|purple|yellow)\b", text)
