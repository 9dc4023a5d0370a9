"""Which captions of a split are measured, and which pictures are theirs."""

from types import SimpleNamespace

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.evaluation.caption_choice import CaptionChoice


@pytest.fixture(scope="module")
def split(tiny_set):
    return open_split(tiny_set, "test")  # eight pictures, yellow and white, three captions each


def choose(split, count, seed=0):
    return CaptionChoice(split, split.embeddings("text"), count, seed)


def test_each_picture_has_one_caption_before_any_has_two(split):
    choice = choose(split, 20)
    assert sorted(choice.pictures[:8]) == list(range(8)) == sorted(choice.pictures[8:16])
    first, count = split.index["first"][choice.pictures], split.index["count"][choice.pictures]
    assert np.all((first <= choice.rows) & (choice.rows < first + count))
    assert len(set(choice.rows - first)) == 3
    assert np.array_equal(choice.rows, choose(split, 20).rows)
    assert not np.array_equal(choice.rows, choose(split, 20, seed=1).rows)
    assert len(choose(split, 3).rows) == 3


def test_pictures_without_captions_are_left_out(split):
    index = split.index.copy()
    index["count"][[0, 5]] = 0
    choice = CaptionChoice(SimpleNamespace(index=index), None, 12, 0)
    assert set(choice.pictures) == set(range(8)) - {0, 5}
    index["count"] = 0
    with pytest.raises(UserError, match="somewhere: no picture has a caption"):
        CaptionChoice(SimpleNamespace(index=index, folder="somewhere"), None, 12, 0)


def test_fakes_are_of_the_chosen_embeddings_with_numbered_noise(split):
    calls = []

    def stages(embedding, seed, start):
        calls.append((embedding, seed, start))
        return None, np.zeros((len(embedding), 4, 4, 3), np.uint8)

    choice = choose(split, 7, seed=3)
    assert [len(part) for part in choice.fakes(stages, 3)] == [3, 3, 1]
    embeddings = np.concatenate([embedding for embedding, _, _ in calls])
    assert np.array_equal(embeddings, split.embeddings("text")[choice.rows])
    assert [(seed, start) for _, seed, start in calls] == [(3, 0), (3, 3), (3, 6)]


def test_reals_are_the_captions_own_pictures_each_once(split):
    choice = choose(split, 11)
    reals = np.concatenate(list(choice.reals(32, 3)))
    assert reals.shape == (8, 32, 32, 3) and reals.dtype == np.uint8 and choice.distinct == 8
    white = split.class_names.index("white")
    # White shapes are bright in blue, yellow ones are not.
    brightest = np.sort(reals[choice.own][..., 2].reshape(11, -1))[:, -40:].mean(axis=1)
    assert np.array_equal(brightest > 180, choice.labels == white)


def test_no_count_is_a_caption_of_each_picture(split):
    assert sorted(choose(split, 0).pictures) == list(range(8))


def test_a_distinct_choice_has_at_most_a_caption_a_picture(split):
    choice = CaptionChoice(split, None, 20, 0, distinct=True)
    assert sorted(choice.pictures) == list(range(8))
    assert len(set(CaptionChoice(split, None, 5, 0, distinct=True).pictures)) == 5


def test_captions_are_those_of_the_embeddings(split):
    choice = choose(split, 20, seed=5)
    every = [c for i in range(8) for c in split.record(i)["captions"]]
    assert choice.captions() == [every[row] for row in choice.rows]


def test_the_same_pictures_have_the_same_content(split):
    content = choose(split, 0).content(32)
    assert content == choose(split, 30, seed=1).content(32)  # all eight, whichever captions
    assert len({content, choose(split, 0).content(16), choose(split, 5).content(32)}) == 3


def test_reals_of_a_size_that_is_not_stored_are_refused(split):
    with pytest.raises(UserError, match="16 and 32 px, the run's are 64 px"):
        list(choose(split, 4).reals(64, 4))
