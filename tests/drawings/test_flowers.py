from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from misc.drawings import flowers


def split_of(preset, split):
    return [s.shared for s in flowers.all_species(preset) if s.split == split]


@pytest.mark.parametrize("preset, training, testing", [("easy", 24, 6), ("full", 82, 20)])
def test_species_are_different_and_split_by_class(preset, training, testing):
    species = flowers.all_species(preset)
    assert [s.split for s in species] == ["train"] * training + ["test"] * testing
    assert len({s.name for s in species}) == len(species)
    assert len({tuple(sorted(s.shared.items())) for s in species}) == len(species)
    for one in species:
        assert one.shared["second_color"] != one.shared["petal_color"]
        for name, value in one.shared.items():
            assert value in flowers.PRESETS[preset][name]


def test_easy_colours_are_spread_evenly_and_join_in_new_ways_in_the_test_species():
    for part in flowers.PARTS:
        counts = Counter(values[f"{part}_color"] for values in split_of("easy", "train"))
        assert counts == dict.fromkeys(flowers.EASY_COLOURS, 3)
        assert max(Counter(v[f"{part}_color"] for v in split_of("easy", "test")).values()) == 1
    every = split_of("easy", "train") + split_of("easy", "test")
    for one, other in combinations(flowers.PARTS, 2):
        pairs = Counter((v[f"{one}_color"], v[f"{other}_color"]) for v in every)
        assert max(pairs.values()) == 1 and not any(a == b for a, b in pairs)
    for split, count in (("train", 12), ("test", 3)):
        assert sum(v["petal_shape"] == "pointed" for v in split_of("easy", split)) == count


def test_held_out_pairs_are_only_in_test_species_and_show_there():
    for part, colour in flowers.HELD_OUT:
        key = f"{part}_color"
        assert all(values[key] != colour for values in split_of("full", "train"))
        bearers = [values for values in split_of("full", "test") if values[key] == colour]
        assert sum(part != "second" or v["pattern"] != "plain" for v in bearers) >= 3
        # Neither the colour nor the part is new, only the two together.
        others = [f"{p}_color" for p in flowers.PARTS if p != part]
        assert any(values[k] == colour for values in split_of("full", "train") for k in others)


def test_every_value_is_trained_on_but_the_held_out():
    held_out = {(f"{part}_color", colour) for part, colour in flowers.HELD_OUT}
    for name, options in flowers.PRESETS["full"].items():
        if name not in ("view", "background"):
            trained = {values[name] for values in split_of("full", "train")}
            assert set(options) - trained == {c for key, c in held_out if key == name}


def test_names_are_true():
    for preset in flowers.PRESETS:
        for name, _, values in flowers.all_species(preset):
            colour, *mark, _ = name.split("_")
            assert colour.lower() == values["petal_color"]
            assert " ".join(mark) in (
                values["petal_shape"],
                values.get("pattern", "plain").replace("-", " "),
            )


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_a_seed_is_a_flower(preset):
    assert flowers.attributes(7, preset) == flowers.attributes(7, preset)
    every = [flowers.attributes(seed, preset) for seed in range(90)]
    assert len({f["species"] for f in every}) > 20
    assert {f["background"] for f in every} == set(flowers.PRESETS[preset]["background"])
    for flower in every:
        shared = flowers.all_species(preset)[flower["species"]].shared
        assert shared.items() <= flower.items()
        assert set(flowers.PRESETS[preset]) <= set(flower)


def test_a_given_species_and_large_seeds():
    flower = flowers.attributes(2**70, "easy", 3)
    assert flower["species"] == 3 and flower["seed"] == 2**70
    assert flowers.all_species("easy")[3].shared.items() <= flower.items()


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_independent_attributes_do_not_tell_each_other(preset):
    every = [flowers.attributes(seed, preset, "independent") for seed in range(1500)]
    assert {f["species"] for f in every} == {None}
    assert all(f["petal_color"] != f["second_color"] for f in every)
    values = flowers.PRESETS[preset]
    table = np.zeros((len(values["petal_color"]), len(values["center_color"])))
    for flower in every:
        row = values["petal_color"].index(flower["petal_color"])
        table[row, values["center_color"].index(flower["center_color"])] += 1
    expected = np.outer(table.sum(1), table.sum(0)) / len(every)
    chi_squared = ((table - expected) ** 2 / expected).sum()
    freedom = np.prod(np.array(table.shape) - 1)
    assert chi_squared < freedom + 4 * np.sqrt(2 * freedom)
    for name, share in (("petal_color", table.sum(1)), ("center_color", table.sum(0))):
        assert np.abs(share / len(every) - 1 / len(values[name])).max() < 0.04


def test_views_fit_forms():
    for seed in range(80):
        for species in (None, "independent"):
            flower = flowers.attributes(seed, "full", species)
            assert flower["view"] in flowers.VIEWS[flower["form"]]


def test_labels_name_the_attributes_that_can_be_seen():
    names = flowers.attribute_names("full")
    assert "has_petal_color::pink" in names and "has_petal_shape::heart_shaped" in names
    assert len(set(names)) == len(names) == sum(map(len, flowers.PRESETS["full"].values()))
    base = {**flowers.attributes(2, "full", "independent"), "pattern": "edged", "form": "cupped"}
    for view, pattern, unseen in (
        ("tilted", "edged", set()),
        ("tilted", "plain", {"second_color"}),
        ("side", "edged", {"petals", "center_color", "center_size", "stamens", "layers"}),
    ):
        flower = {**base, "view": view, "pattern": pattern}
        assert flowers.hidden(flower) == unseen
        labels = dict(zip(names, flowers.labels(flower).tolist(), strict=True))
        assert {n for n, label in labels.items() if label == 1} == {
            f"has_{name}::{flower[name].replace(' ', '_')}"
            for name in flowers.PRESETS["full"]
            if name not in unseen
        }
        said = {n for n, label in labels.items() if label == -1}
        assert {n.removeprefix("has_").split("::")[0] for n in said} == unseen


def test_an_easy_flower_is_a_full_one_with_the_rest_fixed():
    flower = flowers.in_full(flowers.attributes(1, "easy"))
    assert set(flowers.PRESETS["full"]) <= set(flower)
    assert flower["pattern"] == "two-tone" and flower["view"] == "front"
    assert not flowers.hidden(flower)
