"""misc/import_stackgan.py: from StackGAN's pickles to a prepared set."""

import io
import json
import pickle

import numpy as np
import pytest
from PIL import Image

from misc.data.prepared import open_split
from misc.import_stackgan import main

COUNTS = {"train": 70, "test": 2}  # so many that they need two shards


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A download of StackGAN's, and what its pickles hold: {part: {file: value}}."""
    root, random, held = tmp_path_factory.mktemp("stackgan"), np.random.default_rng(0), {}
    for part, count in COUNTS.items():
        (root / part).mkdir()
        held[part] = {
            "filenames": [f"{part}/picture_{i}" for i in range(count)],
            "class_info": [i % 2 + 1 for i in range(count)],
            "char-CNN-RNN-embeddings": random.normal(size=(count, 3, 8)).astype(np.float32),
            "76images": list(random.integers(0, 256, (count, 76, 76, 3), np.uint8)),
            "304images": list(random.integers(0, 256, (count, 304, 304, 3), np.uint8)),
        }
        for name, value in held[part].items():
            (root / part / f"{name}.pickle").write_bytes(pickle.dumps(value, 2))
    return root, held


def test_a_whole_set(source, run_main, tmp_path):
    root, held = source
    code, out, err = run_main(main, "--source", root, "--out", tmp_path / "set")
    assert code == 0, err
    result = json.loads(out.splitlines()[-1])
    assert result["splits"]["train"] == {"pictures": 70, "captions": 210, "classes": 2}
    assert result["embeddings"] == ["char-CNN-RNN"]
    for part, values in held.items():
        split = open_split(tmp_path / "set", part)
        assert split.sizes == (76, 304)
        for size in split.sizes:
            pngs = split.pictures(range(COUNTS[part]), size)
            for png, expected in zip(pngs, values[f"{size}images"], strict=True):
                np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), expected)
        rows = values["char-CNN-RNN-embeddings"].reshape(-1, 8)
        np.testing.assert_array_equal(split.embeddings("char-CNN-RNN"), rows)
        assert [split.class_names[label] for label in split.labels[:2]] == [
            "class_00001",
            "class_00002",
        ]
        known = {"name": values["filenames"][1], "captions": [], "side": [304, 304]}
        assert split.record(1) == known
    assert not (tmp_path / "set" / ".partial").exists()


def test_pictures_that_do_not_fit_leave_no_set(source, run_main, tmp_path):
    root, held = source
    for part, values in held.items():
        (tmp_path / part).mkdir()
        for name in values:
            (tmp_path / part / f"{name}.pickle").hardlink_to(root / part / f"{name}.pickle")
    bad = tmp_path / "test" / "304images.pickle"
    bad.unlink()
    bad.write_bytes(pickle.dumps(held["test"]["76images"], 2))
    code, out, err = run_main(main, "--source", tmp_path, "--out", tmp_path / "set")
    line = err.splitlines()[-1]
    assert (code, out) == (2, "") and line.startswith("error: ")
    assert "test/304images.pickle: picture 0 is uint8 of shape (76, 76, 3), expected" in line
    assert not (tmp_path / "set" / "set.json").exists()


def test_no_source(run_main, tmp_path):
    code, _, err = run_main(main, "--source", tmp_path, "--out", tmp_path / "set")
    assert code == 2 and "train/filenames.pickle is missing" in err
