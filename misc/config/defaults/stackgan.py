"""The keys of Stage-I, Stage-II and of sampling them: StackGAN's own, and what we add.

One list for `initial`, `final` and `main.py`, as in StackGAN: a configuration pasted from there
is understood by each program, which reads the keys that concern it.
"""

from misc.config.defaults import common
from misc.config.keys import Key, above, at_least, one_of, power_of_two, share

METRICS = ("is", "fid", "kid", "pr", "diversity", "r_precision", "attributes", "colour")

KEYS = common.KEYS + (
    Key("EMBEDDING_TYPE", "cnn-rnn", "text embedding; only char-CNN-RNN's is alive"),
    Key("Z_DIM", 100, "width of the noise z", at_least(1)),
    Key(
        "XLA",
        False,
        "True has XLA compile the networks, with their gradients: slower on a CPU, and for one "
        "device alone",
        free=True,
    ),
    Key("B_VALIDATION", False, "main.py: True samples every caption of the test split", free=True),
    Key("TRAIN.NUM_COPY", 4, "pictures a caption in the sample grids", at_least(1), free=True),
    Key(
        "TRAIN.PRETRAINED_MODEL",
        "",
        "run folder: initial: weights to start from; final: the Stage-I run; main.py: the run to "
        "sample",
    ),
    Key("TRAIN.PRETRAINED_EPOCH", 600, "final: epoch at which Stage-II begins", at_least(0)),
    Key("TRAIN.DISCRIMINATOR_LR", 0.0002, "Adam learning rate of the discriminator", above(0)),
    Key("TRAIN.GENERATOR_LR", 0.0002, "Adam learning rate of the generator", above(0)),
    Key("TRAIN.LR_DECAY_EPOCH", 50, "epochs between halvings of both rates", at_least(1)),
    Key("TRAIN.NUM_EMBEDDING", 4, "captions of a picture averaged in training", at_least(1)),
    Key("TRAIN.COND_AUGMENTATION", True, "False: c = mu and no KL term"),
    Key("TRAIN.B_WRONG", True, "False: no mismatched pairs in the discriminator's loss"),
    Key("TRAIN.COEFF.KL", 2.0, "weight of the KL term in the generator's loss", at_least(0)),
    Key(
        "TRAIN.COEFF.STAGE1",
        0.0,
        "final: weight of the squared distance to the Stage-I picture, enlarged; 0 as published",
        at_least(0),
    ),
    Key("TRAIN.FINETUNE_LR", False, "final: True trains Stage-I along"),
    Key("TRAIN.FT_LR_RATIO", 0.1, "final: Stage-I's share of the rates when it trains", above(0)),
    Key(
        "TRAIN.EMA",
        0.0,
        "share of the generator's running average that a step keeps, as 0.995; the average is what "
        "is sampled; 0: no average, as published",
        share,
    ),
    Key(
        "TRAIN.ACCUMULATE",
        1,
        "parts of a batch, one after another in less memory, for one update; batch norm sees a "
        "part at a time, so more than 1 trains as smaller batches do there; with REUSE_FAKE fakes "
        "are made twice, alike, and the generator's moving averages move twice a part",
        at_least(1),
    ),
    Key(
        "TRAIN.RECOMPUTE",
        False,
        "True computes activations again for the gradient instead of keeping them: less memory, "
        "more time",
        free=True,
    ),
    Key("TRAIN.REUSE_FAKE", False, "True: one fake batch for both steps, as StackGAN-Pytorch"),
    Key(
        "TRAIN.STAGE1_BATCH_STATISTICS",
        True,
        "final: True normalises Stage-I by its batch, as published; False by what it learned, "
        "as sampling does",
    ),
    Key("GAN.EMBEDDING_DIM", 128, "width of the condition c (not of the embedding)", at_least(1)),
    Key("GAN.DF_DIM", 64, "width of the discriminator", at_least(1)),
    Key("GAN.GF_DIM", 128, "width of the generator", at_least(4)),
    Key("GAN.R_NUM", 4, "residual blocks of the Stage-II generator", at_least(0)),
    Key(
        "GAN.NETWORK_TYPE",
        "default",
        "layout: default and simple are TF1 StackGAN's, pytorch is StackGAN-Pytorch's",
        one_of("default", "simple", "pytorch"),
    ),
    Key(
        "TEXT.DIMENSION",
        1024,
        "width of the text embedding; 0: that of the embeddings in the set",
        at_least(0),
    ),
    Key(
        "TEXT.ENCODER",
        "",
        "run folder of the text encoder, or the name of imported embeddings; empty: the only "
        "embeddings in the set",
    ),
    Key("TEXT.STANDARDIZE", False, "scale embeddings to mean 0 and deviation 1 a dimension"),
    Key("TEST.LR_IMSIZE", 64, "Stage-I picture, px", power_of_two(16)),
    Key("TEST.HR_IMSIZE", 256, "Stage-II picture, px", power_of_two(32)),
    Key("TEST.NUM_COPY", 16, "main.py: pictures a caption", at_least(1), free=True),
    Key("TEST.BATCH_SIZE", 64, "main.py: pictures at once", at_least(1), free=True),
    Key(
        "TEST.PRETRAINED_MODEL",
        "",
        "main.py: run to sample, if TRAIN.PRETRAINED_MODEL is empty",
        free=True,
    ),
    Key(
        "TEST.CHECKPOINT",
        "newest",
        "main.py: the newest checkpoint of the run, or the best by EVAL.LIVE_BEST",
        one_of("newest", "best"),
        free=True,
    ),
    Key("TEST.CAPTION_PATH", "", "main.py: sentences, one a line, or a .t7 table", free=True),
    Key(
        "EVAL.METRICS",
        [],
        f"main.py: numbers to compute, of: {', '.join(METRICS)}; misc/evaluation/protocols.py says "
        "what they are",
        free=True,
    ),
    Key(
        "EVAL.COUNT",
        0,
        "main.py: test captions to measure on; 0: one of each test picture",
        at_least(0),
        free=True,
    ),
    Key("EVAL.SPLITS", 10, "main.py: splits of the Inception score", at_least(1), free=True),
    Key(
        "EVAL.NETWORK",
        "efficientnet-lite0",
        "main.py: what looks at pictures for fid, kid, pr, diversity; for is without a classifier",
        one_of("efficientnet-lite0", "mobilenet-v2", "inception-2015", "inception-v3"),
        free=True,
    ),
    Key(
        "EVAL.WEIGHTS",
        "",
        "main.py: weights file of EVAL.NETWORK; empty: those of its package, or downloaded",
        free=True,
    ),
    Key(
        "EVAL.CLASSIFIER",
        "",
        "main.py: folder of the set's own classifier, for is and attributes",
        free=True,
    ),
    Key(
        "EVAL.ENCODER",
        "",
        "main.py: run of a text encoder with an eye for pictures, for r_precision; another than "
        "the one the GAN was trained with",
        free=True,
    ),
    Key(
        "EVAL.LIVE_INTERVAL",
        0,
        "steps between evaluations on the validation split during training, which also choose the "
        "best checkpoint; 0: none",
        at_least(0),
        free=True,
    ),
    Key(
        "EVAL.LIVE_COUNT",
        256,
        "captions of an evaluation during training, at most one a validation picture",
        at_least(3),
        free=True,
    ),
    Key(
        "EVAL.LIVE_NETWORK",
        "",
        "network of live_kid and live_fid; classifier: EVAL.CLASSIFIER; empty: that, if there is "
        "one, else efficientnet-lite0",
        one_of("", "classifier", "efficientnet-lite0", "mobilenet-v2"),
        free=True,
    ),
    Key(
        "EVAL.LIVE_BEST",
        "live_kid",
        "what the best checkpoint is chosen by",
        one_of("live_kid", "live_fid", "live_attributes"),
        free=True,
    ),
)


