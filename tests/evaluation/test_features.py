"""What networks see: classes of photographs, batches, files that are kept."""

import hashlib
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.evaluation.features import BATCH, NETWORKS, Network, load
from misc.evaluation.inverted_residuals import DESIGNS, weights_file
from misc.evaluation.protocols import protocol

PHOTOS = Path(__file__).parents[1] / "fixtures" / "photos"
SIZE, WIDTH, CLASSES = 8, 5, 2


def infer(pictures):
    """Features: the sum of a picture, five times; probabilities: how much of it is red."""
    assert pictures.shape == (BATCH, SIZE, SIZE, 3) and pictures.dtype == np.float32
    sums = pictures.sum(axis=(1, 2))
    red = sums[:, :1] / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    return np.repeat(sums.sum(axis=1, keepdims=True), WIDTH, 1), np.hstack([red, 1 - red])


@pytest.fixture
def network():
    return Network("fake", "0" * 64, "clean", "", infer, SIZE, WIDTH, CLASSES)


def pictures(count, size=SIZE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def expected(shown):
    sums = shown.astype(np.float64).sum(axis=(1, 2))
    return np.repeat(sums.sum(axis=1)[:, None], WIDTH, 1), sums[:, 0] / sums.sum(axis=1)


def check(found, shown):
    features, red = expected(shown)
    np.testing.assert_allclose(found.features, features, rtol=1e-5)
    np.testing.assert_allclose(found.probabilities, np.stack([red, 1 - red], 1), rtol=1e-5)


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH + 5])
def test_every_picture_once_and_in_order(network, count):
    shown = pictures(count)
    check(network(shown), shown)
    parts = np.array_split(shown, 7)  # some may be empty
    check(network.features_of(iter(parts)), shown)


def test_weights_that_give_no_numbers_are_refused_and_nothing_is_kept(network, tmp_path):
    bad = replace(network, infer=lambda shown: [part * np.nan for part in infer(shown)])
    with pytest.raises(UserError, match="fake: its weights, SHA-256 0{12}, give numbers that are"):
        bad.features_of([pictures(3)], tmp_path, "d")
    assert not list(tmp_path.iterdir())


def test_pictures_of_several_sizes(network):
    large = pictures(3).repeat(2, axis=1).repeat(2, axis=2)
    found = network.features_of([pictures(3), large, pictures(3, seed=1)])
    check(type(found)(*(part[:3] for part in found)), pictures(3))
    check(type(found)(*(part[6:] for part in found)), pictures(3, seed=1))
    assert np.abs(found.probabilities[3:6] - found.probabilities[:3]).max() < 0.01


@pytest.mark.parametrize(
    "shown",
    [pictures(2).astype(np.float32), pictures(1)[0], pictures(2)[..., :1], pictures(0)],
)
def test_anything_else_is_refused(network, shown):
    with pytest.raises(ValueError, match="uint8|no picture"):
        network(shown)
    with pytest.raises(ValueError, match="uint8|no picture"):
        network.features_of([shown])


def never():
    raise AssertionError("asked for pictures")
    yield


def test_a_file_is_taken_as_it_is(network, tmp_path):
    shown = pictures(40)
    found = network.features_of([shown], tmp_path / "kept", "content")
    check(found, shown)
    assert isinstance(found.features, np.memmap) and isinstance(found.probabilities, np.memmap)
    again = network.features_of(never(), tmp_path / "kept", "content")
    np.testing.assert_array_equal(again.features, found.features)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)


@pytest.mark.parametrize("change", [{"digest": "1" * 64}, {"resize": "tf1"}, {"name": "other"}])
def test_a_file_of_other_pictures_or_another_network_is_not(network, tmp_path, change):
    network.features_of([pictures(3)], tmp_path, "content")
    shown = pictures(4, seed=1)
    check(replace(network, **change).features_of([shown], tmp_path, "content"), shown)
    check(network.features_of([shown], tmp_path, "other content"), shown)
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_and_half_written_files_are_made_again(network, tmp_path):
    shown = pictures(40)
    network.features_of([shown], tmp_path, "content")
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:-28], whole[:-1], whole[:100] + b"damage" + whole[106:], b""):
        path.write_bytes(damaged)
        check(network.features_of([shown], tmp_path, "content"), shown)
    assert path.read_bytes() == whole

    def broken():
        yield shown
        raise KeyboardInterrupt

    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        network.features_of(broken(), tmp_path, "content")
    assert not list(tmp_path.iterdir())


def test_a_file_needs_a_digest_and_a_place(network, tmp_path):
    with pytest.raises(ValueError, match="needs the digest"):
        network.features_of([pictures(1)], tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        network.features_of([pictures(1)], tmp_path / "file", "content")


def test_memory_does_not_grow_with_the_pictures(network, tmp_path):
    def peak(count):
        tracemalloc.start()
        batches = (pictures(10, seed=i) for i in range(count))
        found = network.features_of(batches, tmp_path, f"{count}")
        assert len(found.features) == 10 * count
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(20)
    assert peak(200) < few + 30_000  # the pictures have 384,000 bytes, the rows 56,000


def test_unknown_networks_and_missing_files():
    with pytest.raises(UserError, match="'vgg' is not known; expected one of efficientnet-lite0"):
        load("vgg")
    with pytest.raises(UserError, match=r"nothing\.pth cannot be read"):
        load("mobilenet-v2", "nothing.pth")


def test_the_names_can_be_had_without_tensorflow():
    code = (
        "import sys, misc.evaluation.features\n"
        "sys.exit(bool({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.fixture(scope="module")
def lite0():
    return load(NETWORKS[0])


def photo(name):
    return np.asarray(Image.open(PHOTOS / f"{name}.jpg"))[None]


# ImageNet's classes: 281 to 285 are cats, 285 the Egyptian one; 967 is espresso.
@pytest.mark.parametrize("name, top, share", [("chelsea", 285, 0.7), ("coffee", 967, 0.2)])
def test_photographs_are_what_they_show(lite0, name, top, share):
    probabilities = lite0(photo(name)).probabilities[0]
    assert probabilities.argmax() == top and probabilities[top] > share
    if name == "chelsea":
        assert probabilities[281:286].sum() > 0.9


def test_the_default_network_says_what_it_is(lite0):
    assert lite0.judge == "efficientnet-lite0-clean" and lite0.note == ""
    content = weights_file(DESIGNS["efficientnet-lite0"]).read_bytes()
    assert lite0.digest == hashlib.sha256(content).hexdigest()
    assert protocol("fid", lite0.judge) == "fid/efficientnet-lite0-clean/v1"
    assert (lite0.size, lite0.width, lite0.classes) == (224, 1280, 1000)


def test_company_changes_nothing(lite0):
    alone = lite0(photo("chelsea"))
    crowd = np.concatenate([np.roll(photo("chelsea"), 20 * i, axis=2) for i in range(4)])
    together = lite0(crowd)
    np.testing.assert_allclose(together.features[0], alone.features[0], atol=1e-4)
    assert np.abs(together.features[1] - together.features[0]).max() > 0.1
    sums = together.probabilities.sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)
