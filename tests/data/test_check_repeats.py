"""Who repeats whom: the first of a group stays, and likeness is not passed on."""

from pathlib import Path

import numpy as np
import pytest

from misc.data import check_repeats
from misc.data.check_alike import CELLS, CROWD, alike, grid_of
from misc.data.check_facts import COARSE, FACTS, stored_picture
from misc.data.check_repeats import closer, near_repeats, repeats
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


@pytest.fixture
def near(monkeypatch):
    """`near_repeats` with a closer look that finds only some pairs alike; the pairs compared."""

    def near(facts, same, places=None):
        asked = []

        class Executor:
            @staticmethod
            def map(function, tasks):
                assert function is closer
                for folder, addresses in tasks:
                    assert folder == Path("set")
                    assert {split for split, _ in addresses} == {"train"}
                    grids = np.zeros((len(addresses), CELLS, CELLS, 3), np.uint8)
                    for grid, (_, row) in zip(grids, addresses, strict=True):
                        # Whose it is; the first column tells whether it is mirrored.
                        grid[:, :, 0], grid[:, :, 1] = divmod(row, 256)
                        grid[:, -1, 2] = 1
                    yield grids

        def compare(a, b):
            if a.shape[1] == COARSE:
                return alike(a, b)
            ((high, low, mirrored),) = a[:, 0, 0].tolist()
            i = high * 256 + low
            assert not mirrored
            some = [(i, high * 256 + low, mirrored) for high, low, mirrored in b[:, 0, 0].tolist()]
            asked.extend(some)
            return np.array([(i, j) in same for i, j, _ in some])

        monkeypatch.setattr(check_repeats, "alike", compare)
        places = np.arange(len(facts)) if places is None else places
        found = near_repeats(
            facts, places, lambda place: ("train", int(place)), Path("set"), Executor
        )
        return as_lists(found), asked

    return near


@pytest.fixture(params=["few", "crowded"])
def crowd(request, monkeypatch):
    """Pairs come from the list of all, or are made when they are asked for."""
    if request.param == "crowded":
        monkeypatch.setattr("misc.data.check_alike.CROWD", 1)


@pytest.mark.usefixtures("crowd")
def test_likeness_is_not_passed_on(facts, near):
    found, asked = near(facts, {(0, 1), (1, 2), (2, 3), (0, 5), (2, 5)})
    # 2 is like 1, which is gone; 3 is like 2, which stays; 5 is like two that stay.
    assert found == ([1, 3, 5], [0, 2, 0])
    assert asked == [*((0, j, 0) for j in range(1, 6)), (2, 3, 0), (2, 4, 0)]


@pytest.mark.usefixtures("crowd")
def test_only_the_places_asked_for_are_compared(facts, near):
    found, asked = near(facts, {(1, 4), (0, 1)}, np.array([1, 4, 5]))
    assert found == ([4], [1]) and asked == [(1, 4, 0), (1, 5, 0)]
    assert near(facts, set(), np.array([4, 5])) == (([], []), [(4, 5, 0)])
    assert near(facts, set(), np.array([], int)) == (([], []), [])


@pytest.mark.usefixtures("crowd")
def test_a_mirrored_picture_is_looked_at_mirrored(facts, near):
    facts["code"] = np.uint64(1) << np.arange(0, 60, 10, dtype=np.uint64)
    facts["code"] *= np.uint64(2**10 - 1)
    facts["mirrored"][4] = facts["code"][1]
    facts["grid"][4] = facts["grid"][1, :, ::-1]
    found, asked = near(facts, {(1, 4)})
    assert asked == [(1, 4, 1)] and found == ([4], [1])


@pytest.mark.usefixtures("crowd")
def test_colours_that_differ_need_no_closer_look(facts, near):
    facts["grid"][1:] = facts["grid"][1:, ::-1]
    facts["grid"][2:, 0, 0] = np.array([0, 60, 120, 250])[:, None]
    assert near(facts, set())[1] == []


def test_many_copies_are_compared_with_the_first_alone(facts, near):
    """Far more than are a crowd, of two pictures that take turns; each is compared once."""
    many = np.tile(facts[:2], 2 * CROWD)
    many["code"][1::2] = 2**40 - 1
    many["mirrored"] ^= np.uint64(1) << (np.arange(len(many), dtype=np.uint64) % np.uint64(60))
    same = {(i, j) for i in (0, 1) for j in range(i + 2, len(many), 2)}
    found, asked = near(many, same)
    assert found == (list(range(2, len(many))), [0, 1] * (2 * CROWD - 1))
    assert sorted(asked) == sorted((i, j, 0) for i, j in same)


def test_a_crowd_gives_what_all_pairs_give(near, monkeypatch):
    random = np.random.default_rng(0)
    facts = np.zeros(60, FACTS)
    facts["code"] = random.integers(0, 2**64, 4, np.uint64)[random.integers(4, size=60)]
    facts["mirrored"] = random.permutation(facts["code"])
    for name in ("code", "mirrored"):
        for _ in range(2):
            facts[name] ^= np.uint64(1) << random.integers(0, 64, 60).astype(np.uint64)
    same = {tuple(pair) for pair in np.sort(random.integers(60, size=(400, 2))).tolist()}
    found, asked = near(facts, same)
    assert len(found[0]) > 9 and {mirrored for *_, mirrored in asked} == {0, 1}
    for most in (20, 12, 5, 1):
        monkeypatch.setattr("misc.data.check_alike.CROWD", most)
        again = near(facts, same)
        assert again[0] == found and sorted(again[1]) == sorted(asked)


def test_a_closer_look_gives_grids_in_the_order_asked_for(tiny_set):
    splits = {name: open_split(tiny_set, name) for name in ("train", "test")}
    addresses = [("train", 3), ("test", 1), ("train", 0), ("train", 3)]
    grids = closer((tiny_set, addresses))
    for grid, (name, row) in zip(grids, addresses, strict=True):
        assert np.array_equal(grid, grid_of(stored_picture(splits[name], row, 19)))
    assert alike(grids[:1], grids).tolist() == [True, False, False, True]
