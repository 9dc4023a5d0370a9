import numpy as np
import pytest

from misc.drawings import faces
from misc.drawings.canvas import BOX_COVER
from misc.drawings.faces_draw import draw
from misc.drawings.faces_shape import Sitter

PLAIN = {name: values[0] for name, values in faces.PRESETS["full"].items()}


def pixels(face, size=64):
    return np.asarray(draw(face, size).picture).astype(float)


def changed(face, other, size=64, by=12):
    return np.abs(pixels(face, size) - pixels(other, size)).max(-1) > by


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_same_seed_same_bytes_other_seed_others(preset):
    face = faces.attributes(4, preset)
    one, two = draw(face, 64), draw(dict(face), 64)
    assert one.picture.tobytes() == two.picture.tobytes()
    assert one.mask.tobytes() == two.mask.tobytes() and one.box == two.box
    other = draw({**face, "seed": 5}, 64)
    assert np.mean(np.asarray(one.picture) != np.asarray(other.picture)) > 0.5


@pytest.mark.parametrize("size", [16, 64, 97])
def test_mask_and_box_agree(size):
    for seed in range(8):
        picture, mask, (x, y, width, height) = draw(faces.attributes(seed), size)
        assert picture.size == mask.size == (size, size)
        assert picture.mode == "RGB" and mask.mode == "L"
        rows, columns = np.nonzero(np.asarray(mask) >= BOX_COVER)
        assert (columns.min(), rows.min()) == (x, y)
        assert (columns.max() + 1, rows.max() + 1) == (x + width, y + height)
        assert y > 0 and y + height == size  # the shoulders are cut by the picture


def test_nothing_is_cut_off_above():
    for seed in range(25):
        face = faces.attributes(seed, "easy" if seed % 2 else "full", "independent")
        assert draw(face, 32).box[1] >= 1


def test_the_mask_covers_what_the_person_changes():
    face = faces.attributes(9, "easy", "independent") | {"hat": "none", "style": "long"}
    where = changed(face | {"hair_color": "black"}, face | {"hair_color": "gray"}, by=40)
    mask = np.asarray(draw(face, 64).mask) / 255
    assert where.mean() > 0.08
    assert mask[where].min() > 0.05
    assert 0.2 < mask.mean() < 0.9


# Where each attribute of a plain face shows: above, beside or below lines in the head's frame.
PLACES = {
    "gender": lambda x, y: y > -0.3,
    "age": lambda x, y: (y > -0.22) & (y < 0.25),
    "skin": lambda x, y: (y > -0.3) & (y < 0.5),
    "face": lambda x, y: abs(x) < 0.34,
    "chubby": lambda x, y: y > -0.15,
    "double_chin": lambda x, y: y > 0.2,
    "cheekbones": lambda x, y: (y > -0.02) & (y < 0.2) & (abs(x) > 0.05),
    "eye_color": lambda x, y: abs(y + 0.035) < 0.04,
    "eyes": lambda x, y: abs(y + 0.04) < 0.06,
    "nose": lambda x, y: (abs(x) < 0.1) & (abs(y - 0.02) < 0.12),
    "lips": lambda x, y: abs(y - 0.152) < 0.075,
    "brows": lambda x, y: abs(y + 0.09) < 0.05,
    "brow_shape": lambda x, y: abs(y + 0.1) < 0.06,
    "hair_color": lambda x, y: y < 0.05,
    "texture": lambda x, y: (y < 0.3) & (abs(x) < 0.34),
    "hairline": lambda x, y: y < 0.05,
    "style": lambda x, y: y < 0.5,
    "expression": lambda x, y: (abs(y - 0.152) < 0.09) | (abs(y + 0.09) < 0.03),
    "mouth": lambda x, y: abs(y - 0.16) < 0.08,
    "glasses": lambda x, y: abs(y + 0.035) < 0.1,
    "hat": lambda x, y: y < -0.05,
    "beard": lambda x, y: y > -0.05,
    "mustache": lambda x, y: abs(y - 0.125) < 0.06,
    "sideburns": lambda x, y: (abs(x) > 0.1) & (abs(y) < 0.17),
    "bags": lambda x, y: abs(y) < 0.04,
    "makeup": lambda x, y: abs(y + 0.045) < 0.06,
    "lipstick": lambda x, y: abs(y - 0.152) < 0.06,
    "blush": lambda x, y: abs(y - 0.075) < 0.09,
    "earrings": lambda x, y: (abs(x) > 0.17) & (abs(y - 0.08) < 0.07),
    "necklace": lambda x, y: abs(y - 0.37) < 0.08,
    "necktie": lambda x, y: y > 0.28,
}


