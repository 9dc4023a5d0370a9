"""R-precision on features whose neighbours are known."""

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation.colour_correlation import shuffled
from misc.evaluation.r_precision import candidates, r_precision


def directions(n, d=64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_ceiling_and_floor_of_pictures_that_are_what_their_captions_say():
    captions, classes = directions(400), np.arange(400) % 20
    pictures = 7 * captions + 0.3 * directions(400, seed=1)  # length does not matter, angle does
    assert r_precision(pictures, captions, classes, seed=0).value == 1
    order = shuffled(400, seed=0)
    floor = r_precision(pictures, captions[order], classes[order], seed=0)
    assert floor.value == pytest.approx(1 / candidates(classes), abs=0.02)
    assert floor.interval[0] <= floor.value <= floor.interval[1]


def test_against_a_plain_form():
    n, captions, classes = 90, directions(90, 8), np.arange(90) // 30
    pictures = captions + 1.5 * directions(n, 8, seed=2)
    found = r_precision(pictures, captions, classes, seed=0, among=61)  # all 60 of other classes
    cosine = (pictures / np.linalg.norm(pictures, axis=1, keepdims=True)) @ (
        captions / np.linalg.norm(captions, axis=1, keepdims=True)
    ).T
    hits = [all(cosine[i, i] > cosine[i, classes != classes[i]]) for i in range(n)]
    assert 0.1 < np.mean(hits) < 0.9
    assert found.value == pytest.approx(np.mean(hits))


def test_captions_of_the_own_class_are_no_candidates():
    # Every caption of a class is the same: against its own class nobody could win for sure.
    captions, classes = np.repeat(directions(5), 4, axis=0), np.repeat(np.arange(5), 4)
    assert r_precision(captions, captions, classes, seed=0).value == 1


def test_equally_near_captions_share():
    captions, classes = np.ones((40, 3)), np.arange(40)
    assert r_precision(captions, captions, classes, seed=0, among=8).value == pytest.approx(1 / 8)
    nothing = np.zeros((40, 3))
    assert r_precision(nothing, directions(40, 3), classes, 0, 8).value == pytest.approx(1 / 8)


def test_few_captions_give_fewer_candidates():
    assert candidates(np.arange(500) % 10) == 100
    assert candidates(np.array([0, 0, 0, 1, 1, 2])) == 4  # class 0 has three others
    assert candidates(np.array([0, 1])) == 2
    captions = directions(6)
    assert r_precision(captions, captions, np.array([0, 0, 0, 1, 1, 2]), seed=0).value == 1


def test_one_seed_gives_one_number():
    captions, classes = directions(150, 4), np.arange(150)
    pictures = captions + directions(150, 4, seed=3)
    one, same, other = (r_precision(pictures, captions, classes, s, among=10) for s in (0, 0, 1))
    assert one.value == same.value != other.value
    assert np.array_equal(one.replicates, same.replicates)
    low, high = one.interval
    spread = 2 * 1.96 * np.sqrt(one.value * (1 - one.value) / 150)
    assert high - low == pytest.approx(spread, rel=0.3)


def test_mistakes_are_named():
    with pytest.raises(UserError, match="the 4 captions are all of one class"):
        r_precision(directions(4), directions(4), np.zeros(4), seed=0)
    with pytest.raises(ValueError, match="one of 1 candidates"):
        candidates(np.arange(4), among=1)
    with pytest.raises(ValueError, match="3 classes"):
        r_precision(directions(4), directions(4), np.arange(3), seed=0)
