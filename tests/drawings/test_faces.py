from itertools import combinations

import numpy as np
import pytest

from misc.drawings import faces


def labelled(face):
    return dict(zip(faces.celeba_names(face["preset"]), faces.labels(face).tolist(), strict=True))


def of(**given):
    return faces.attributes(8, "full", "independent") | PLAIN | given


PLAIN = {name: values[0] for name, values in faces.PRESETS["full"].items()}


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_a_seed_is_a_face(preset):
    assert faces.attributes(7, preset) == faces.attributes(7, preset)
    every = [faces.attributes(seed, preset) for seed in range(60)]
    assert len({f["person"] for f in every}) > 20
    for face in every:
        assert faces.all_people(preset)[face["person"]].shared.items() <= face.items()
        assert list(face) == ["seed", "preset", "person", *faces.PRESETS[preset]]
        assert all(face[name] in values for name, values in faces.PRESETS[preset].items())


def test_a_given_person_and_large_seeds():
    one, two = (faces.attributes(2**70 + k, "full", 3) for k in (0, 1))
    assert one["person"] == two["person"] == 3 and one["seed"] == 2**70
    shared = faces.all_people("full")[3].shared
    assert shared.items() <= one.items() and shared.items() <= two.items()
    assert one != two | {"seed": 2**70}


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_independent_attributes_do_not_tell_each_other(preset):
    every = [faces.attributes(seed, preset, "independent") for seed in range(900)]
    assert {f["person"] for f in every} == {None}
    columns = []
    for name, values in faces.PRESETS[preset].items():
        columns.append(np.array([[f[name] == value for value in values] for f in every], float))
        assert columns[-1].mean(0).min() > 0.7 / (2 * len(values))
    for one, other in combinations(columns, 2):
        table = one.T @ other
        expected = np.outer(one.sum(0), other.sum(0)) / len(every)
        chi_squared = ((table - expected) ** 2 / expected).sum()
        freedom = (one.shape[1] - 1) * (other.shape[1] - 1)
        assert chi_squared < freedom + 5 * np.sqrt(2 * freedom) + 5


def test_the_names_are_celebas():
    names = faces.celeba_names("full")
    assert len(set(names)) == 40 and names == sorted(names)
    assert names == faces.celeba_names("easy")
    assert {n for n in names if n not in faces.DRAWN["full"]} == {"Attractive", "Blurry"}
    assert {"Male", "Eyeglasses", "Smiling", "No_Beard", "Wearing_Hat"} <= set(faces.DRAWN["easy"])


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_labels_vary_where_they_are_drawn(preset):
    every = np.array([faces.labels(faces.attributes(s, preset, "independent")) for s in range(300)])
    assert every.dtype == np.int8 and every.shape == (300, 40)
    for name, column in zip(faces.celeba_names(preset), every.T, strict=True):
        if name in faces.DRAWN[preset]:
            assert {0, 1} <= set(column.tolist()), name
        if name in ("Attractive", "Blurry"):
            assert set(column.tolist()) == {-1}


@pytest.mark.parametrize(
    "given, name, label",
    [
        ({"glasses": "sunglasses"}, "Eyeglasses", 1),
        ({"glasses": "none"}, "Eyeglasses", 0),
        ({"beard": "none", "mustache": "yes"}, "No_Beard", 1),
        ({"beard": "stubble"}, "No_Beard", 0),
        ({"beard": "stubble"}, "5_o_Clock_Shadow", 1),
        ({"texture": "curly"}, "Wavy_Hair", 1),
        ({"expression": "frown", "mouth": "open"}, "Smiling", 0),
        ({"expression": "frown", "mouth": "open"}, "Mouth_Slightly_Open", 1),
        ({"hairline": "bald"}, "Bald", 1),
        ({"hairline": "bald", "hair_color": "black"}, "Black_Hair", 0),
        ({"hairline": "bald", "style": "long", "earrings": "yes"}, "Wearing_Earrings", 1),
        ({"hairline": "bald", "hat": "cap"}, "Bald", 0),
        ({"hairline": "bangs", "hat": "cap"}, "Bangs", 0),
        ({"hat": "cap", "hair_color": "black"}, "Black_Hair", 1),
        ({"hat": "cap", "texture": "wavy"}, "Wavy_Hair", -1),
        ({"hat": "cap", "texture": "wavy", "style": "long"}, "Wavy_Hair", 1),
        ({"style": "long", "earrings": "yes"}, "Wearing_Earrings", -1),
        ({"style": "long", "earrings": "no"}, "Wearing_Earrings", -1),
        ({"style": "long", "sideburns": "yes"}, "Sideburns", -1),
        ({"glasses": "sunglasses", "eyes": "narrow"}, "Narrow_Eyes", -1),
        ({"glasses": "round", "eyes": "narrow"}, "Narrow_Eyes", 1),
        ({"glasses": "sunglasses", "makeup": "yes"}, "Heavy_Makeup", -1),
        ({"beard": "full", "double_chin": "yes"}, "Double_Chin", -1),
    ],
)
def test_labels_say_what_is_seen(given, name, label):
    assert labelled(of(**given))[name] == label


def test_an_easy_face_is_a_full_one_with_the_rest_fixed():
    face = faces.attributes(1, "easy", "independent") | {"gender": "man", "beard": "full"}
    face |= {"expression": "smile"}
    full = faces.in_full(face)
    assert face.items() <= full.items() and set(faces.PRESETS["full"]) <= set(full)
    assert all(full[n] in values for n, values in faces.PRESETS["full"].items())
    assert full["mustache"] == "yes" and full["mouth"] == "open" and full["hairline"] == "full"
    assert labelled(face)["Male"] == labelled(face)["Young"] == 1
    assert faces.in_full(full | {"preset": "full"}) == full | {"preset": "full"}
