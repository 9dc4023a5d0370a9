"""Both stages for the benchmarks, in the layouts and arithmetics that are compared.

`plain float32` is `benchmarks.plain`; `float32` and `bfloat16` are ours in the layout of
StackGAN-Pytorch (NETWORK_TYPE pytorch, one fake batch for both updates), `published ...` in TF1's,
with fresh fakes for the generator. Published widths.
"""

from functools import partial

import tensorflow as tf

from benchmarks import plain
from final.model import Discriminator as Discriminator2
from final.model import Generator as Generator2
from initial.model import Discriminator, Generator
from misc.training import noise
from misc.training.cond_gan import ConditionalGan, adam
from misc.training.distribute import precision

TEXT, C, Z = 1024, 128, 100
SIDES = {1: 64, 2: 256}  # px of a stage's pictures


def sampling(stage: int, variant: str, batch: int):
    """A function without arguments that makes `batch` pictures, float32 (batch, side, side, 3)."""
    layout, dtype = _parts(variant)
    with precision(dtype):
        generate = _generate(stage, layout)[1]
    embedding = tf.random.stateless_normal((batch, TEXT), (0, 0))
    return tf.function(lambda: generate(embedding, 0, False, training=False)["image"])


def training(stage: int, variant: str, batch: int):
    """A function without arguments that does one step on pictures of noise; gives its losses."""
    layout, dtype = _parts(variant)
    with precision(dtype):
        generator, generate = _generate(stage, layout)
        discriminator = _discriminator(stage, layout)
    gan = ConditionalGan(
        generate=generate,
        discriminator=discriminator,
        updates=[(adam(2e-4, generator), generator.trainable_variables)],
        d_optimizer=adam(2e-4, discriminator),
        replicas=1,
        kl=2.0,
        reuse_fake=layout != "published",
        condition_on_mu=layout != "published",
    )
    side = SIDES[stage]
    pictures = tf.random.stateless_uniform((2, batch, side, side, 3), (1, 1), -1.0, 1.0)
    embedding = tf.random.stateless_normal((batch, TEXT), (0, 0))
    data = {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
    step = tf.constant(0, tf.int64)
    return tf.function(lambda: gan.train_step(data, step))


def _parts(variant: str) -> tuple[str, str]:
    layout, _, dtype = variant.rpartition(" ")
    return layout, dtype


def _generate(stage: int, layout: str):
    """The generator, and what makes fakes with it, of a frozen Stage-I's if it is the second."""
    if layout == "plain":
        first, second = plain.stage1_generator, plain.stage2_generator
    else:
        kind = "default" if layout == "published" else "pytorch"
        first, second = (partial(make, network_type=kind) for make in (Generator, Generator2))
    generator = first()
    if stage == 1:
        return generator, partial(_stage1, generator)
    larger = second()
    return larger, partial(_stage2, generator, larger)


def _discriminator(stage: int, layout: str):
    if layout == "plain":
        return plain.discriminator(SIDES[stage])
    kind = "default" if layout == "published" else "pytorch"
    return (Discriminator if stage == 1 else Discriminator2)(network_type=kind)


def _stage1(generator, embedding, step, second, training=True):
    rows = tf.shape(embedding)[0]
    eps = noise.normal(0, step, noise.EPS_G if second else noise.EPS_D, rows, C)
    z = noise.normal(0, step, noise.Z_G if second else noise.Z_D, rows, Z)
    return generator([embedding, eps, z], training=training)


def _stage2(generator, larger, embedding, step, second, training=True):
    """Stage-I is normalised by its batch in training, as published."""
    small = _stage1(generator, embedding, step, second, training)["image"]
    rows = tf.shape(embedding)[0]
    eps = noise.normal(0, step, noise.EPS2_G if second else noise.EPS2_D, rows, C)
    return larger([small, embedding, eps], training=training)
