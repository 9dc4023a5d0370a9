"""Sentences from CelebA's attributes, read here without the code that wrote them."""

import re
from collections import Counter

import numpy as np
import pytest

from misc.sources.attribute_captions import attribute_captions

NAMES = """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose
Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee
Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard
Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair
Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie
Young""".split()
UNSAID = {"Attractive", "Blurry", "Chubby"}
# Read in this order, each taken out of the sentence; what they claim, as (attribute, value).
CLAIMS = [
    (r"not smiling", ("Smiling", 0)),
    (r"smiling|smile", ("Smiling", 1)),
    (r"clean-shaven", ("No_Beard", 1), ("Male", 1), ("Goatee", 0), ("Mustache", 0)),
    (r"beard|bearded", ("No_Beard", 0), ("Goatee", 0), ("5_o_Clock_Shadow", 0)),
    (r"facial hair", ("No_Beard", 0)),
    (r"stubbly chin|stubble|five o'clock shadow", ("5_o_Clock_Shadow", 1)),
    (r"goatee", ("Goatee", 1)),
    (r"mustache|moustache", ("Mustache", 1)),
    (r"sideburns", ("Sideburns", 1)),
    (r"bald head|bald", ("Bald", 1)),
    (r"receding hairline", ("Receding_Hairline", 1)),
    (r"bangs|fringe", ("Bangs", 1)),
    (r"bags under the eyes", ("Bags_Under_Eyes", 1)),
    (r"(arched|curved) eyebrows|eyebrows are (arched|curved)", ("Arched_Eyebrows", 1)),
    (r"(bushy|thick) eyebrows|eyebrows are (bushy|thick)", ("Bushy_Eyebrows", 1)),
    (r"(full|big|thick) lips|lips are (full|big|thick)", ("Big_Lips", 1)),
    (r"(big|large) nose|nose is (big|large)", ("Big_Nose", 1)),
    (r"(pointy|pointed) nose|nose is (pointy|pointed)", ("Pointy_Nose", 1)),
    (r"(high|prominent) cheekbones|cheekbones are (high|prominent)", ("High_Cheekbones", 1)),
    (r"(slightly|half) open mouth|mouth is (slightly|half) open", ("Mouth_Slightly_Open", 1)),
    (r"narrowed eyes|narrow eyes|eyes are (narrowed|narrow)", ("Narrow_Eyes", 1)),
    (r"oval face|face is oval", ("Oval_Face", 1)),
    (r"(pale|fair) skin|skin is (pale|fair)", ("Pale_Skin", 1)),
    (r"(rosy|pink) cheeks|cheeks are (rosy|pink)", ("Rosy_Cheeks", 1)),
    (r"double chin", ("Double_Chin", 1)),
    (r"a pair of glasses|eyeglasses|glasses", ("Eyeglasses", 1)),
    (r"heavy makeup|heavy make-up|a lot of makeup", ("Heavy_Makeup", 1)),
    (r"earrings", ("Wearing_Earrings", 1)),
    (r"hat", ("Wearing_Hat", 1)),
    (r"lipstick", ("Wearing_Lipstick", 1)),
    (r"necklace", ("Wearing_Necklace", 1)),
    (r"tie|necktie", ("Wearing_Necktie", 1)),
    (r"young", ("Young", 1)),
    (r"older|mature", ("Young", 0)),
    (r"man|guy|gentleman|he|his", ("Male", 1)),
    (r"woman|lady|she|her", ("Male", 0)),
    (r"black|dark", ("Black_Hair", 1)),
    (r"blond|blonde|fair", ("Blond_Hair", 1)),
    (r"brown", ("Brown_Hair", 1)),
    (r"gray|grey", ("Gray_Hair", 1)),
    (r"straight", ("Straight_Hair", 1)),
    (r"wavy", ("Wavy_Hair", 1)),
]
SMALL_WORDS = set(
    """a an the this is are and with who has wears wearing of here hair photo picture portrait face
    person their""".split()
)


def claims(caption):
    """What a sentence says, as (attribute, value); every word of it must be accounted for."""
    found = set()
    for pattern, *said in CLAIMS:
        caption, times = re.subn(rf"\b(?:{pattern})\b", "", caption)
        found.update(said if times else ())
    assert set(re.findall(r"[^\s.,]+", caption)) <= SMALL_WORDS, caption
    return found


def random_row(rng, yes=0.25, unknown=0.0):
    draws = rng.random((len(NAMES), 2))
    return {
        name: -1 if b < unknown else int(a < yes) for name, (a, b) in zip(NAMES, draws, strict=True)
    }


