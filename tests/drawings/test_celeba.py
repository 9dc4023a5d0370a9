import json

import pytest

from misc.drawings.layouts import celeba

COUNTS = [3, 1, 2, 2, 4, 1, 1, 2, 1]  # persons 2, 5 and 8 are for the test, 7 validates


@pytest.fixture
def written(write_fake):
    return write_fake(celeba, COUNTS)


def rows(path):
    return [line.split(" ") for line in path.read_text().splitlines()]


def test_attributes_are_signs_as_wide_as_the_original(written):
    count, names, *lines = (written[0] / "list_attr_celeba.txt").read_text().splitlines()
    assert (count, names) == ("17", "5_o_Clock_Shadow Bald Young")
    assert lines[0] == "000001.jpg  1 -1  0"  # yes, no, and one that cannot be seen
    assert [line[:10] for line in lines] == [f"{i:06d}.jpg" for i in range(1, 18)]


def test_persons_are_in_one_part_each(written):
    out, entries, told = written
    identity = dict(rows(out / "identity_CelebA.txt"))
    part = dict(rows(out / "list_eval_partition.txt"))
    assert list(identity) == list(part) == [f"{i:06d}.jpg" for i in range(1, 18)]
    for entry in entries:
        assert identity[entry.path.removeprefix("img_align_celeba/")] == str(entry.item.number + 1)
    persons = {p: {identity[f] for f in identity if part[f] == p} for p in "012"}
    assert persons == {"0": {"1", "2", "4", "5", "7"}, "1": {"8"}, "2": {"3", "6", "9"}}
    assert told == {"people": {str(n + 1): f"Name_{n}" for n in range(9)}}


def test_the_seed_shuffles_pictures(write_fake):
    def persons(seed):
        return [entry.item for entry in write_fake(celeba, COUNTS, seed)[1]]

    assert persons(0) == persons(0) != persons(1)
    assert sorted(persons(0)) == sorted(persons(1)) != persons(0)


def test_captions_have_the_form_of_face2text(written):
    out, entries, _ = written
    records = json.loads((out / "face2text.json").read_text())
    assert [record["img_id"] for record in records] == list(range(1, 18))
    for record, entry in zip(records, entries, strict=True):
        assert set(record) == {"img_id", "image", "descriptions"}
        assert f"img_align_celeba/{record['image']}" == entry.path
        assert [one["text"] for one in record["descriptions"]] == entry.captions
    numbers = [one["desc_id"] for record in records for one in record["descriptions"]]
    assert numbers == list(range(1, 17 * 5 + 1))
