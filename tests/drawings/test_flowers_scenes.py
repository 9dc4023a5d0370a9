import colorsys

import numpy as np
import pytest

from misc.drawings.canvas import Canvas
from misc.drawings.flowers_scenes import SCENES, backdrop, stalk

STEM = np.linspace((0.5, 0.4), (0.55, 1.05), 16)


@pytest.mark.parametrize("scene", SCENES)
def test_backgrounds_are_duller_than_any_petals_and_no_subject(scene):
    for seed in range(4):
        canvas = Canvas(48, np.random.default_rng(seed))
        backdrop(canvas, scene, np.random.default_rng(seed))
        pixels = np.asarray(canvas.picture()).reshape(-1, 3) / 255
        saturation = [colorsys.rgb_to_hsv(*p)[1] for p in pixels[::7]]
        assert np.mean(saturation) < 0.42
        before = canvas.pixels.copy()
        stalk(canvas, scene, np.random.default_rng(seed), STEM)
        assert canvas.subject.max() == 0
        changed = np.abs(canvas.pixels - before).max(-1) > 8
        assert changed[40].any() and not changed[:12].any()


def test_all_scenes_are_different():
    means = []
    for scene in SCENES:
        canvas = Canvas(32, np.random.default_rng(0))
        backdrop(canvas, scene, np.random.default_rng(1))
        means.append(canvas.pixels.mean((0, 1)))
    for k, one in enumerate(means):
        assert all(np.abs(one - other).max() > 15 for other in means[:k])
