"""Builders of TensorFlow Datasets: found, downloaded from this machine, or refused in one line."""

import http.server
import io
import json
import shutil
import socket
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from misc import preprocess_birds
from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.sources import tfds_builder
from misc.sources.tfds_builder import open_builder, read_examples

SMALL = ("--imsizes", "16", "32", "--workers", "1")


@pytest.fixture(scope="session")
def served():
    """A builder that downloads and unpacks one archive; its `address` is to be set."""

    class ServedPictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        address = ""
        others = ()

        @property
        def url_infos(self):
            return dict.fromkeys((self.address, *self.others))

        def _info(self):
            features = {"image": tfds.features.Image(), "file_name": tfds.features.Text()}
            features["captions"] = tfds.features.Sequence(tfds.features.Text())
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, manager):
            folder = Path(manager.download_and_extract(self.address))
            return {part: self._generate_examples(folder / part) for part in ("train", "test")}

        def _generate_examples(self, folder):
            for path in sorted(folder.iterdir()):
                yield path.name, {"image": path, "file_name": path.name, "captions": [path.stem]}

    return ServedPictures


@pytest.fixture
def server(tmp_path):
    """Port of a server of pictures.zip, which is also a proxy to any host; paths it was asked for;
    a function that ends it."""
    root, asked = tmp_path / "served", []
    root.mkdir()
    with zipfile.ZipFile(root / "pictures.zip", "w") as archive:
        for part, count in (("train", 4), ("test", 2)):
            for number in range(count):
                content = io.BytesIO()
                Image.fromarray(np.full((40, 40, 3), 50 * number, np.uint8)).save(content, "PNG")
                archive.writestr(f"{part}/bird {number}.png", content.getvalue())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            asked.append(path)
            return super().translate_path("/" + path.rpartition("/")[2])

        def log_message(self, *args):
            """Nothing."""

    handler = partial(Handler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
        thread.start()
        yield serving.server_port, asked, serving.server_close
        serving.shutdown()
        thread.join()


@pytest.fixture
def silent_port():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed_port():
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return port


@pytest.fixture
def refusal(served, tmp_path, monkeypatch):
    """`refusal(port, *others)`: what is said if the builder's addresses are on these ports."""

    def ask(*ports):
        addresses = [f"http://127.0.0.1:{port}/pictures.zip" for port in ports]
        monkeypatch.setattr(served, "address", addresses[0])
        monkeypatch.setattr(served, "others", tuple(addresses[1:]))
        with pytest.raises(UserError) as caught:
            open_builder("served_pictures", "", tmp_path / "tfds")
        assert not list((tmp_path / "tfds").rglob("dataset_info.json"))
        return str(caught.value)

    return ask


@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "through a proxy"])
def test_a_set_is_downloaded_and_prepared_once(
    served, server, monkeypatch, run_main, tmp_path, proxy
):
    port, asked, _ = server
    address = f"http://127.0.0.1:{port}/pictures.zip"
    if proxy:
        address = "http://pictures.invalid/pictures.zip"
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(served, "address", address)
    flags = ("--tfds", "served_pictures", "--tfds-dir", tmp_path / "tfds", "--split", "official")
    code, _, err = run_main(preprocess_birds.main, *flags, "--out", tmp_path / "out", *SMALL)
    assert code == 0, err
    assert set(asked) == {address if proxy else "/pictures.zip"}
    train = open_split(tmp_path / "out", "train")
    found = {train.record(i)["name"]: train.record(i)["captions"] for i in range(len(train))}
    assert found == {f"bird {n}": [f"bird {n}"] for n in range(4)}
    asked.clear()
    builder = open_builder("served_pictures", "", tmp_path / "tfds")
    assert len(list(read_examples(builder, "test"))) == 2 and not asked


def test_a_host_that_refuses(refusal, closed_port):
    text = refusal(closed_port)
    assert "127.0.0.1 does not answer (ConnectionError)" in text and "--source" in text
    assert f"http://127.0.0.1:{closed_port}/pictures.zip" in text


def test_a_host_that_takes_the_connection_and_never_answers(refusal, silent_port, monkeypatch):
    monkeypatch.setattr(tfds_builder, "ANSWER", 0.2)
    assert "does not answer (ReadTimeout)" in refusal(silent_port)


