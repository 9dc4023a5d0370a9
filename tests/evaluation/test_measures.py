"""From what judges say to lines: what each tells, and what is refused."""

import json

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.evaluation.measures import Judged, measure, needed

FACTS = {
    "network": {"judge": "net-clean", "network": "net", "network_digest": "d"},
    "classifier": {"judge": "classifier-1", "network": "two classes", "network_digest": "e"},
    "colour": {"judge": "middle-half"},
}


def judged(n=40, n_real=30, shift=0.0, **more):
    random = np.random.default_rng(0)
    fake = {"network/features": random.normal(shift, 1, (n, 5)).astype(np.float32)}
    real = {"network/features": random.normal(0, 1, (n_real, 5)).astype(np.float32)}
    for rows, count in ((fake, n), (real, n_real)):
        rows["network/probabilities"] = random.dirichlet(np.ones(4), count)
        rows["colour/mean"] = random.random((count, 3))
    return Judged(fake, real, FACTS, **more)


def lines(metrics, judged, seed=0, splits=2):
    return [line for line, _ in measure(metrics, judged, seed, splits)]


def test_every_line_says_how_it_was_made():
    own = np.arange(40) % 30
    for line in lines(["is", "fid", "kid", "pr", "colour"], judged(own=own), seed=3):
        assert json.loads(json.dumps(line)).keys() >= {"metric", "value", "interval", "protocol"}
        low, high = line["interval"]
        assert low <= line["value"] <= high and (line["n"], line["n_real"]) == (40, 30)
        assert line["seed"] == 3 and line["protocol"].split("/")[0] == line["metric"]
        if line["metric"] != "colour":
            assert line["protocol"].split("/")[1] == "net-clean" and line["network_digest"] == "d"


def test_what_is_told_beside_the_values():
    score, frechet, kernel, manifold = lines(["is", "fid", "kid", "pr"], judged())
    assert 1 <= score["real"] <= 4 and score["splits"] == 2
    assert frechet["extrapolated"] < frechet["value"]
    assert kernel["subset_size"] == 30
    assert 0 <= manifold["recall"] <= 1 and 0 <= manifold["precision"] <= 1 and manifold["k"] == 3


def test_distances_grow_with_the_difference():
    near, far = (lines(["fid", "kid"], judged(shift=shift)) for shift in (0.0, 2.0))
    assert all(f["value"] > n["value"] + 1 for n, f in zip(near, far, strict=True))


def test_the_sets_classifier_gives_the_score_if_there_is_one():
    both = judged()
    for rows, classes in ((both.fake, [0] * 40), (both.real, [0, 1] * 15)):
        rows["classifier/species"] = np.eye(2)[classes]
    (line,) = lines(["is"], both, splits=1)
    assert line["value"] == pytest.approx(1) and line["real"] == pytest.approx(2)
    assert line["network"] == "two classes"
    assert needed(["is", "kid"], classifier=True) == {"classifier", "network"}
    assert needed(["is"], classifier=False) == {"network"}


def test_scores_do_not_depend_on_the_order_of_classes():
    # Class by class, each split would hold one class and score 1.
    both = judged(n=40, n_real=40)
    for rows in (both.fake, both.real):
        rows["classifier/species"] = np.repeat(np.eye(4), 10, axis=0)
    (line,) = lines(["is"], both, splits=4)
    assert line["value"] > 3


def test_colours_of_faithful_fakes_and_of_plain_ones():
    own = np.arange(40) % 30
    faithful, plain = judged(own=own), judged(own=own)
    faithful.fake["colour/mean"] = faithful.real["colour/mean"][own] * 2 + 1
    plain.fake["colour/mean"] = np.ones((40, 3))
    (line,) = lines(["colour"], faithful)
    assert line["value"] == pytest.approx(1) and abs(line["shuffled"]) < 0.5
    (line,) = lines(["colour"], plain)
    assert line["value"] == 0 and line["interval"] == [0, 0]


def test_diversity_is_told_beside_that_of_other_captions_and_of_real_pictures():
    several = np.zeros((4, 3, 5))
    several[:, 0, 0] = 2  # distances 2, 2, 0 in each caption
    facts = {"own": np.arange(30), "several": several}
    both = judged(n=30, labels=np.arange(30) // 2, **facts)
    both.real["network/features"] = np.repeat(np.arange(30.0) % 2 * 3, 5).reshape(30, 5)
    (line,) = lines(["diversity"], both)
    assert line["value"] == pytest.approx(4 / 3) and line["interval"] == pytest.approx([4 / 3] * 2)
    assert (line["captions"], line["copies"], line["n"], line["n_real"]) == (4, 3, 30, 30)
    assert line["real"] == pytest.approx(45**0.5) and line["real_pairs"] == "of one class"
    assert line["others"] == pytest.approx(3.1, rel=0.1)  # sqrt(2) times the mean of a chi of 5
    (line,) = lines(["diversity"], judged(n=30, labels=np.arange(30), **facts))
    assert line["real"] == pytest.approx(3.1, rel=0.1) and line["real_pairs"] == "any two"


@pytest.mark.parametrize(
    "metric, sizes, message",
    [
        ("is", (9, 30), "9 generated pictures are too few, expected at least 10"),
        ("is", (30, 9), "9 real pictures"),
        ("kid", (2, 30), "2 generated pictures"),
        ("pr", (30, 4), "4 real pictures are too few, expected at least 5"),
        ("diversity", (1, 30), "1 generated pictures are too few"),
    ],
)
def test_too_few_pictures_are_refused(metric, sizes, message):
    with pytest.raises(UserError, match=message):
        lines([metric], judged(*sizes), splits=10)
