"""Measures of retrieval by hand on lopsided sets, and their chance levels by simulation."""

from itertools import combinations

import numpy as np
import pytest

from encoder import retrieval

# Three pictures of class 0 and one of class 1; scores are what each caption says of each picture.
PICTURES = np.eye(4)
LABELS = np.array([0, 0, 0, 1])


def test_a_class_is_the_mean_of_its_captions():
    texts = np.array([[2.0, 0], [0, 1], [4, 6], [0, 0]], np.float32)
    means = retrieval.class_means(texts, np.array([1, 0, 1, 1]))
    np.testing.assert_allclose(means, [[0, 1], [2, 2]])


def test_precision_by_hand():
    # Class 0 ranks the pictures 0, 3, 1, 2 and class 1 ranks them 1, 3, 0, 2.
    classes = np.array([[9.0, 3, 2, 5], [4, 9, 1, 5]])
    expected = {1: (1, 0), 2: (1 / 2, 1 / 2), 3: (2 / 3, 1 / 3), 50: (3 / 4, 1 / 4)}
    for k, shares in expected.items():
        np.testing.assert_allclose(retrieval.precision_at(classes, PICTURES, LABELS, k), shares)
    np.testing.assert_allclose(retrieval.best_precision(LABELS, 2), [1, 1 / 2])
    np.testing.assert_allclose(retrieval.best_precision(LABELS, 50), [3 / 4, 1 / 4])


def test_ranks_by_hand():
    texts = np.array([[1.0, 5, 3, 4], [9, 5, 3, 4], [9, 5, 3, 4]])
    own, first = retrieval.ranks(texts, np.array([2, 0, 3]), LABELS[[2, 0, 3]], PICTURES, LABELS)
    assert own.tolist() == [3, 1, 3] and first.tolist() == [1, 1, 3]
    assert retrieval.recall(own, 1) == 1 / 3 and retrieval.recall(own, 3) == 1


def test_ranks_do_not_depend_on_the_block(monkeypatch):
    random = np.random.default_rng(0)
    texts, pictures = random.normal(size=(7, 3)), random.normal(size=(5, 3))
    owners, labels = random.integers(0, 5, 7), np.array([0, 0, 0, 1, 2])
    whole = retrieval.ranks(texts, owners, labels[owners], pictures, labels)
    monkeypatch.setattr(retrieval, "BLOCK", 3)
    parts = retrieval.ranks(texts, owners, labels[owners], pictures, labels)
    assert all(np.array_equal(*pair) for pair in zip(whole, parts, strict=True))


def test_an_encoder_that_tells_nothing_apart_finds_nothing():
    same = np.ones((4, 2))
    assert not retrieval.precision_at(same[:2], same, LABELS, 1).any()
    own, first = retrieval.ranks(same, np.arange(4), LABELS, same, LABELS)
    assert own.tolist() == [4] * 4 and first.tolist() == [2, 2, 2, 4]


def test_a_perfect_encoder_reaches_the_best_of_every_number():
    texts = PICTURES + 3 * (LABELS[:, None] == LABELS)
    lines = retrieval.measure(texts, np.arange(4), PICTURES, LABELS)
    numbers = {line["metric"]: line for line in lines}
    assert len(numbers) == 11
    assert all(line["value"] == pytest.approx(line["best"]) for line in lines)
    assert numbers["ap@5"]["best"] == numbers["ap@5"]["chance"] == 1 / 2
    counted = {"pictures": 4, "captions": 4, "classes": 2}
    assert all(line.items() >= counted.items() for line in lines)


def test_pictures_of_classes_without_captions_are_left_out():
    pictures, labels = np.eye(5), np.array([7, 0, 0, 9, 0])
    texts = np.array([[0, 1.0, 0, 9, 0], [0, 2, 1, 9, 0], [1, 0, 0, 0, 9]])
    lines = retrieval.measure(texts, np.array([1, 2, 0]), pictures, labels)
    assert lines[0] == {
        "metric": "zero_shot_top1",
        "value": 3 / 4,  # what stood out most, picture 3, is of class 9 and does not count
        "chance": 1 / 2,
        "best": 1.0,
        "pictures": 4,
        "captions": 3,
        "classes": 2,
    }


def test_chance_of_recall_is_a_count_of_orders():
    for n, right, k in ((6, 2, 3), (6, 1, 4), (5, 4, 2), (4, 2, 9)):
        shown = list(combinations(range(n), min(k, n)))
        hits = sum(min(some) < right for some in shown) / len(shown)
        assert retrieval.recall_by_chance(np.array([right]), n, k) == pytest.approx(hits)
    mixed = retrieval.recall_by_chance(np.array([1, 3, 3]), 6, 2)
    assert mixed == pytest.approx((2 / 6 + 2 * (1 - 3 / 15)) / 3)


def test_the_chance_of_every_number_is_what_a_blind_encoder_gets():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 3], [2, 3, 15, 40])
    owners = np.repeat([0, 2, 5, 20], 3)  # as many captions a class, so that no mean is longer
    blind = [
        [
            line["value"]
            for line in retrieval.measure(
                random.normal(size=(12, 6)), owners, random.normal(size=(60, 6)), labels
            )
        ]
        for _ in range(800)
    ]
    lines = retrieval.measure(np.ones((12, 6)), owners, np.ones((60, 6)), labels)
    chance = np.array([line["chance"] for line in lines])
    error = np.std(blind, axis=0) / np.sqrt(len(blind))
    assert np.all(np.abs(np.mean(blind, axis=0) - chance) < 4 * error + 1e-9)
    assert error.max() < 0.02


def test_nearest_rows_by_product_and_by_cosine():
    queries, rows = np.array([[1.0, 0]]), np.array([[1.0, 0], [5, 5], [0, 3], [1, 0]])
    order, products = retrieval.nearest(queries, rows, 3)
    assert order.tolist() == [[1, 0, 3]] and products.tolist() == [[5, 1, 1]]
    order, cosines = retrieval.nearest(retrieval.unit(queries), retrieval.unit(rows), 9)
    assert order.tolist() == [[0, 3, 1, 2]]
    np.testing.assert_allclose(cosines, [[1, 1, np.sqrt(0.5), 0]])
    assert retrieval.unit(np.zeros((1, 3))).tolist() == [[0, 0, 0]]
