"""What every metric reads features by, and what it refuses."""

import numpy as np
import pytest

from misc.evaluation.blocks import blocks, check
from misc.evaluation.frechet import fid
from misc.evaluation.kid import kid
from misc.evaluation.precision_recall import precision_recall

METRICS = {"fid": (fid, 3), "kid": (kid, 3), "precision_recall": (precision_recall, 5)}


def test_blocks_are_the_rows_in_order_as_float64():
    features = np.arange(14, dtype=np.float32).reshape(7, 2)
    parts = list(blocks(features, 3))
    assert [len(part) for part in parts] == [3, 3, 1] and parts[0].dtype == np.float64
    assert np.array_equal(np.concatenate(parts), features)


@pytest.mark.parametrize(
    "fake, message",
    [
        (np.full((6, 3), np.nan), "fake features that are not finite"),
        (np.array([[0.0, 1, np.inf]] * 6), "fake features that are not finite"),
        (np.ones((6, 4)), r"features of 4 \(fake\), 3 \(real\)"),
        (np.ones((6, 0)), r"fake features: expected numbers \(n, d\), got float64 \(6, 0\)"),
        (np.ones(6), "fake features: expected numbers"),
        (np.ones((6, 3), complex), "fake features: expected numbers"),
        (np.array([["a", "b", "c"]] * 6), "fake features: expected numbers"),
    ],
)
@pytest.mark.parametrize("metric", METRICS)
def test_what_cannot_be_compared_is_refused(metric, fake, message):
    real = np.eye(6, 3)
    with pytest.raises(ValueError, match=f"{metric}: {message}"):
        METRICS[metric][0](fake, real, seed=0)


def test_a_bad_number_far_down_is_found():
    features = np.ones((5000, 2), np.float32)
    features[4999, 1] = np.nan
    with pytest.raises(ValueError, match="kid: real features that are not finite"):
        check("kid", features[:10], features, least=3)


@pytest.mark.parametrize("metric", METRICS)
def test_too_few_pictures_are_refused_and_one_more_is_enough(metric):
    function, least = METRICS[metric]
    x = np.random.default_rng(0).normal(size=(9, 2))
    for fake, real, name in ((x[: least - 1], x, "fake"), (x, x[: least - 1], "real")):
        message = f"{metric}: {least - 1} {name} pictures, needs at least {least}"
        with pytest.raises(ValueError, match=message):
            function(fake, real, seed=0)
    assert function(x[:least], x, seed=0)
