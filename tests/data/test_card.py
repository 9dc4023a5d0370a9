"""The card for people: every number of set.json in words, and a sheet of pictures."""

import numpy as np
from PIL import Image

from misc.data.card import card_text, write_card
from misc.data.prepared import read_card


def test_a_prepared_set_comes_with_its_card(make_set):
    folder = make_set()
    text = (folder / "card.md").read_text()
    card = read_card(folder)
    assert text == card_text(card) and text.startswith("# tiny\n")
    assert "| train | 12 | 36 | 3 |" in text and "| test | 8 | 24 | 2 |" in text
    for words in ("drawn by the tests", "licence: ours", "split: by colour", card["checksum"]):
        assert words in text
    assert "captions a picture: 3\n" in text and "19 px (for 16 px) and 38 px (for 32 px)" in text
    assert "](card.png)" in text and "could not be used" not in text
    sheet = np.asarray(Image.open(folder / "card.png"))
    # Two rows of six pictures; the first one is red.
    assert sheet.shape[1] > 6 * 160 and sheet.shape[0] > 2 * 160
    write_card(folder)
    assert np.array_equal(np.asarray(Image.open(folder / "card.png")), sheet)


def test_what_was_left_out_is_said(tiny_set):
    card = read_card(tiny_set)
    card |= {"left_out": 3, "broken": ["a.jpg: empty"], "captions_per_picture": [1, 5]}
    text = card_text({**card, "stretch": True, "attributes": []})
    assert "left out: 3 of the raw set" in text and "- a.jpg: empty\n" in text
    assert "1 to 5" in text and "contrast stretched" in text and "attributes: none" in text
