"""Three ways to a direction, on codes whose directions are known."""

import numpy as np
import pytest

from editor.methods import METHODS, find

NAMES = ["Male", "Mustache", "Smiling", "Eyeglasses"]


@pytest.fixture
def labels():
    """int8 (1600, 4): half of the men have a mustache and no woman, glasses are mostly men's."""
    random = np.random.default_rng(0)
    male = random.random(1600) < 0.5
    mustache = male & (random.random(1600) < 0.5)
    glasses = random.random(1600) < np.where(male, 0.6, 0.2)
    return np.stack([male, mustache, random.random(1600) < 0.5, glasses], 1).astype(np.int8)


@pytest.fixture
def true():
    """The directions: float64 (4, 6)."""
    return np.random.default_rng(1).normal(size=(4, 6))


def off(found, true):
    """How far each direction is from the true one, as a share of its length."""
    return np.linalg.norm(found - true, axis=1) / np.linalg.norm(true, axis=1)


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_code_of_attributes_that_go_apart_is_recovered(method, true):
    every = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1).T.astype(np.int8)
    labels = np.tile(every, (20, 1))
    found = find(labels @ true + 3.0, labels, NAMES, method)
    np.testing.assert_allclose(found, true, rtol=0, atol=1e-6)


def test_what_goes_along_is_mixed_in_by_difference_and_kept_out_by_the_others(labels, true):
    codes = labels @ true + 100.0
    distances = {m: off(find(codes, labels, NAMES, m), true) for m in METHODS}
    assert distances["difference"][[0, 1, 3]].min() > 0.1
    assert distances["regression"].max() < 1e-6
    # Smiling goes along with nothing, and is off by chance alone.
    assert (distances["balanced"] < distances["difference"])[[1, 3]].all()
    assert distances["balanced"][[1, 3]].max() < 0.1


def test_balanced_means_are_exact_where_all_that_goes_along_is_known(labels, true):
    labels = labels[:, [0, 1]]
    # Codes that are not linear: a mustache moves men alone, whom nothing else is compared with.
    codes = np.stack([labels[:, 0] * 5.0, labels[:, 0] * labels[:, 1] * 2.0], 1)
    found = find(codes, labels, NAMES[:2], "balanced")
    np.testing.assert_allclose(found[1], [0, 2], atol=1e-12)


def test_balancing_stops_before_nothing_is_left_to_compare():
    answers = np.repeat([1, 0], 50).astype(np.int8)
    almost = answers.copy()
    almost[:2] = 0  # all but two pictures agree: balanced over it, four pictures would decide
    codes = np.stack([answers, np.arange(100)], 1).astype(float)
    labels = np.stack([answers, almost], 1)
    found = find(codes, labels, ["a", "b"], "balanced")
    np.testing.assert_allclose(found[0], find(codes, labels, ["a", "b"], "difference")[0])


@pytest.mark.parametrize("method", METHODS)
def test_the_unknown_counts_for_nothing(method, labels, true):
    codes = labels @ true
    hidden = np.concatenate([labels, np.full_like(labels[:300], -1)])
    strange = np.concatenate([codes, np.full_like(codes[:300], 0) + codes.mean(0)])
    np.testing.assert_allclose(
        find(strange, hidden, NAMES, method), find(codes, labels, NAMES, method), atol=1e-6
    )
    some = labels.copy()
    some[np.random.default_rng(2).random(some.shape) < 0.1] = -1
    found = find(codes, some, NAMES, method)
    near = off(found, find(codes, labels, NAMES, method))
    assert near.max() < 0.15, near
    with_absent = np.where(some == -1, 0, some)
    assert near.sum() < off(find(codes, with_absent, NAMES, method), true).sum()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_pictures_and_attributes_does_not_matter(method, labels, true):
    random = np.random.default_rng(3)
    labels[random.random(labels.shape) < 0.05] = -1
    labels = np.concatenate([labels, labels[:, :1]], 1)  # two that go along with all alike
    names = [*NAMES, "Beard"]
    codes = random.normal(size=(len(labels), 6)) + np.maximum(labels[:, :4], 0) @ true
    rows, columns = random.permutation(len(labels)), random.permutation(5)
    found = find(codes[rows], labels[rows][:, columns], [names[k] for k in columns], method)
    np.testing.assert_allclose(found, find(codes, labels, names, method)[columns], atol=1e-9)


def test_a_colour_takes_its_share_from_the_others(true):
    colours = np.random.default_rng(4).choice(3, 900, p=[0.5, 0.3, 0.2])
    labels = np.eye(3, dtype=np.int8)[colours]
    names = [f"has_wing_color::{name}" for name in ("blue", "red", "white")]
    found = find(labels @ true[:3], labels, names, "regression")
    share = labels.mean(0)
    others = (share[1] * true[1] + share[2] * true[2]) / (share[1] + share[2])
    np.testing.assert_allclose(found[0], true[0] - others, atol=1e-6)
    # Among bald heads a colour can be told from none; blond is still not added to black.
    shown = np.concatenate([labels, np.zeros((300, 3), np.int8)])
    hair = ["Black_Hair", "Blond_Hair", "Brown_Hair"]
    found = find(shown @ true[:3], shown, hair, "regression")
    share = shown.mean(0)
    others = (share[1] * true[1] + share[2] * true[2]) / (1 - share[0])
    np.testing.assert_allclose(found[0], true[0] - others, atol=1e-6)


def test_what_no_picture_tells_apart_takes_a_whole_step_together(labels, true):
    man = labels[:, :1]
    alike = np.concatenate([man, man, 1 - man, labels[:, 2:3]], 1)
    codes = man @ true[:1] + labels[:, 2:3] @ true[2:3]
    found = find(codes, alike, ["Male", "Bushy_Eyebrows", "Lips", "Smiling"], "regression")
    np.testing.assert_allclose(found, [true[0], true[0], -true[0], true[2]], atol=1e-6)


def test_of_few_noisy_pictures_a_step_is_still_a_whole_one():
    random = np.random.default_rng(5)
    labels = (random.random((60, 25)) < 0.5).astype(np.int8)
    steps = []
    for _ in range(40):
        codes = labels[:, :1] * 1.0 + random.normal(size=(60, 1))
        steps.append(find(codes, labels, [f"a{k}" for k in range(25)], "regression")[0, 0])
    assert 0.8 < np.mean(steps) < 1.2  # a ridge alone would shrink it
