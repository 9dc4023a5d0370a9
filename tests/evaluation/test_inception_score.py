"""The Inception score on numbers small enough to work out."""

import math

import numpy as np
import pytest

from misc.evaluation.inception_score import inception_score


def test_confident_and_varied_pictures_reach_the_number_of_classes():
    # Each picture is surely of one class, p(class) is 1/4: KL = ln 4 for all, exp(ln 4) = 4.
    assert inception_score(np.eye(4), splits=1) == (pytest.approx(4), pytest.approx(0))


def test_unsure_pictures_and_one_class_alone_give_one():
    assert inception_score(np.full((6, 3), 1 / 3), splits=2) == (pytest.approx(1), 0)
    assert inception_score(np.tile([0.0, 1.0, 0.0], (6, 1)), splits=3) == (pytest.approx(1), 0)


def test_two_rows_by_hand():
    # Mean row (0.5, 0.5); each KL is 0.75 ln 1.5 + 0.25 ln 0.5 = 0.130812; exp = 1.139753.
    mean, std = inception_score(np.array([[0.75, 0.25], [0.25, 0.75]]), splits=1)
    assert mean == pytest.approx(1.1397535, rel=1e-6)
    assert std == 0


def test_splits_are_consecutive_and_the_deviation_is_that_of_the_population():
    # First half: two sure classes, score 2. Second half: one class, score 1.
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert inception_score(rows, splits=2) == (pytest.approx(1.5), pytest.approx(0.5))
    assert inception_score(rows, splits=1)[0] == pytest.approx(
        math.exp((3 * math.log(4 / 3) + math.log(4)) / 4)  # class shares 3/4 and 1/4
    )


def test_the_order_of_the_rows_is_the_callers():
    sorted_rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert inception_score(sorted_rows, splits=2)[0] == pytest.approx(1)
    assert inception_score(sorted_rows[[0, 2, 1, 3]], splits=2)[0] == pytest.approx(2)


def test_rows_that_do_not_divide_evenly_are_all_used():
    # Seven rows in three splits: 2, 2 and 3. The last row alone differs: class shares 2/3 and 1/3.
    rows = np.tile([1.0, 0.0], (7, 1))
    rows[6] = [0.0, 1.0]
    third = math.exp((2 * math.log(3 / 2) + math.log(3)) / 3)
    assert inception_score(rows, splits=3)[0] == pytest.approx((1 + 1 + third) / 3)


def test_blurred_predictions_score_lower():
    sure = np.eye(5)[np.arange(50) % 5]
    scores = [inception_score(sure * (1 - b) + b / 5, splits=5)[0] for b in (0, 0.2, 0.5, 0.9)]
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
        inception_score(rows, splits=splits)
