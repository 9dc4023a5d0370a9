"""Downloads, from a server on this machine: whole, checked, kept, and told."""

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from misc.config.errors import UserError
from misc.evaluation import download
from misc.evaluation.download import Download, cache_folder, fetch

CONTENT = bytes(range(256)) * 9000  # more than two parts


@pytest.fixture
def served(monkeypatch, tmp_path):
    """`served(content, **changes)` -> a `Download` of it; `served.asked`: the paths asked for."""
    found, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in found:
                return self.send_error(404)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found[self.path])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))

    def serve(content=CONTENT, **changes):
        found["/file"] = content
        md5 = hashlib.md5(content).hexdigest()
        url = f"http://127.0.0.1:{server.server_port}/file"
        return Download(url, len(content), "kept.h5", md5)._replace(**changes)

    serve.asked = asked
    yield serve
    server.shutdown()
    server.server_close()


def packed(**members):
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(f"{name}.pb")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()


def test_a_file_is_downloaded_once_and_told(served, tmp_path, capsys):
    source = served()
    path = fetch(source)
    assert path == tmp_path / "home" / "models" / "kept.h5" and path.read_bytes() == CONTENT
    assert f"downloading {source.url} (2 MB) to {path}" in capsys.readouterr().err
    assert fetch(source) == path and served.asked == ["/file"]
    assert capsys.readouterr().err == ""
    assert [file.name for file in path.parent.iterdir()] == ["kept.h5"]


def test_what_was_damaged_in_the_cache_is_downloaded_again(served):
    source = served()
    fetch(source).write_bytes(CONTENT[:-1])
    assert fetch(source).read_bytes() == CONTENT and len(served.asked) == 2


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"md5": "0" * 32}, "sent 2,304,000 bytes with MD5 .* MD5 000000"),
        ({"size": len(CONTENT) + 1}, "sent 2,304,000 bytes .* expected 2,304,001"),
        ({"size": 1000}, "sent 1,048,576 bytes .* expected 1,000"),  # no more than one part is read
        ({"member": "graph.pb"}, "sent a damaged archive"),
        ({"url": "http://127.0.0.1:1/file"}, "127.0.0.1 does not answer .*Connection refused"),
    ],
)
def test_what_is_not_the_file_is_refused(served, changes, line):
    source = served(**changes)
    with pytest.raises(UserError, match=line):
        fetch(source)
    assert not list(cache_folder().iterdir())


def test_a_file_that_is_gone(served):
    source = served()
    with pytest.raises(UserError, match="answers 404 Not Found; get kept.h5 by hand"):
        fetch(source._replace(url=f"{source.url}s"))


def test_one_file_of_an_archive_is_kept(served):
    content = packed(other=b"x", graph=CONTENT)
    path = fetch(served(content, md5="", member="graph.pb"))
    assert path.read_bytes() == CONTENT and path.name == "kept.h5"
    assert fetch(served(b"", md5="", member="graph.pb")) == path


def test_archives_that_do_not_hold_it(served, monkeypatch):
    for content, line in (
        (packed(other=b"x"), "an archive without graph.pb; get graph.pb by hand"),
        (packed(graph=CONTENT)[:-2000], "a damaged archive"),
    ):
        with pytest.raises(UserError, match=line):
            fetch(served(content, member="graph.pb"))
    monkeypatch.setattr(download, "_MOST", 1000)
    with pytest.raises(UserError, match="an archive without graph.pb"):
        fetch(served(packed(graph=CONTENT), member="graph.pb"))


def test_without_keras_home_the_cache_is_our_own(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "def-gan"
