"""Who is held out, what a batch holds, and what the losses and accuracies count."""

import math

import keras
import numpy as np
import pytest

from misc.data.images import to_uint8
from misc.evaluation import fit_classifier as fit


def test_a_fifth_of_each_class_is_held_out_and_none_of_a_single_one():
    labels = np.repeat([0, 1, 2, 3], [10, 2, 1, 33])
    mask = fit.held_out_mask(labels, seed=5)
    assert np.bincount(labels[mask], minlength=4).tolist() == [2, 1, 0, 7]
    assert np.array_equal(mask, fit.held_out_mask(labels, seed=5))
    assert not np.array_equal(mask, fit.held_out_mask(labels, seed=6))


def test_left_and_right_change_places_in_a_mirror():
    names = ["has_facing::left", "has_wing_color::blue", "has_facing::right", "left::up", "is_left"]
    assert fit.mirrored_columns(names).tolist() == [2, 1, 0, 3, 4]
    assert fit.mirrored_columns([]).tolist() == []


def batches(attributes, seed=0, count=40):
    """Pictures whose left half is dark and whose upper half is red."""
    pictures = np.zeros((count, 76, 76, 3), np.uint8)
    pictures[:, :, 38:, 2] = 200
    pictures[:, :38, :, 0] = 100
    labels = np.arange(count)
    return fit.Batches(pictures, labels, attributes, np.array([1, 0, 2]), 64, seed)


def test_a_batch_is_cropped_and_mirrored_with_its_attributes():
    attributes = np.tile(np.array([[1, 0, -1]], np.int8), (40, 1))  # faces left, not right, unknown
    images, targets = batches(attributes)[0]
    assert images.shape == (32, 64, 64, 3) and images.dtype == np.float32
    assert images.min() == -1 and images.max() <= 1
    levels = to_uint8(images)
    mirrored = levels[:, 40, 5, 2] == 200  # the bright half is on the left
    assert 0 < mirrored.sum() < 32
    assert np.array_equal(targets["attributes"][:, 0], np.where(mirrored, 0, 1))
    assert np.array_equal(targets["attributes"][:, 1], np.where(mirrored, 1, 0))
    assert np.all(targets["attributes"][:, 2] == -1)
    red_rows = (levels[:, :, 20, 0] == 100).sum(axis=1)
    assert len(set(red_rows)) > 3 and red_rows.min() >= 26 and red_rows.max() <= 38


def test_an_epoch_shows_every_picture_once_and_the_next_in_another_order():
    epoch = batches(np.zeros((40, 0), np.int8))
    first = np.concatenate([epoch[k][1]["species"] for k in range(len(epoch))])
    assert sorted(first) == list(range(40)) and "attributes" not in epoch[0][1]
    again = batches(np.zeros((40, 0), np.int8))
    assert np.array_equal(epoch[1][0], again[1][0])
    epoch.on_epoch_end()
    second = np.concatenate([epoch[k][1]["species"] for k in range(len(epoch))])
    assert sorted(second) == list(range(40)) and not np.array_equal(first, second)


def test_attributes_of_which_exactly_one_value_is_true():
    names = ["has_a::x", "has_a::y", "has_b::x", "has_b::y", "has_c::x", "has_c::y", "d"]
    rows = [[1, 0, 1, 1, 1, -1, 1], [0, 1, 0, 1, 0, 1, 0], [-1, -1, 1, 0, 0, 1, -1]]
    # Of a one is, where known; of b two are; c is known in part; d is a single column.
    assert fit.one_of(names, np.array(rows, np.int8)) == ["a"]
    assert fit.one_of(names, np.full((3, 7), -1, np.int8)) == []
    assert fit.one_of(names, np.zeros((3, 7), np.int8)) == []


def test_unknown_species_count_for_nothing():
    logits = np.array([[0.0, 0.0], [math.log(3), 0.0], [9.0, -9.0]], np.float32)
    expected = (math.log(2) + math.log(4 / 3)) / 2
    assert float(fit.species_loss(np.array([1, 0, -1]), logits)) == pytest.approx(expected)
    assert float(fit.species_loss(np.array([-1, -1, -1]), logits)) == 0


