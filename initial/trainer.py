"""Stage-I: its networks and optimizers, and how a fake is made of a text."""

from functools import partial

import tensorflow as tf
from easydict import EasyDict

from initial.model import Discriminator
from initial.sample import Sampler, build_generator
from misc.training import noise
from misc.training.average import RunningAverage
from misc.training.cond_gan import ConditionalGan, adam, in_training
from misc.training.gan_data import GanData
from misc.training.runs import restore_networks
from misc.training.schedules import Decay


def build(cfg: EasyDict, replicas: int, steps_per_epoch: int) -> "Trainer":
    """The Stage-I trainer that a configuration asks for; call it in the strategy's scope."""
    return Trainer(cfg, replicas, steps_per_epoch)


def make_data(cfg: EasyDict) -> GanData:
    """Pictures at TEST.LR_IMSIZE with their texts."""
    return GanData(cfg, cfg.TEST.LR_IMSIZE)


def build_discriminator(cfg: EasyDict, replicas: int = 1) -> Discriminator:
    """The discriminator alone."""
    return Discriminator(
        df_dim=cfg.GAN.DF_DIM,
        ef_dim=cfg.GAN.EMBEDDING_DIM,
        text_dim=cfg.TEXT.DIMENSION,
        imsize=cfg.TEST.LR_IMSIZE,
        network_type=cfg.GAN.NETWORK_TYPE,
        synchronized=replicas > 1,
    )


def halving(cfg: EasyDict, rate: float, steps_per_epoch: int, first_epoch: int = 0) -> Decay:
    """A learning rate that halves every TRAIN.LR_DECAY_EPOCH epochs."""
    every = cfg.TRAIN.LR_DECAY_EPOCH
    return Decay(rate, steps_per_epoch=steps_per_epoch, every=every, first_epoch=first_epoch)


def draw(cfg: EasyDict, rows, step, second: bool) -> dict[str, tf.Tensor]:
    """The noise `z` and `eps` of so many fakes, keyed by the step.

    `second`: the draw for the generator's update, not the discriminator's.
    """
    roles = (noise.Z_G, noise.EPS_G) if second else (noise.Z_D, noise.EPS_D)
    width, truncated = cfg.GAN.EMBEDDING_DIM, cfg.GAN.NETWORK_TYPE != "pytorch"
    return {
        "z": noise.normal(cfg.SEED, step, roles[0], rows, cfg.Z_DIM),
        "eps": noise.normal(cfg.SEED, step, roles[1], rows, width, truncated=truncated),
    }


def generate(generator, embedding, drawn, training: bool = True):
    """Stage-I fakes: dict of `image`, `mu`, `logvar`; `drawn`: what `draw` gives."""
    return generator([embedding, drawn["eps"], drawn["z"]], training=training)


def running(cfg: EasyDict, network):
    """How training calls a network, as the configuration asks for it: see `in_training`."""
    return in_training(network, recompute=cfg.TRAIN.RECOMPUTE, xla=cfg.XLA)


def conditional_gan(cfg: EasyDict, **parts) -> ConditionalGan:
    """The adversarial step as a stage's configuration asks for it, of the given `parts`."""
    return ConditionalGan(
        kl=cfg.TRAIN.COEFF.KL if cfg.TRAIN.COND_AUGMENTATION else 0.0,
        wrong=cfg.TRAIN.B_WRONG,
        reuse_fake=cfg.TRAIN.REUSE_FAKE,
        condition_on_mu=cfg.GAN.NETWORK_TYPE == "pytorch",
        parts=cfg.TRAIN.ACCUMULATE,
        **parts,
    )


class Trainer:
    """Stage-I in training: see `misc.training.experiment.train` for what a trainer is."""

    def __init__(self, cfg: EasyDict, replicas: int, steps_per_epoch: int):
        generator, discriminator = (
            build_generator(cfg, replicas),
            build_discriminator(cfg, replicas),
        )
        g_rate = halving(cfg, cfg.TRAIN.GENERATOR_LR, steps_per_epoch)
        d_rate = halving(cfg, cfg.TRAIN.DISCRIMINATOR_LR, steps_per_epoch)
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.optimizers = {
            "generator": adam(g_rate, generator),
            "discriminator": adam(d_rate, discriminator),
        }
        self._gan = conditional_gan(
            cfg,
            draw=partial(draw, cfg),
            generate=partial(generate, running(cfg, generator)),
            discriminator=running(cfg, discriminator),
            updates=[(self.optimizers["generator"], generator.trainable_variables)],
            d_update=(self.optimizers["discriminator"], discriminator.trainable_variables),
            replicas=replicas,
        )
        self._cfg, self._sampler = cfg, None
        self.average = RunningAverage(
            generator, partial(build_generator, cfg, replicas), cfg.TRAIN.EMA
        )
        self.frozen = self.average.saved

    def begin(self) -> None:
        """Start from the weights of another run, if TRAIN.PRETRAINED_MODEL names one."""
        if self._cfg.TRAIN.PRETRAINED_MODEL:
            restore_networks(self._cfg.TRAIN.PRETRAINED_MODEL, self.networks)

    def train_step(self, batch, step):
        """One discriminator and one generator update on a replica's batch."""
        return self._gan.train_step(batch, step)

    def sampler(self, data: GanData) -> Sampler:
        """What samples the weights as they are now: their running average, if there is one."""
        self._sampler = self._sampler or Sampler(self.average.network, self._cfg, data.text)
        return self._sampler

    def snapshot(self, data: GanData):
        """The sample grid as it is now."""
        return {}, data.grid(self.sampler(data))