def problems(cfg) -> list[str]:
    """What is wrong between keys of `cfg`, one line each."""
    found = []
    if cfg.EMBEDDING_TYPE != "cnn-rnn":
        found.append(
            f"EMBEDDING_TYPE: {cfg.EMBEDDING_TYPE} is not available: only cnn-rnn is (skip-thought "
            "needs Theano, which is dead)"
        )
    if cfg.TEST.HR_IMSIZE <= cfg.TEST.LR_IMSIZE:
        found.append("TEST.HR_IMSIZE must be larger than TEST.LR_IMSIZE")
    if cfg.TRAIN.BATCH_SIZE < 2 * cfg.TRAIN.ACCUMULATE:
        found.append(
            f"TRAIN.ACCUMULATE {cfg.TRAIN.ACCUMULATE} leaves parts of less than two pictures of "
            f"TRAIN.BATCH_SIZE {cfg.TRAIN.BATCH_SIZE}, and batch normalisation needs two"
        )
    if cfg.GAN.GF_DIM % 4:
        found.append("GAN.GF_DIM must be divisible by 4: the widths are gf/4 to 8 gf")
    metrics = cfg.EVAL.METRICS
    unknown = [m for m in metrics if m not in METRICS]
    if unknown:
        found.append(
            f"EVAL.METRICS: unknown {', '.join(map(str, unknown))} (known: {', '.join(METRICS)})"
        )
    if len(set(map(str, metrics))) < len(metrics):
        found.append(f"EVAL.METRICS: {', '.join(map(str, metrics))}: name each once")
    if "is" in metrics and 0 < cfg.EVAL.COUNT < cfg.EVAL.SPLITS:
        found.append(f"EVAL.COUNT {cfg.EVAL.COUNT} must be at least EVAL.SPLITS")
    if "attributes" in metrics and not cfg.EVAL.CLASSIFIER:
        found.append(
            "EVAL.METRICS: attributes needs EVAL.CLASSIFIER, the folder that python -m "
            "misc.evaluation.train_classifier wrote"
        )
    if "r_precision" in metrics and not cfg.EVAL.ENCODER:
        found.append(
            "EVAL.METRICS: r_precision needs EVAL.ENCODER, the run of an encoder that the GAN was "
            "not trained with: train one with another SEED"
        )
    for key, value in (("LIVE_NETWORK", "classifier"), ("LIVE_BEST", "live_attributes")):
        if cfg.EVAL[key] == value and not cfg.EVAL.CLASSIFIER:
            found.append(
                f"EVAL.{key}: {value} needs EVAL.CLASSIFIER, the folder that python -m "
                "misc.evaluation.train_classifier wrote"
            )
    return found
