"""Codes and grids: every pair within reach is found, once, and copies are told from likenesses."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from misc.data.check_alike import CELLS, CROWD, DIFFER, alike, code_of, crowded, grid_of, like_codes
from misc.drawings import birds
from misc.drawings.birds_draw import draw


@pytest.fixture(scope="module")
def sources():
    """Twelve drawn birds."""
    return [draw(birds.attributes(i, "easy", i), 152).picture for i in range(12)]


@pytest.fixture(scope="module")
def pictures(sources):
    """The same, 76 px, as the smaller of the stored sizes is made."""
    return [stored(source) for source in sources]


def stored(picture):
    return picture.resize((76, 76), Image.Resampling.BICUBIC)


def pairs_of(codes):
    parts = [np.stack(part, axis=1) for part in like_codes(np.array(codes, np.uint64))]
    return sorted(tuple(sorted(pair)) for part in parts for pair in part.tolist())


def test_pairs_of_codes_are_those_that_comparing_all_finds_each_once():
    random = np.random.default_rng(0)
    centres = random.integers(0, 2**64, 40, np.uint64)
    codes = np.repeat(centres, 6)
    for number in range(len(codes)):
        for bit in random.choice(64, number % 9, replace=False):
            codes[number] ^= np.uint64(1) << np.uint64(bit)
    apart = np.bitwise_count(codes[:, None] ^ codes)
    expected = [(i, j) for i, j in np.argwhere(apart <= DIFFER).tolist() if i < j]
    assert 100 < len(expected) < 40 * 15
    assert pairs_of(codes) == expected


def test_bits_that_differ_may_lie_anywhere():
    random = np.random.default_rng(1)
    for _ in range(60):
        for count, found in ((DIFFER, [(0, 1)]), (DIFFER + 1, [])):
            bits = random.choice(64, count, replace=False).tolist()
            assert pairs_of([0, sum(1 << bit for bit in bits)]) == found


def test_few_codes_and_equal_ones():
    assert pairs_of([]) == [] and pairs_of([5]) == []
    assert pairs_of([5] * 4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_pairs_that_are_left_out_are_of_two_crowded_codes(monkeypatch):
    random = np.random.default_rng(2)
    centres = random.integers(0, 2**64, 6, np.uint64)
    codes = np.repeat(centres, [2, 3, 8, 9, 30, 1])
    codes ^= np.uint64(1) << random.integers(0, 64, len(codes)).astype(np.uint64)
    every = set(pairs_of(codes))
    assert not crowded(codes).any()
    monkeypatch.setattr("misc.data.check_alike.CROWD", 8)
    found, many = pairs_of(codes), crowded(codes)
    assert many.tolist() == [False] * 13 + [True] * 39 + [False]
    assert len(set(found)) == len(found) and set(found) < every
    assert all(many[i] and many[j] for i, j in every - set(found))


def test_copies_without_end_make_no_pairs():
    codes = [5] * (CROWD + 1)
    assert pairs_of(codes) == [] and crowded(np.array(codes, np.uint64)).all()
    assert len(pairs_of(codes[1:])) == CROWD * (CROWD - 1) / 2
    assert crowded(np.array([], np.uint64)).shape == (0,)


def test_a_code_is_worked_out_by_hand():
    columns = np.array([0, 10, 10, 11, 50, 40, 42, 42, 200], np.uint8)
    picture = Image.fromarray(np.tile(columns, (8, 1)))
    plain, mirrored = code_of(picture.convert("RGB"))
    # Rises by 2 or more: 0-10, 11-50, 40-42, 42-200; from the right: 40-50 alone.
    assert f"{plain:064b}" == "10010101" * 8
    assert f"{mirrored:064b}" == "00010000" * 8


def test_the_mirrored_code_is_that_of_the_mirrored_picture(pictures):
    for picture in pictures:
        plain, mirrored = code_of(picture)
        swapped = code_of(ImageOps.mirror(picture))
        # Brightness is rounded before it is compared.
        assert (plain ^ swapped[1]).bit_count() <= 1 and (mirrored ^ swapped[0]).bit_count() <= 1


def jpeg(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("RGB")


COPIES = {
    "recompressed": jpeg,
    "smaller": lambda picture: picture.resize((90, 90), Image.Resampling.BICUBIC),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    "less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.85),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_alike(sources, pictures, how):
    copies = [stored(COPIES[how](source)) for source in sources]
    grids, others = (np.stack([grid_of(p) for p in some]) for some in (pictures, copies))
    assert alike(grids, others).all() and alike(others, grids).all()
    for picture, copy in zip(pictures, copies, strict=True):
        assert (code_of(picture)[0] ^ code_of(copy)[0]).bit_count() <= DIFFER


def test_other_pictures_are_not_alike(pictures):
    grids = np.stack([grid_of(picture) for picture in pictures])
    for turn in range(1, 12):
        assert not alike(grids, np.roll(grids, turn, axis=0)).any()
    assert alike(grids[3:4], grids).tolist() == [number == 3 for number in range(12)]
    assert not alike(grids, 255 - grids).any()  # no gain turns bright into dark


def test_a_part_in_another_colour_makes_another_picture(pictures):
    grids = np.stack([grid_of(picture) for picture in pictures])
    other = grids.copy()
    other[:, 5:7, 5:7] = (other[:, 5:7, 5:7].astype(int) + 100) % 256
    assert grids.shape == (12, CELLS, CELLS, 3) and not alike(grids, other).any()


def test_faint_pictures_are_told_apart_by_their_own_range():
    random = np.random.default_rng(0)
    a, b = random.integers(100, 116, (2, 20, CELLS, CELLS, 3), np.uint8)
    assert not alike(a, b).any() and alike(a, a).all()
    assert alike(a[:0], b[:0]).shape == (0,)
