"""Which captions and pictures are measured, and what the lines say."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.evaluation import measures


@pytest.fixture(scope="module")
def split(tiny_set):
    return open_split(tiny_set, "test")  # eight pictures, yellow and white, three captions each


def choose(split, count, seed=0):
    return measures.CaptionChoice(split, split.embeddings("text"), count, seed)


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
    choice = measures.CaptionChoice(SimpleNamespace(index=index), None, 12, 0)
    assert set(choice.pictures) == set(range(8)) - {0, 5}


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


def test_reals_are_the_captions_own_pictures(split):
    choice = choose(split, 11)
    reals = np.concatenate(list(choice.reals(32, 4)))
    assert reals.shape == (11, 32, 32, 3) and reals.dtype == np.uint8
    white = split.class_names.index("white")
    # White shapes are bright in blue, yellow ones are not.
    brightest = np.sort(reals[..., 2].reshape(11, -1))[:, -40:].mean(axis=1)
    assert np.array_equal(brightest > 180, split.labels[choice.pictures] == white)


def test_a_distinct_choice_has_a_caption_a_picture_where_pictures_are_few(split):
    def pictures(count):
        choice = measures.CaptionChoice(split, split.embeddings("text"), count, 0, distinct=True)
        assert len(choice.rows) == sum(map(len, choice.reals(16, 3)))
        return sorted(choice.pictures)

    assert pictures(20) == list(range(8))
    assert len(set(pictures(5))) == 5


def test_reals_of_a_size_that_is_not_stored_are_refused(split):
    with pytest.raises(UserError, match="16 and 32 px, the run's are 64 px"):
        list(choose(split, 4).reals(64, 4))


class Judge:
    """Sure of class 0 or 1, by the first pixel."""

    network, digest, accuracy = "two classes", "d", 0.9

    def __call__(self, pictures):
        return {"species": np.eye(2)[(pictures[:, 0, 0, 0] > 0).astype(int)]}


def test_scores_of_fakes_and_reals_say_how_they_were_made():
    pictures = np.zeros((8, 4, 4, 3), np.uint8)
    varied = pictures.copy()
    varied[::2] = 9
    fake, real = measures.score(Judge(), iter([pictures[:5], pictures[5:]]), iter([varied]), 2)
    assert fake["value"] == pytest.approx(1) and real["value"] == pytest.approx(2)
    assert (fake["source"], real["source"], fake["images"]) == ("fake", "real", 8)
    keys = {"metric", "source", "value", "std", "splits", "images", "network", "network_digest"}
    assert set(fake) == keys | {"classifier_accuracy", "protocol"}


def test_fewer_pictures_than_splits_are_refused():
    pictures = np.zeros((3, 4, 4, 3), np.uint8)
    with pytest.raises(UserError, match="EVAL.SPLITS is 4, but there are only 3 fake"):
        measures.score(Judge(), iter([pictures]), iter([pictures]), 4)


def test_colours_of_faithful_fakes():
    colours = np.random.default_rng(0).integers(0, 256, (200, 1, 1, 3), np.uint8)
    pictures = np.tile(colours, (1, 4, 4, 1))
    line = measures.colours(iter([pictures[:150], pictures[150:]]), iter([pictures]), seed=0)
    assert line["colour_correlation"] == pytest.approx(1) and abs(line["shuffled"]) < 0.15
    assert line["images"] == 200


def test_colours_of_fakes_that_are_all_alike_are_undefined(capsys):
    pictures = np.arange(3 * 48, dtype=np.uint8).reshape(3, 4, 4, 3)
    for fake, real in ((pictures * 0, pictures), (pictures, pictures * 0)):
        line = measures.colours(iter([fake]), iter([real]), seed=0)
        assert line["colour_correlation"] is None and line["shuffled"] is None
        assert capsys.readouterr().err.count("colour is undefined") == 1


def test_a_line_is_printed_and_kept(tmp_path, capsys):
    measures.report(tmp_path, {"metric": "a", "value": 1.5})
    measures.report(tmp_path, {"metric": "b"})
    printed = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["metric"] for line in printed] == ["a", "b"]
    assert (tmp_path / "metrics.jsonl").read_text().splitlines() == printed
    with pytest.raises(UserError, match="metrics.jsonl"):
        measures.report(tmp_path / "gone", {"metric": "c"})
