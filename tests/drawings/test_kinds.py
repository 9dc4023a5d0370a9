import numpy as np
import pytest

from misc.drawings.kinds import binary_labels, binary_names, pick, stream

VALUES = {"wing_color": ("red", "light blue"), "crest": ("no", "yes")}


def test_streams_differ_by_seed_and_by_role():
    draws = [stream(seed, role).random() for seed in (1, 2, 2**80) for role in ("pose", "light")]
    assert len(set(draws)) == len(draws)
    assert stream(1, "pose").random() == draws[0]


def test_pick_follows_its_weights():
    rng = np.random.default_rng(0)
    counts = [pick(rng, "ab", (0.9, 0.1)) for _ in range(500)].count("a")
    assert counts == pytest.approx(450, abs=30)


def test_names_and_labels_have_one_order():
    names = binary_names(VALUES)
    assert names[1] == "has_wing_color::light_blue" and len(names) == 4
    one = {"wing_color": "light blue", "crest": "no"}
    assert binary_labels(VALUES, one, ()).tolist() == [0, 1, 1, 0]
    hidden = binary_labels(VALUES, one, {"wing_color"})
    assert hidden.tolist() == [-1, -1, 1, 0] and hidden.dtype == np.int8
