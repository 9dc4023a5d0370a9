import numpy as np
import pytest

from misc.data.mentions import mentions_of
from misc.draw_dataset import KINDS


@pytest.fixture
def read_drawn():
    """Read the captions of drawn things, which must never say what their labels deny.

    Returns {caption: ({name: value said}, the thing)}; of one caption for two things, the last.
    """

    def read(kind, preset, which, count):
        made = KINDS[kind]
        names = made.attribute_names(preset)
        things = [made.attributes(seed, preset, which) for seed in range(count)]
        captions = [(caption, thing) for thing in things for caption in made.captions(thing, 10)]
        said = mentions_of([caption for caption, _ in captions], names)
        found = {}
        for row, (caption, thing) in zip(said, captions, strict=True):
            labels = made.labels(thing)
            wrong = np.flatnonzero((row >= 0) & (row != labels))
            assert not wrong.size, (caption, [(names[k], row[k], labels[k]) for k in wrong])
            found[caption] = dict(zip(names, row.tolist(), strict=True)), thing
        assert len(found) > count
        return found

    return read
