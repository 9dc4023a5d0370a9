"""The restricted unpickler: real Python-2 files come out whole, hostile ones never run."""

import pickle
import struct
import threading

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.safe_pickle import load_arrays

# cPickle of Python 2.7.18 with numpy 1.16.6, protocols 0 and 2, of
# [['001.A/caf\xe9'], np.array([[1.5, -2]], 'f4'), np.int64(3)]
PYTHON_2 = [
    b"(lp1\n(lp2\nS'001.A/caf\\xe9'\np3\naacnumpy.core.multiarray\n_reconstruct\np4\n(cnumpy\nndarray"
    b"\np5\n(I0\ntS'b'\ntRp6\n(I1\n(I1\nI2\ntcnumpy\ndtype\np7\n(S'f4'\nI0\nI1\ntRp8\n(I3\nS'<'\nNNN"
    b"I-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\xc0?\\x00\\x00\\x00\\xc0'\ntbacnumpy.core.multiarray\nscalar"
    b"\np9\n(g7\n(S'i8'\nI0\nI1\ntRp10\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    b"S'\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\ntRp11\na.",
    b"\x80\x02]q\x01(]q\x02U\n001.A/caf\xe9q\x03acnumpy.core.multiarray\n_reconstruct\nq\x04"
    b"cnumpy\nndarray\nq\x05K\x00\x85U\x01b\x87Rq\x06(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x07U\x02f4"
    b"K\x00K\x01\x87Rq\x08(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    b"U\x08\x00\x00\xc0?\x00\x00\x00\xc0tbcnumpy.core.multiarray\nscalar\nq\th\x07U\x02i8K\x00K\x01"
    b"\x87Rq\n(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"U\x08\x03\x00\x00\x00\x00\x00\x00\x00\x86Rq\x0be.",
]

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
FLOAT = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"


def load(tmp_path, content):
    path = tmp_path / "content.pickle"
    path.write_bytes(content)
    return load_arrays(path)


def refusal(tmp_path, content):
    with pytest.raises(UserError) as caught:
        load(tmp_path, content)
    message = str(caught.value)
    assert "content.pickle" in message and "\n" not in message and len(message) < 400
    return message


class Calls:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("content", PYTHON_2, ids=["protocol 0", "protocol 2"])
def test_files_of_python_2(tmp_path, content):
    names, array, number = load(tmp_path, content)
    assert names == ["001.A/caf\xe9"]
    assert array.dtype == np.float32 and array.tolist() == [[1.5, -2.0]]
    assert number == 3 and number.dtype == np.int64


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_python_3_writes_comes_out_equal(tmp_path, protocol):
    arrays = [
        np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(3, dtype=">i2"),
        np.array([True, False]),
        np.zeros((0, 4)),
        np.array(1.5, np.float16),
        np.array(["black", "caf\xe9", "\U0001f426"]),
        np.array([b"a", b"bc"]),
    ]
    plain = {"a": [1, -(2**70), 0.5, None, True], 7: (b"\xff\x00", "\u20ac", ((),)), b"k": b""}
    value = [arrays, plain, np.float32(2.5), np.str_("x")]
    found, *rest = load(tmp_path, pickle.dumps(value, protocol))
    assert rest == value[1:] and type(rest[1]) is np.float32
    for array, expected in zip(found, arrays, strict=True):
        assert array.shape == expected.shape
        assert array.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        assert np.array_equal(array, expected)


