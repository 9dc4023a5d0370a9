import numpy as np
import pytest
from scipy.io import loadmat

from misc.drawings.layouts import oxford

COUNTS = [4, 0, 5, 1, 8, 2]


@pytest.fixture
def written(write_fake):
    return write_fake(oxford, COUNTS)


def test_labels_count_classes_from_one(written):
    out, entries, _ = written
    labels = loadmat(out / "imagelabels.mat")["labels"]
    assert labels.dtype == np.uint8 and labels.shape == (1, 20)
    np.testing.assert_array_equal(labels[0], np.repeat([1, 2, 3, 4, 5, 6], COUNTS))
    assert [entry.path for entry in entries] == [f"jpg/image_{i:05d}.jpg" for i in range(1, 21)]


def test_the_official_split_is_inside_classes(written):
    out, entries, _ = written
    file = loadmat(out / "setid.mat")
    parts = {part: file[part] for part in ("trnid", "valid", "tstid")}
    for ids in parts.values():
        assert ids.dtype == np.uint16 and ids.shape[0] == 1
    assert sorted(np.concatenate(list(parts.values()), 1)[0].tolist()) == list(range(1, 21))
    # Of the eight pictures of class 5, and of the four of class 1: a quarter, a quarter, a half.
    number = loadmat(out / "imagelabels.mat")["labels"][0]
    for label, share in ((5, 2), (1, 1)):
        counts = [(number[ids[0] - 1] == label).sum() for ids in parts.values()]
        assert counts == [share, share, 2 * share]


def test_one_picture_of_each_class_is_enough_for_every_part(write_fake):
    out, _, _ = write_fake(oxford, [1] * 9)
    file = loadmat(out / "setid.mat")
    assert [file[part].size for part in ("trnid", "valid", "tstid")] == [2, 3, 4]


def test_mat_files_follow_from_their_numbers_alone(written):
    # SciPy would begin with the time.
    for name in ("imagelabels.mat", "setid.mat"):
        content = (written[0] / name).read_bytes()
        assert content[:116] == oxford.HEADER and len(oxford.HEADER) == 116
        assert content[124:128] == b"\x00\x01IM"


def test_captions_and_reeds_classes(written):
    out, entries, told = written
    for entry in entries:
        file = f"class_{entry.item.number + 1:05d}/image_{entry.path[-9:-4]}.txt"
        lines = (out / "text_c10" / file).read_text().splitlines()
        assert lines == [f"caption {k} of {entry.item.seed}" for k in range(10)]
    assert len(list((out / "text_c10").rglob("*.txt"))) == 20
    assert (out / "trainvalclasses.txt").read_text().split() == [
        "class_00001",
        "class_00004",
        "class_00005",
    ]
    assert (out / "testclasses.txt").read_text().split() == ["class_00003", "class_00006"]
    names = {f"class_{n:05d}": f"Name_{n - 1}" for n in (1, 3, 4, 5, 6)}
    assert told == {"classes": names}
