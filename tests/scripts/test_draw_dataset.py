import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from misc import draw_dataset, preprocess_birds
from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.draw_dataset import KINDS
from misc.drawings import birds
from misc.sources.celeba import celeba

SCRIPT = Path(draw_dataset.__file__)
EVERY_SET = [(kind, preset) for kind in KINDS for preset in draw_dataset.PRESETS]


def rows(path):
    return [line.split(" ") for line in path.read_text().splitlines()]


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def draw(out, kind="birds", preset="easy", count=12, size=32, seed=0, workers=1, **more):
    return draw_dataset.draw_dataset(out, kind, preset, count, size, seed, workers, **more)


def noted(monkeypatch, layout):
    """The list into which every entry goes that this layout writes."""
    seen, write_tables = [], layout.write_tables

    def note(out, entries, classes, attribute_names):
        seen.extend(entries)
        return write_tables(out, entries, classes, attribute_names)

    monkeypatch.setattr(layout, "write_tables", note)
    return seen


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    out = tmp_path_factory.mktemp("raw") / "drawn"
    return out, draw(out, preset="full", count=210, size=48, seed=3)


@pytest.mark.parametrize("kind, preset", EVERY_SET)
def test_every_kind_draws_what_its_captions_and_labels_say(tmp_path, monkeypatch, kind, preset):
    made = KINDS[kind]
    seen = noted(monkeypatch, made.layout)
    draw(tmp_path / "set", kind, preset)
    assert len(seen) == 12
    for path, item, box, labels, captions in seen:
        thing = made.attributes(item.seed, preset, item.number)
        assert captions == made.captions(thing, made.layout.CAPTIONS)
        assert all(captions) and len(captions) == made.layout.CAPTIONS
        np.testing.assert_array_equal(labels, made.labels(thing))
        assert labels.shape == (len(made.attribute_names(preset)),)
        assert set(labels.tolist()) <= {-1, 0, 1}
        x, y, width, height = box
        assert 0 <= x < x + width <= 32 and 0 <= y < y + height <= 32
        with Image.open(tmp_path / "set" / path) as picture:
            assert picture.size == (32, 32) and picture.mode == "RGB"
            difference = np.subtract(picture, made.draw(thing, 32).picture, dtype=np.float32)
        assert np.abs(difference).mean() < 4  # JPEG
    assert len(list((tmp_path / "set").rglob("*.jpg"))) == 12
    card = json.loads((tmp_path / "set" / "drawn.json").read_text())
    assert (card["kind"], card["preset"], card["count"]) == (kind, preset, 12)
    assert card.get("held_out_of_training") == (list(made.held_out) if preset == "full" else None)


@pytest.mark.parametrize("kind, preset", EVERY_SET)
def test_independent_sets_have_the_layout_but_no_classes(tmp_path, monkeypatch, kind, preset):
    made = KINDS[kind]
    seen = noted(monkeypatch, made.layout)
    card = draw(tmp_path / "set", kind, preset, independent=True)
    assert card["independent"] and "held_out_of_training" not in card
    told = json.loads((tmp_path / "set" / "drawn.json").read_text())
    assert told["independent"] is True and told.items() >= card.items()
    like_its_class = 0
    for path, item, box, labels, captions in seen:
        thing = made.attributes(item.seed + draw_dataset.APART, preset, "independent")
        np.testing.assert_array_equal(labels, made.labels(thing))
        assert captions == made.captions(thing, made.layout.CAPTIONS)
        drawing = made.draw(thing, 32)
        assert box == drawing.box
        with Image.open(tmp_path / "set" / path) as picture:
            assert np.abs(np.subtract(picture, drawing.picture, dtype=np.float32)).mean() < 4
        like_its_class += thing.items() >= made.classes(preset)[item.number].shared.items()
    assert len(seen) == 12 and like_its_class < 3
    # No class is called after a look that its pictures do not have.
    text = "".join(str(p) for p in files(tmp_path / "set")) + json.dumps(told)
    assert not any(one.name in text for one in made.classes(preset))


