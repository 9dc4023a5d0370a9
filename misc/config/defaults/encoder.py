"""The keys of the text encoders; the char-CNN-RNN with its published schedule is the default.

Source: the training scripts of Reed et al., "Learning Deep Representations of Fine-Grained Visual
Descriptions" (CVPR 2016).
"""

from misc.config.defaults import common
from misc.config.keys import Key, above, at_least, one_of, power_of_two, with_defaults, within

# What of TEXT each TEXT.KIND reads, and the digest of an encoder covers.
TEXT_KEYS = {
    "char-cnn-rnn": ("DIMENSION", "CNN_DIM", "RECURRENCE", "STEPS", "WIDTHS", "SPREAD"),
    "bag": ("KIND", "DIMENSION", "VOCABULARY", "WORD_DIM"),
    "minilm": ("KIND", "DIMENSION", "VOCABULARY", "LAYERS", "HEADS"),
}

KEYS = with_defaults(common.KEYS, TRAIN__BATCH_SIZE=40, TRAIN__MAX_EPOCH=200) + (
    Key(
        "TRAIN.LEARNING_RATE",
        0.0007,
        "RMSProp learning rate; an epoch is as many steps as there are training classes",
        above(0),
    ),
    Key("TRAIN.LR_DECAY", 0.98, "factor on the learning rate after each epoch", above(0)),
    Key("TRAIN.SYMMETRIC", True, "loss over texts and over pictures (DS-SJE), not texts alone"),
    Key(
        "TRAIN.IMAGE_FEATURES",
        "",
        "name of image features in the prepared set; empty: an image tower trained along",
    ),
    Key(
        "TEXT.KIND",
        "char-cnn-rnn",
        "bag: mean of word vectors; minilm: all-MiniLM-L6-v2, made by encoder/import_minilm.py",
        one_of(*TEXT_KEYS),
    ),
    Key("TEXT.DIMENSION", 1024, "width of the embedding", at_least(1)),
    Key("TEXT.CNN_DIM", 512, "width of the last convolution and of the recurrence", at_least(1)),
    Key("TEXT.RECURRENCE", "gru", "recurrent layer", one_of("gru", "rnn")),
    Key(
        "TEXT.STEPS",
        18,
        "recurrent steps: 18 (two poolings) or 8 (three), of 201 characters",
        one_of(8, 18),
    ),
    Key("TEXT.WIDTHS", [384, 512], "channels of the first two convolutions"),
    Key("TEXT.SPREAD", 0.08, "every weight starts uniform in [-SPREAD, SPREAD]", above(0)),
    Key(
        "TEXT.VOCABULARY",
        8192,
        "bag: words at most, the most frequent of the training captions; minilm: word pieces",
        within(1, 2**20),
    ),
    Key("TEXT.WORD_DIM", 512, "bag: width of the word vectors and the hidden layer", at_least(1)),
    Key("TEXT.LAYERS", 6, "minilm: layers", within(1, 100)),
    Key("TEXT.HEADS", 12, "minilm: attention heads, of DIMENSION / HEADS each", at_least(1)),
    Key("IMAGE.SIZE", 64, "pictures the image tower sees, px", power_of_two(16)),
    Key("IMAGE.GRID", 4, "side of the image tower's last feature map", power_of_two(1)),
    Key("IMAGE.WIDTH", 32, "channels of the image tower's first convolution", at_least(4)),
)


def problems(cfg) -> list[str]:
    """What is wrong between keys of `cfg`, one line each."""
    found = []
    widths = cfg.TEXT.WIDTHS
    if len(widths) != 2 or not all(type(w) is int and w > 0 for w in widths):
        found.append("TEXT.WIDTHS must be two whole numbers above 0")
    if cfg.IMAGE.GRID > cfg.IMAGE.SIZE:
        found.append("IMAGE.GRID must not be larger than IMAGE.SIZE")
    if cfg.TEXT.KIND == "minilm" and cfg.TEXT.DIMENSION % cfg.TEXT.HEADS:
        found.append(
            f"TEXT.DIMENSION {cfg.TEXT.DIMENSION} must be divisible by TEXT.HEADS {cfg.TEXT.HEADS}"
        )
    return found
