import colorsys

import numpy as np
import pytest

from misc.drawings.birds_scenes import SCENES, backdrop
from misc.drawings.canvas import Canvas


@pytest.mark.parametrize("scene", SCENES)
def test_backgrounds_are_duller_than_any_coloured_bird(scene):
    for seed in range(5):
        canvas = Canvas(48, np.random.default_rng(seed))
        backdrop(canvas, scene, np.random.default_rng(seed))
        canvas.shade(canvas.ellipse(0.5, 0.5, 0.1, 0.1), 0)  # painting on it goes on working
        pixels = np.asarray(canvas.picture()).reshape(-1, 3) / 255
        saturation = [colorsys.rgb_to_hsv(*p)[1] for p in pixels[::7]]
        assert np.mean(saturation) < 0.45
        assert 0.35 < pixels.mean() < 0.92  # neither a black nor a white bird is lost
        assert canvas.subject.max() == 0