def test_unknown_attributes_count_for_nothing():
    # Logit 0 costs ln 2 either way; ln 3 for "yes" costs ln(4/3). The unknown ones are left out.
    loss = fit.attribute_loss([([0, 1], False)])
    known = np.array([[1, -1], [-1, 1]], np.float32)
    logits = np.array([[0.0, 50.0], [-50.0, math.log(3)]], np.float32)
    expected = fit.ATTRIBUTES * (math.log(2) + math.log(4 / 3)) / 2
    assert float(loss(known, logits)) == pytest.approx(expected, rel=1e-5)
    nothing = -np.ones((2, 2), np.float32)
    assert float(loss(nothing, logits)) == 0


def test_each_attribute_weighs_the_same():
    # Two equal values cost ln 2 by softmax, three columns on their own ln 2 each.
    loss = fit.attribute_loss([([0, 3], True), ([1, 2, 4], False)])
    known = np.array([[1, 0, 1, 0, 0], [-1, 1, 1, -1, 1]], np.float32)
    logits = np.array([[0, 0, 0, 0, 0], [7, 0, 0, -7, 0]], np.float32)
    assert float(loss(known, logits)) == pytest.approx(fit.ATTRIBUTES * math.log(2))
    logits[0, 3] = 40  # the wrong one of two
    expected = fit.ATTRIBUTES * (40 + math.log(2)) / 2
    assert float(loss(known, logits)) == pytest.approx(expected)


class Fixed:
    """A model that answers with given logits."""

    input_shape = (None, 64, 64, 3)

    def __init__(self, species, attributes):
        self.answer = {"species": np.array(species), "attributes": np.array(attributes)}

    def predict(self, pictures, **_):
        assert pictures.shape[1:] == (64, 64, 3)
        return self.answer


def test_accuracies_by_hand():
    model = Fixed([[1, 2], [2, 1], [0, 3], [5, 4]], [[1, -1, 0], [1, 1, 0], [-1, 1, 0], [1, 1, 0]])
    attributes = np.array([[1, 1, -1], [0, 1, -1], [-1, 0, -1], [1, 1, -1]], np.int8)
    pictures, labels = np.zeros((4, 76, 76, 3), np.uint8), np.array([1, 1, 1, 1])
    species, shares = fit.accuracies(model, pictures, labels, attributes, ["x", "y", "z"], [])
    assert species == 0.5
    assert shares == {"x": pytest.approx(2 / 3), "y": 0.5}
    nobody = fit.accuracies(model, pictures, labels - 2, attributes, ["x", "y", "z"], [])
    assert nobody == (None, shares)


def test_the_highest_of_several_values_is_the_answer():
    model = Fixed([[0, 1]] * 3, [[-3, -2, -1], [9, 8, 7], [5, 6, 4]])
    attributes = np.array([[0, 0, 1], [0, 1, 0], [-1, -1, -1]], np.int8)
    names = ["has_a::x", "has_a::y", "has_a::z"]
    pictures, labels = np.zeros((3, 64, 64, 3), np.uint8), np.array([1, 1, 0])
    assert fit.accuracies(model, pictures, labels, attributes, names, ["a"]) == (2 / 3, {"a": 0.5})


def test_two_fits_with_one_seed_agree_and_stdout_stays_empty(capfd):
    pictures = np.zeros((40, 76, 76, 3), np.uint8)
    pictures[20:, :, 30:] = 255
    labels, none = np.repeat([0, 1], 20), np.zeros((40, 0), np.int8)
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(4)
        inputs = keras.Input((64, 64, 3))
        x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(inputs))
        model = keras.Model(inputs, {"species": keras.layers.Dense(2, name="species")(x)})
        before = model.get_weights()[0]
        fit.fit(model, pictures, labels, none, [], [], epochs=2, seed=4)
        results.append(model.get_weights()[0])
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], before)
    assert capfd.readouterr().out == ""
