"""What captions of faces say, found by their phrases alone, must be read of them."""

import re
from collections import Counter

import numpy as np
import pytest

from misc.data.mentions import mentions
from misc.drawings import faces
from misc.drawings.faces_captions import AGES, HAIR_WORDS, SAID
from misc.sources.attribute_captions import attribute_captions
from misc.words import celeba
from misc.words.faces import column

# What of it says which of CelebA's names, and how, is told twice: here by hand.
TELLS = {
    ("age", "young"): {"Young": 1},
    ("age", "old"): {"Young": 0},
    ("skin", "pale"): {"Pale_Skin": 1},
    ("skin", "dark"): {"Pale_Skin": 0},
    ("face", "oval"): {"Oval_Face": 1},
    ("face", "round"): {"Oval_Face": 0},
    ("chubby", "yes"): {"Chubby": 1},
    ("double_chin", "yes"): {"Double_Chin": 1},
    ("cheekbones", "high"): {"High_Cheekbones": 1},
    ("eyes", "narrow"): {"Narrow_Eyes": 1},
    ("nose", "big"): {"Big_Nose": 1},
    ("nose", "pointed"): {"Pointy_Nose": 1},
    ("lips", "full"): {"Big_Lips": 1},
    ("brows", "bushy"): {"Bushy_Eyebrows": 1},
    ("brows", "thin"): {"Bushy_Eyebrows": 0},
    ("brow_shape", "arched"): {"Arched_Eyebrows": 1},
    ("hairline", "bangs"): {"Bangs": 1},
    ("hairline", "receding"): {"Receding_Hairline": 1},
    ("hairline", "bald"): {"Bald": 1},
    ("expression", "smile"): {"Smiling": 1},
    ("expression", "neutral"): {"Smiling": 0},
    ("expression", "frown"): {"Smiling": 0},
    ("mouth", "open"): {"Mouth_Slightly_Open": 1},
    ("glasses", "square"): {"Eyeglasses": 1},
    ("glasses", "sunglasses"): {"Eyeglasses": 1},
    ("hat", "beanie"): {"Wearing_Hat": 1},
    ("hat", "brimmed"): {"Wearing_Hat": 1},
    ("beard", "stubble"): {"5_o_Clock_Shadow": 1, "No_Beard": 0},
    ("beard", "goatee"): {"Goatee": 1, "No_Beard": 0},
    ("beard", "full"): {"No_Beard": 0},
    ("mustache", "yes"): {"Mustache": 1},
    ("sideburns", "yes"): {"Sideburns": 1},
    ("bags", "yes"): {"Bags_Under_Eyes": 1},
    ("makeup", "yes"): {"Heavy_Makeup": 1},
    ("lipstick", "yes"): {"Wearing_Lipstick": 1},
    ("blush", "yes"): {"Rosy_Cheeks": 1},
    ("earrings", "yes"): {"Wearing_Earrings": 1},
    ("necklace", "yes"): {"Wearing_Necklace": 1},
    ("necktie", "yes"): {"Wearing_Necktie": 1},
}
HAIR = {"black": "Black_Hair", "brown": "Brown_Hair", "blond": "Blond_Hair", "gray": "Gray_Hair"}


def said_of(sentence):
    row = mentions(sentence, list(faces.CELEBA)).tolist()
    return {name: value for name, value in zip(faces.CELEBA, row, strict=True) if value >= 0}


def named(caption, face):
    """What a caption of `full` says, as {CelebA's name: value}."""
    found = {}
    for fact, told in TELLS.items():
        things = [way.split(" ", 1)[1] for way in SAID[fact]]
        ways = [way.format(his=his) for way in things for his in ("his", "her")]
        if face[fact[0]] == fact[1] and any(
            re.search(rf"\b{re.escape(way)}(?![\w-])", caption) for way in ways
        ):
            found |= told
    for words, colour in ((HAIR_WORDS[c], c) for c in HAIR if c == face["hair_color"]):
        if re.search(rf"\b({'|'.join(words)}) hair", caption):
            found |= {name: int(c == colour) for c, name in HAIR.items()}
    if re.search(rf"\b({'|'.join(AGES[face['age']])}) [a-z]+\b", caption):
        found["Young"] = int(face["age"] == "young")
    if re.search(r"\b(s?he|his|her|man|woman|guy|lady|gentleman|male|female)\b", caption):
        found["Male"] = int(face["gender"] == "man")
    if re.search("clean shaven|no beard", caption):
        found["No_Beard"] = 1
    return found


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_full_captions_say_is_read(read_drawn, which):
    asked, missed = Counter(), Counter()
    for caption, (said, face) in read_drawn("faces", "full", which, 120).items():
        for name, value in named(caption, face).items():
            asked[name] += 1
            missed[name] += said[name] != value
    told = {name for facts in TELLS.values() for name in facts}
    assert set(asked) == told | {*HAIR.values(), "Male"}
    assert sum(missed.values()) < 0.01 * sum(asked.values()), missed


