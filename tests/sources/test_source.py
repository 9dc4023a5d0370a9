"""How pictures are parted when nobody has: a digest's split."""

import pytest

from misc.config.errors import UserError
from misc.sources.source import hashed_split

NAMES = [f"PetImages/Cat/{i}.jpg" for i in range(2000)]


def test_a_hashed_split_keeps_its_share_and_depends_on_name_and_seed_alone():
    first = {name: hashed_split(name, 0.1, 0) for name in NAMES}
    assert set(first.values()) == {"train", "test"}
    assert 0.08 < list(first.values()).count("test") / len(NAMES) < 0.12
    assert first == {name: hashed_split(name, 0.1, 0) for name in reversed(NAMES)}
    other = {name: hashed_split(name, 0.1, 1) for name in NAMES}
    both = sum(first[name] == other[name] == "test" for name in NAMES)
    assert 0 < both < 60  # of 200: the seeds draw apart
    # A larger share keeps the pictures of a smaller one; these are for ever.
    assert all(hashed_split(n, 0.2, 0) == "test" for n in NAMES if first[n] == "test")
    assert [hashed_split(str(i), 0.5, 0) for i in range(4)] == ["train", "test", "test", "train"]


def test_names_that_are_no_text_are_parted_too():
    assert hashed_split("\udcff.jpg", 0.5, 0) in ("train", "test")


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_of_nothing_or_all(share):
    with pytest.raises(UserError, match="a test share of"):
        hashed_split("a", share, 0)
