"""Damaged files by the thousand: each is read or refused, in bounded time and memory.

A child process reads them, so that a crash is seen; an audit hook ends it when a file makes it run,
import, open or connect to anything. By hand, with a report:

    python tests/data/test_fuzz.py t7 --files 20000 --folder DIR
"""

import argparse
import codecs
import faulthandler
import io
import json
import os
import pickle
import random
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.safe_pickle import load_arrays
from misc.data.safe_tensors import read_safetensors
from misc.data.torch7 import read_t7
from misc.data.torch_checkpoint import read_checkpoint

FIXTURES = Path(__file__).parents[1] / "fixtures"
READERS = {"pickle": load_arrays, "t7": read_t7, "pth": read_checkpoint}
READERS["safetensors"] = read_safetensors
# Bytes that a file may cost for each of its own (an empty dict is one opcode), and besides.
MEMORY, BASE = 200, 2**20
SECONDS = 5
# What Python reports of the readers' own work; to `open` only the file itself is given.
HARMLESS = {"builtins.id", "mmap.__new__", "object.__getattr__", "sys._getframe"}


def valid_files(kind):
    """Contents of small files that the reader of `kind` reads."""
    if kind == "t7":
        names = ("captions", "cub_images", "half", "scalars", "types", "icml_item")
        return [(FIXTURES / "t7" / f"{name}.t7").read_bytes() for name in names]
    if kind == "pth":
        return [path.read_bytes() for path in sorted((FIXTURES / "torch").glob("*.pth"))]
    if kind == "safetensors":
        header = {"b": {"dtype": "BOOL", "shape": [1, 3], "data_offsets": [64, 67]}}
        header["w"] = {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]}
        text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
        return [len(text).to_bytes(8, "little") + text + bytes(range(64)) + b"\0\1\0"]
    arrays = [np.arange(6, dtype="f4").reshape(2, 3), np.array(["a", "bc"]), np.array([True])]
    value = [arrays, {"a": (1, -(2**70), 0.5, None), 7: b"\xff"}, np.float64(2), "caf\xe9"]
    return [pickle.dumps(value, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]


def damaged(content, others, chance):
    """A copy of `content` with one to four mutations."""
    content = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        here = chance.randrange(len(content) + 1)
        size = chance.choice((1, 2, 4, 8))
        kind = chance.randrange(7)
        if kind == 0 and content:  # a bit
            content[here % len(content)] ^= 1 << chance.randrange(8)
        elif kind == 1:  # a byte
            content[here : here + 1] = chance.randbytes(1)
        elif kind == 2:  # a number at its limits
            number = chance.choice(
                (0, 1, -1, 2**7, 2**31 - 1, 2**60, 2**63 - 1, chance.getrandbits(62))
            )
            content[here : here + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
        elif kind == 3:  # the end is missing
            del content[here:]
        elif kind == 4:  # a hole
            del content[here : here + chance.randrange(1, 40)]
        else:  # a piece of another file, or of this one
            other = chance.choice(others)
            start = chance.randrange(len(other))
            piece = other[start : start + chance.randrange(1, 200)]
            content[here : here + len(piece) * (kind == 5)] = piece
    return bytes(content)


def mutations(kind, count, seed):
    """`count` damaged files; of half the archives an entry is damaged, and its checksum right."""
    chance, valid = random.Random(seed), valid_files(kind)
    for _ in range(count):
        content = chance.choice(valid)
        if content[:2] == b"PK" and chance.random() < 0.5:
            yield repacked(content, valid, chance)
        else:
            yield damaged(content, valid, chance)


def repacked(content, others, chance):
    """The archive with its pickle, and sometimes another entry, damaged."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("data.pkl") or chance.random() < 0.1:
                data = damaged(data, others, chance)
            new.writestr(name, data)
    return written.getvalue()


def touch(value, known):
    """Read every byte of every array, each of which must lie in memory that it owns."""
    if id(value) in known:
        return
    known[id(value)] = value
    if isinstance(value, np.ndarray):
        base = value
        while getattr(base, "base", None) is not None:
            base = base.base
        if value.size and base is not value:
            low, high = np.lib.array_utils.byte_bounds(value)
            owned = np.frombuffer(base, np.uint8)
            start = owned.ctypes.data
            if not start <= low <= high <= start + owned.nbytes:
                end("an array over foreign memory")
        value.tobytes()
    elif isinstance(value, dict | list | tuple):
        for item in value.items() if isinstance(value, dict) else value:
            touch(item, known)


def end(why):
    """Stop at the first mistake, from wherever it is seen."""
    print(why, file=sys.stderr, flush=True)
    os._exit(1)


def fuzz(kind, count, seed, folder):
    """Read `count` damaged files, the last one stays in `folder`. Returns: the report."""
    path, watching = folder / f"file.{kind}", False

    def hook(event, arguments):
        own = event == "open" and str(arguments[0]) == str(path) and arguments[1] in ("r", "rb")
        if watching and not own and event not in HARMLESS:
            end(f"a file causes {event}{arguments}")

    outcomes = {"read": 0, "refused": 0}
    slowest = largest = total = 0
    for codec in ("ascii", "cp437", "raw_unicode_escape"):
        codecs.lookup(codec)  # Python imports these late
    for content in valid_files(kind):
        path.write_bytes(content)
        READERS[kind](path)
    sys.addaudithook(hook)
    tracemalloc.start()
    began = time.monotonic()
    for content in mutations(kind, count, seed):
        path.write_bytes(content)
        tracemalloc.reset_peak()
        before, start = tracemalloc.get_traced_memory()[0], time.monotonic()
        faulthandler.dump_traceback_later(12 * SECONDS, exit=True)
        watching = True
        try:
            value = READERS[kind](path)
        except UserError as error:
            value, outcome = None, "refused"
            message = str(error)
        except Exception as error:
            end(f"{type(error).__name__}: {error}")
        else:
            outcome, message = "read", path.name
        watching = False
        faulthandler.cancel_dump_traceback_later()
        seconds, peak = time.monotonic() - start, tracemalloc.get_traced_memory()[1] - before
        if peak > MEMORY * len(content) + BASE or seconds > SECONDS:
            end(f"{peak} bytes and {seconds:.1f} s for a file of {len(content)}")
        if path.name not in message or "\n" in message or len(message) > 1000:
            end(f"the message {message!r}")
        touch(value, {})
        outcomes[outcome] += 1
        total += len(content)
        slowest, largest = max(slowest, seconds), max(largest, peak)
    return {
        "reader": kind,
        "files": count,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        **outcomes,
        "mean_bytes": total // count,
        "slowest_ms": round(1000 * slowest, 1),
        "largest_peak_bytes": largest,
    }


def child(kind, count, seed, folder):
    command = [sys.executable, __file__, kind, "--files", str(count), "--seed", str(seed)]
    command += ["--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)


def check(kind, count, seed, folder):
    done = child(kind, count, seed, folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["read"] + report["refused"] == count
    # Mutations that all die at the first byte would test nothing.
    assert report["read"] > count / 100 and report["refused"] > count / 10
    print(done.stdout)


@pytest.mark.parametrize("kind", READERS)
def test_a_thousand_damaged_files(kind, tmp_path):
    check(kind, 1000, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_twenty_thousand_damaged_files(kind, tmp_path):
    check(kind, 20_000, 1, tmp_path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=READERS)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    flags = parser.parse_args()
    print(json.dumps(fuzz(flags.kind, flags.files, flags.seed, flags.folder)))
