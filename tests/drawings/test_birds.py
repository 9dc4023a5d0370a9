from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from misc.drawings import birds


def split_of(preset, split):
    return [s.shared for s in birds.all_species(preset) if s.split == split]


@pytest.mark.parametrize("preset, training, testing", [("easy", 50, 10), ("full", 150, 50)])
def test_species_are_different_and_split_by_class(preset, training, testing):
    species = birds.all_species(preset)
    assert Counter(s.split for s in species) == {"train": training, "test": testing}
    assert len({s.name for s in species}) == len(species)
    assert len({tuple(sorted(s.shared.items())) for s in species}) == len(species)
    for one in species:
        for name, value in one.shared.items():
            assert value in birds.PRESETS[preset][name]


def test_easy_colours_are_spread_evenly():
    for split, low, high in (("train", 5, 7), ("test", 1, 2)):
        for part in birds.EASY_PARTS:
            counts = Counter(values[f"{part}_color"] for values in split_of("easy", split))
            assert set(counts) == set(birds.EASY_COLOURS)
            assert low <= min(counts.values()) and max(counts.values()) <= high


def test_easy_test_species_join_colours_as_no_training_species_does():
    for one, other in combinations(birds.EASY_PARTS, 2):
        pairs = [
            {(v[f"{one}_color"], v[f"{other}_color"]) for v in split_of("easy", split)}
            for split in ("train", "test")
        ]
        assert not pairs[0] & pairs[1]


def test_held_out_pairs_are_only_in_test_species():
    for part, colour in birds.HELD_OUT:
        key = f"{part}_color"
        assert all(values[key] != colour for values in split_of("full", "train"))
        assert sum(values[key] == colour for values in split_of("full", "test")) >= 3
        # Neither the colour nor the part is new, only the two together.
        assert any(colour in values.values() for values in split_of("full", "train"))


def test_names_are_true():
    for preset in birds.PRESETS:
        for name, _, values in birds.all_species(preset):
            colour, mark, _ = name.split("_")
            part = {"bellied": "belly"}.get(mark, mark.removesuffix("ed"))
            assert values[f"{part}_color"] == colour.lower()


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_a_seed_is_a_bird(preset):
    assert birds.attributes(7, preset) == birds.attributes(7, preset)
    every = [birds.attributes(seed, preset) for seed in range(60)]
    assert len({b["species"] for b in every}) > 20
    assert {b["facing"] for b in every} == {"left", "right"}
    for bird in every:
        shared = birds.all_species(preset)[bird["species"]].shared
        assert shared.items() <= bird.items()
        assert set(birds.PRESETS[preset]) <= set(bird)


def test_a_given_species_and_large_seeds():
    bird = birds.attributes(2**70, "easy", 3)
    assert bird["species"] == 3 and bird["seed"] == 2**70
    assert birds.all_species("easy")[3].shared.items() <= bird.items()


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_independent_attributes_do_not_tell_each_other(preset):
    every = [birds.attributes(seed, preset, "independent") for seed in range(1500)]
    assert {b["species"] for b in every} == {None}
    values = birds.PRESETS[preset]["wing_color"]
    table = np.zeros((len(values), len(values)))
    for bird in every:
        table[values.index(bird["wing_color"]), values.index(bird["belly_color"])] += 1
    shares = table.sum(1) / len(every)
    assert np.abs(shares - 1 / len(values)).max() < 0.04
    expected = np.outer(table.sum(1), table.sum(0)) / len(every)
    chi_squared = ((table - expected) ** 2 / expected).sum()
    freedom = (len(values) - 1) ** 2
    assert chi_squared < freedom + 4 * np.sqrt(2 * freedom)


def test_scenes_fit_shapes():
    for seed in range(80):
        for species in (None, "independent"):
            bird = birds.attributes(seed, "full", species)
            assert bird["scene"] in birds.SCENES[bird["shape"]]


def test_labels_name_the_attributes():
    names = birds.attribute_names("full")
    assert "has_wing_color::blue" in names and "has_bill_shape::short_pointed" in names
    assert len(set(names)) == len(names) == sum(map(len, birds.PRESETS["full"].values()))
    wader, duck = (
        next(b for s in range(200) if (b := birds.attributes(s))["shape"] == shape)
        for shape in ("wader", "duck")
    )
    given = {n for n, label in zip(names, birds.labels(wader), strict=True) if label == 1}
    assert given == {
        f"has_{name}::{wader[name].replace(' ', '_')}" for name in birds.PRESETS["full"]
    }
    hidden = {n for n, label in zip(names, birds.labels(duck), strict=True) if label == -1}
    assert hidden == {f"has_leg_color::{colour}" for colour in birds.COLOURS}


def test_an_easy_bird_is_a_full_one_with_the_rest_fixed():
    bird = birds.in_full(birds.attributes(1, "easy"))
    assert set(birds.PRESETS["full"]) <= set(bird)
    assert bird["back_color"] == bird["face_color"] == bird["body_color"]
    assert bird["shape"] == "songbird" and bird["breast_pattern"] == "solid"