def test_references_stay_shared(tmp_path):
    array = np.arange(100.0)
    first, second = load(tmp_path, pickle.dumps([array, array]))
    assert first is second


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Calls(eval, "1/0"), "eval"),
        (Calls(exec, "raise SystemExit"), "exec"),
        (Calls(getattr, "", "join"), "getattr"),
        (Calls(bytearray, 10**12), "bytearray"),
        (Calls(np.load, "x"), "load"),
        (Calls(np.zeros, 10**12), "zeros"),
        (Calls(struct.pack, "i", 1), "pack"),
        (threading.Thread, "Thread"),
        (complex(1, 2), "complex"),
        ({"a"}, "set"),
        (ValueError("x"), "ValueError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_name_is_refused_by_it(tmp_path, value, name, protocol):
    message = refusal(tmp_path, pickle.dumps([1, value], protocol))
    # A set has an opcode of its own in protocol 4.
    assert name in message or (name == "set" and "EMPTY_SET" in message)


def test_nothing_runs(tmp_path):
    witness = tmp_path / "witness"
    assert "system" in refusal(tmp_path, b"cposix\nsystem\n(S'touch " + bytes(witness) + b"'\ntR.")
    assert "io" in refusal(tmp_path, pickle.dumps(Calls(open, str(witness), "w")))
    assert not witness.exists()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"S'1'\nQ.", "BINPERSID"),
        (b"P1\n.", "PERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\x00.", "EXT2"),
        (b"(S'ls'\nios\nsystem\n.", "INST"),
        (b"(cos\nsystem\nS'ls'\no.", "os.system"),
        (b"(cnumpy\nndarray\nI5\no.", "OBJ"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"cnumpy\nndarray\n(I1000000000000\ntR.", "no function"),
        (b"cnumpy\nndarray\n.", "type"),
        (b"cnumpy.core.multiarray\nscalar\n.", "method"),
        (b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR.", "_DType"),
        (b"c_codecs\nencode\n(V\xe9\nS'rot13'\ntR.", "unknown form"),
        (b"]}S'append'\nI1\nsb.", "state of a list"),
        (b"cnumpy.core.multiarray\nscalar\n}S'__name__'\nI1\nsb.", "state of a method"),
        (b"cnumpy\nndarray\n}S'x'\nI1\nsb.", "state of a type"),
        (b"(lI0\nI1\ns.", "item of a list"),
    ],
)
def test_other_machinery_is_refused(tmp_path, content, word):
    assert word in refusal(tmp_path, content)


def test_a_name_with_a_dot_reaches_no_attribute(tmp_path):
    assert "dtype.type.mro" in refusal(
        tmp_path, b"\x80\x04\x8c\x05numpy\x8c\x0edtype.type.mro\x93."
    )


@pytest.mark.parametrize("array", [
    np.array([[1], None], dtype=object),
    np.array([(1, 2.0)], dtype="i4,f8"),
    np.array(["2020-01-01"], dtype="M8[D]"),
    np.zeros(3, dtype="V8"),
    np.rec.array([(1, 2)]),
    np.ma.masked_array([1, 2], [True, False]),
])  # fmt: skip
def test_other_arrays_are_refused(tmp_path, array):
    assert "refused" in refusal(tmp_path, pickle.dumps(array, 2))


def test_a_changed_type_is_refused(tmp_path):
    fields = b"(I3\nS'|'\nN(S'a'\nt}S'a'\n(" + FLOAT + b"I0\ntsI4\nI1\nI16\ntb"
    content = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR" + fields + b"."
    assert "structured" in refusal(tmp_path, content)
    # The real float32 type, shared by the whole program, is untouched.
    assert np.dtype("f4").names is None and np.dtype("f4").byteorder == "="


@pytest.mark.parametrize("shape", [
    b"(I1000000000000\nt", b"(I-1\nt", b"(I2\nI-2\nt", b"(I0\nL" + b"9" * 60 + b"L\nt", b"(I01\nt",
    b"(F2.0\nt", b"(S'2'\nt", b"(" + b"I1\n" * 70 + b"t", b"(lI2\na", b"N", b"I2\n",
])  # fmt: skip
def test_a_shape_that_does_not_fit_its_bytes_allocates_nothing(tmp_path, shape):
    refusal(tmp_path, ARRAY + b"(I1\n" + shape + FLOAT + b"I00\nS'\\x00\\x00\\x00\\x00'\ntb.")


def test_the_shape_given_to_reconstruct_is_not_used(tmp_path):
    content = ARRAY.replace(b"I0\n", b"I1000000000000\n") + b"."
    assert load(tmp_path, content).shape == (0,)


def test_text_of_zero_length_or_beyond_unicode_is_refused(tmp_path):
    for code in (b"S0", b"U0", b"S", b"a", b"O8", b"f4,f4", b"(1000000,)f4"):
        kind = b"cnumpy\ndtype\n(S'" + code + b"'\nI0\nI1\ntR"
        assert "type" in refusal(
            tmp_path, ARRAY + b"(I1\n(I1000000000000\nt" + kind + b"I00\nS''\ntb."
        )
    text = b"cnumpy\ndtype\n(S'U1'\nI0\nI1\ntR(I3\nS'<'\nNNNI4\nI4\nI8\ntb"
    content = ARRAY + b"(I1\n(I1\nt" + text + b"I00\nS'\\xff\\xff\\xff\\xff'\ntb."
    assert "Unicode" in refusal(tmp_path, content)


