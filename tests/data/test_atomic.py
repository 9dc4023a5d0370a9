"""Files are whole or not there, whatever happens while they are written."""

import errno
import os
import subprocess
import sys

import pytest

from misc.config.errors import UserError
from misc.data.atomic import disk_errors, make_folder, replace_with, write_atomic


def test_write_atomic_makes_folders_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a" / "b.bin"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.bin"]


def test_old_file_survives_a_failure_and_the_partial_one_goes(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replace_with(path) as partial:
        assert partial.suffix == ".txt" and partial.parent == tmp_path
        partial.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept.txt"]


def test_a_path_below_a_regular_file_is_the_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file.*choose another path"):
        write_atomic(tmp_path / "file" / "x.bin", b"")
    with pytest.raises(UserError, match="file"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(UserError, match="file"):
        make_folder(tmp_path / "file")


def test_a_folder_in_the_files_place_is_the_users_mistake(tmp_path):
    (tmp_path / "x.bin").mkdir()
    with pytest.raises(UserError, match=r"x\.bin"):
        write_atomic(tmp_path / "x.bin", b"")
    assert os.listdir(tmp_path) == ["x.bin"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free some space"), (errno.EFBIG, "ulimit"), (999, "disk")],
)
def test_disk_errors_say_what_to_do(number, remedy):
    with pytest.raises(UserError, match=rf"cannot write model\.npy: .*{remedy}"):
        with disk_errors("model.npy"):
            raise OSError(number, os.strerror(number))


def test_a_file_larger_than_the_limit_keeps_the_old_one(tmp_path):
    pytest.importorskip("resource")
    path = tmp_path / "big.bin"
    path.write_bytes(b"old")
    program = f"""
import resource
from misc.config.errors import run_program
from misc.data.atomic import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
raise SystemExit(run_program(lambda argv: write_atomic({str(path)!r}, bytes(20_000))))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write") and done.stderr.count("\n") == 1
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["big.bin"]


def test_what_a_killed_writer_left_goes_and_what_another_writes_stays(tmp_path):
    written = {f".a[1].partial-{pid}.npy": b"half" for pid in (7, 8)}
    written |= {".a[1].partial-7.json": b"half", ".b.partial-7.npy": b"half", "old.npy": b"whole"}
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (1e9, 1e9))
    os.utime(tmp_path / ".a[1].partial-8.npy")  # written just now, so perhaps still being written
    write_atomic(tmp_path / "a[1].npy", b"new")
    expected = {*written, "a[1].npy"} - {".a[1].partial-7.npy"}
    assert set(os.listdir(tmp_path)) == expected