@pytest.mark.parametrize("which", [None, "independent"])
def test_what_easy_captions_say_is_read(read_drawn, which):
    for caption, (said, face) in read_drawn("faces", "easy", which, 80).items():
        assert said["Male"] == (face["gender"] == "man")
        for colour, name in HAIR.items():  # denied, too, where the hair is red
            assert said[name] == (face["hair_color"] == colour), caption
        asked = {"Eyeglasses": -1, "Wearing_Hat": -1, "No_Beard": -1, "Smiling": -1}
        for word, name, value in (
            ("glasses", "Eyeglasses", 1),
            ("hat", "Wearing_Hat", 1),
            ("beard", "No_Beard", 0),
            ("smiling", "Smiling", 1),
            ("serious", "Smiling", 0),
        ):
            asked[name] = value if word in caption else asked[name]
        assert said.items() >= asked.items(), caption


def test_captions_of_celebas_attributes_are_read():
    """Nothing is read that the row denies; and whatever its words alone tell is read."""
    rng, names = np.random.default_rng(0), list(faces.CELEBA)
    words = {name: [way for _, way in celeba.SMILING] for name in ("Smiling",)}
    words |= celeba.HAS | celeba.WEARS | {"Bald": ("bald", "a bald head")}
    asked, missed = Counter(), Counter()
    for number in range(150):
        draws = rng.random((2, len(names)))
        yes = draws[0] < rng.uniform(0.05, 0.6)
        row = dict(zip(names, np.where(draws[1] < 0.2, -1, yes).tolist(), strict=True))
        if number % 10 == 0:  # clean-shaven
            row |= {"Male": 1, "No_Beard": 1, "Mustache": 0, "Sideburns": 0}
            row |= {"Goatee": 0, "5_o_Clock_Shadow": 0}
        for caption in attribute_captions(row, str(number)):
            said = said_of(caption)
            for name, value in said.items():
                assert row[name] in (value, -1), (caption, name)
            for name, ways in words.items():
                if any(re.search(rf"(?<!not )\b{way}\b", caption) for way in ways):
                    asked[name] += 1
                    missed[name] += said.get(name) != 1
            for name, (noun, ways) in celeba.TRAITS.items():
                verb = "are" if noun.endswith("s") else "is"
                for way in ways:
                    if f"{way} {noun}" in caption or f"{noun} {verb} {way}" in caption:
                        asked[name] += 1
                        missed[name] += said.get(name) != 1
            for name, ways in (celeba.HAIR_COLOURS | celeba.HAIR_STYLES).items():
                if any(
                    re.search(rf"\b{way} ((straight|wavy) )?hair|hair is {way}", caption)
                    for way in ways
                ):
                    asked[name] += 1
                    missed[name] += said.get(name) != 1
            if "clean-shaven" in caption:
                asked["No_Beard"] += 1
                told = [said.get(name) for name in ("No_Beard", "Goatee", "Mustache")]
                missed["No_Beard"] += told != [1, 0, 0]
    tables = words.keys() | celeba.TRAITS.keys() | celeba.HAIR_COLOURS.keys()
    assert set(asked) == tables | celeba.HAIR_STYLES.keys() | {"No_Beard"}
    # `is not smiling and bald` may deny both.
    assert sum(missed.values()) < 0.01 * sum(asked.values()), missed


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("a face with glasses", {"Eyeglasses": 1}),
        ("the same face without glasses", {"Eyeglasses": 0}),
        ("a man with a beard", {"Male": 1, "No_Beard": 0}),
        ("no beard", {"No_Beard": 1, "Goatee": 0}),
        ("he has no hair", {"Male": 1, "Bald": 1}),
        ("a bespectacled, unsmiling person", {"Eyeglasses": 1, "Smiling": 0}),
        ("an elderly lady who doesn't smile", {"Young": 0, "Male": 0, "Smiling": 0}),
        ("a blonde woman", {"Male": 0, **{n: int(c == "blond") for c, n in HAIR.items()}}),
        ("dark brown hair", {n: int(c == "brown") for c, n in HAIR.items()}),
        ("his mouth is closed", {"Male": 1, "Mouth_Slightly_Open": 0}),
        ("she is not wearing any lipstick or earrings",
         {"Male": 0, "Wearing_Lipstick": 0, "Wearing_Earrings": 0}),
        ("her eyebrows are not bushy", {"Male": 0, "Bushy_Eyebrows": 0}),
        ("a face without makeup", {"Heavy_Makeup": 0}),
        ("a little makeup", {}),
        ("curly hair", {"Wavy_Hair": 1, "Straight_Hair": 0}),
        ("a bald-headed man with no facial hair",
         {"Male": 1, "Bald": 1, "No_Beard": 1, "Goatee": 0, "5_o_Clock_Shadow": 0, "Mustache": 0}),
    ],
)  # fmt: skip
def test_faces_as_people_describe_them(sentence, told):
    assert said_of(sentence) == told


def test_a_column_for_each_name():
    columns = [column(name) for name in faces.CELEBA]
    assert len(set(columns)) == 40 and column("has_size::small") is None
    assert column("No_Beard") == ("Beard", "no") and column("Bald") == ("Bald", "yes")
    assert column("Gray_Hair") == ("hair_color", "gray")
