"""Reads pickles of plain values and numpy arrays, and nothing else.

The published StackGAN files (`filenames.pickle`, `char-CNN-RNN-embeddings.pickle`) were written by
Python 2. A pickle is a program, so the usual reader runs whatever the file's author wished. Here
the standard library's own stack machine runs with fewer opcodes and a few harmless functions.
"""

import math
import pickle
import pickletools
import re
from pathlib import Path

import numpy as np

from misc.data.untrusted import BOMB, GROWTH, Refused, check_bools, opened, refusals

MAX_DEPTH = 32
PLAIN = (type(None), bool, int, float, str, bytes)

# Not here: persistent ids, the extension registry, instances of classes (INST, OBJ, NEWOBJ), sets
# and out-of-band buffers; nor the six that `ArrayUnpickler` handles itself.
HARMLESS = """
    PROTO FRAME STOP MARK POP POP_MARK DUP PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES BINBYTES8 TUPLE EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3
    LIST EMPTY_LIST APPEND APPENDS EMPTY_DICT GLOBAL STACK_GLOBAL
""".split()


def load_arrays(path: Path):
    """Read a pickle made of arrays, numbers, strings, bytes, lists, tuples and dicts.

    Files of Python 2 (its byte strings become `str`, byte for byte as Latin-1) and Python 3, all
    protocols. Arrays may be read-only; object and structured arrays are refused.

    Returns: the value; every container in it is of exactly the built-in type.
    Raises: UserError if the file is missing, damaged, asks for anything else, nests deeper than
    `MAX_DEPTH`, or unfolds to more than `GROWTH` times its size. Nothing of it has run by then.
    """
    path = Path(path)
    with refusals(path, "a pickle of arrays, numbers, strings, lists, tuples and dicts"):
        with opened(path) as content:
            budget = GROWTH * len(content)
            value = ArrayUnpickler(content, budget).load()
        if _weigh(value, 0, {}) > budget:
            raise Refused(BOMB)
        return value


class Opcodes(dict):
    """Opcode to handler; an opcode left out is refused by its name."""

    def __missing__(self, code):
        opcode = pickletools.code2op.get(chr(code))
        name = opcode.name if opcode else f"byte {code:#04x}"
        raise Refused(f"it uses {name}, which plain values do not need")


class _DType:
    """An array type still being read; real dtypes are shared objects and must not be changed."""

    __slots__ = ("code", "order")

    def __init__(self, code, align, copy):
        # No O (objects), no V and no commas (structures), no M and m: fixed-size numbers and text.
        if not re.fullmatch(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16|[SU][1-9][0-9]{0,5})", code):
            raise Refused(f"it holds an array of type {code[:40]!r}")
        self.code = code.lstrip("<>|=")
        self.order = code[0] if code[0] in "<>" else "="

    def build(self, state):
        _version, order, *parts, _size, _alignment, _flags = state
        if parts != [None] * 3 or order not in ("<", ">", "|", "="):
            raise Refused("it holds an array of a structured type")
        self.order = "=" if order == "|" else order

    @property
    def dtype(self):
        return np.dtype(self.order + self.code)


class ArrayUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python, reduced.

    A subclass can let other names through (`functions`) and other opcodes (`dispatch`).
    Not the one in C: that one allocates what a memo index asks for before it looks, and hashes any
    key, which a tuple nested deep enough turns into a crash. `budget`: bytes that may be copied.
    """

    def __init__(self, file, budget):
        super().__init__(file, encoding="latin1")
        self.budget = budget

    def find_class(self, module, name):
        """One of `functions`. Raises: Refused at any other name."""
        module = re.sub(r"^numpy\._?core\.", "numpy.", module)  # `_core` since numpy 2
        functions, full_name = self.functions(), f"{module}.{name}"
        if full_name not in functions:
            raise Refused(f"it asks for {full_name[:80]!r}")
        return functions[full_name]

    def functions(self) -> dict:
        """What a file may name, and what it gets for that."""
        return {
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": _DType,
            "numpy.multiarray._reconstruct": self.empty_array,
            "numpy.multiarray.scalar": self.scalar,
            "numpy.numeric._frombuffer": self.array,
            "_codecs.encode": self.encode,
            "__builtin__.bytes": self.no_bytes,
            "builtins.bytes": self.no_bytes,
        }

    # The functions a file may call. `ndarray` is only ever an argument: see `load_reduce`.

    def empty_array(self, kind, _shape, _code):
        """What `_reconstruct` returns: the shape given there is never used, BUILD sets it."""
        if kind is not np.ndarray:
            raise Refused("it holds an array of another class")
        return np.empty(0, np.int8)

    def scalar(self, kind, data):
        """A number or text of NumPy's, from its bytes."""
        return self.array(self.encode(data), kind, (), "C")[()]

    def array(self, data, kind, shape, order):
        """The array (no copy) whose bytes are `data`; checked before anything is allocated."""
        lengths = all(type(n) is int and 0 <= n < 2**48 for n in shape)
        if type(shape) is not tuple or len(shape) > MAX_DEPTH or not lengths:
            raise Refused("it holds an array of no proper shape")
        dtype = kind.dtype
        expected = math.prod(shape) * dtype.itemsize
        if expected != len(data):
            raise Refused(f"it holds an array of {expected} bytes with {len(data)} bytes of data")
        self.spend(expected)
        array = np.ndarray(shape, dtype, data, order=order)
        if dtype.kind == "U" and array.size and _code_points(data, dtype).max() > 0x10FFFF:
            raise Refused("it holds text that is not Unicode")
        check_bools(array)
        return array

    def encode(self, text, encoding="latin1"):
        """Bytes from the `str` in which Python 2 and low protocols keep them; bytes unchanged."""
        if type(text) is bytes:
            return text
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise Refused("it holds bytes in an unknown form")
        self.spend(len(text))
        return text.encode("latin1")

    def no_bytes(self):
        """How low protocols write empty bytes."""
        return b""

    def spend(self, size):
        """Refuse the file that has the same bytes copied again and again."""
        self.budget -= size
        if self.budget < 0:
            raise Refused(BOMB)

    # Opcodes that differ from the standard library's.

    def load_reduce(self):
        """Call a function; the only opcode that does."""
        arguments = self.stack.pop()
        if self.stack[-1] is np.ndarray or type(arguments) is not tuple:
            raise Refused("it calls what is no function")
        self.stack[-1] = self.stack[-1](*arguments)

    def load_build(self):
        """Fill an array or a type of array."""
        state = self.stack.pop()
        target = self.stack[-1]
        if type(target) is _DType:
            target.build(state)
        elif type(target) is np.ndarray and target.size == 0:
            _version, shape, kind, fortran, data = state
            data = self.encode(data)
            self.array(data, kind, shape, "C")
            # In place, because the memo already knows this object.
            target.__setstate__((1, shape, kind.dtype, bool(fortran), data))
        else:
            raise Refused(f"it sets the state of a {type(target).__name__}")

    def load_bytearray8(self):
        """As bytes, of which the file has as many."""
        size = int.from_bytes(self.read(8), "little")
        self.append(self.read(size))

    def load_dict(self):
        """A dict of what lies above the mark."""
        items = self.pop_mark()  # this also renews `append`
        self.append(fill({}, items))

    def load_setitem(self):
        """One key of a dict."""
        value, key = self.stack.pop(), self.stack.pop()
        fill(self.stack[-1], [key, value])

    def load_setitems(self):
        """All the keys above the mark."""
        items = self.pop_mark()
        fill(self.stack[-1], items)

    dispatch = Opcodes(
        {
            **{
                getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
                for name in HARMLESS
            },
            pickle.REDUCE[0]: load_reduce,
            pickle.BUILD[0]: load_build,
            pickle.BYTEARRAY8[0]: load_bytearray8,
            pickle.DICT[0]: load_dict,
            pickle.SETITEM[0]: load_setitem,
            pickle.SETITEMS[0]: load_setitems,
        }
    )


def _code_points(data, dtype) -> np.ndarray:
    return np.frombuffer(data, np.dtype("u4").newbyteorder(dtype.byteorder))


def fill(target, items):
    """Put the keys and values that alternate in `items` into the dict `target`."""
    if type(target) is not dict:
        raise Refused(f"it sets an item of a {type(target).__name__}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # The hash of a tuple walks all it holds; that of huge integers is easily made to collide.
        if type(key) not in (str, bytes, int) or (type(key) is int and abs(key) >= 2**60):
            raise Refused(f"it has a {type(key).__name__} as a key")
        target[key] = value
    return target


def _weigh(value, depth, known) -> int:
    """Bytes of arrays and number of other things in `value`, shared ones counted wherever they are.

    `known`: weights of the containers met, by identity, so that the walk itself stays short.
    Raises: Refused at anything but plain values, and where it nests too deep.
    """
    if depth > MAX_DEPTH:
        raise Refused(f"it nests deeper than {MAX_DEPTH} levels")
    if type(value) is np.ndarray:
        return 1 + value.nbytes
    if type(value) in PLAIN or isinstance(value, np.generic):
        return 1
    if type(value) not in (list, tuple, dict):
        raise Refused(f"it holds a {type(value).__name__}")
    if id(value) not in known:
        items = value.values() if type(value) is dict else value
        known[id(value)] = 1 + sum(_weigh(item, depth + 1, known) for item in items)
    return known[id(value)]
