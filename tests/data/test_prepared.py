"""Reading a prepared set: the right picture for every index, and clear words for a damaged set."""

import io
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.data import prepared
from misc.data.images import crop_to_box, open_picture, prepare
from misc.data.prepared import open_split, stored_size


@pytest.fixture
def own_set(tiny_set, tmp_path):
    """A copy of the tiny set that a test may damage."""
    return shutil.copytree(tiny_set, tmp_path / "own")


def test_stored_sizes_are_stackgans():
    assert [stored_size(imsize) for imsize in (64, 256, 32, 16)] == [76, 304, 38, 19]


def test_split_tells_what_is_in_it(tiny_set):
    split = open_split(tiny_set, "train")
    assert len(split) == 12 and split.split == "train" and split.folder == tiny_set / "train"
    assert split.sizes == (19, 38)
    assert split.card["name"] == "tiny" and split.card["split_rule"] == "by colour"
    assert split.class_names == ["blue", "green", "red", "white", "yellow"]
    assert split.labels.dtype == np.int32
    assert split.labels.tolist() == [2] * 4 + [1] * 4 + [0] * 4
    assert split.attribute_names == ["is_red", "is_round"]
    assert split.attributes.dtype == np.int8
    assert split.attributes[:3].tolist() == [[1, 0], [1, 1], [1, 0]]
    assert split.attributes[11].tolist() == [-1, -1]
    assert isinstance(split.index, np.memmap)
    assert open_split(tiny_set, "test").labels.tolist() == [4] * 4 + [3] * 4


def test_pictures_come_in_the_order_asked_for(tiny_set):
    split = open_split(tiny_set, "train")
    for size in split.sizes:
        pngs = split.pictures([7, 0, 7, 11], size)
        assert pngs[0] == pngs[2] and len({*pngs}) == 3
        assert Image.open(io.BytesIO(pngs[0])).size == (size, size)
    pngs = split.pictures(range(12), 38)
    colours = [np.asarray(Image.open(io.BytesIO(png))).mean(axis=(0, 1)) for png in pngs]
    assert [int(np.argmax(colour)) for colour in colours] == [0] * 4 + [1] * 4 + [2] * 4


def test_pictures_are_those_of_the_source(tiny_set, make_pictures, tmp_path):
    sources = make_pictures(tmp_path, ("red", "green", "blue"))
    split = open_split(tiny_set, "train")
    for i in (0, 5, 11):
        crop = crop_to_box(open_picture(sources[i].image), sources[i].box)
        pngs = prepare(crop, (19, 38), False)
        assert split.pictures([i], 19) == [pngs[0]] and split.pictures([i], 38) == [pngs[1]]
        known = {"name": sources[i].name, "captions": list(sources[i].captions)}
        assert split.record(i) == {**known, "side": list(crop.size)}


def test_index_leads_to_each_pictures_embeddings(tiny_set):
    split = open_split(tiny_set, "train")
    assert split.index["first"].tolist() == list(range(0, 36, 3))
    assert split.index["count"].tolist() == [3] * 12
    rows = split.embeddings("text")
    assert isinstance(rows, np.memmap) and rows.shape == (36, 8) and rows.dtype == np.float32


def test_many_threads_read_with_few_open_shards(tiny_set, monkeypatch):
    monkeypatch.setattr(prepared, "MAX_OPEN_SHARDS", 1)
    split = open_split(tiny_set, "train")
    expected = {(i, size): split.pictures([i], size)[0] for i in range(12) for size in (19, 38)}

    def read(key):
        return split.pictures([key[0]], key[1])[0] == expected[key] and split.record(key[0])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, list(expected) * 20))
    assert len(split._readers) == 1


def test_missing_embeddings_are_named_with_those_there_are(tiny_set):
    with pytest.raises(UserError, match=r"gru\.npy.*there are: text.*encoder/embed\.py --data"):
        open_split(tiny_set, "train").embeddings("gru")
    with pytest.raises(UserError, match="plain file name"):
        open_split(tiny_set, "train").embeddings("../text")


def test_embeddings_that_a_killed_writer_left_are_none(own_set):
    split = open_split(own_set, "train")
    assert split.encoders() == ["text"]
    (own_set / "train/embeddings/.gru.partial-7.npy").write_bytes(b"half")
    assert split.encoders() == ["text"]
    (own_set / "train/embeddings/gru.v2.npy").write_bytes(b"whole")
    assert split.encoders() == ["gru.v2", "text"]


def test_embeddings_of_other_captions_are_refused(own_set):
    np.save(own_set / "train/embeddings/text.npy", np.zeros((35, 8), np.float32))
    with pytest.raises(UserError, match=r"\(35, 8\).*36 captions"):
        open_split(own_set, "train").embeddings("text")


def test_no_set_no_split_other_format(own_set, tmp_path):
    with pytest.raises(UserError, match="no prepared set.*preprocess"):
        open_split(tmp_path / "nothing", "train")
    with pytest.raises(UserError, match="no split 'valid', only train, test"):
        open_split(own_set, "valid")
    card = json.loads((own_set / "set.json").read_text())
    (own_set / "set.json").write_text(json.dumps({**card, "format": 1}))
    with pytest.raises(UserError, match="format 1, expected 2"):
        open_split(own_set, "train")
    for content in ("{", "[1]", "{}", "\udcff"):
        (own_set / "set.json").write_text(content, errors="surrogateescape")
        with pytest.raises(UserError, match="not the card"):
            open_split(own_set, "train")


@pytest.mark.parametrize(
    "file", ["index.npy", "attributes.npy", "pictures-19-00000.array_record", "captions.jsonl"]
)
def test_a_missing_file_is_named(own_set, file):
    (own_set / "train" / file).unlink()
    with pytest.raises(UserError, match=f"{file}.*prepare it again"):
        open_split(own_set, "train").record(0)


@pytest.mark.parametrize("keep", [0, 100, 500])
def test_a_cut_off_shard_is_named(own_set, keep):
    shard = own_set / "train/pictures-38-00000.array_record"
    shard.write_bytes(shard.read_bytes()[:keep])
    split = open_split(own_set, "train")
    with pytest.raises(UserError, match=r"pictures-38-00000\.array_record"):
        split.pictures([11], 38)


def test_a_cut_off_index_is_named(own_set):
    index = np.load(own_set / "train/index.npy")
    np.save(own_set / "train/index.npy", index[:-1])
    with pytest.raises(UserError, match=r"index\.npy holds \(11,\).*prepare it again"):
        open_split(own_set, "train")
    (own_set / "train/index.npy").write_bytes(b"")
    with pytest.raises(UserError, match=r"index\.npy"):
        open_split(own_set, "train")
