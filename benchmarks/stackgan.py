"""Both stages for the benchmarks, in the layouts and arithmetics that are compared.

`plain float32` is `benchmarks.plain`; `float32` and `bfloat16` are ours in the layout of
StackGAN-Pytorch (NETWORK_TYPE pytorch, one fake batch for both updates), `published ...` in TF1's,
with fresh fakes for the generator. After them may stand XLA, recompute and accumulate, the keys of
these names (a batch in four parts). Published widths.
"""

from functools import partial

import tensorflow as tf

from benchmarks import plain
from final.model import Discriminator as Discriminator2
from final.model import Generator as Generator2
from initial.model import Discriminator, Generator
from misc.training import noise
from misc.training.cond_gan import ConditionalGan, adam, in_training
from misc.training.distribute import precision

TEXT, C, Z = 1024, 128, 100
PARTS = 4  # of a batch, where gradients are accumulated
SIDES = {1: 64, 2: 256}  # px of a stage's pictures


def sampling(stage: int, variant: str, batch: int):
    """A function without arguments that makes `batch` pictures, float32 (batch, side, side, 3)."""
    layout, dtype, _ = _parts(variant)
    with precision(dtype):
        generators = _generators(stage, layout)
    embedding = tf.random.stateless_normal((batch, TEXT), (0, 0))

    def sample():
        return _generate(generators, embedding, _draw(batch, 0, False), training=False)["image"]

    return tf.function(sample)


def training(stage: int, variant: str, batch: int):
    """A function without arguments that does one step on pictures of noise; gives its losses."""
    layout, dtype, options = _parts(variant)
    with precision(dtype):
        generators = _generators(stage, layout)
        discriminator = _discriminator(stage, layout)
        run = partial(in_training, recompute="recompute" in options, xla="XLA" in options)
        calls = [run(network) for network in (*generators, discriminator)]
    trained = generators[-1]
    gan = ConditionalGan(
        draw=_draw,
        generate=partial(_generate, calls[:-1]),
        discriminator=calls[-1],
        updates=[(adam(2e-4, trained), trained.trainable_variables)],
        d_update=(adam(2e-4, discriminator), discriminator.trainable_variables),
        replicas=1,
        kl=2.0,
        reuse_fake=layout != "published",
        condition_on_mu=layout != "published",
        parts=PARTS if "accumulate" in options else 1,
    )
    side = SIDES[stage]
    pictures = tf.random.stateless_uniform((2, batch, side, side, 3), (1, 1), -1.0, 1.0)
    embedding = tf.random.stateless_normal((batch, TEXT), (0, 0))
    data = {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
    step = tf.constant(0, tf.int64)
    return tf.function(lambda: gan.train_step(data, step))


def _parts(variant: str) -> tuple[str, str, list[str]]:
    """Layout ("" is ours), arithmetic and what else, of words in this order."""
    words = variant.split()
    number = next(i for i, word in enumerate(words) if word in ("float32", "bfloat16"))
    return " ".join(words[:number]), words[number], words[number + 1 :]


def _generators(stage: int, layout: str) -> list:
    """The generator, after a frozen Stage-I's if it is the second."""
    if layout == "plain":
        makers = plain.stage1_generator, plain.stage2_generator
    else:
        kind = "default" if layout == "published" else "pytorch"
        makers = [partial(make, network_type=kind) for make in (Generator, Generator2)]
    return [make() for make in makers[:stage]]


def _discriminator(stage: int, layout: str):
    if layout == "plain":
        return plain.discriminator(SIDES[stage])
    kind = "default" if layout == "published" else "pytorch"
    return (Discriminator if stage == 1 else Discriminator2)(network_type=kind)


def _draw(rows, step, second):
    roles = (
        (noise.EPS_G, noise.Z_G, noise.EPS2_G) if second else (noise.EPS_D, noise.Z_D, noise.EPS2_D)
    )
    widths = {"eps": C, "z": Z, "eps2": C}
    return {
        name: noise.normal(0, step, role, rows, width)
        for role, (name, width) in zip(roles, widths.items(), strict=True)
    }


def _generate(generators, embedding, drawn, training=True):
    """Stage-I is normalised by its batch in training, as published."""
    fake = generators[0]([embedding, drawn["eps"], drawn["z"]], training=training)
    for larger in generators[1:]:
        fake = larger([fake["image"], embedding, drawn["eps2"]], training=training)
    return fake
