"""The keys of T2F, a description becomes a face: the names of its README, in capitals, and ours.

Source: T2F's README, whose sample configuration is faces/cfg/readme.yml. The defaults are its
values, but for those that its author's later configurations changed, and for the keys of ours.
"""

from misc.config.defaults import common
from misc.config.keys import Key, above, at_least, each, one_of, share, with_defaults, within

# Stages differ in batch and length, so lists of ours stand for these.
_OTHERWISE = (
    "TRAIN.BATCH_SIZE",
    "TRAIN.MAX_EPOCH",
    "TRAIN.SNAPSHOT_INTERVAL",
    "TRAIN.GRID_INTERVAL",
)
GROUP = 4  # pictures that minibatch-std compares

KEYS = with_defaults(
    [key for key in common.KEYS if key.name not in _OTHERWISE], DATASET_NAME="faces"
) + (
    # It is part of every frame of the time-lapse, so not free.
    Key("TRAIN.NUM_COPY", 4, "sentences of each split in the grids, and faces each", at_least(1)),
    Key(
        "NETWORK_TYPE",
        "progressive",
        "progressive: stage by stage, each faded in; multiscale: all sizes at once, one stage",
        one_of("progressive", "multiscale"),
    ),
    Key("DEPTH", 5, "sizes of picture, from 4 px: the last is 2^(DEPTH + 1) px", within(2, 9)),
    Key("IMG_DIMS", [], "height and width of the last size, px; empty: as DEPTH says", each(int)),
    Key("LATENT_SIZE", 256, "width of what the generator begins with: c and noise", at_least(2)),
    Key("CAPTIONS_LENGTH", 100, "tokens of a caption; the rest is cut off", within(1, 1000)),
    Key(
        "VOCAB_SIZE",
        2763,
        "words, <pad> and <unk> included, of a dry run; a run takes those of its captions",
        at_least(3),
    ),
    Key("EMBEDDING_SIZE", 128, "width of a word's vector", at_least(1)),
    Key("HIDDEN_SIZE", 256, "width of the LSTM, and so of the text's vector", at_least(1)),
    Key("NUM_LAYERS", 3, "layers of the LSTM", at_least(1)),
    Key("MASKED", True, "False: the text's vector is read behind the padding, as published"),
    Key("CA_OUT_SIZE", 178, "width of the condition c", at_least(1)),
    Key(
        "CA_FORM",
        "logvar",
        "what conditioning augmentation predicts beside mu: the log of the variance, or the "
        "deviation, linear (README) or ReLU (T2F's last version)",
        one_of("logvar", "linear", "relu"),
    ),
    Key("KL_WEIGHT", 1.0, "weight of the KL term, summed over c, in the G step", at_least(0)),
    Key("COMPRESSED_LATENT_SIZE", 128, "width of the text in the discriminator", at_least(1)),
    Key(
        "CONDITION",
        "concat",
        "how the text meets the picture in the discriminator: beside the 4x4 features, projected "
        "on them, readme: after them, where it cannot tell whether they match, or none: not at all",
        one_of("concat", "projection", "readme", "none"),
    ),
    Key(
        "MINIBATCH_STD",
        "group",
        f"deviation over pictures that the discriminator sees: in groups of {GROUP}, or over the "
        "batch: as one number, as a 4x4 map (T2F's last version), or unbiased (README)",
        one_of("group", "batch", "map", "unbiased"),
    ),
    Key(
        "RGB",
        "linear",
        "the generator's colours: linear, or the README's tanh",
        one_of("linear", "tanh"),
    ),
    Key("USE_EQL", True, "equalised learning rate"),
    Key("EPOCHS", [160, 80, 40, 20, 10], "epochs of each stage", each(int, low=1)),
    Key(
        "FADE_IN_PERCENTAGE",
        [85] * 5,
        "% of a stage in which it is faded in, 0 to 100",
        each(int, float, low=0, high=100),
    ),
    Key(
        "BATCH_SIZES", [16] * 5, "pictures a step of each stage, over all devices", each(int, low=2)
    ),
    Key("LEARNING_RATE", 0.001, "Adam rate of all four networks", above(0)),
    Key("BETA_1", 0.0, "Adam: share of the mean gradient kept", share),
    Key("BETA_2", 0.99, "Adam: share of the mean square kept; 0 (README): steps by sign", share),
    Key("EPS", 1.0e-8, "Adam: added to the root of the mean square", above(0)),
    Key(
        "LOSS_FUNCTION",
        "wgan-gp",
        "what discriminator and generator minimise",
        one_of("wgan-gp", "wgan", "relativistic-hinge", "hinge", "lsgan", "non-saturating"),
    ),
    Key("PENALTY_WEIGHT", 10.0, "weight of the loss's own gradient penalty, if any", at_least(0)),
    Key("DRIFT", 0.001, "weight of the squared score of real pictures", at_least(0)),
    Key("N_CRITIC", 1, "discriminator steps a generator step, on the same pictures", within(1, 16)),
    Key("USE_MATCHING_AWARE_DISCRIMINATOR", True, "real pictures with wrong captions count as bad"),
    Key(
        "MATCHING",
        "mean",
        "mean: made and mismatched pairs weigh half each; sum: one each, as published",
        one_of("mean", "sum"),
    ),
    Key(
        "TEXT_LEARNS_MATCHING",
        True,
        "the text encoder follows the D step, too, so that its text tells right captions from "
        "wrong ones; no effect with CONDITION none; False (T2F): it learns from the G step alone",
    ),
    Key("DETACH_TEXT", True, "False: the G step also moves the text by way of the discriminator"),
    Key("USE_EMA", True, "sample running averages of text encoder, conditioning and generator"),
    Key("EMA_DECAY", 0.999, "share of these averages that a step keeps", share),
    Key("MIRROR", True, "mirror pictures, drawn by chance"),
    Key(
        "JITTER", 2, "the crop is moved by up to so many px of the last size, each way", at_least(0)
    ),
    Key("FEEDBACK_FACTOR", 7, "sample grids an epoch, at most one a step", at_least(1), free=True),
    Key("CHECKPOINT_FACTOR", 2, "epochs between checkpoints", at_least(1), free=True),
    Key("NUM_WORKERS", 0, "threads that read pictures; 0: as many as pay", at_least(0), free=True),
)

