import numpy as np
import pytest

from misc.drawings import birds
from misc.drawings.birds_draw import draw
from misc.drawings.canvas import BOX_COVER


def pixels(bird, size=64):
    return np.asarray(draw(bird, size).picture).astype(float)


@pytest.mark.parametrize("preset", ["easy", "full"])
def test_same_seed_same_bytes_other_seed_others(preset):
    bird = birds.attributes(4, preset)
    one, two = draw(bird, 64), draw(dict(bird), 64)
    assert one.picture.tobytes() == two.picture.tobytes()
    assert one.mask.tobytes() == two.mask.tobytes() and one.box == two.box
    other = draw({**bird, "seed": 5}, 64)
    assert np.mean(np.asarray(one.picture) != np.asarray(other.picture)) > 0.5


@pytest.mark.parametrize("size", [32, 64, 160])
def test_mask_and_box_agree(size):
    for seed in range(12):
        picture, mask, (x, y, width, height) = draw(birds.attributes(seed), size)
        assert picture.size == mask.size == (size, size)
        assert picture.mode == "RGB" and mask.mode == "L"
        rows, columns = np.nonzero(np.asarray(mask) >= BOX_COVER)
        assert (columns.min(), rows.min()) == (x, y)
        assert (columns.max() + 1, rows.max() + 1) == (x + width, y + height)
        assert 0 < x and 0 < y and x + width < size and y + height < size


def test_an_easy_bird_is_large():
    for seed in range(12):
        _, mask, (_, _, width, height) = draw(birds.attributes(seed, "easy"), 64)
        assert max(width, height) > 0.68 * 64
        assert np.asarray(mask)[16:48, 16:48].mean() / 255 > 0.6


def test_the_mask_covers_what_the_bird_changes():
    # Birds that share a seed have one background; where they differ is bird (or its shadow).
    a = birds.attributes(9, "easy", 12)
    b = {**a, "body_color": "black", "wing_color": "black", "belly_color": "black"}
    changed = np.abs(pixels(a) - pixels(b)).max(-1) > 40
    mask = np.asarray(draw(a, 64).mask) / 255
    assert changed.mean() > 0.15
    assert mask[changed].min() > 0.05


# The share of the picture that must change with a part's colour, small parts counting little.
SHARES = {"crown": 0.004, "face": 0.003, "throat": 0.002, "breast": 0.004, "belly": 0.006}
SHARES |= {"back": 0.006, "wing": 0.015, "tail": 0.002, "bill": 0.001, "leg": 0.002}


def region(bird, part, size=96):
    """Where a part is: the pixels that become much darker when it turns from white to black."""
    white, black = (pixels({**bird, f"{part}_color": c}, size) for c in ("white", "black"))
    return (white - black).min(-1) > 100


@pytest.mark.parametrize("part", birds.PARTS)
def test_every_part_shows_its_colour(part):
    for shape in birds.SCENES:
        if part == "leg" and shape not in ("songbird", "wader"):
            continue
        bird = next(
            b
            for seed in range(500)
            if (b := birds.attributes(seed, "full", "independent"))["shape"] == shape
            and b["breast_pattern"] == b["wing_pattern"] == "solid"
            and b["head_pattern"] == "plain"
        )
        where = region(bird, part)
        assert where.mean() > SHARES[part], (shape, where.mean())
        # Thin legs and bills mix with the background: told apart from clear colours only.
        thin = part in ("leg", "bill")
        clear = ("red", "yellow", "green", "blue")
        among = clear if thin else tuple(birds.COLOURS)
        for colour in clear if thin else (*clear, "orange", "purple"):
            mean = pixels({**bird, f"{part}_color": colour}, 96)[where].mean(0)
            palette = {c: np.array(birds.COLOURS[c]) for c in among}
            distance = {
                c: np.linalg.norm(mean / mean.sum() - rgb / rgb.sum()) for c, rgb in palette.items()
            }
            assert min(distance, key=distance.get) == colour, (shape, mean)


@pytest.mark.parametrize("part", birds.EASY_PARTS)
def test_easy_parts_are_close_to_their_palette(part):
    bird = birds.attributes(2, "easy", 20)
    where = region(bird, part)
    assert where.mean() > {"body": 0.06, "wing": 0.05, "belly": 0.03, "crown": 0.015}[part]
    for colour in birds.EASY_COLOURS:
        mean = pixels({**bird, f"{part}_color": colour}, 96)[where].mean(0)
        assert np.abs(mean - birds.COLOURS[colour]).max() < 70, (colour, mean)


def test_one_attribute_changes_its_own_place_only():
    bird = {**birds.attributes(21, "full", "independent"), "wing_color": "red"}
    changed = np.abs(pixels(bird) - pixels({**bird, "wing_color": "blue"})).max(-1) > 3
    assert 0 < changed.mean() < 0.2


@pytest.mark.parametrize("name", [n for n in birds.PRESETS["full"] if not n.endswith("_color")])
def test_every_form_is_seen(name):
    base = birds.attributes(33, "full", "independent")
    base |= {"shape": "songbird", "scene": "meadow", "wing_color": "red", "breast_color": "red"}
    base |= {"belly_color": "red", "crown_color": "blue", "tail_color": "black"}
    values = birds.PRESETS["full"][name]
    if name == "scene":
        values = birds.SCENES["songbird"]
    if name == "shape":
        base["scene"] = "shore"
    pictures = [pixels({**base, name: value}) for value in values]
    for k, one in enumerate(pictures):
        for other in pictures[:k]:
            assert np.mean(np.abs(one - other).max(-1) > 20) > 0.002


def test_all_scenes_are_different():
    base = birds.attributes(1, "full", 0)
    scenes = [pixels({**base, "scene": s}) for s in birds.PRESETS["full"]["scene"]]
    means = [np.concatenate([p[:12].mean((0, 1)), p[-8:].mean((0, 1))]) for p in scenes]
    for k, one in enumerate(means):
        assert all(np.abs(one - other).max() > 8 for other in means[:k])
