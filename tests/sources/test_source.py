"""How pictures are parted when nobody has: a digest's split, and a validation split."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.picture import Picture, Pictures
from misc.sources.source import Source, card, hashed_split, with_validation

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
    with pytest.raises(UserError, match="a share of .* to keep apart"):
        hashed_split("a", share, 0)


def pictures(count, classes):
    """`count` pictures, of each class one after the other."""
    return [Picture(b"", f"p{i}", f"c{i % classes}", (f"{i}",)) for i in range(count)]


def source(train, by="class", embeddings=None):
    facts = card("tests, somewhere", "by colour", by, "ours")
    return Source({"train": train, "test": pictures(2, 1)}, facts, embeddings=embeddings or {})


def streamed(pictures):
    """The same as a stream, and the list of the times it was begun."""
    begun = []

    def make():
        begun.append(1)
        return iter(pictures)

    return Pictures(make, len(pictures)), begun


def classes(pictures):
    return {picture.class_name for picture in pictures}


def test_validation_takes_whole_classes_where_the_test_does():
    given = source(pictures(60, 20))
    parted = with_validation(given, 0.2, seed=3)
    train, held = parted.splits["train"], parted.splits["validation"]
    assert list(parted.splits) == ["train", "test", "validation"]
    assert len(held) == 12 and len(classes(held)) == 4 and not classes(held) & classes(train)
    # Nothing is lost, and all stays in its order.
    assert sorted(train + held, key=given.splits["train"].index) == given.splits["train"]
    for part in (train, held):
        places = map(given.splits["train"].index, part)
        assert all(a < b for a, b in pairwise(places))
    assert parted.splits["test"] == given.splits["test"]
    rule = "by colour; 0.2 of train is validation, by class, seed 3"
    assert parted.card == given.card | {"split_rule": rule}
    assert with_validation(given, 0.2, seed=3) == parted != with_validation(given, 0.2, seed=4)


def test_validation_takes_pictures_where_the_test_does_or_classes_are_few():
    parted = with_validation(source(pictures(60, 20), by="picture"), 0.2, seed=0)
    train, held = parted.splits["train"], parted.splits["validation"]
    assert len(held) == 12 and classes(held) & classes(train)
    few = with_validation(source(pictures(60, 2)), 0.2, seed=0)
    assert len(few.splits["validation"]) == 12
    assert classes(few.splits["train"]) == classes(few.splits["validation"]) == {"c0", "c1"}
    # No class is in train and test, but one is in train and validation.
    assert few.card["split_by"] == "picture" and "by picture, seed 0" in few.card["split_rule"]
    with pytest.raises(UserError, match="tests, somewhere: 1 pictures are too few"):
        with_validation(source(pictures(1, 1)), 0.5, seed=0)


@pytest.mark.parametrize("by", ["class", "picture"])
def test_validation_of_a_stream_is_a_stream(by):
    everything = pictures(4000, 400)
    stream, begun = streamed(everything)
    parted = with_validation(source(stream, by), 0.1, seed=0)
    assert not begun  # not gone through before it is written
    train, held = parted.splits["train"], parted.splits["validation"]
    assert isinstance(train, Pictures) and (train.count, held.count) == (3600, 400)
    assert 280 < len(list(held)) < 520 and list(held) == list(held)
    assert sorted([*train, *held], key=everything.index) == everything
    assert bool(classes(train) & classes(held)) == (by == "picture")


def test_validation_and_test_may_be_hashed_with_one_seed():
    rest = [Picture(b"", name, None, ()) for name in NAMES if hashed_split(name, 0.1, 0) == "train"]
    parted = with_validation(source(streamed(rest)[0], "picture"), 0.1, seed=0)
    assert 0.07 < len(list(parted.splits["validation"])) / len(rest) < 0.13


@pytest.mark.parametrize("listed", [True, False])
def test_embeddings_go_with_their_pictures(listed):
    everything = pictures(30, 10)
    rows = np.arange(30.0)[:, None, None] * np.ones((30, 2, 4))
    given = source(everything if listed else streamed(everything)[0])
    given = replace(given, embeddings={"text": {"train": rows, "test": rows[:2]}})
    parted = with_validation(given, 0.3, seed=1)
    assert list(parted.embeddings["text"]) == ["train", "test", "validation"]
    np.testing.assert_array_equal(parted.embeddings["text"]["test"], rows[:2])
    for split in ("train", "validation"):
        numbers = [int(picture.name[1:]) for picture in parted.splits[split]]
        np.testing.assert_array_equal(parted.embeddings["text"][split][:, 0, 0], numbers)
        if not listed:  # whoever writes the set counts on it
            assert parted.splits[split].count == len(numbers) > 0


@pytest.mark.parametrize("share", [1, -0.5, float("nan")])
def test_validation_cannot_be_all(share):
    with pytest.raises(UserError, match="a share of .* to keep apart"):
        with_validation(source(pictures(9, 3)), share, 0)
