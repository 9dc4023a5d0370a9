"""Pictures for a reader: what is written, and what of it is believed when it is read."""

import json

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.evaluation import samples


@pytest.fixture(scope="module")
def split(tiny_set):
    return open_split(tiny_set, "test")  # eight pictures, yellow and white, three captions each


@pytest.fixture
def write(tmp_path, split, two_stages):
    """`write(folder=..., stages=..., **options)` -> the folder."""

    def write(folder=tmp_path / "evaluation", stages=two_stages, split=split, **options):
        options = {"imsize": 16, "seed": 5, "step": 9} | options
        path = samples.write_samples(folder, stages, split.embeddings("text"), split, **options)
        assert path == folder / "samples.json"
        return folder

    return write


def pixels(folder, name):
    return np.asarray(samples.open_sample(folder, name))


def test_each_sentence_stands_with_its_pictures(write, split):
    folder = write()
    found = samples.read_samples(folder)
    assert len(found["rows"]) == 8 and found["step"] == 9
    colours = {name: k for k, name in enumerate(("yellow", "white"))}
    for k, row in enumerate(found["rows"]):
        (colour,) = {c for c in colours if c in row["caption"]}
        real, fake, small = (pixels(folder, row[kind]) for kind in ("real", "fake", "stage1"))
        assert (np.sort(real[..., 2].ravel())[-40:].mean() > 180) == (colour == "white")
        assert fake.shape == (16, 16, 3) and small.shape == (8, 8, 3)
        rows = split.embeddings("text")[:, 0]
        greys = (128 + 20 * rows + 16 * k + 5).clip(0, 255).astype(np.uint8)
        assert fake[0, 0, 0] in greys and fake[0, 0, 0] == small[0, 0, 0]
        assert row["neighbours"] == []
    assert found["neighbours"] is None


def test_the_sentences_depend_on_the_seed_and_not_on_the_run(write, tmp_path, two_stages):
    def one_stage(*args):
        return two_stages(*args)[1:]

    found = [
        samples.read_samples(write(tmp_path / name, stages, seed=seed))["rows"]
        for name, stages, seed in (("a", two_stages, 0), ("b", one_stage, 0), ("c", one_stage, 1))
    ]
    first, same, other = ([row["caption"] for row in rows] for rows in found)
    assert first == same != other and found[1][0]["stage1"] is None


def test_ways_lead_from_one_end_to_the_other(write):
    folder = write()
    found = samples.read_samples(folder)
    between, noises = found["between_sentences"], found["between_noises"]
    one, other = between["captions"]
    assert one == found["rows"][0]["caption"] == noises["caption"]
    assert ("yellow" in one) != ("yellow" in other)
    greys = [
        np.array([pixels(folder, name)[0, 0, 0] for name in way["pictures"]], int)
        for way in (between, noises)
    ]
    first = pixels(folder, found["rows"][0]["fake"])[0, 0, 0]
    for grey in greys:
        assert len(grey) == samples.STEPS and grey[0] == first
        steps = np.diff(grey)
        assert np.all(steps > 0) or np.all(steps < 0)
        assert np.ptp(steps) <= 1  # even steps, cut to whole greys
    assert greys[1][-1] == first + 16  # the next noise


def test_neighbours_of_the_first_fakes(write, tiny_set, pixel_network, monkeypatch):
    monkeypatch.setattr(samples, "QUERIES", 3)
    train = open_split(tiny_set, "train")
    folder = write(network=pixel_network, train=train)
    found = samples.read_samples(folder)
    assert [len(row["neighbours"]) for row in found["rows"]] == [3] * 3 + [0] * 5
    names = {train.record(i)["name"] for i in range(len(train))}
    for row in found["rows"][:3]:
        fake = pixels(folder, row["fake"]).astype(float)
        for one in row["neighbours"]:
            shown = pixels(folder, one["picture"])
            ways = [np.linalg.norm(way - shown) for way in (fake, fake[:, ::-1])]
            assert one["distance"] == pytest.approx(min(ways)) and one["name"] in names
    typical = found["neighbours"]["typical"]
    assert 0 < typical["low"] <= typical["median"] <= typical["high"]
    assert {found["neighbours"][k] for k in ("looked_at", "of")} == {12}
    assert (found["neighbours"]["reals"], found["neighbours"]["network"]) == (8, "pixels")


def test_a_second_evaluation_leaves_no_mixture(write, two_stages):
    folder = write()

    def broken(embedding, seed, start, walk=None):
        if walk is not None:
            raise UserError("broken")
        return two_stages(embedding, seed, start)

    with pytest.raises(UserError, match="broken"):
        write(stages=broken)
    assert samples.read_samples(folder) is None


def test_a_set_of_one_picture_has_no_way_between_sentences(write, make_set):
    alone = open_split(make_set(test=("red",), per_class=1), "test")
    found = samples.read_samples(write(split=alone))
    assert found["between_sentences"] is None and len(found["rows"]) == 1


def test_embeddings_without_sentences_go_by_the_picture(write, make_set, monkeypatch):
    split = open_split(make_set(), "test")
    record = split.record
    monkeypatch.setattr(split, "record", lambda i: record(i) | {"captions": []})
    found = samples.read_samples(write(split=split))
    assert all(row["caption"].split("/")[0] in ("yellow", "white") for row in found["rows"])


def spoil(folder, change):
    path = folder / "samples.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("rows"),
        lambda c: c.update(rows=3),
        lambda c: c.update(rows=c["rows"] * 1000),
        lambda c: c["rows"][0].update(fake="../../secret.png"),
        lambda c: c["rows"][0].update(fake="pictures/../../secret.png"),
        lambda c: c["rows"][0].update(real="/etc/passwd"),
        lambda c: c["rows"][0].update(stage1=3),
        lambda c: c["rows"][0].update(caption=["a"]),
        lambda c: c["rows"][0].update(neighbours=[{"picture": "pictures/a.png", "name": "b"}]),
        lambda c: c.update(between_noises=None),
        lambda c: c.update(between_sentences={"captions": ["a"], "pictures": []}),
        lambda c: c.update(step=float("nan")),
        lambda c: c.update(neighbours={"network": "x"}),
    ],
)
def test_what_is_not_written_by_us_is_refused(write, change):
    folder = write()
    spoil(folder, change)
    with pytest.raises(UserError, match=r"samples\.json: not what main\.py writes"):
        samples.read_samples(folder)


def test_a_picture_is_one_and_lies_in_its_folder(write, tmp_path):
    folder = write()
    picture = folder / "pictures" / "fake-01.png"
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    picture.unlink()
    with pytest.raises(UserError, match="no such picture"):
        samples.open_sample(folder, "pictures/fake-01.png")
    picture.write_text("<script>")
    with pytest.raises(UserError, match="not a readable picture"):
        samples.open_sample(folder, "pictures/fake-01.png")
    picture.unlink()
    try:
        picture.symlink_to(tmp_path / "secret.png")
    except OSError:
        pytest.skip("no links on this system")
    with pytest.raises(UserError, match="leads out of"):
        samples.open_sample(folder, "pictures/fake-01.png")


def test_an_unwritable_folder_is_named(write, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / "evaluation")
