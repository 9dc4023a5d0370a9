"""Training steps of the editor, at the widths, size and batch of a configuration and at the
published widths, 64 px, in batches of 8.

Plain is `benchmarks.plain.editor_step`: stock layers in float32, each loss taken back through all
that it came through, Keras' RMSprop; and no one waits for another, so that it never has less to do.
Operations and what is attainable are those of the suite `training`.
"""

from benchmarks.suites.attainable import LIMITS, facts, limit
from benchmarks.turns import Work
from misc.config.cli import configured
from misc.config.errors import UserError
from misc.config.load import load_config

UNIT, ROUNDS = "steps", 5
VARIANTS = ("plain float32", "float32", "bfloat16")
CONFIGURED, PUBLISHED = "as configured", "published"
_PUBLISHED = ("GAN.WIDTH=1.0", "IMAGE.SIZE=64", "IMAGE.CHANNELS=3", "TRAIN.BATCH_SIZE=8")
_PLAIN = ["vaegan", 3, "features", "both"]  # type, channels, what is compared, fakes


def check(args) -> None:
    """Raises: UserError if the plain step is of another kind than the configuration's."""
    cfg = configured("editor", args)
    kind = [cfg.GAN.NETWORK_TYPE, cfg.IMAGE.CHANNELS, cfg.LOSS.RECONSTRUCTION, cfg.LOSS.FAKES]
    if kind != _PLAIN:
        raise UserError(f"a configuration of {kind}, but the plain form is of {_PLAIN}")


def works(_args) -> dict[str, tuple[str, ...]]:
    """Both widths."""
    return dict.fromkeys((CONFIGURED, PUBLISHED), (*VARIANTS, *LIMITS))


def make(args, work: str, variant: str, _folder: str) -> Work:
    """One step, or what it is compared with."""
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    given = configured("editor", args)
    import_tensorflow()
    choose_devices(given.GPU_ID)
    if variant in LIMITS:
        return limit(variant)
    published = work == PUBLISHED
    run = make_step(load_config("editor", None, _PUBLISHED) if published else given, variant)
    return Work(lambda: float(run()), facts=facts(run))


def make_step(cfg, variant: str):
    """A tf.function without arguments: one step of a variant on noise; gives a number."""
    import keras
    import tensorflow as tf

    from benchmarks import plain
    from editor.trainer import build
    from misc.training.distribute import precision

    batch, side = cfg.TRAIN.BATCH_SIZE, cfg.IMAGE.SIZE
    real = tf.random.stateless_uniform((batch, side, side, 3), (0, 0), -1.0, 1.0)
    if variant == VARIANTS[0]:
        networks = plain.editor(side, cfg.Z_DIM, cfg.GAN.WIDTH, cfg.LOSS.LAYER)
        decay = cfg.TRAIN.WEIGHT_DECAY / batch
        rates = [cfg.TRAIN.LEARNING_RATE] * 2 + [cfg.TRAIN.DISCRIMINATOR_LR]
        optimizers = [keras.optimizers.RMSprop(r, rho=0.9, weight_decay=decay) for r in rates]
        for optimizer, network in zip(optimizers, networks, strict=True):
            optimizer.build(network.trainable_variables)

        @tf.function
        def run():
            eps, prior = (tf.random.normal((batch, cfg.Z_DIM)) for _ in range(2))
            plain.editor_step(networks, real, eps, prior, cfg.LOSS, optimizers)
            return tf.reduce_sum(networks[2].trainable_variables[-1])

        return run
    with precision(variant):
        trainer = build(cfg, 1, 100)
    number = tf.constant(0, tf.int64)
    return tf.function(lambda: trainer.train_step({"real": real}, number)["d_loss"])
