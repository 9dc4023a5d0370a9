"""What the editor's benchmark counts, with numbers that can be checked by hand."""

import numpy as np
import pytest

from benchmarks.editor_scores import Asked, Recogniser, clearest, outcome, similarity, steps_to
from editor.methods import giving_way

NAMES = ["Big_Lips", "Male", "Black_Hair", "Blond_Hair", "Wearing_Hat", "Bald", "Blurry", "Smiling"]


@pytest.fixture
def labels():
    """200 faces: lips are full where it is no man; most of those under a hat hide a bald head."""
    random = np.random.default_rng(0)
    man, hat, smile = random.integers(0, 2, (3, 200))
    hair = random.integers(0, 3, 200)
    bald = np.where(hat & (random.random(200) < 0.8), -1, random.integers(0, 2, 200))
    columns = [1 - man, man, hair == 0, hair == 1, hat, bald, np.full(200, -1), smile]
    return np.stack(columns, axis=1).astype(np.int8)


def test_the_clearest_attributes_and_what_they_should_leave_alone(labels):
    readings = np.where(labels == 1, 0.9, 0.1)
    readings[:, 7] = np.where(np.arange(200) % 10 < 7, readings[:, 7], 1 - readings[:, 7])
    readings[:20, 4] = 0.9
    found = {one.name: one for one in clearest(labels[:150], labels, NAMES, readings)}
    assert list(found)[-1] == "Wearing_Hat"  # read less well than the others
    assert set(found) == {"Male", "Black_Hair", "Blond_Hair", "Bald", "Wearing_Hat"}
    male, hat = found["Male"], found["Wearing_Hat"]
    assert male.same == ("Big_Lips off",) and male.columns == (0, 1) and male.read == 1.0
    assert male.present == np.mean(labels[:150, 1])
    assert {NAMES[k] for k in male.others} == {"Black_Hair", "Blond_Hair", "Bald", "Wearing_Hat"}
    assert {NAMES[k] for k in found["Blond_Hair"].others} == {"Male", "Bald", "Wearing_Hat"}
    assert {NAMES[k] for k in hat.others} == {"Male", "Black_Hair", "Blond_Hair"}
    without = labels[:, 4] == 0
    assert hat.read == pytest.approx((1 + np.mean(readings[without, 4] < 0.5)) / 2)


def test_similarity_of_what_is_wanted_and_what_is_read():
    wanted = np.array([[1, 0, -1], [1, 1, 0], [1, 0, 1]])
    readings = np.array([[1.0, 0.0, 0.7], [0.0, 0.0, 1.0], [1.0, 0.5, 1.0]])
    cosine, squares = similarity(wanted, readings)
    np.testing.assert_allclose(cosine, [1, -1, 2 / np.sqrt(6)])
    np.testing.assert_allclose(squares, [0, 4, 1 / 3])


def test_steps_lead_to_what_is_wanted(labels):
    columns = [1, 2, 3, 4]
    known, names = labels[:, columns], [NAMES[k] for k in columns]
    change = np.eye(4) + giving_way(known, names)
    wanted = known[::-1].copy()
    wanted[:5, 0] = -1
    steps = steps_to(wanted, known, change)
    reached = np.where(wanted < 0, known, wanted)
    np.testing.assert_allclose(known + steps @ change, reached, atol=1e-9)
    from_black = (known[:, 1] == 1) & (wanted[:, 2] == 1)
    assert from_black.any() and (steps[from_black, 2] < 1).all()


def test_who_is_recognised_whatever_the_attribute():
    random = np.random.default_rng(0)
    classes = np.repeat(np.arange(10), 8)
    people, weights = random.normal(size=(10, 30)), random.normal(size=(3, 30))
    features = 5 + people[classes] + 0.1 * random.normal(size=(80, 30))
    apart = Recogniser(features, classes, weights)
    assert 0 < apart.same < 0.05
    np.testing.assert_allclose(apart(features, features), 0, atol=1e-9)
    moved = features + 3 * weights[1] - 2 * weights[2]
    assert apart(features, moved).mean() > 0.1 < apart(features, moved, (1,)).mean()
    np.testing.assert_allclose(apart(features, moved, (1, 2)), 0, atol=1e-9)
    others = np.roll(features, 8, axis=0)  # other people
    assert apart(features, others).mean() == pytest.approx(1, abs=0.15)
    assert apart(features, others, (0,)).mean() == pytest.approx(1, abs=0.15)
    assert np.isnan(Recogniser(features, np.arange(80), weights).same)


def test_an_outcome():
    one = Asked("a", 0, (), (0,), 0.5, 1.0, others=(1, 2))
    before = {"attributes": np.array([[0.2, 0.1, 0.5], [0.9, 0.3, 0.5], [0.4, 0.0, 0.0]])}
    after = {"attributes": np.array([[0.6, 0.3, 0.5], [0.7, 0.3, 0.1], [0.9, 1.0, 1.0]])}
    known = np.array([[1, 0, 0], [1, 0, 0], [-1, 0, 0]])
    found = outcome(one, known, before, after, np.zeros(3))
    assert found.asked.tolist() == [True, True, False]
    assert found.added.tolist() == [True, False, True]
    assert found.success.tolist() == [True, False, True]
    np.testing.assert_allclose(found.leakage, [0.1, 0.2, 1.0])
    alone = outcome(one._replace(others=()), known, before, after, np.zeros(3))
    assert alone.leakage.tolist() == [0, 0, 0]
