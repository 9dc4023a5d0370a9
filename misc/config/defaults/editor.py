"""The keys of the attribute editor; the values of the user's document and of its authors' code.

Source: Larsen et al., "Autoencoding beyond pixels using a learned similarity metric" (ICML 2016).
"""

from misc.config.defaults import common
from misc.config.keys import Key, above, at_least, one_of, share, with_defaults, within

KEYS = with_defaults(common.KEYS, DATASET_NAME="faces", TRAIN__MAX_EPOCH=25) + (
    Key("Z_DIM", 128, "width of the code z", at_least(1)),
    Key("TRAIN.NUM_COPY", 8, "pictures of each split in the sample grids", at_least(1), free=True),
    Key("TRAIN.LEARNING_RATE", 0.0003, "RMSProp rate of encoder and decoder", above(0)),
    Key("TRAIN.DISCRIMINATOR_LR", 0.0003, "RMSProp rate of the discriminator", above(0)),
    Key("TRAIN.LR_END", 0.0005, "share of the rates that is left when they have fallen", above(0)),
    Key("TRAIN.LR_EPOCHS", 25, "epochs in which the rates fall: by (epoch / this)^0.75", above(0)),
    Key(
        "TRAIN.WEIGHT_DECAY",
        0.00001,
        "L2 weight decay of kernels, beside gradients summed over the batch",
        at_least(0),
    ),
    Key("TRAIN.MIRROR", True, "mirror every other batch as a whole, drawn by chance"),
    Key("IMAGE.SIZE", 64, "side of the pictures, px", one_of(32, 64)),
    Key("IMAGE.CHANNELS", 3, "3: colours, 1: grey", one_of(1, 3)),
    Key("IMAGE.JITTER", 2, "the crop is moved by up to so many pixels, each way", at_least(0)),
    Key(
        "GAN.NETWORK_TYPE",
        "vaegan",
        "layout: vaegan is the authors', def is DEF-GAN's models.py",
        one_of("vaegan", "def"),
    ),
    Key("GAN.WIDTH", 1.0, "factor on all published widths but that of z", above(0)),
    Key(
        "LOSS.RECONSTRUCTION",
        "features",
        "what a reconstruction is compared by: features of the discriminator, or pixels: a plain "
        "VAE without a discriminator",
        one_of("features", "pixels"),
    ),
    Key(
        "LOSS.LAYER",
        3,
        "which convolution of stride 2 of the discriminator gives the features",
        within(1, 3),
    ),
    Key(
        "LOSS.GAMMA",
        0.000001,
        "decoder: weight of the likeness (summed over features) beside the GAN's loss",
        at_least(0),
    ),
    Key(
        "LOSS.PIXELS",
        0.0,
        "weight of the likeness of pixels beside that of features, for encoder and decoder; "
        "0: published",
        at_least(0),
    ),
    Key("LOSS.PRIOR", 1.0, "encoder: weight of the prior (summed) beside likeness", at_least(0)),
    Key(
        "LOSS.FAKES",
        "both",
        "what the discriminator is to tell from real pictures: both reconstructions and samples "
        "of the prior, or samples alone, as the authors' last version",
        one_of("both", "samples"),
    ),
    Key(
        "LOSS.REAL_SHARE",
        0.5,
        "share of real pictures in the discriminator's loss, above 0",
        share,
    ),
    Key(
        "LOSS.SATURATING",
        True,
        "decoder: True: the discriminator's loss negated, False: made pictures called real",
    ),
    Key("LOSS.EQUILIBRIUM", 0.68, "cost about which decoder and discriminator balance", above(0)),
    Key(
        "LOSS.MARGIN",
        0.35,
        "distance of a cost from LOSS.EQUILIBRIUM at which the one ahead waits; 0: never",
        at_least(0),
    ),
)


def problems(cfg) -> list[str]:
    """What is wrong between keys of `cfg`, one line each."""
    found = []
    if not cfg.LOSS.REAL_SHARE:
        found.append("LOSS.REAL_SHARE must be above 0: a discriminator has to see real pictures")
    if cfg.TRAIN.LR_END > 1:
        found.append("TRAIN.LR_END must be at most 1: the share of the rate that is left")
    return found