def test_nobody_waits_for_long(refusal, silent_port, monkeypatch):
    monkeypatch.setattr(tfds_builder, "PATIENCE", 0.2)
    assert "does not answer (nothing within 0 s)" in refusal(silent_port)


def test_a_file_that_the_host_does_not_have(refusal, server, monkeypatch, tmp_path):
    (tmp_path / "served" / "pictures.zip").unlink()
    assert "HTTP code: 404" in refusal(server[0])


def test_an_archive_that_is_none(refusal, server, tmp_path):
    (tmp_path / "served" / "pictures.zip").write_bytes(b"<html>please log in</html>")
    assert "cannot prepare served_pictures" in refusal(server[0])


def test_one_host_of_several_may_be_silent(
    served, server, closed_port, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(served, "address", f"http://127.0.0.1:{server[0]}/pictures.zip")
    monkeypatch.setattr(served, "others", (f"http://localhost:{closed_port}/older.zip",))
    builder = open_builder("served_pictures", "", tmp_path / "tfds")
    assert builder.info.splits["train"].num_examples == 4
    assert "warning: localhost does not answer (ConnectionError)" in capsys.readouterr().err


def test_what_is_downloaded_already_needs_no_host(served, server, monkeypatch, tmp_path, capsys):
    port, _, close = server
    address = f"http://127.0.0.1:{port}/pictures.zip"
    known = tfds.core.download.checksums.compute_url_info(tmp_path / "served" / "pictures.zip")
    monkeypatch.setattr(served, "address", address)
    monkeypatch.setattr(served, "url_infos", {address: known})
    first = open_builder("served_pictures", "", tmp_path / "tfds")
    shutil.rmtree(first.data_dir)
    close()
    again = open_builder("served_pictures", "", tmp_path / "tfds")
    assert again.info.splits["train"].num_examples == 4
    assert "does not answer (ConnectionError); trying all the same" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, message",
    [
        ("nonesuch", "has no such builder"),
        ("lfw:9.9.9", "cannot be loaded at version 9.9.9"),
        ("lsun/classroom", "it needs tensorflow-io"),
        ("kaggle:foo/bar", "expected the name of a builder"),
        ("../lfw", "expected the name of a builder"),
    ],
)
def test_names_that_lead_to_no_set(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        open_builder(name, "", tmp_path)


@pytest.fixture
def prepared(served, server, monkeypatch, tmp_path):
    """The folder of a prepared set."""
    monkeypatch.setattr(served, "address", f"http://127.0.0.1:{server[0]}/pictures.zip")
    return Path(open_builder("served_pictures", "", tmp_path / "tfds").data_dir)


def test_a_folder_is_read_without_code_but_not_as_another_set(prepared):
    assert open_builder("", "lfw", prepared).info.full_name == "served_pictures/1.0.0"
    assert open_builder("served_pictures:1.0.0", "", prepared).info.name == "served_pictures"
    with pytest.raises(UserError, match="holds served_pictures/1.0.0, not lfw"):
        open_builder("lfw", "", prepared)


@pytest.mark.parametrize("module", ["antigravity.Feature", "misc.data.Feature"])
def test_features_of_other_modules_are_not_imported(prepared, module):
    path = prepared / "features.json"
    text = "tensorflow_datasets.core.features.text_feature.Text"
    path.write_text(path.read_text().replace(text, module))
    for name, folder in (("", prepared), ("served_pictures", prepared.parents[1])):
        with pytest.raises(UserError, match=f"asks for '{module}'"):
            open_builder(name, "", folder)
    assert "antigravity" not in sys.modules


def test_files_outside_of_the_folder_are_not_read(prepared):
    path = prepared / "dataset_info.json"
    card = json.loads(path.read_text())
    card["splits"][0]["filepathTemplate"] = "../../{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    path.write_text(json.dumps(card))
    with pytest.raises(UserError, match="out of this folder"):
        open_builder("", "", prepared)


@pytest.mark.parametrize("file", ["features.json", "dataset_info.json"])
@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"splits": 7}', b"\xff"])
def test_damaged_tables(prepared, file, content):
    (prepared / file).write_bytes(content)
    with pytest.raises(UserError, match="is no set that|cannot be read"):
        open_builder("", "", prepared)


def test_a_missing_package_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "importlib_resources", None)
    with pytest.raises(UserError, match=r"pip install -e '.\[tfds\]'"):
        open_builder("lfw", "", tmp_path)