def test_independent_pictures_share_no_seed_with_others():
    classes = birds.all_species("full")
    plain = {item.seed for item in draw_dataset.plan(classes, 4000, 0)}
    plain |= {item.seed for item in draw_dataset.plan(classes, 4000, 1)}
    apart = {item.seed + draw_dataset.APART for item in draw_dataset.plan(classes, 4000, 0)}
    assert not plain & apart


def test_independent_birds_are_prepared_with_what_cannot_be_seen(tmp_path, capsys):
    flags = ["--preset", "full", "--count", "60", "--size", "48", "--workers", "1"]
    raw, out = tmp_path / "raw", tmp_path / "data"
    draw_dataset.main(["--out", str(raw), *flags, "--independent"])
    preprocess_birds.main(["--source", str(raw), "--out", str(out), "--imsizes", "16", "32"])
    capsys.readouterr()
    split = open_split(out, "train")
    names, legs = split.attribute_names, []
    for row, label in zip(split.attributes, split.labels, strict=True):
        assert split.class_names[label].split(".")[1].startswith("Mixed_")
        shape = [names[k] for k in np.flatnonzero(row == 1) if names[k].startswith("has_shape")]
        seen = [row[k] >= 0 for k, name in enumerate(names) if name.startswith("has_leg_color")]
        assert len(shape) == 1 and len(set(seen)) == 1
        assert seen[0] == (shape[0] in ("has_shape::songbird", "has_shape::wader"))
        legs.append(seen[0])
    assert 0.2 < np.mean(legs) < 0.8


def test_the_layout_is_cubs(drawn):
    out, card = drawn
    root = out / "CUB_200_2011"
    images = dict(rows(root / "images.txt"))
    assert list(images) == [str(i) for i in range(1, 211)]
    on_disk = {p.relative_to(root / "images").as_posix() for p in (root / "images").rglob("*.jpg")}
    assert set(images.values()) == on_disk
    classes, labels = dict(rows(root / "classes.txt")), dict(rows(root / "image_class_labels.txt"))
    assert len(classes) == 200
    for i, path in images.items():
        folder, name = path.split("/")
        assert classes[labels[i]] == folder
        assert int(folder[:3]) == int(labels[i])
        lines = (out / "text_c10" / folder / name.replace(".jpg", ".txt")).read_text().splitlines()
        assert len(lines) == 10 and all(lines)
        with Image.open(root / "images" / path) as picture:
            assert picture.size == (48, 48) and picture.mode == "RGB"
    assert json.loads((out / "drawn.json").read_text()) == card
    assert "purple crown" in card["held_out_of_training"]


def test_boxes_are_inside_and_floats(drawn):
    boxes = rows(drawn[0] / "CUB_200_2011" / "bounding_boxes.txt")
    assert len(boxes) == 210
    for _, *box in boxes:
        assert all("." in number for number in box)
        x, y, width, height = map(float, box)
        assert 0 < x and 0 < y and x + width < 48 and y + height < 48


def test_splits(drawn):
    out, _ = drawn
    training = (out / "trainvalclasses.txt").read_text().splitlines()
    testing = (out / "testclasses.txt").read_text().splitlines()
    assert (len(training), len(testing)) == (150, 50) and not set(training) & set(testing)
    official = dict(rows(out / "CUB_200_2011" / "train_test_split.txt"))
    assert set(official.values()) == {"0", "1"}


def test_attribute_files_agree_with_the_birds(drawn):
    folder = drawn[0] / "CUB_200_2011" / "attributes"
    names = [name for _, name in rows(folder / "attributes.txt")]
    assert names == birds.attribute_names("full")
    table = np.array(rows(folder / "image_attribute_labels.txt"), float)
    assert table.shape == (210 * len(names), 5)
    table = table.reshape(210, len(names), 5)
    item = draw_dataset.plan(birds.all_species("full"), 210, 3)[100]
    expected = birds.labels(birds.attributes(item.seed, "full", item.number))
    np.testing.assert_array_equal(table[100, :, 2], expected == 1)
    np.testing.assert_array_equal(table[100, :, 3], np.where(expected < 0, 1, 4))
    np.testing.assert_array_equal(table[100, :, 0], 101)
    held_out = [names.index(f"has_{part}_color::{colour}") for part, colour in birds.HELD_OUT]
    labels = [int(label) for _, label in rows(drawn[0] / "CUB_200_2011" / "image_class_labels.txt")]
    training = np.array(labels) <= 150
    assert table[training][:, held_out, 2].sum() == 0
    assert (table[~training][:, held_out, 2].sum(0) > 0).all()


