"""Precision and recall by hand and against loops; ties, blocks, and how far they may be trusted."""

import numpy as np
import pytest

from misc.evaluation import precision_recall as module
from misc.evaluation.bootstrap import difference
from misc.evaluation.precision_recall import precision_recall


def features(n, d, seed, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale + shift


def values(fake, real, k=3):
    return {name: one.value for name, one in precision_recall(fake, real, 0, k).items()}


def by_loops(fake, real, k):
    """Precision, in whole numbers."""
    inside = 0
    for x in fake:
        for j, y in enumerate(real):
            others = np.sort([np.sum((y - z) ** 2) for z in np.delete(real, j, axis=0)])
            if np.sum((x - y) ** 2) <= others[k - 1]:
                inside += 1
                break
    return inside / len(fake)


def test_four_and_three_pictures_by_hand():
    # Balls of the nearest neighbour: reals 0 +- 1, 1 +- 1, 2 +- 1, 10 +- 8; fakes 0.5 +- 3,
    # 3.5 +- 3, -5 +- 5.5. Fake -5 is outside, and so is real 10.
    real, fake = np.array([[0.0], [1], [2], [10]]), np.array([[0.5], [3.5], [-5]])
    expected = {"precision": 2 / 3, "recall": 3 / 4, "f1": 12 / 17}
    assert values(fake, real, k=1) == pytest.approx(expected)
    swapped = {"precision": 3 / 4, "recall": 2 / 3, "f1": 12 / 17}
    assert values(real, fake, k=1) == pytest.approx(swapped)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("strip", [1, 100, 2**22])
def test_whole_numbers_with_ties_and_doubles_are_exact_in_any_block(k, strip, monkeypatch):
    monkeypatch.setattr(module, "STRIP", strip)
    random = np.random.default_rng(k)
    real, fake = random.integers(0, 9, (40, 2)), random.integers(3, 12, (31, 2))
    assert len(np.unique(real, axis=0)) < 40
    expected = {"precision": by_loops(fake, real, k), "recall": by_loops(real, fake, k)}
    found = values(fake, real, k)
    assert 0 < expected["precision"] < 1 and 0 < expected["recall"] < 1
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize("name, swap", [("precision", False), ("recall", True)])
def test_leaving_each_picture_out_is_exact(name, swap, integers, left_out):
    x, y = features(17, 3, 0, scale=1.2, shift=0.8), features(22, 3, 1)
    if integers:  # neighbours at equal distances
        x, y = np.round(2 * x), np.round(2 * y)
    slow = left_out(lambda a, b: by_loops(*((b, a) if swap else (a, b)), 2), x, y, seed=5)
    found = precision_recall(x, y, seed=5, k=2)[name]
    assert np.allclose(found.replicates, slow.replicates)
    assert 0 < found.value < 1 and found.replicates.std() > 0.01


def test_the_harmonic_mean_goes_with_its_parts(left_out):
    x, y = features(15, 3, 0, shift=0.8), features(18, 3, 1)
    slow = left_out(lambda a, b: values(a, b)["f1"], x, y, seed=2)
    assert np.allclose(precision_recall(x, y, seed=2)["f1"].replicates, slow.replicates)


def test_a_set_is_wholly_in_itself_also_in_another_order():
    x = features(60, 8, 0) + 1000  # far from the origin, where distances are rounded
    found = values(x[np.random.default_rng(0).permutation(60)], x)
    assert found == {"precision": 1, "recall": 1, "f1": 1}
    doubled = np.repeat(x, 5, axis=0)  # balls of radius 0
    assert values(doubled, x)["recall"] == 1


def test_what_is_equally_far_but_for_rounding_is_inside():
    # Pairs of reals one apart, and a fake one away on either side.
    pairs = 100 * np.arange(30)[:, None]
    real, fake = (np.concatenate([pairs + a, pairs + b]) for a, b in ((0, 1), (-1, 2)))
    assert values(fake, real, k=1) == {"precision": 1, "recall": 1, "f1": 1}
    assert values(fake / 10 + 7, real / 10 + 7, k=1)["precision"] == 1
    assert values(fake - 0.001, real, k=1)["precision"] == 0.5


def test_few_modes_are_precise_and_noise_is_not():
    real = features(300, 2, 0)
    few = values(features(200, 2, 1, scale=0.05), real)
    wide = values(features(200, 2, 2, scale=6), real)
    assert few["precision"] > 0.95 and few["recall"] < 0.1
    assert wide["recall"] > 0.9 and wide["precision"] < 0.4


def test_sets_apart_share_nothing():
    found = precision_recall(features(20, 4, 0), features(30, 4, 1, shift=100), seed=0)
    assert [one.value for one in found.values()] == [0, 0, 0]
    assert found["f1"].interval == (0, 0)


def test_turning_and_shuffling_change_nothing():
    x, y = features(60, 5, 0, shift=0.4), features(90, 5, 1)
    turn = np.linalg.qr(features(5, 5, 2))[0]
    order = np.random.default_rng(4).permutation(90)
    assert values(x @ turn, y @ turn) == values(x, y) == values(x[::-1], y[order])


def test_a_file_is_read_as_an_array_is(tmp_path):
    x, y = features(2100, 4, 0).astype(np.float32), features(80, 4, 1).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = precision_recall(np.load(tmp_path / "x.npy", mmap_mode="r"), y, seed=1)
    for name, estimate in precision_recall(x, y, seed=1).items():
        assert np.array_equal(mapped[name].replicates, estimate.replicates)


def test_intervals_hold_what_they_say_and_more(coverage):
    random, found = np.random.default_rng(0), []
    for repeat in range(60):
        x, y = 1.4 * random.normal(size=(60, 4)) + 0.3, random.normal(size=(80, 4))
        found.append(precision_recall(x, y, repeat))
    for name in ("precision", "recall", "f1"):
        estimates = [one[name] for one in found]
        assert coverage(estimates) >= 0.9
        told = np.mean([one.replicates.std() for one in estimates])
        assert told < 2.5 * np.std([one.value for one in estimates])


def test_replicates_come_from_the_seed_and_are_paired():
    x, y = features(60, 4, 0, shift=0.5), features(60, 4, 1)
    one, again, other = (precision_recall(x, y, seed)["precision"] for seed in (1, 1, 2))
    assert np.array_equal(one.replicates, again.replicates)
    assert not np.array_equal(one.replicates, other.replicates)
    nearly = precision_recall(1.001 * x, y, seed=1)["precision"]
    low, high = difference(nearly, one, paired=True).interval
    assert high - low < 0.5 * (one.interval[1] - one.interval[0])


def test_no_neighbour_is_refused():
    with pytest.raises(ValueError, match="precision_recall: neighbour 0"):
        precision_recall(np.eye(6), np.eye(6), seed=0, k=0)
