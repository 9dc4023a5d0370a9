"""The nearest training pictures, under a network that sees pixels."""

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.images import centre_of
from misc.data.prepared import open_split
from misc.evaluation.neighbours import nearest


@pytest.fixture(scope="module")
def train(tiny_set):
    return open_split(tiny_set, "train")  # twelve pictures, three captions each


@pytest.fixture(scope="module")
def pictures(train):
    files = train.pictures(range(12), train.sizes[0])
    return np.stack([centre_of(file, 16) for file in files])


def look(network, pictures, train, **options):
    options = {"count": 3, "most": 100, "seed": 0} | options
    return nearest(network, pictures, train, 16, **options)


def test_training_pictures_find_themselves_mirrored_too(pixel_network, pictures, train):
    shown = np.concatenate([pictures[[3, 7]], pictures[[5]][:, :, ::-1]])
    found = look(pixel_network, shown, train)
    assert found.places[:, 0].tolist() == [3, 7, 5] and np.all(found.distances[:, 0] == 0)
    assert found.looked_at == 12 and found.places.shape == found.distances.shape == (3, 3)
    assert np.all(np.diff(found.distances, axis=1) >= 0) and np.all(found.distances[:, 1] > 0)


def test_distances_are_euclidean(pixel_network, pictures, train):
    found = look(pixel_network, pictures[[0]], train, count=12)
    flat = pictures.reshape(12, -1).astype(float)
    mirrored = pictures[[0], :, ::-1].reshape(-1).astype(float)
    expected = [
        min(np.linalg.norm(flat[0] - flat[k]), np.linalg.norm(mirrored - flat[k]))
        for k in found.places[0]
    ]
    np.testing.assert_allclose(found.distances[0], expected)


def test_a_seeded_choice_of_at_most_so_many_is_looked_at(pixel_network, pictures, train):
    found = look(pixel_network, pictures, train, count=9, most=5)
    assert found.looked_at == 5 and found.places.shape == (12, 5)
    assert len(np.unique(found.places)) == 5
    assert np.array_equal(found.places, look(pixel_network, pictures, train, most=5, count=9)[0])
    other = look(pixel_network, pictures, train, most=5, count=9, seed=3)
    assert set(other.places[0]) != set(found.places[0])


def test_features_are_kept_by_what_they_are_of(pixel_network, pictures, train, tmp_path):
    pixel_network.asked.clear()
    for options in ({}, {}, {"seed": 1}, {"most": 5}):
        look(pixel_network, pictures[:1], train, cache=tmp_path, **options)
    (first, _), again, *others = pixel_network.asked
    assert again == (first, tmp_path) and first not in {digest for digest, _ in others}


def test_pictures_of_another_size_are_not_there(pixel_network, pictures, train):
    with pytest.raises(UserError, match="the run's are 64 px"):
        nearest(pixel_network, pictures, train, 64, count=1, most=9, seed=0)