@pytest.mark.parametrize("kind, preset", EVERY_SET)
def test_small_sets_hold_classes_of_both_splits(kind, preset):
    classes = KINDS[kind].classes(preset)
    items = draw_dataset.plan(classes, draw_dataset.MIN_COUNT, 0)
    splits = [classes[n].split for n in {item.number for item in items}]
    assert splits.count("test") >= 2 and splits.count("train") > splits.count("test")
    larger = draw_dataset.plan(classes, 500, 0)
    assert set(items) <= set(larger) and len(set(larger)) == 500
    assert not {i.seed for i in larger} & {i.seed for i in draw_dataset.plan(classes, 500, 1)}


def test_the_smallest_set_of_faces_has_people_of_all_three_parts(tmp_path):
    for preset in draw_dataset.PRESETS:
        draw(tmp_path / preset, "faces", preset)
        parts = dict(rows(tmp_path / preset / "list_eval_partition.txt"))
        people = dict(rows(tmp_path / preset / "identity_CelebA.txt"))
        assert set(parts.values()) == {"0", "1", "2"}
        split = {people[file]: parts[file] for file in parts}
        assert all(split[people[file]] == parts[file] for file in parts)


def test_what_a_drawn_face_does_not_show_is_not_known_to_who_reads_it(tmp_path, monkeypatch):
    seen = noted(monkeypatch, KINDS["faces"].layout)
    draw(tmp_path / "set", "faces", "easy", count=24)
    source = celeba(tmp_path / "set", whole=True, add_validation=True)
    read = {p.image.name: p.attributes for split in source.splits.values() for p in split}
    assert len(read) == 24
    for entry in seen:
        np.testing.assert_array_equal(read[Path(entry.path).name], entry.labels)
    columns = dict(zip(source.attribute_names, np.array(list(read.values())).T, strict=True))
    assert set(columns["Attractive"]) == set(columns["Blurry"]) == {-1}
    assert set(columns["Straight_Hair"]) == {-1, 1}  # under a hat it may be anything


@pytest.mark.parametrize("kind", KINDS)
def test_worker_count_does_not_matter_and_the_script_speaks_json(tmp_path, kind):
    command = [sys.executable, str(SCRIPT), "--kind", kind, "--preset", "easy"]
    command += ["--count", "18", "--size", "32"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "two"), "--workers", "2"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 18
    assert "18/18" in done.stderr
    draw(tmp_path / "one", kind, count=18)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


def test_an_empty_folder_and_the_leftovers_of_a_killed_run_are_used(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / ".set.partial" / "CUB_200_2011").mkdir(parents=True)
    draw(tmp_path / "set")
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        draw(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "flags, word",
    [
        (["--count", "3"], "--count"),
        (["--size", "8"], "--size"),
        (["--seed", "-1"], "--seed"),
        (["--workers", "0"], "--workers"),
        (
            ["--kind", "flowers", "--count", "65536"],
            "received 65536, expected 12 to 65535",
        ),
        (["--kind", "faces", "--count", "1000000"], "expected 12 to 999999"),
    ],
)
def test_numbers_out_of_range(tmp_path, flags, word):
    with pytest.raises(UserError, match=word):
        draw_dataset.main(["--out", str(tmp_path / "set"), *flags])
    assert not list(tmp_path.iterdir())


def test_a_path_below_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "set"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--count", "12", "--out", str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: --out ") and done.stderr.count("\n") == 1


def test_nothing_is_left_when_drawing_fails(tmp_path, monkeypatch):
    def full_disk(place, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draw_dataset, "draw_item", full_disk)
    with pytest.raises(UserError, match="No space left"):
        draw(tmp_path / "set")
    assert not list(tmp_path.iterdir())
