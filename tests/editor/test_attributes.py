"""Attributes by name: counts, questions, what flags and sentences ask for."""

import numpy as np
import pytest

from editor.attributes import asked, check_name, count, named_in, question, usable
from misc.config.errors import UserError

COLOURS = [f"has_wing_color::{colour}" for colour in ("blue", "red", "white", "black")]


def test_counts_and_what_is_too_rare():
    labels = np.array([[1, 1, -1]] * 10 + [[0, 1, 0]] * 9 + [[0, 0, 1]] * 9, np.int8)
    counts = count(labels, ["a", "b", "c"])
    assert counts == {"a": (10, 18, 0), "b": (19, 9, 0), "c": (9, 9, 10)}
    assert usable(counts) == ["a"]


def test_names_that_answer_one_question():
    assert question(COLOURS[0]) == question(COLOURS[1]) != question("has_bill_shape::cone")
    assert question("Blond_Hair") == question("Gray_Hair") != question("Smiling")
    assert question("Eyeglasses") == "Eyeglasses"


def test_an_unknown_name_is_answered_with_those_near():
    check_name("Smiling", {"Smiling": 1})
    with pytest.raises(UserError, match=r"'smiling' .* \(nearest: Smiling\)"):
        check_name("smiling", ["Smiling", "Male"])
    with pytest.raises(UserError, match="nearest: has_wing_color::blue"):
        check_name("wing_color::blue", COLOURS)
    with pytest.raises(UserError, match="'Tail' is not an attribute of the set; --list"):
        check_name("Tail", ["Smiling"])


def test_edits_are_read():
    assert asked(["Smiling=+1", "Eyeglasses=-0.5", f"{COLOURS[0]}=2"]) == {
        "Smiling": 1.0,
        "Eyeglasses": -0.5,
        COLOURS[0]: 2.0,
    }


@pytest.mark.parametrize("edit", ["Smiling", "Smiling=", "Smiling=much", "Smiling=nan", "a=11"])
def test_an_edit_that_is_no_number_of_steps(edit):
    with pytest.raises(UserError, match=f"--edit {edit}: expected NAME=STEPS, a number from -10"):
        asked([edit])


def test_an_attribute_is_edited_once():
    with pytest.raises(UserError, match="names Smiling twice"):
        asked(["Smiling=1", "Smiling=-1"])


def test_a_sentence_moves_towards_what_it_names_and_away_from_what_it_denies():
    names = ["Eyeglasses", "Smiling", "Male", "Blond_Hair", "Black_Hair", "Wearing_Hat"]
    steps = named_in("a smiling woman without glasses", names)
    assert steps == {"Smiling": 1.0, "Eyeglasses": -1.0, "Male": -1.0}
    # Blond hair is not black, which the direction of the blond knows already.
    assert named_in("a man with blond hair", names) == {"Male": 1.0, "Blond_Hair": 1.0}


def test_a_colour_of_a_bird_denies_the_others_silently():
    assert named_in("a bird with blue wings", COLOURS) == {COLOURS[0]: 1.0}
    both = named_in("this bird has blue and white wings", COLOURS)
    assert both == {COLOURS[0]: 1.0, COLOURS[2]: 1.0}


def test_a_sentence_that_names_nothing():
    with pytest.raises(UserError, match="--toward 'a nice day' names no attribute"):
        named_in("a nice day", COLOURS)
