"""What each change to the layers gives: works as they are, with one change undone, and with none.

Here the ratio tells what is left of the speed without it. Undone are: `doubled_conv`'s transposed
form (an upsampling, then a convolution), the fused batch normalisation (Keras' own), small
convolutions as products of matrices (`tf.nn.conv2d`), and, in faces/, the written gradients of
leaky ReLU and pixel norm (TensorFlow's). Layout `pytorch`, published widths; faces: the 64 px stage
of `faces/cfg/progressive_demo.yml`.
"""

import sys

from benchmarks.turns import Work

UNIT, ROUNDS = "images", 3
ALL, NONE = "as it is", "none of the changes"
UPSAMPLING, NORM, SMALL = "no transposed form", "no fused norm", "no small products"
GRADIENTS = "no written gradients"
_STACKGAN, _FACES = (UPSAMPLING, NORM, SMALL), (UPSAMPLING, SMALL, GRADIENTS)
_FACES_STEP, _FACES_BATCH = "faces step, 64 px, bfloat16", 8
_WORKS = {  # stage, pictures, whether it is trained, arithmetic
    "Stage-I step, batch 64, float32": (1, 64, True, "float32"),
    "Stage-I step, batch 64, bfloat16": (1, 64, True, "bfloat16"),
    "Stage-I sampling, batch 16, bfloat16": (1, 16, False, "bfloat16"),
    "Stage-II step, batch 4, bfloat16": (2, 4, True, "bfloat16"),
    "Stage-II sampling, batch 4, bfloat16": (2, 4, False, "bfloat16"),
}


def works(_args) -> dict[str, tuple[str, ...]]:
    """Names of works and variants."""
    # Of Stage-II's step four processes fill 16 GiB.
    found = {
        work: (ALL, *_STACKGAN, *([] if stage == 2 and trained else [NONE]))
        for work, (stage, _, trained, _) in _WORKS.items()
    }
    return found | {_FACES_STEP: (ALL, *_FACES, NONE)}


def make(_args, work: str, variant: str, _folder: str) -> Work:
    """One step, or one batch of pictures."""
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    if work == _FACES_STEP:
        from benchmarks.faces_variants import make_step
        from misc.config.load import load_config

        _undo(_FACES if variant == NONE else [variant])
        cfg = load_config("faces", "faces/cfg/progressive_demo.yml", [])
        return Work(make_step(cfg, cfg.DEPTH - 1, False, "bfloat16").step, _FACES_BATCH)
    from benchmarks import stackgan

    _undo(_STACKGAN if variant == NONE else [variant])
    stage, batch, trained, dtype = _WORKS[work]
    if trained:
        step = stackgan.training(stage, dtype, batch)
        return Work(lambda: float(step()["d_loss"]), batch)
    run = stackgan.sampling(stage, dtype, batch)
    return Work(lambda: run().numpy(), batch)


def _undo(names) -> None:
    import keras
    import tensorflow as tf

    from faces import layers as faces
    from misc.networks import batch_norm, layers

    if UPSAMPLING in names:
        _replace(layers.fastest_form, lambda side: "plain")
    if NORM in names:
        batch_norm.BatchNorm.call = keras.layers.BatchNormalization.call
    if SMALL in names:
        _replace(layers.conv2d, _keras_conv2d)
    if GRADIENTS in names:
        _replace(faces.leaky, lambda x: tf.nn.leaky_relu(x, layers.LEAK))
        _replace(faces.pixel_norm, _pixel_norm)


def _replace(function, other) -> None:
    """Wherever a module knows it by name."""
    for module in list(sys.modules.values()):
        for name in [name for name, value in vars(module).items() if value is function]:
            setattr(module, name, other)


def _keras_conv2d(x, kernel, stride=1, padding="SAME"):
    import tensorflow as tf

    return tf.nn.conv2d(x, tf.cast(kernel, x.dtype), stride, padding)


def _pixel_norm(x):
    import tensorflow as tf

    wide = tf.cast(x, "float32")
    size = tf.reduce_mean(tf.square(wide), -1, keepdims=True)
    return tf.cast(wide * tf.math.rsqrt(size + 1e-8), x.dtype)
