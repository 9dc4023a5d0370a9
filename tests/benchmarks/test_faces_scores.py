"""What the faces' benchmark counts, with numbers that can be checked by hand."""

from itertools import islice

import numpy as np
import pytest

from benchmarks.faces_scores import answers, scores, seen, varied
from misc.config.errors import UserError
from misc.evaluation.bootstrap import draws

NAMES = ["Black_Hair", "Bald", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Male", "No_Beard"]


def test_what_captions_ask_for():
    said = np.array(
        [
            [1, -1, 0, 0, 0, 1, 0],
            [0, -1, 0, 0, 0, 0, -1],  # of red hair
            [0, -1, 0, 0, 1, -1, 1],
            [1, -1, 1, 0, 0, 1, -1],  # two colours
        ],
        np.int8,
    )
    found = {word: values.tolist() for word, values in answers(said, NAMES).items()}
    wanted = {"hair colour": [0, -1, 3, -1], "beard": [1, -1, 0, -1], "sex": [1, 0, -1, 1]}
    assert found == wanted  # and nothing of words that the names lack


def test_what_an_oracle_sees():
    readings = np.array([[0.2, 0.9, 0.1, 0.4, 0.3, 0.6, 0.7], [0.1, 0, 0.2, 0.0, 0.0, 0.5, 0.2]])
    found = {word: values.tolist() for word, values in seen(readings, NAMES).items()}
    assert found == {"hair colour": [2, 1], "beard": [0, 1], "sex": [1, 0]}


def the_slow_way(wanted, shown):
    """Value and chance, caption by caption."""
    right = [
        (shown[i] == answer, np.mean([shown[j] == answer for j in range(len(shown)) if j != i]))
        for i, answer in enumerate(wanted)
        if answer >= 0
    ]
    return np.mean(right, axis=0)


@pytest.fixture
def people():
    """200 captions; glasses are said of half of those who have them, and drawn of most said."""
    random = np.random.default_rng(0)
    hair = random.integers(-1, 4, 200)
    has = random.integers(0, 2, 200)
    says = np.where((has == 1) & (random.random(200) < 0.5), 1, -1)
    drawn = (random.random(200) < np.where(says == 1, 0.9, 0.3)).astype(int)
    colours = np.where(random.random(200) < 0.6, hair, random.integers(0, 4, 200)) % 4
    return {
        "asked": {"hair colour": hair, "eyeglasses": says},
        "shown": {"hair colour": colours, "eyeglasses": drawn},
        "real": {"hair colour": hair % 4, "eyeglasses": has},
        "labels": {"hair colour": hair, "eyeglasses": has},
    }


def test_shares_against_those_of_other_captions(people):
    found = scores(**people, seed=3)
    for word, one in found.items():
        wanted, shown = people["asked"][word], people["shown"][word]
        value, chance = the_slow_way(wanted, shown)
        assert one.asked == (wanted >= 0).sum() and one.ceiling == 1.0
        assert (one.value, one.chance) == pytest.approx((value, chance))
        assert one.gain.value == pytest.approx(value - chance)
        best = the_slow_way(wanted, people["real"][word])
        assert one.real_gain == pytest.approx(best[0] - best[1])
        low, high = one.gain.interval
        assert 0 < low < one.gain.value < high < 1
        drawn = [the_slow_way(wanted[i], shown[i]) for i in islice(draws(200, 3), 4)]
        np.testing.assert_allclose(one.gain.replicates[:4], [v - c for v, c in drawn])


def test_words_that_are_only_affirmed(people):
    found = scores(**people, seed=3)
    assert found["hair colour"].contrast is None
    told = found["eyeglasses"].contrast
    says, has = people["asked"]["eyeglasses"] == 1, people["labels"]["eyeglasses"] == 1
    drawn = people["shown"]["eyeglasses"]
    assert (told.said, told.lacking) == (says.sum(), (~has).sum())
    assert told.affirmed == drawn[says].mean() == found["eyeglasses"].value
    assert told.absent == drawn[~has].mean()  # not of those who have them and are not said to
    assert told.difference.value == told.affirmed - told.absent
    assert told.difference.interval[0] > 0.3
    people["asked"]["eyeglasses"][0] = 0
    assert scores(**people, seed=3)["eyeglasses"].contrast is None


def test_a_beard_is_missed_on_men():
    beard, sex = np.array([1, 1, -1, -1, -1, -1]), np.array([1, 1, 1, 1, 0, 0])
    given = {"beard": beard, "sex": sex}
    drawn = {"beard": np.array([1, 1, 1, 0, 0, 0]), "sex": sex}
    labels = {"beard": np.array([1, 1, 0, 0, 0, 0]), "sex": sex}
    told = scores(given, drawn, drawn, labels, seed=0)["beard"].contrast
    assert (told.said, told.lacking, told.affirmed, told.absent) == (2, 2, 1.0, 0.5)


def test_words_that_nobody_asks_for_are_left_out():
    nothing, something = np.full(5, -1), np.array([1, 0, 1, -1, -1])
    given = {"hat": nothing, "smile": something}
    drawn = {word: np.array([1, 0, 1, 0, 1]) for word in given}
    assert list(scores(given, drawn, drawn, drawn, seed=0)) == ["smile"]
    given["smile"] = nothing
    with pytest.raises(UserError, match="fewer than two of 5 test captions ask for any of hair"):
        scores(given, drawn, drawn, drawn, seed=0)


def test_captions_on_the_sheet_are_varied():
    hair = np.array([0, 0, 0, 1, 1, 2, -1])
    hat = np.array([1, 1, -1, 1, 1, 1, -1])
    assert varied({"hair colour": hair, "hat": hat}, 5) == [0, 6, 3, 5, 2]
    assert sorted(varied({"hair colour": hair, "hat": hat}, 20)) == list(range(7))
