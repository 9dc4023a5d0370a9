"""Captions as indices: the published alphabet, its traps, and its speed."""

import numpy as np

from encoder.alphabet import ALPHABET, LENGTH, decode, encode, is_cut


def test_the_alphabet_is_the_published_one():
    assert len(ALPHABET) == 70
    assert [ALPHABET.index(c) + 1 for c in "az09"] == [1, 26, 27, 36]
    assert ALPHABET[46] == "\\" and ALPHABET[69] == " "


def test_the_hyphen_is_its_last_place():
    assert encode(["-"])[0, 0] == 60
    assert 37 not in encode([ALPHABET * 2])


def test_a_caption_reads_back_and_padding_is_zero():
    caption = "a red-winged bird, 3 inches (or 4) long!"
    (row,) = encode([caption])
    assert row.dtype == np.uint8 and row.shape == (LENGTH,)
    assert decode(row) == caption
    assert not row[len(caption) :].any()


def test_capitals_are_lowered_and_unknown_characters_are_zero():
    assert encode(["A Bird"]).tolist() == encode(["a bird"]).tolist()
    # Neither a letter beyond the first 128 codes nor one that is equal to "a" modulo 128.
    assert encode(["é\u00e1\t\ud800🐦"])[0, :5].tolist() == [0, 0, 0, 0, 0]


def test_long_captions_are_cut_at_201_characters():
    long = "a" * 200 + "bcd"
    (row,) = encode([long])
    assert decode(row) == "a" * 200 + "b"
    assert is_cut(long) and not is_cut(long[:LENGTH])


def test_the_first_zero_ends_what_is_read_back():
    row = encode(["a bird é which"])[0]
    assert decode(row) == "a bird "
    assert decode(row[:4]) == "a bi"  # none in it
    full = "b" * LENGTH
    assert decode(encode([full])[0]) == full


def test_captions_do_not_touch_each_other():
    captions = ["one", "", "x" * 300, "four"]
    together = encode(captions)
    assert together.shape == (4, LENGTH)
    for caption, row in zip(captions, together, strict=True):
        assert encode([caption])[0].tolist() == row.tolist()
    assert encode([]).shape == (0, LENGTH)
