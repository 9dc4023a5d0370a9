"""The variants that `benchmarks/training.py` times: each a function that runs one step."""

from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import plain
from final.model import Discriminator as Discriminator2
from final.model import Generator as Generator2
from initial.model import Discriminator, Generator
from misc.training import noise
from misc.training.cond_gan import ConditionalGan, adam
from misc.training.distribute import precision

TEXT, C, Z = 1024, 128, 100


def make_step(work: str, variant: str, batch: int, folder: str):
    """(function that runs one step and waits for it, steps in a burst); folder: of drawn sets."""
    if variant.startswith("input"):
        return _input(batch, Path(folder) / f"set_{variant.split()[2]}"), 20
    layout, _, dtype = variant.rpartition(" ")
    stage, kind = work.split("-")
    networks = _stage1 if stage == "stage1" else _stage2
    with precision(dtype):
        generator, discriminator = networks(layout)
        generate = _generate1 if stage == "stage1" else partial(_generate2, _stage1(layout)[0])
    imsize = 64 if stage == "stage1" else 256
    embedding = tf.random.stateless_normal((batch, TEXT), (0, 0))
    if kind == "sample":
        run = tf.function(lambda: generate(generator, embedding, 0, False)["image"])
        return lambda: run().numpy(), 5
    gan = ConditionalGan(
        generate=lambda e, step, second: generate(generator, e, step, True, second),
        discriminator=discriminator,
        updates=[(adam(2e-4, generator), generator.trainable_variables)],
        d_optimizer=adam(2e-4, discriminator),
        replicas=1,
        kl=2.0,
        reuse_fake=layout != "published",
        condition_on_mu=layout != "published",
    )
    pictures = tf.random.stateless_uniform((2, batch, imsize, imsize, 3), (1, 1), -1.0, 1.0)
    data = {"real": pictures[0], "wrong": pictures[1], "embedding": embedding}
    run = tf.function(gan.train_step)
    step = tf.constant(0, tf.int64)
    return lambda: float(run(data, step)["d_loss"]), 2


def _stage1(layout):
    if layout == "plain":
        return plain.stage1_generator(), plain.discriminator(64)
    kind = "default" if layout == "published" else "pytorch"
    return Generator(network_type=kind), Discriminator(network_type=kind)


def _stage2(layout):
    if layout == "plain":
        return plain.stage2_generator(), plain.discriminator(256)
    return Generator2(network_type="pytorch"), Discriminator2(network_type="pytorch")


def _generate1(generator, embedding, step, training, second=False):
    rows = tf.shape(embedding)[0]
    eps = noise.normal(0, step, noise.EPS_G if second else noise.EPS_D, rows, C)
    z = noise.normal(0, step, noise.Z_G if second else noise.Z_D, rows, Z)
    return generator([embedding, eps, z], training=training)


def _generate2(stage1, generator, embedding, step, training, second=False):
    """On a frozen Stage-I, normalised by its batch in training, as published."""
    small = _generate1(stage1, embedding, step, training, second)["image"]
    rows = tf.shape(embedding)[0]
    eps = noise.normal(0, step, noise.EPS2_G if second else noise.EPS2_D, rows, C)
    return generator([small, embedding, eps], training=training)


def _input(batch: int, folder: Path):
    """Batches of 64 px pairs from a prepared set, with random embeddings of 1024 numbers."""
    from misc.data.batches import GanBatches
    from misc.data.prepared import open_split
    from misc.data.writer import write_embeddings

    split = open_split(folder, "train")
    rows = sum(len(split.record(i)["captions"]) for i in range(len(split)))
    random = np.random.default_rng(0)
    blocks = (random.normal(size=(1, TEXT)).astype(np.float32) for _ in range(rows))
    write_embeddings(split.folder, "text", blocks)
    batches = GanBatches(
        split, split.embeddings("text"), imsize=64, batch_size=batch, num_embedding=4, seed=0
    )
    elements = iter(batches.dataset(0))
    return lambda: next(elements)["real"].numpy()
