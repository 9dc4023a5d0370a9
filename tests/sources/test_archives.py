"""Original archives: unpacked whole or not at all, and what hostile ones try."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.sources import archives
from misc.sources.archives import unpack_missing

CONTENT = {"set/a/1.txt": b"one", "set/a/2.txt": b"", "set/b.bin": bytes(range(256)) * 40}
NOISE = np.random.default_rng(0).bytes(60_000)  # does not shrink


def tar(entries, compress=True, **fields):
    """Bytes of a tar archive of {name: content}; `fields` are set in each header."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compress else "w") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(entries, mode=0, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


FORMS = {
    "set.tar": lambda entries: tar(entries, compress=False),
    "set.tgz": tar,
    "set.zip": zipped,
}


def files(folder):
    """{path in it: content} of all files below a folder, hidden ones too."""
    found = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def refusal(tmp_path):
    """`refusal(content)`: the line that refuses it; nothing of it may be left, in or outside."""
    root = tmp_path / "in" / "root"
    root.mkdir(parents=True)

    def attempt(content, name="set.archive"):
        (root / name).write_bytes(content)
        with pytest.raises(UserError) as caught:
            unpack_missing(root, "set", name)
        assert files(tmp_path) == {f"in/root/{name}": content}
        assert [path.name for path in root.iterdir()] == [name]
        assert str(root / name) in str(caught.value)
        return str(caught.value)

    return attempt


@pytest.mark.parametrize("name", FORMS)
def test_an_archive_is_unpacked_once(tmp_path, name):
    content = FORMS[name]({**CONTENT, "readme.txt": b"hello"})
    (tmp_path / name).write_bytes(content)
    unpack_missing(tmp_path, "set", "other.tgz", name)
    expected = {**CONTENT, "readme.txt": b"hello", name: content}
    assert files(tmp_path) == expected
    (tmp_path / "set/a/1.txt").write_bytes(b"changed")
    unpack_missing(tmp_path, "set", name)
    assert files(tmp_path) == {**expected, "set/a/1.txt": b"changed"}


def test_nothing_to_unpack(tmp_path):
    unpack_missing(tmp_path / "nowhere", "set", "set.tgz")
    unpack_missing(tmp_path, "set", "set.tgz", "set.zip")
    assert files(tmp_path) == {}


def test_what_is_there_already_stays(tmp_path):
    (tmp_path / "set/a").mkdir(parents=True)
    (tmp_path / "set/a/1.txt").write_bytes(b"mine")
    (tmp_path / "set.tgz").write_bytes(tar(CONTENT))
    unpack_missing(tmp_path, "set/b.bin", "set.tgz")
    del (found := files(tmp_path))["set.tgz"]
    assert found == {**CONTENT, "set/a/1.txt": b"mine"}


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / ".set.tgz.partial").mkdir()
    (tmp_path / ".set.tgz.partial/half").write_bytes(b"x")
    (tmp_path / "set.tgz").write_bytes(tar(CONTENT))
    unpack_missing(tmp_path, "set", "set.tgz")
    assert set(files(tmp_path)) == {*CONTENT, "set.tgz"}


def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "set.tgz").write_bytes(tar(CONTENT))

    def interrupt(source, target, size):
        target.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(archives.shutil, "copyfileobj", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack_missing(tmp_path, "set", "set.tgz")
    assert set(files(tmp_path)) == {"set.tgz"}


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path, monkeypatch):
    (tmp_path / "set.zip").write_bytes(zipped(CONTENT))

    def full(source, target, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(UserError, match="cannot write .*: No space left on device; free some"):
        unpack_missing(tmp_path, "set", "set.zip")
    assert set(files(tmp_path)) == {"set.zip"}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["../secret", "/tmp/secret", "set/../../x", "C:/x", "..\\x"])
def test_names_that_lead_out(refusal, make, name):
    assert "leads out of" in refusal(make({"set/a": b"", name: b"x"}))


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_two_entries_of_one_name_and_deep_ones(refusal, make):
    assert "two entries named './set/a'" in refusal(make({"set/a": b"x", "./set/a": b"y"}))
    assert "two entries named 'set/a/b'" in refusal(make({"set/a": b"x", "set/a/b": b"y"}))
    assert "folders in folders" in refusal(make({"set/" * 40 + "a": b"x"}))
    assert "does not hold set;" in refusal(make({"other/a": b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.FIFOTYPE])  # fmt: skip
def test_links_and_devices(refusal, kind):
    content = tar({"set/a": b""}, type=kind, linkname="/etc/passwd")
    assert "'set/a' is a link, a device" in refusal(content)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip(refusal, mode):
    content = zipped({"set/a": b"/etc/passwd"}, mode | 0o777)
    assert "'set/a' is a link, a device" in refusal(content)


def test_an_encrypted_zip(refusal):
    content = bytearray(zipped({"set/a": b"x"}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + offset] |= 1
    assert "or encrypted" in refusal(bytes(content))


@pytest.mark.parametrize("make", [tar, zipped], ids=["tgz", "zip"])
def test_bombs(refusal, make):
    assert "unfolds to far more" in refusal(make({"set/a": bytes(30_000_000)}))
    assert "unfolds to far more" in refusal(make({f"set/{i}": bytes(500_000) for i in range(9)}))


def test_a_bomb_of_headers(refusal):
    # tarfile would read the name of 30 MB, and only then tell of the entry.
    content = tar({"set/a": b"x"}, pax_headers={"comment": "x" * 30_000_000})
    assert "a header that is longer" in refusal(content)


def test_too_many_members(refusal, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    assert "more files" in refusal(tar(CONTENT))


def test_a_sparse_file(refusal):
    content = bytearray(tar({"set/a": b"x"}, compress=False))
    content[156:157] = tarfile.GNUTYPE_SPARSE
    content[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(content[:512]))[0]
    assert "has holes" in refusal(bytes(content))


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_cut_anywhere(refusal, make):
    whole = make({"set/a": NOISE, "set/b": NOISE[::-1]})
    for share in (0, 0.2, 0.5, 0.7, 0.9):
        message = refusal(whole[: int(share * len(whole))])
        assert "ends too early" in message or "damaged" in message


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_flipped_bits(refusal, make):
    whole = make({"set/a": NOISE})
    if make is not FORMS["set.tar"]:  # which has no checksum of its content
        for place in (0.3, 0.6, 0.9):
            content = bytearray(whole)
            content[int(place * len(whole))] ^= 255
            assert "damaged" in (text := refusal(bytes(content))) or "cannot be read" in text


def test_a_damaged_header_is_not_the_end(refusal):
    whole = bytearray(tar({"set/a": b"x", "set/b": b"y"}, compress=False))
    whole[1024] ^= 255  # of the name of the second entry
    assert "ends too early" in refusal(bytes(whole))


@pytest.mark.parametrize(
    "content", [b"<html>not found</html>" * 99, gzip.compress(b"x", mtime=0), b"PK"]
)
def test_what_is_no_archive(refusal, content):
    assert "damaged or not what its name says" in refusal(content)
