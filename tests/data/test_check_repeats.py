"""Who repeats whom: the first of a group stays, and likeness is not passed on."""

from pathlib import Path

import numpy as np
import pytest

from misc.data.check_facts import COARSE, FACTS
from misc.data.check_repeats import confirm, near_repeats, repeats
from misc.data.prepared import open_split


def as_lists(found):
    return found.pictures.tolist(), found.of.tolist()


def test_all_but_the_first_of_a_group_repeat_it():
    assert as_lists(repeats(np.array([7, 3, 7, 3, 7, 1]))) == ([2, 3, 4], [0, 1, 0])
    places = np.array([10, 11, 20, 31])
    assert as_lists(repeats(np.array([5, 5, 4, 5]), places)) == ([11, 31], [10, 10])
    assert as_lists(repeats(np.array([], np.uint64))) == ([], [])


@pytest.fixture
def facts():
    """Six pictures of one code and grid, which no mirrored one has."""
    facts = np.zeros(6, FACTS)
    facts["code"], facts["mirrored"] = 0, 2**64 - 1
    ramp = np.arange(COARSE * COARSE * 3).reshape(COARSE, COARSE, 3)
    facts["grid"] = 5 * ramp
    return facts


def near(facts, alike, places=None):
    """What `near_repeats` makes of pairs that a closer look finds alike; the pairs it looks at."""
    asked = []

    def run(function, tasks):
        assert function is confirm
        for folder, pairs in tasks:
            assert folder == Path("set")
            asked.extend((a[1], b[1], mirrored) for a, b, mirrored in pairs)
            yield np.array([(a[1], b[1]) in alike for a, b, _ in pairs])

    places = np.arange(len(facts)) if places is None else places
    found = near_repeats(facts, places, lambda place: ("train", int(place)), Path("set"), run)
    return as_lists(found), asked


def test_likeness_is_not_passed_on(facts):
    found, asked = near(facts, {(0, 1), (1, 2), (2, 3), (0, 5), (2, 5)})
    # 2 is like 1, which is gone; 3 is like 2, which stays; 5 is like two that stay.
    assert found == ([1, 3, 5], [0, 2, 0])
    # Nobody is compared with 1, 3 or 5, nor with one of which it is not known yet.
    assert asked == [(0, j, 0) for j in range(1, 6)] + [(2, 3, 0), (2, 4, 0)]


def test_of_many_copies_each_is_compared_with_the_first_alone():
    facts = np.zeros(80, FACTS)
    facts["mirrored"] = 2**64 - 1
    facts["grid"] = 5 * np.arange(COARSE * COARSE * 3).reshape(COARSE, COARSE, 3)
    copies = {(i, j) for j in range(80) for i in range(j)}
    found, asked = near(facts, copies)
    assert found == (list(range(1, 80)), [0] * 79) and len(asked) == 79


def test_only_the_places_asked_for_are_compared(facts):
    found, asked = near(facts, {(1, 4), (0, 1)}, np.array([1, 4, 5]))
    assert found == ([4], [1]) and asked == [(1, 4, 0), (1, 5, 0)]
    assert near(facts, set(), np.array([], int)) == (([], []), [])


def test_a_mirrored_picture_is_looked_at_mirrored(facts):
    facts["code"] = np.uint64(1) << np.arange(0, 60, 10, dtype=np.uint64)
    facts["code"] *= np.uint64(2**10 - 1)
    facts["mirrored"][4] = facts["code"][1]
    facts["grid"][4] = facts["grid"][1, :, ::-1]
    found, asked = near(facts, {(1, 4)})
    assert asked == [(1, 4, 1)] and found == ([4], [1])


def test_colours_that_differ_need_no_closer_look(facts):
    facts["grid"][1:] = facts["grid"][1:, ::-1]
    facts["grid"][2:, 0, 0] = np.array([0, 60, 120, 250])[:, None]
    assert near(facts, set())[1] == []


def test_a_closer_look_tells_copies_from_others(tiny_set):
    split = open_split(tiny_set, "train")
    pairs = [(("train", 0), ("train", i), 0) for i in range(len(split))]
    assert confirm((tiny_set, pairs)).tolist() == [True] + [False] * 11
    pairs = [(("train", 0), ("test", 0), 0), (("train", 3), ("train", 3), 1)]
    assert confirm((tiny_set, pairs)).tolist() == [False, False]
