import numpy as np
import pytest

from misc.drawings.grammar import choose, distinct, listed, some, with_article


@pytest.mark.parametrize(
    "phrase, expected",
    [
        ("red crown", "a red crown"),
        ("orange belly", "an orange belly"),
        ("blue wings", "blue wings"),
        ("pink feet", "pink feet"),
        ("tuft of grass", "a tuft of grass"),
    ],
)
def test_article(phrase, expected):
    assert with_article(phrase) == expected


def test_listed():
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]


def test_some_are_different_and_as_many_as_asked():
    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(60):
        few = some(rng, "abcd", 1, 3)
        assert len(set(few)) == len(few)
        counts.add(len(few))
    assert counts == {1, 2, 3}
    assert {choose(rng, "ab") for _ in range(20)} == {"a", "b"}


def test_distinct_avoids_repeats_but_ends():
    rng = np.random.default_rng(0)
    assert len(set(distinct(lambda: str(rng.integers(20)), 8))) == 8
    assert distinct(lambda: "same", 3) == ["same"] * 3
