"""A generator in another process: its items, its mistakes, and the end of its process."""

import os
import signal
from contextlib import closing
from itertools import count, islice
from pathlib import Path

import pytest

from misc.config.errors import UserError
from misc.sources.apart import apart

HERE = Path("some/file")


def letters(word):
    yield from word
    yield os.getpid()


def endless(place):
    place.write_text(f"{os.getpid()}")  # once: the process may be killed at any later moment
    yield from count()


def mistaken():
    yield 1
    raise UserError("what is wrong")


def crashing():
    yield 1
    os.kill(os.getpid(), signal.SIGSEGV)
    yield 2


def test_items_come_from_another_process():
    *word, process = apart(letters, "abc", where=HERE)
    assert word == ["a", "b", "c"] and process != os.getpid()


def test_it_ends_with_its_iterator(tmp_path):
    place = tmp_path / "process"
    with closing(apart(endless, place, where=HERE)) as numbers:
        assert list(islice(numbers, 3)) == [0, 1, 2]
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


@pytest.mark.parametrize(
    "read, expected", [(mistaken, "what is wrong"), (crashing, f"{HERE} is damaged")]
)
def test_mistakes_and_crashes_are_told(read, expected):
    items = apart(read, where=HERE)
    assert next(items) == 1
    with pytest.raises(UserError, match=expected):
        next(items)