_LISTS = ("EPOCHS", "FADE_IN_PERCENTAGE", "BATCH_SIZES")
# The README's spelling, and that of T2F's last version.
RENAMED = {
    key.name.lower(): key.name
    for key in KEYS
    if "." not in key.name and key.name not in {k.name for k in common.KEYS}
} | {"images_dir": "DATA_DIR"}
_RUN = "a run keeps everything in one folder: leave it out and name that with --run"
_CAPTIONS = (
    "captions live in the prepared set: leave it out, and give the set its captions with "
    "misc/preprocess_faces.py --annotations FILE.json"
)
_INFERSENT = "the text encoder is trained along with the GAN, and there is no other: leave it out"
REFUSED = {
    **dict.fromkeys(("log_dir", "sample_dir", "save_dir"), _RUN),
    **dict.fromkeys(("processed_text_file", "annotations_file"), _CAPTIONS),
    "use_pretrained_encoder": _INFERSENT,
    "pretrained_encoder_file": _INFERSENT,
    "pretrained_embedding_file": _INFERSENT,
}


def stages(cfg) -> int:
    """How many stages a run of this configuration consists of."""
    return cfg.DEPTH if cfg.NETWORK_TYPE == "progressive" else 1


def final_size(cfg) -> int:
    """Side of the pictures that a run ends with, px."""
    return 2 << cfg.DEPTH


def problems(cfg) -> list[str]:
    """What is wrong between keys of `cfg`, one line each."""
    found, wanted, side = [], stages(cfg), final_size(cfg)
    for name in _LISTS:
        if len(cfg[name]) != wanted:
            found.append(
                f"{name} has {len(cfg[name])} entries, expected {wanted}, one a stage: "
                f"NETWORK_TYPE is {cfg.NETWORK_TYPE} and DEPTH {cfg.DEPTH}"
            )
    if cfg.IMG_DIMS and cfg.IMG_DIMS != [side, side]:
        found.append(
            f"IMG_DIMS is {cfg.IMG_DIMS}, but DEPTH {cfg.DEPTH} ends at {[side, side]}: change one "
            "of them, or leave IMG_DIMS out"
        )
    sizes = cfg.BATCH_SIZES if cfg.MINIBATCH_STD == "group" else []
    odd = [size for size in sizes if size > GROUP and size % GROUP]
    if odd:
        found.append(
            f"BATCH_SIZES: {odd[0]} is no multiple of {GROUP}, the group of minibatch-std; take "
            f"{odd[0] // GROUP * GROUP}, or another MINIBATCH_STD"
        )
    # The multi-scale discriminator's trunk has half of the channels everywhere.
    latent, halved = cfg.LATENT_SIZE, cfg.DEPTH - (4 if cfg.NETWORK_TYPE == "progressive" else 3)
    least = 2 ** max(halved, 1)
    if latent & (latent - 1) or latent < least:
        found.append(
            f"LATENT_SIZE is {latent}, expected a power of two of at least {least}, as it halves "
            "with every size above 32 px"
        )
    if cfg.CA_OUT_SIZE >= latent:
        found.append(
            f"CA_OUT_SIZE {cfg.CA_OUT_SIZE} must be less than LATENT_SIZE {latent}: the rest of it "
            "is noise"
        )
    return found
