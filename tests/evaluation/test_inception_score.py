"""The Inception score on numbers small enough to work out."""

import math

import numpy as np
import pytest
from scipy.special import softmax

from misc.evaluation.bootstrap import difference
from misc.evaluation.inception_score import inception_score


def score(rows, splits):
    return inception_score(rows, splits).value


def test_confident_and_varied_pictures_reach_the_number_of_classes():
    # Each picture is surely of one class, p(class) is 1/4: KL = ln 4 for all, exp(ln 4) = 4.
    assert score(np.eye(4), 1) == pytest.approx(4)


def test_unsure_pictures_and_one_class_alone_give_one():
    assert score(np.full((6, 3), 1 / 3), 2) == pytest.approx(1)
    assert score(np.tile([0.0, 1.0, 0.0], (6, 1)), 3) == pytest.approx(1)


def test_two_rows_by_hand():
    # Mean row (0.5, 0.5); each KL is 0.75 ln 1.5 + 0.25 ln 0.5 = 0.130812; exp = 1.139753.
    rows = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert score(rows, 1) == pytest.approx(1.1397535, rel=1e-6)


def test_splits_are_consecutive():
    # First half: two sure classes, score 2. Second half: one class, score 1.
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert score(rows, 2) == pytest.approx(1.5)
    assert score(rows, 1) == pytest.approx(
        math.exp((3 * math.log(4 / 3) + math.log(4)) / 4)  # class shares 3/4 and 1/4
    )


def test_the_order_of_the_rows_is_the_callers():
    sorted_rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert score(sorted_rows, 2) == pytest.approx(1)
    assert score(sorted_rows[[0, 2, 1, 3]], 2) == pytest.approx(2)


def test_rows_that_do_not_divide_evenly_are_all_used():
    # Seven rows in three splits: 2, 2 and 3. The last row alone differs: class shares 2/3 and 1/3.
    rows = np.tile([1.0, 0.0], (7, 1))
    rows[6] = [0.0, 1.0]
    third = math.exp((2 * math.log(3 / 2) + math.log(3)) / 3)
    assert score(rows, 3) == pytest.approx((1 + 1 + third) / 3)


def test_blurred_predictions_score_lower():
    sure = np.eye(5)[np.arange(50) % 5]
    scores = [score(sure * (1 - b) + b / 5, 5) for b in (0, 0.2, 0.5, 0.9)]
    assert scores == sorted(scores, reverse=True) and scores[-1] > 1


@pytest.mark.parametrize(
    "rows, splits",
    [
        (np.full((3, 2), np.nan), 1),
        (np.eye(3), 4),
        (np.eye(3), 0),
        (np.array([[2.0, -1.0], [0.5, 0.5]]), 1),
        (np.array([[3.0, 4.0], [1.0, 2.0]]), 1),
        (np.zeros((0, 3)), 1),
        (np.ones(3) / 3, 1),
    ],
)
def test_what_is_no_distribution_is_refused(rows, splits):
    with pytest.raises(ValueError, match="inception_score"):
        inception_score(rows, splits)


def predictions(n, seed, sharpness=2.0):
    logits = sharpness * np.random.default_rng(seed).normal(size=(n, 6))
    return softmax(logits, axis=1)


def test_blocks_and_files_make_no_difference(tmp_path):
    rows = predictions(4500, 0)
    np.save(tmp_path / "rows.npy", rows)
    mapped = inception_score(np.load(tmp_path / "rows.npy", mmap_mode="r"), 2, seed=1)
    halves = [score(half, 1) for half in (rows[:2250], rows[2250:])]
    assert mapped.value == pytest.approx(np.mean(halves))
    divergence = (rows * np.log(rows / rows.mean(axis=0))).sum(axis=1)
    assert score(rows, 1) == pytest.approx(np.exp(divergence.mean()))
    assert np.array_equal(mapped.replicates, inception_score(rows, 2, seed=1).replicates)


def test_leaving_each_picture_out_is_exact(left_out):
    rows = predictions(20, 0)
    rows[3] = np.eye(6)[2]  # with classes that it is surely not
    slow = left_out(lambda p: score(p, 1), rows, seed=5)
    assert np.allclose(inception_score(rows, 1, seed=5).replicates, slow.replicates)


def test_a_picture_counts_in_its_split_alone(left_out):
    rows = predictions(30, 0)
    slow = left_out(lambda *p: np.mean([score(one, 1) for one in p]), rows[:15], rows[15:])
    assert np.allclose(inception_score(rows, 2).replicates, slow.replicates)


def test_one_picture_a_split_is_worth_nothing_for_sure():
    assert inception_score(predictions(5, 0), 5).interval == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("splits", [1, 5])
def test_intervals_hold_what_they_say(splits, coverage):
    estimates = [inception_score(predictions(200, seed), splits, seed) for seed in range(80)]
    assert 0.88 <= coverage(estimates) <= 0.99


def test_replicates_come_from_the_seed_and_are_paired():
    rows = predictions(60, 0)
    one, again, other = (inception_score(rows, 3, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.replicates, again.replicates)
    assert not np.array_equal(one.replicates, other.replicates)
    nearly = inception_score(predictions(60, 0, sharpness=2.02), 3, seed=1)
    low, high = difference(nearly, one, paired=True).interval
    assert high - low < 0.2 * (one.interval[1] - one.interval[0])