@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_all_that_is_said_is_true(unknown):
    rng, said = np.random.default_rng(1), Counter()
    for number in range(300):
        row = random_row(rng, rng.uniform(0.05, 0.6), unknown)
        for caption in attribute_captions(row, f"{number:06d}"):
            for name, value in claims(caption):
                assert row[name] == value, (caption, name)
                said[name] += 1
    assert set(said) == set(NAMES) - UNSAID


def test_captions_do_not_contradict_themselves_or_each_other():
    rng = np.random.default_rng(2)
    colours = {"Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"}
    beards = {"Goatee", "5_o_Clock_Shadow"}
    for number in range(200):
        row = random_row(rng, 0.5)
        captions = attribute_captions(row, str(number), count=20)
        said = set().union(*map(claims, captions))
        yes = {name for name, value in said if value == 1}
        assert len(yes & colours) <= 1 and not yes >= {"Straight_Hair", "Wavy_Hair"}
        assert not yes >= {"Bangs", "Receding_Hairline"}
        if "Bald" in yes:
            assert not yes & {*colours, "Straight_Hair", "Wavy_Hair", "Bangs", "Receding_Hairline"}
        if row["No_Beard"] or not row["Male"]:
            assert not yes & beards and ("No_Beard", 0) not in said
        if not row["Male"]:
            assert not yes & {"No_Beard", "Mustache", "Sideburns"}


@pytest.mark.parametrize(
    ("row", "words", "never"),
    [
        ({"No_Beard": 0, "Goatee": 0, "5_o_Clock_Shadow": 0}, "beard", "goatee|stubble|facial"),
        ({"No_Beard": 0}, "facial hair", r"beard"),
        ({"No_Beard": 0, "Goatee": 1}, "goatee", r"\bbeard|facial"),
        ({"No_Beard": 0, "5_o_Clock_Shadow": 1}, "stubble", r"\bbeard|facial"),
        ({"No_Beard": 1, "Goatee": 0, "5_o_Clock_Shadow": 0, "Mustache": 0, "Sideburns": 0},
         "clean-shaven", r"\bbeard|facial"),
        ({"No_Beard": 1, "Mustache": 1}, "mustache", r"shaven|\bbeard|facial"),
        ({"No_Beard": 1}, "man", r"shaven|beard|facial"),
    ],
)  # fmt: skip
def test_what_no_beard_means(row, words, never):
    text = " | ".join(attribute_captions({"Male": 1, **row}, "a", count=60))
    assert words in text and not re.search(never, text)


def test_captions_are_partial_and_vary():
    rng = np.random.default_rng(3)
    counts, sentences = Counter(), set()
    for number in range(200):
        row = random_row(rng) | {"Male": number % 2, "Smiling": 1, "Eyeglasses": 1, "Oval_Face": 1}
        captions = attribute_captions(row, str(number))
        assert len(captions) == 10 and len(set(captions)) >= 9
        sentences.update(captions)
        for caption in captions:
            counts[len({n for n, value in claims(caption) if value} - {"Male", "Young"})] += 1
    # Up to five things, of which the hair's colour and style are one.
    assert max(counts) == 6 and min(counts[n] for n in range(6)) > 20
    assert 0.03 < counts[0] / 2000 < 0.15
    assert len(sentences) > 1800


def test_the_grammar_is_english():
    rng = np.random.default_rng(4)
    for number in range(150):
        row = random_row(rng, 0.4, 0.2)
        for caption in attribute_captions(row, str(number)):
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]| ,|,,|  |\.\.|[.,]$", caption), caption
            assert not re.search(r"\b(a|an) (hair|skin|glasses|lips|eyes|stubble)\b", caption)
            assert caption == caption.lower().strip() and caption.isascii()


def test_seed_and_name_alone_decide():
    row = random_row(np.random.default_rng(5))
    ten = attribute_captions(row, "000007", seed=3)
    assert attribute_captions(row, "000007", seed=3, count=4) == ten[:4]
    assert attribute_captions(dict(reversed(row.items())), "000007", seed=3) == ten
    assert attribute_captions(row, "000008", seed=3) != ten
    assert attribute_captions(row, "000007", seed=-4) != ten


def test_somebody_of_whom_nothing_is_known():
    captions = attribute_captions({"Attractive": 1, "Species": 1, "Male": -1}, "x")
    assert {"a person", "a photo of a person"} <= set(captions)
    assert all(claims(caption) == set() for caption in captions)
