"""Zero-shot accuracy by hand, and a perfect and a blind encoder on the tiny set."""

import numpy as np
import pytest

from encoder.heldout import HeldOut, zero_shot_accuracy
from misc.data.prepared import open_split


def test_accuracy_by_hand():
    # Class 0 is the mean of its two texts, (1, 0); class 1 is (0, 1).
    texts = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    labels = np.array([0, 1, 0])
    pictures = np.array([[1.0, 0.5], [0.2, 0.3], [0.0, 1.0], [3.0, 1.0]])
    # By dot product the pictures are of classes 0, 1, 1, 0.
    assert zero_shot_accuracy(texts, labels, pictures, np.array([0, 1, 0, 1])) == 0.5
    assert zero_shot_accuracy(texts, labels, pictures, np.array([0, 1, 1, 0])) == 1.0


@pytest.fixture
def heldout(tiny_set):
    return HeldOut(open_split(tiny_set, "test"), side=16, seed=0)


def colours(captions):
    """Embeddings that know the words yellow and white."""
    return np.array([["yellow" in c, "white" in c] for c in captions], np.float32)


def blueness(pictures):
    """Features that see the same: white is bluer than yellow."""
    assert pictures.shape[1:] == (16, 16, 3) and np.abs(pictures).max() <= 1
    rgb = pictures[:, 4:12, 4:12].reshape(len(pictures), -1, 3).max(1)
    return np.stack([-rgb[:, 2], rgb[:, 2]], axis=1)


def test_a_good_encoder_scores_high_and_the_sheet_shows_what_it_found(heldout):
    numbers, sheet = heldout.measure(colours, blueness)
    assert numbers == {"zero_shot_accuracy": 1.0, "zero_shot_chance": 0.5}
    assert sheet.width > sheet.height > 100
    swapped, _ = heldout.measure(lambda captions: colours(captions)[:, ::-1], blueness)
    assert swapped["zero_shot_accuracy"] == 0.0


def test_the_sample_is_fixed_and_its_captions_are_of_its_classes(heldout, tiny_set):
    again = HeldOut(open_split(tiny_set, "test"), side=16, seed=0)
    assert again.captions == heldout.captions
    assert len(heldout.captions) == 24  # of 2 classes 4 pictures with 3 captions each, all below 16
    names = [heldout.split.class_names[heldout.classes[i]] for i in heldout.caption_labels]
    assert all(name in caption for name, caption in zip(names, heldout.captions, strict=True))


def test_features_of_several_views_count_by_their_first(tiny_set):
    split = open_split(tiny_set, "test")
    features = np.zeros((8, 2, 3), np.float32)
    features[np.arange(8), (split.labels == split.labels.max()).astype(int), 0] = 1
    heldout = HeldOut(split, side=999, seed=0, features=features)
    assert heldout.classes.tolist() == sorted(set(split.labels.tolist()))
    first = split.class_names[heldout.classes[0]]

    def by_class(captions):
        return np.array([[first in c, first not in c] for c in captions], np.float32)

    assert heldout.measure(by_class, lambda seen: seen)[0]["zero_shot_accuracy"] == 1.0
