"""What is read of what captions name, by hand."""

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation.attributes import attribute_accuracy, questions

NAMES = ["has_wing_color::red", "has_wing_color::blue", "has_wing_color::white", "Eyeglasses"]
RED, BLUE, WHITE = [0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]
YES, NO = [0.7], [0.2]


def measure(readings, mentions, ceiling, seed=0):
    arrays = np.array(readings), np.array(mentions, np.int8), NAMES, np.array(ceiling)
    return attribute_accuracy(*arrays, seed=seed)


def test_columns_of_one_attribute_belong_together():
    assert questions(NAMES) == {"wing_color": [0, 1, 2], "Eyeglasses": [3]}
    assert questions([]) == {}


def test_shares_by_hand():
    mentions = [[1, -1, -1, -1], [0, 1, 0, 1], [-1, -1, 1, 0], [-1, -1, -1, 0], [-1] * 4]
    own = [RED + YES, BLUE + YES, WHITE + NO, RED + NO, RED + NO]
    # Of the fakes: the first red, the second's blue is not, no glasses; 5 of 6 by the last two.
    fakes = [RED + NO, RED + NO, WHITE + NO, BLUE + NO, BLUE + YES]
    found = measure(fakes, mentions, own)
    assert found.ceiling.value == 1 and found.left_out == []
    assert found.value.value == pytest.approx(4 / 6)
    assert set(found.table) == {"wing_color", "Eyeglasses"}
    assert found.table["wing_color"]["value"] == pytest.approx(2 / 3)
    assert found.table["Eyeglasses"] == {"value": 2 / 3, "ceiling": 1, "chance": 2 / 3, "n": 3}
    low, high = found.value.interval
    assert 0 <= low < 4 / 6 < high


def test_the_highest_value_counts_however_low_it_is():
    # 0.4 is the highest of its group, so white is read; a single column has to pass 0.5.
    mentions = [[-1, -1, 1, -1], [-1, -1, 1, 1]]
    found = measure([WHITE + [0.4], WHITE + [0.6]], mentions, [WHITE + YES, WHITE + YES])
    assert found.value.value == 1
    assert measure([WHITE + [0.4], WHITE + [0.4]], mentions, [WHITE + YES] * 2).value.value < 1


def test_one_of_two_named_values_is_enough_and_a_denied_one_may_not_be_read():
    both, denied = [1, 1, -1, -1], [-1, 0, -1, -1]
    found = measure([BLUE + NO, BLUE + NO], [both, denied], [RED + NO, RED + NO])
    assert found.ceiling.value == 1 and found.value.value == 0.5
    assert measure([WHITE + NO] * 2, [both, denied], [RED + NO] * 2).value.value == 0.5


def test_what_is_not_read_from_real_pictures_is_left_out():
    mentions = [[1, 0, 0, 1]] * 5
    real = [RED + YES] * 3 + [RED + NO] * 2  # glasses: 3 of 5
    found = measure([RED + NO] * 5, mentions, real)
    assert found.left_out == ["Eyeglasses"]
    assert found.table["Eyeglasses"]["ceiling"] == pytest.approx(0.6)
    assert found.value.value == 1  # of colours alone
    real = [RED + YES] * 4 + [RED + NO]  # 0.8 is enough
    found = measure([RED + NO] * 5, mentions, real)
    assert found.left_out == [] and found.value.value == 0.5


def test_chance_holds_captions_against_the_pictures_of_others():
    random = np.random.default_rng(0)
    colour = random.integers(0, 3, 600)
    readings = np.concatenate([np.eye(3)[colour], np.zeros((600, 1))], axis=1)
    mentions = np.full((600, 4), -1)
    mentions[np.arange(600), colour] = 1
    found = measure(readings, mentions, readings)
    assert found.value.value == 1 and found.chance.value == pytest.approx(1 / 3, abs=0.06)
    assert found.table["wing_color"]["chance"] == found.chance.value
    again = measure(readings, mentions, readings)
    assert np.array_equal(found.chance.replicates, again.chance.replicates)
    assert measure(readings, mentions, readings, seed=1).chance.value != found.chance.value


def test_captions_that_name_nothing_change_nothing():
    mentions = np.array([[1, -1, -1, -1], [-1, 1, -1, -1], [-1, -1, 1, 1]])
    read = np.array([RED + NO, RED + NO, WHITE + YES])
    vague = np.full((4, 4), -1)
    plain = measure(read, mentions, [RED + NO, BLUE + NO, WHITE + YES])
    more = measure(
        np.concatenate([np.tile(RED + NO, (4, 1)), read]),
        np.concatenate([vague, mentions]),
        np.concatenate([np.tile(BLUE + NO, (4, 1)), [RED + NO, BLUE + NO, WHITE + YES]]),
    )
    assert plain.table == more.table
    assert np.array_equal(plain.value.replicates, more.value.replicates)


def test_mistakes_are_named():
    said, silent = [1, -1, -1, -1], [-1] * 4
    with pytest.raises(UserError, match=r"1 of 3 captions name an attribute .*wing_color"):
        measure([RED + NO] * 3, [said, silent, silent], [RED + NO] * 3)
    with pytest.raises(UserError, match=r"reads wing_color best, 0\.50 of the time, expected 0\.8"):
        measure([RED + NO] * 2, [said, said], [RED + NO, BLUE + NO])
    with pytest.raises(ValueError, match=r"\(2, 4\) mentions of 4 attributes"):
        measure([RED + NO] * 3, [said, said], [RED + NO] * 3)
