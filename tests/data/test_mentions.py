import numpy as np

from misc.data.mentions import mentions, mentions_of
from misc.drawings import birds, faces, flowers

BIRDS, FACES = birds.attribute_names("full"), list(faces.CELEBA)


def said(caption, names):
    return dict(zip(names, mentions(caption, names).tolist(), strict=True))


def test_a_part_has_one_colour():
    answers = said("a bird with blue wings", BIRDS)
    assert answers.pop("has_wing_color::blue") == 1
    others = {name for name in BIRDS if name.startswith("has_wing_color::")}
    for name, answer in answers.items():
        assert answer == (0 if name in others else -1), name


def test_what_is_denied_what_is_said_twice_and_what_contradicts_itself():
    two = said("blue and white wings", BIRDS)
    assert sum(v == 1 for v in two.values()) == 2 and two["has_wing_color::red"] == 0
    denied = said("its wings are not blue", BIRDS)
    assert {name for name, v in denied.items() if v >= 0} == {"has_wing_color::blue"}
    assert denied["has_wing_color::blue"] == 0
    both = said("a blue wing, its wings are not blue", BIRDS)
    assert both["has_wing_color::blue"] == -1 and both["has_wing_color::red"] == 0
    crest = said("a bird without a crest", BIRDS)
    assert crest["has_crest::no"] == 1 and crest["has_crest::yes"] == 0


def test_a_value_that_the_names_do_not_know_denies_none_but_of_hair():
    assert set(said("olive wings", BIRDS).values()) == {-1}
    red = {name: v for name, v in said("red hair", FACES).items() if v >= 0}
    assert red == dict.fromkeys(("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"), 0)


def test_names_as_cub_has_them():
    names = ["has_size::small_(5_-_9_in)", "has_size::very_small_(3_-_5_in)"]
    names += ["has_primary_color::grey", "has_head_pattern::crested", "has_head_pattern::eyering"]
    names += ["has_tail_shape::forked_tail", "has_tail_shape::fan-shaped_tail"]
    names += ["has_upper_tail_color::grey"]
    caption = "a small gray bird with a forked tail, an eye ring and no crest"
    assert list(said(caption, names).values()) == [1, 0, 1, 0, 1, 1, 0, -1]


def test_unknown_names_and_empty_sentences_say_nothing():
    names = ["Eyeglasses", "Species", "has_", "has_wing_color", "", "has_wing_color::blue"]
    assert mentions("blue wings and glasses", names).tolist() == [1, -1, -1, -1, -1, 1]
    assert mentions("", names).tolist() == [-1] * 6
    nothing = mentions("blue wings", [])
    assert nothing.shape == (0,) and nothing.dtype == np.int8


def test_many_captions_are_those_of_each():
    captions = ["a red bird", "a bird with blue wings", ""]
    rows = mentions_of(captions, BIRDS)
    assert rows.shape == (3, len(BIRDS)) and rows.dtype == np.int8
    for row, caption in zip(rows, captions, strict=True):
        np.testing.assert_array_equal(row, mentions(caption, BIRDS))
    assert mentions_of([], BIRDS).shape == (0, len(BIRDS))
    assert (mentions_of(captions, flowers.attribute_names("full")) == -1).all()
