from collections import Counter

import numpy as np
import pytest

from misc.drawings.faces_people import (
    CHANGING,
    COUNTS,
    EASY_LASTING,
    LASTING,
    PRESETS,
    all_people,
    occasion,
)


@pytest.mark.parametrize("preset", PRESETS)
def test_people_are_different_and_split_by_person(preset):
    people = all_people(preset)
    training, testing = COUNTS[preset]
    assert [p.split for p in people] == ["train"] * training + ["test"] * testing
    assert len({p.name for p in people}) == len(people)
    assert len({tuple(sorted(p.shared.items())) for p in people}) == len(people)
    for person in people:
        for name, value in person.shared.items():
            assert value in PRESETS[preset][name]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_lasting_value_is_in_both_splits(preset):
    lasting = EASY_LASTING if preset == "easy" else LASTING
    for split in ("train", "test"):
        shared = [p.shared for p in all_people(preset) if p.split == split]
        for name in lasting:
            counts = Counter(values[name] for values in shared)
            assert set(counts) == set(PRESETS[preset][name]), (split, name)
            if preset == "easy":
                assert max(counts.values()) <= 2 * min(counts.values())


def test_names_tell_the_gender():
    for preset in PRESETS:
        first = {"man": set(), "woman": set()}
        for name, _, shared in all_people(preset):
            first[shared["gender"]].add(name.split("_")[0])
        assert len(first["man"]) > 15 and len(first["woman"]) > 15
        assert not first["man"] & first["woman"]


def test_who_is_bald_or_has_a_receding_hairline_always_is():
    kept = Counter()
    for person in all_people("full"):
        hairline = person.shared.get("hairline")
        kept[hairline] += 1
        assert hairline in (None, "bald", "receding")
    assert kept["bald"] >= 5 and kept["receding"] >= 5
    rng = np.random.default_rng(0)
    days = [occasion(rng, "full", all_people("full")[0].shared) for _ in range(200)]
    assert {day["hairline"] for day in days} == {"full", "bangs"}


def test_an_occasion_has_all_that_changes():
    rng = np.random.default_rng(1)
    seen = {name: set() for name in CHANGING}
    for person in 4 * all_people("full"):
        day = occasion(rng, "full", person.shared)
        assert list(day) == list(CHANGING)
        for name, value in day.items():
            seen[name].add(value)
        if person.shared["gender"] == "woman":
            assert day["beard"] == "none" and day["mustache"] == "no"
    for name, values in CHANGING.items():
        expected = {"full", "bangs"} if name == "hairline" else set(values)
        assert seen[name] == expected, name
    easy = occasion(rng, "easy", all_people("easy")[0].shared)
    assert set(easy) | set(EASY_LASTING) == set(PRESETS["easy"])
