"""What tests of numbers share: pictures left out, intervals counted, runs that were evaluated."""

from types import SimpleNamespace

import numpy as np
import pytest

from misc.data.prepared import open_split
from misc.evaluation import records
from misc.evaluation.bootstrap import Estimate, jackknife
from misc.evaluation.protocols import line
from misc.evaluation.samples import write_samples


class Pixels:
    """As `misc.evaluation.features.Network`: the features of a picture are its pixels."""

    judge, digest = "pixels", "f" * 64

    def __init__(self):
        self.asked = []

    def __call__(self, pictures):
        return SimpleNamespace(features=pictures.reshape(len(pictures), -1).astype(np.float32))

    def features_of(self, batches, where, digest, total):
        found = np.concatenate([self(batch).features for batch in batches])
        assert len(found) == total
        self.asked.append((digest, where))
        return SimpleNamespace(features=found)


@pytest.fixture(scope="session")
def pixel_network():
    """A feature network of pixels; `asked` lists the digest and folder of each `features_of`."""
    return Pixels()


@pytest.fixture(scope="session")
def two_stages():
    """`stages` of a room: grey of the embedding's first value, and of the noise's number."""

    def stages(embedding, seed, start, walk=None):
        way = np.arange(len(embedding)) if walk is None else np.asarray(walk)
        grey = 128 + 20 * embedding[:, 0] + 16 * (start + way) + seed
        large = np.tile(grey[:, None, None, None], (1, 16, 16, 3)).clip(0, 255).astype(np.uint8)
        return large[:, ::2, ::2], large

    return stages


@pytest.fixture(scope="session")
def evaluated(tiny_set, two_stages, pixel_network):
    """`evaluated(run, seed=0, shift=0.0, **facts)`: fill run/evaluation; each value is + shift."""
    values = {"is": 4.3, "fid": 60.0, "kid": 0.04, "attributes": 0.6}
    table = {
        "has_wing_color::blue": {"value": 0.7, "ceiling": 0.97, "chance": 0.2, "n": 40},
        "has_eye_ring::yes": {"value": 0.4, "ceiling": 0.9, "chance": 0.3, "n": 7},
    }
    extra = {
        "is": {"real": 8.8, "real_interval": [8.5, 9.1], "splits": 10},
        "fid": {"extrapolated": 48.5, "extrapolated_interval": [44.0, 52.0]},
        "attributes": {
            "ceiling": 0.95,
            "chance": 0.2,
            "per_attribute": table,
            "left_out": ["x::y"],
        },
    }

    def make(run, seed=0, shift=0.0, metrics=tuple(values), **facts):
        test, train = (open_split(tiny_set, name) for name in ("test", "train"))
        folder, rows = run / records.FOLDER, test.embeddings("text")
        options = {"imsize": 16, "seed": seed, "step": 832}
        write_samples(folder, two_stages, rows, test, network=pixel_network, train=train, **options)
        known = {"n": 333, "seed": seed, "step": 832, "data": "data/tiny", "captions_digest": "c"}
        for k, metric in enumerate(metrics):
            drawn = np.random.default_rng(k).normal(size=100) / 50
            one = Estimate(values[metric] + shift, values[metric] + shift + drawn)
            told = line(metric, "judge", one, **(known | extra.get(metric, {}) | facts))
            records.keep(folder, told, one)
        return run

    return make


@pytest.fixture
def left_out():
    """`left_out(function, *sets, seed=0)`: the jackknife of function(*sets), the slow way."""

    def estimate(function, *sets, seed=0):
        def without(k, i):
            return function(*sets[:k], np.delete(sets[k], i, axis=0), *sets[k + 1 :])

        numbers = [np.array([without(k, i) for i in range(len(s))]) for k, s in enumerate(sets)]
        return jackknife(function(*sets), numbers, seed)

    return estimate


@pytest.fixture
def coverage():
    """`coverage(estimates, truth=None)`: how often the interval holds the truth, or their mean."""

    def share(estimates, truth=None):
        truth = np.mean([one.value for one in estimates]) if truth is None else truth
        held = [low <= truth <= high for low, high in (one.interval for one in estimates)]
        return np.mean(held)

    return share
