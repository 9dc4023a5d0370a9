"""Torch7 files as tests want them: a writer of the format, and a small release of Reed et al."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from encoder.alphabet import encode

NUMBERS = {"uint8": "Byte", "int64": "Long", "float32": "Float", "float64": "Double"}


class Writer:
    """Writes what `read_t7` gives; arrays have a storage each, tables and objects are shared."""

    def __init__(self, cuda=False):
        self.parts, self.known, self.cuda = [], {}, cuda

    def ints(self, *numbers):
        self.parts.append(struct.pack(f"<{len(numbers)}i", *numbers))

    def longs(self, *numbers):
        self.parts.append(struct.pack(f"<{len(numbers)}q", *numbers))

    def string(self, text):
        self.ints(len(text))
        self.parts.append(text.encode("latin1"))

    def value(self, value):
        if value is None:
            self.ints(0)
        elif isinstance(value, bool):
            self.ints(5, value)
        elif isinstance(value, int | float):
            self.ints(1)
            self.parts.append(struct.pack("<d", value))
        elif isinstance(value, str):
            self.ints(2)
            self.string(value)
        elif isinstance(value, np.ndarray):
            if self.begin(4, value):
                self.tensor(value)
        elif isinstance(value, dict) and "torch_typename" in value:
            if self.begin(4, value):
                self.string("V 1")
                self.string(value["torch_typename"])
                self.table({k: v for k, v in value.items() if k != "torch_typename"})
        elif isinstance(value, list) and not (value and isinstance(value[0], tuple)):
            self.table(value, list(enumerate(value, 1)))
        else:
            self.table(value)

    def begin(self, tag, value):
        """Write type and index; whether it is the first time."""
        new = id(value) not in self.known
        # The value is kept, too: the id of one that is gone may come again.
        index, _ = self.known.setdefault(id(value), (len(self.known) + 1, value))
        self.ints(tag, index)
        return new

    def table(self, value, pairs=None):
        if self.begin(3, value):
            pairs = pairs or list(value.items() if isinstance(value, dict) else value)
            self.ints(len(pairs))
            for pair in pairs:
                for item in pair:
                    self.value(item)

    def tensor(self, array):
        kind = NUMBERS[array.dtype.name]
        prefix = "torch." + (f"Cuda{kind}".replace("Float", "") if self.cuda else kind)
        self.string("V 1")
        self.string(f"{prefix}Tensor")
        if not array.size:
            self.ints(0)
            self.longs(1)
            return self.ints(0)
        self.ints(array.ndim)
        self.longs(*array.shape, *(s // array.itemsize for s in array.copy().strides), 1)
        self.begin(4, array.tobytes())
        self.string("V 1")
        self.string(f"{prefix}Storage")
        self.longs(array.size)
        return self.parts.append(array.tobytes())


@pytest.fixture(scope="session")
def write_t7():
    """`write_t7(path, value, cuda=False)`: a file that Torch7 could have written."""

    def write(path, value, cuda=False):
        writer, limit = Writer(cuda), sys.getrecursionlimit()
        sys.setrecursionlimit(20_000)  # a network nests deep
        try:
            writer.value(value)
        finally:
            sys.setrecursionlimit(limit)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(writer.parts))
        return path

    return write


@pytest.fixture
def t7_files():
    """Folder of the genuine files."""
    return Path(__file__).parents[1] / "fixtures" / "t7"


@pytest.fixture
def release(tmp_path, write_t7):
    """A release of 5 classes with features of width 4, three views and two captions a picture.

    Classes 1, 3 and 5 train, 2 and 4 are held out. Captions name class, picture and number; the
    third class has captions of its own, not of its pictures. In a feature, place `class - 1` (of
    class 5 all) is 5 in the first view, and the last place says class, picture and view.
    """
    folder = tmp_path / "release"
    names = [f"{number:03d}.Kind_{number}" for number in range(1, 6)]
    for number, name in enumerate(names, 1):
        pictures = number + 1
        texts = np.stack(
            [
                encode([f"kind-{number} picture {i} text {j}" for j in range(2)]).T
                for i in range(1 if number == 3 else pictures)
            ]
        )
        views = np.zeros((pictures, 4, 3), np.float32)
        views[:, slice(number - 1, number) if number < 5 else slice(None), 0] = 5
        views[:, 3] += 0.1 * number + 0.01 * np.arange(pictures)[:, None] + 0.001 * np.arange(3)
        write_t7(folder / "text_c10" / f"{name}.t7", texts.astype(np.float64))
        write_t7(folder / "images" / f"{name}.t7", views)
    (folder / "manifest.txt").write_text("".join(f"{name}.t7\n" for name in names))
    (folder / "trainvalids.txt").write_text("5\n1\n3\n")
    (folder / "testclasses.txt").write_text(f"{names[1]}\n{names[3]}\n")
    return folder