@pytest.mark.parametrize("name", faces.PRESETS["full"])
def test_every_value_is_seen_in_its_place(name):
    for seed, skin in enumerate(("pale", "tan", "dark")):
        base = faces.attributes(seed, "full", "independent") | PLAIN | {"skin": skin}
        base |= {"hair_color": "black"}
        values = faces.PRESETS["full"][name]
        sitter = Sitter(base, 64)
        place = PLACES[name](sitter.x, sitter.y)
        for k, value in enumerate(values):
            for other in values[:k]:
                where = changed(base | {name: value}, base | {name: other})
                assert where.mean() > 0.0015, (skin, value, other)
                assert where[place].sum() > 0.93 * where.sum(), (skin, value, other)


def test_what_is_unseen_leaves_no_trace():
    checked = set()
    for seed in range(14):
        face = faces.attributes(seed, "full", "independent")
        picture = draw(face, 32).picture.tobytes()
        # The colour of a bald head's hair is that of its brows, and curls may show beside a hat.
        for name in set(faces.unseen(face)) - {"hair_color", "texture"}:
            values = faces.PRESETS["full"][name]
            if name == "hairline":
                values = ("bald",) if face[name] == "bald" else ("full", "bangs", "receding")
            if name == "style" and face["hairline"] != "bald":  # a hat hides a bun
                values = ("short", "tied")
            other = values[(values.index(face[name]) + 1) % len(values)]
            assert draw(face | {name: other}, 32).picture.tobytes() == picture, (face, name)
            checked.add(name)
    assert checked >= {"earrings", "sideburns", "hairline", "style", "eyes", "makeup", "bags"}


@pytest.mark.parametrize("name", faces.PRESETS["easy"])
def test_easy_differences_are_large_at_32_pixels(name):
    share = {"expression": 0.012, "glasses": 0.03, "gender": 0.04}.get(name, 0.05)
    for seed in range(3):
        base = faces.attributes(seed, "easy", "independent")
        base |= {"glasses": "none", "hat": "none", "beard": "none", "skin": "light"}
        base |= {"hair_color": "brown"}
        values = faces.PRESETS["easy"][name]
        for k, value in enumerate(values):
            for other in values[:k]:
                assert changed(base | {name: value}, base | {name: other}, 32, 30).mean() > share


@pytest.mark.parametrize("preset", faces.PRESETS)
def test_hair_has_its_colour(preset):
    base = faces.attributes(6, preset, "independent") | {"hat": "none", "style": "long"}
    base |= {"hairline": "full", "texture": "straight"} if preset == "full" else {}
    where = changed(base | {"hair_color": "black"}, base | {"hair_color": "gray"}, by=70)
    means = {
        colour: pixels(base | {"hair_color": colour})[where].mean(0)
        for colour in faces.PRESETS[preset]["hair_color"]
    }
    red, green, blue = means["red"]
    assert red > 2 * green > 2 * blue
    assert means["blond"][0] > means["brown"][0] + 60 > means["black"][0] + 80
    assert np.ptp(means["gray"]) < 25 and means["gray"].mean() > 120
    assert np.ptp(means["black"]) < 25 and means["black"].mean() < 70