def test_bools_are_0_or_1(tmp_path):
    content = pickle.dumps(np.array([True, False]), 2)
    changed = content.replace(b"\x02\x00\x00\x00\x01\x00", b"\x02\x00\x00\x00\x07\x00")
    assert "neither 0 nor 1" in refusal(tmp_path, changed)


@pytest.mark.parametrize("content", [
    b"\x80\x04B\xff\xff\xff\xff.",  # 4 GiB of bytes
    b"\x80\x04\x8e" + b"\xff" * 7 + b"\x00.",
    b"\x80\x04\x8e" + b"\xff" * 8 + b".",
    b"\x80\x05\x96" + b"\xff" * 6 + b"\x00\x00.",
    b"\x80\x04\x8d" + b"\xff" * 6 + b"\x00\x00.",
    b"\x80\x04\x95" + b"\xff" * 6 + b"\x00\x00.",
    b"\x80\x02\x8b\xff\xff\xff\x7f.",
    b"\x80\x02Nr\xff\xff\xff\xff0j\xfe\xff\xff\xff.",  # the memo's 4,294,967,295th entry
    b"I" + b"9" * 10_000 + b"\n.",
])  # fmt: skip
def test_lengths_beyond_the_file_allocate_nothing(tmp_path, content):
    refusal(tmp_path, content)


def test_a_large_memo_index_is_only_a_number(tmp_path):
    assert load(tmp_path, b"\x80\x02K\x07r\xff\xff\xff\xff0j\xff\xff\xff\xff.") == 7


def test_billion_laughs(tmp_path):
    value = ["ha"] * 10
    for _ in range(20):
        value = [value] * 10
    assert "more than its own size" in refusal(tmp_path, pickle.dumps(value))


def test_one_array_a_thousand_times(tmp_path):
    content = pickle.dumps([np.zeros(100_000, np.uint8)] * 1000)
    assert "more than its own size" in refusal(tmp_path, content)


def test_one_string_encoded_again_and_again(tmp_path):
    text = pickle.BINUNICODE + struct.pack("<I", 100_000) + b"x" * 100_000
    encode = b"c_codecs\nencode\n(g0\nS'latin1'\ntR0"
    assert "more than its own size" in refusal(tmp_path, text + b"p0\n" + encode * 1000 + b".")


def test_nesting(tmp_path):
    deep = b"(l" * 100_000 + b"a" * 99_999 + b"."
    assert "deeper" in refusal(tmp_path, deep)
    assert "deeper" in refusal(tmp_path, b"(lp0\ng0\na.")  # a list that holds itself
    assert load(tmp_path, b"(l" * 20 + b"a" * 19 + b".")


def test_keys_whose_hash_would_not_end(tmp_path):
    nested = b")" + b"\x85" * 200_000  # the hash of this tuple overflows the stack of C
    shared = b")" + b"2\x86" * 100  # the hash of this one takes 2 ** 100 steps
    for tuple_ in (nested, shared):
        for store in (b"Ns.", b"N(NNu."):
            assert "key" in refusal(tmp_path, b"}" + tuple_ + store)
        assert "key" in refusal(tmp_path, b"(" + tuple_ + b"Nd.")
    assert "key" in refusal(tmp_path, b"}L" + b"%d" % (2**61 - 1) + b"L\nNs.")


@pytest.mark.parametrize("content", PYTHON_2, ids=["protocol 0", "protocol 2"])
def test_a_file_cut_anywhere_is_a_user_error(tmp_path, content):
    for length in range(len(content)):
        refusal(tmp_path, content[:length])


@pytest.mark.filterwarnings("ignore:invalid escape")
def test_a_file_changed_anywhere_is_read_or_a_user_error(tmp_path):
    random = np.random.default_rng(0)
    base = pickle.dumps([["001.A/a"], {"x": np.arange(8, dtype="f4")}, np.float64(1)], 2)
    for content in [*PYTHON_2, base]:
        for _ in range(300):
            damaged = bytearray(content)
            damaged[random.integers(len(damaged))] = random.integers(256)
            try:
                load(tmp_path, bytes(damaged))
            except UserError as error:
                assert "content.pickle" in str(error)


def test_no_pickle_at_all(tmp_path):
    assert "empty" in refusal(tmp_path, b"")
    refusal(tmp_path, b"<!DOCTYPE html><html>404</html>")
    refusal(tmp_path, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(UserError, match="nowhere.pickle cannot be read"):
        load_arrays(tmp_path / "nowhere.pickle")
    with pytest.raises(UserError, match="cannot be read"):
        load_arrays(tmp_path)
