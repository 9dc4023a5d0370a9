import numpy as np
import pytest

from misc.drawings import flowers
from misc.drawings.canvas import BOX_COVER
from misc.drawings.flowers_draw import draw


def pixels(flower, size=64):
    return np.asarray(draw(flower, size).picture).astype(float)


def region(flower, part, size=64):
    """Where a part is: the pixels that become much darker when it turns from white to black."""
    white, black = (pixels({**flower, f"{part}_color": c}, size) for c in ("white", "black"))
    return (white - black).min(-1) > 90


def nearest(mean, colours):
    """The palette's colour with the hue of a mean."""
    palette = {c: np.array(flowers.COLOURS[c]) for c in colours}
    distance = {c: np.linalg.norm(mean / mean.sum() - v / v.sum()) for c, v in palette.items()}
    return min(distance, key=distance.get)


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_same_seed_same_bytes_other_seed_others(preset):
    flower = flowers.attributes(4, preset)
    one, two = draw(flower, 64), draw(dict(flower), 64)
    assert one.picture.tobytes() == two.picture.tobytes()
    assert one.mask.tobytes() == two.mask.tobytes() and one.box == two.box
    other = draw({**flower, "seed": 5}, 64)
    assert np.mean(np.asarray(one.picture) != np.asarray(other.picture)) > 0.5


@pytest.mark.parametrize("size", [32, 64, 160])
def test_mask_and_box_agree(size):
    for seed in range(6):
        flower = flowers.attributes(seed, "full", "independent")
        picture, mask, (x, y, width, height) = draw(flower, size)
        assert picture.size == mask.size == (size, size)
        assert picture.mode == "RGB" and mask.mode == "L"
        rows, columns = np.nonzero(np.asarray(mask) >= BOX_COVER)
        assert (columns.min(), rows.min()) == (x, y)
        assert (columns.max() + 1, rows.max() + 1) == (x + width, y + height)
        assert 0 < x and 0 < y and x + width < size and y + height < size


def test_an_easy_flower_fills_the_picture():
    for seed in range(10):
        _, mask, (_, _, width, height) = draw(flowers.attributes(seed, "easy"), 64)
        assert max(width, height) > 0.78 * 64
        assert np.asarray(mask)[16:48, 16:48].mean() / 255 > 0.9


def test_the_mask_covers_what_the_flower_changes():
    a = flowers.attributes(9, "easy", 12)
    b = {**a, "petal_color": "black", "second_color": "black", "center_color": "black"}
    changed = np.abs(pixels(a) - pixels(b)).max(-1) > 40
    mask = np.asarray(draw(a, 64).mask) / 255
    assert changed.mean() > 0.3
    assert mask[changed].min() > 0.05


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("part", flowers.PARTS)
def test_easy_parts_are_close_to_their_palette(part, size):
    for species in (20, 21):  # a pointed and a rounded one
        flower = flowers.attributes(2, "easy", species)
        where = region(flower, part, size)
        assert where.mean() > {"petal": 0.1, "second": 0.06, "center": 0.04}[part]
        for colour in flowers.EASY_COLOURS:
            mean = pixels({**flower, f"{part}_color": colour}, size)[where].mean(0)
            assert np.abs(mean - flowers.COLOURS[colour]).max() < 80, (colour, mean)
            assert nearest(mean, flowers.EASY_COLOURS) == colour


@pytest.mark.parametrize("form", flowers.VIEWS)
def test_petals_and_centres_show_their_colour_in_every_view(form):
    base = {**flowers.attributes(3, "full", "independent"), "form": form, "pattern": "plain"}
    base |= {"petals": "eight", "layers": "two", "stamens": "no"}
    for view in flowers.VIEWS[form]:
        flower = {**base, "view": view}
        for part in {"petal", "center"} - {key[:6] for key in flowers.hidden(flower)}:
            where = region(flower, part)
            assert where.mean() > {"petal": 0.08, "center": 0.002}[part], view
            for colour in ("red", "yellow", "green", "purple"):
                mean = pixels({**flower, f"{part}_color": colour})[where].mean(0)
                assert nearest(mean, flowers.PRESETS["full"][f"{part}_color"]) == colour


@pytest.mark.parametrize("pattern", flowers.FORMS["pattern"][1:])
@pytest.mark.parametrize("shape", flowers.FORMS["petal_shape"])
def test_every_pattern_shows_the_second_colour(pattern, shape):
    base = flowers.attributes(5, "full", "independent")
    base |= {"form": "flat", "view": "front", "petal_color": "white", "petal_shape": shape}
    base |= {"petals": "eight", "layers": "one", "stamens": "no", "center_size": "small"}
    red, blue = (pixels({**base, "pattern": pattern, "second_color": c}) for c in ("red", "blue"))
    share = (np.abs(red - blue).max(-1) > 60).mean()
    assert (0.012 if pattern != "two-tone" else 0.04) < share < 0.25


def test_what_is_hidden_is_not_in_the_picture():
    base = flowers.attributes(8, "full", "independent")
    plain = {**base, "pattern": "plain"}
    cup = {**base, "form": "cupped", "view": "side"}
    for flower, name in ((plain, "second_color"), (cup, "center_color")):
        assert name in flowers.hidden(flower)
        one, other = (pixels({**flower, name: colour}) for colour in ("white", "purple"))
        np.testing.assert_array_equal(one, other)


def test_one_attribute_changes_its_own_place_only():
    flower = {**flowers.attributes(21, "full", "independent"), "form": "flat", "view": "front"}
    one, other = (pixels({**flower, "center_color": c}) for c in ("red", "green"))
    changed = np.abs(one - other).max(-1) > 3
    assert 0 < changed.mean() < 0.15


@pytest.mark.parametrize("name", [n for n in flowers.PRESETS["full"] if not n.endswith("_color")])
def test_every_form_is_seen(name):
    base = flowers.attributes(33, "full", "independent")
    base |= {"form": "cupped", "view": "tilted", "petal_color": "red", "second_color": "white"}
    base |= {"pattern": "plain", "petals": "eight", "layers": "two", "center_color": "yellow"}
    pictures = [pixels({**base, name: value}) for value in flowers.PRESETS["full"][name]]
    for k, one in enumerate(pictures):
        for other in pictures[:k]:
            assert np.mean(np.abs(one - other).max(-1) > 20) > 0.005
