"""Captions as character indices, the input of the char-CNN-RNN.

Reed, Akata, Lee, Schiele, "Learning Deep Representations of Fine-Grained Visual Descriptions"
(CVPR 2016), section 5.
"""

import numpy as np

# An index is a 1-based position; 0 is padding. The hyphen stands here twice, and the last one wins,
# as in every table of the published code: "-" is 60, and 37 never occurs.
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "
LENGTH = 201  # characters the network reads; the rest of a longer caption is cut
# As the reader of an `encoder.embed.Embedder`: how much is read, and what its digest has to tell.
limit, identity = f"{LENGTH} characters", b""


def _table() -> np.ndarray:
    """Index of each character code below 128."""
    table = np.zeros(128, np.uint8)
    for index, character in enumerate(ALPHABET, start=1):
        table[ord(character)] = index
    return table


_TABLE = _table()


def encode(captions: list[str]) -> np.ndarray:
    """Indices of the characters of each caption, lower-cased.

    Returns: uint8 (n, LENGTH): 1 to 70, and 0 for padding and for characters out of the alphabet.
    Differs from the published demo: it kept capitals, so that they vanished as unknown characters.
    """
    padded = "".join(caption.lower()[:LENGTH].ljust(LENGTH, "\0") for caption in captions)
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), "<u4")
    indices = np.where(codes < 128, _TABLE[codes & 127], 0).astype(np.uint8)
    return indices.reshape(len(captions), LENGTH)


def decode(indices: np.ndarray) -> str:
    """The caption of a row of indices 0 to 70, which the first 0 ends: `encode` undone."""
    codes = indices.tolist()
    end = codes.index(0) if 0 in codes else len(codes)
    return "".join(ALPHABET[code - 1] for code in codes[:end])


def is_cut(caption: str) -> bool:
    """Whether the network does not read the whole caption."""
    return len(caption.lower()) > LENGTH
