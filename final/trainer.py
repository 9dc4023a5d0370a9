"""Stage-II: its networks and optimizers, on top of a frozen or fine-tuned Stage-I."""

from functools import partial
from pathlib import Path

from easydict import EasyDict

from final.model import Discriminator
from final.sample import Sampler, build_generator, stage1_config
from initial.sample import build_generator as build_stage1_generator
from initial.trainer import build_discriminator as build_stage1_discriminator
from initial.trainer import conditional_gan, halving, running
from initial.trainer import draw as draw_stage1
from initial.trainer import generate as generate_stage1
from misc.config.errors import UserError
from misc.config.load import save_config
from misc.training import noise
from misc.training.average import RunningAverage, sampled
from misc.training.cond_gan import adam
from misc.training.gan_data import GanData
from misc.training.runs import restore_networks
from misc.training.text import Text


def build(cfg: EasyDict, replicas: int, steps_per_epoch: int) -> "Trainer":
    """The Stage-II trainer that a configuration asks for; call it in the strategy's scope."""
    return Trainer(cfg, replicas, steps_per_epoch)


def build_discriminator(cfg: EasyDict, replicas: int = 1) -> Discriminator:
    """The discriminator alone."""
    return Discriminator(
        df_dim=cfg.GAN.DF_DIM,
        ef_dim=cfg.GAN.EMBEDDING_DIM,
        text_dim=cfg.TEXT.DIMENSION,
        imsize=cfg.TEST.HR_IMSIZE,
        network_type=cfg.GAN.NETWORK_TYPE,
        synchronized=replicas > 1,
    )


class Stage2Data(GanData):
    """Pictures at TEST.HR_IMSIZE; checks that Stage-I was trained on the same texts."""

    def __init__(self, cfg: EasyDict):
        if cfg.TRAIN.MAX_EPOCH <= cfg.TRAIN.PRETRAINED_EPOCH:
            raise UserError(
                f"TRAIN.MAX_EPOCH {cfg.TRAIN.MAX_EPOCH} must be above TRAIN.PRETRAINED_EPOCH "
                f"{cfg.TRAIN.PRETRAINED_EPOCH}, where Stage-II's count of epochs begins"
            )
        self._stage1 = stage1_config(cfg)
        super().__init__(cfg, cfg.TEST.HR_IMSIZE)
        text = Text.load(cfg.TRAIN.PRETRAINED_MODEL)
        if (text.embeddings, text.digest) != (self.text.embeddings, self.text.digest):
            raise UserError(
                f"the Stage-I run {cfg.TRAIN.PRETRAINED_MODEL} was trained on embeddings "
                f"{text.embeddings} ({text.digest[:12]}), this one would be on "
                f"{self.text.embeddings} ({self.text.digest[:12]}): name the same TEXT.ENCODER, or "
                "train Stage-I again"
            )

    def save(self, folder: Path) -> None:
        """Also keep Stage-I's configuration: with it a Stage-II run folder stands alone."""
        super().save(folder)
        save_config(self._stage1, "initial", folder / "stage1.yml")


make_data = Stage2Data


class Trainer:
    """Stage-II in training: see `misc.training.experiment.train` for what a trainer is.

    Until `begin` it can be counted but not trained: a dry run needs no Stage-I.
    """

    def __init__(self, cfg: EasyDict, replicas: int, steps_per_epoch: int):
        self.cfg, self.replicas, self.steps_per_epoch = cfg, replicas, steps_per_epoch
        self.first_epoch = cfg.TRAIN.PRETRAINED_EPOCH
        generator = build_generator(cfg, replicas)
        discriminator = build_discriminator(cfg, replicas)
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.optimizers = {
            "generator": adam(self._rate(cfg.TRAIN.GENERATOR_LR), generator),
            "discriminator": adam(self._rate(cfg.TRAIN.DISCRIMINATOR_LR), discriminator),
        }
        self.average = RunningAverage(
            generator, partial(build_generator, cfg, replicas), cfg.TRAIN.EMA
        )
        self.stage1, self._sampler = {}, None

    @property
    def frozen(self):
        """What checkpoints hold besides: Stage-I, trained along or not, and the average."""
        return self.stage1 | self.average.saved

    def begin(self) -> None:
        """Take Stage-I from its run and, with TRAIN.FINETUNE_LR, prepare to train it along.

        Raises: UserError if the Stage-I run is missing or does not fit.
        """
        self.add_stage1(stage1_config(self.cfg))
        restore_networks(self.cfg.TRAIN.PRETRAINED_MODEL, self._names_in_stage1())

    def add_stage1(self, stage1_cfg: EasyDict) -> None:
        """Build Stage-I, untrained, by its own configuration: then steps can be taken."""
        self.stage1_cfg = stage1_cfg
        self.stage1_cfg.SEED = self.cfg.SEED  # its noise belongs to this run
        self.stage1_cfg.TRAIN.ACCUMULATE = self.cfg.TRAIN.ACCUMULATE
        self.stage1 = {"stage1_generator": build_stage1_generator(self.stage1_cfg, self.replicas)}
        self._small = running(self.cfg, self.stage1["stage1_generator"])
        generator = self.networks["generator"]
        updates = [(self.optimizers["generator"], generator.trainable_variables)]
        self._stage1_gan = None
        if self.cfg.TRAIN.FINETUNE_LR:
            updates.append(self._fine_tune())
        discriminator = self.networks["discriminator"]
        self._gan = conditional_gan(
            self.cfg,
            draw=self._draw,
            generate=partial(self._generate, running(self.cfg, generator)),
            discriminator=running(self.cfg, discriminator),
            updates=updates,
            d_update=(self.optimizers["discriminator"], discriminator.trainable_variables),
            replicas=self.replicas,
            stage1=self.cfg.TRAIN.COEFF.STAGE1,
        )

    def train_step(self, batch, step):
        """One update of each network that is trained, on a replica's batch."""
        losses = self._gan.train_step(batch, step)
        if self._stage1_gan:
            # The published low-resolution pictures: TF1's bilinear resize takes every 4th pixel.
            stride = self.cfg.TEST.HR_IMSIZE // self.cfg.TEST.LR_IMSIZE
            small = {k: v[:, ::stride, ::stride] if v.ndim == 4 else v for k, v in batch.items()}
            stage1_losses = self._stage1_gan.train_step(small, step)
            losses |= {f"stage1_{name}": value for name, value in stage1_losses.items()}
        return losses

    def sampler(self, data: GanData) -> Sampler:
        """What samples both stages as they are now: the running average, if there is one."""
        if self._sampler is None:
            generators = (
                self.stage1["stage1_generator"],
                self.stage1_cfg,
                self.average.network,
            )
            self._sampler = Sampler(*generators, self.cfg, data.text)
        return self._sampler

    def snapshot(self, data: GanData):
        """The sample grid as it is now."""
        return {}, data.grid(self.sampler(data))

    def _names_in_stage1(self):
        """Stage-I's networks by the names that its own run gives them; of its generator, what is
        sampled."""
        networks = {name.removeprefix("stage1_"): net for name, net in self.stage1.items()}
        return {sampled(self.stage1_cfg): networks.pop("generator"), **networks}

    def _rate(self, rate: float, share: float = 1.0):
        return halving(self.cfg, rate * share, self.steps_per_epoch, self.first_epoch)

    def _fine_tune(self):
        """Prepare Stage-I's own training; returns the update that Stage-II's loss gives it.

        As published, the Stage-I generator has two Adam states: one a loss.
        """
        cfg, share = self.cfg, self.cfg.TRAIN.FT_LR_RATIO
        generator = self.stage1["stage1_generator"]
        discriminator = build_stage1_discriminator(self.stage1_cfg, self.replicas)
        self.stage1["stage1_discriminator"] = discriminator
        g_rate = self._rate(cfg.TRAIN.GENERATOR_LR, share)
        self.optimizers |= {
            "stage1_through_stage2": adam(g_rate, generator),
            "stage1_generator": adam(g_rate, generator),
            "stage1_discriminator": adam(
                self._rate(cfg.TRAIN.DISCRIMINATOR_LR, share), discriminator
            ),
        }
        self._stage1_gan = conditional_gan(
            self.stage1_cfg,
            draw=partial(draw_stage1, self.stage1_cfg),
            generate=partial(generate_stage1, self._small),
            discriminator=running(cfg, discriminator),
            updates=[(self.optimizers["stage1_generator"], generator.trainable_variables)],
            d_update=(self.optimizers["stage1_discriminator"], discriminator.trainable_variables),
            replicas=self.replicas,
        )
        return self.optimizers["stage1_through_stage2"], generator.trainable_variables

    def _draw(self, rows, step, second: bool):
        """The noise of Stage-I, and `eps2`, that of Stage-II."""
        cfg, role = self.cfg, noise.EPS2_G if second else noise.EPS2_D
        width, truncated = cfg.GAN.EMBEDDING_DIM, cfg.GAN.NETWORK_TYPE != "pytorch"
        eps = noise.normal(cfg.SEED, step, role, rows, width, truncated=truncated)
        return {**draw_stage1(self.stage1_cfg, rows, step, second), "eps2": eps}

    def _generate(self, generator, embedding, drawn):
        small = self._stage1_images(embedding, drawn)
        fake = generator([small, embedding, drawn["eps2"]], training=True)
        return {**fake, "small": small}

    def _stage1_images(self, embedding, drawn):
        """Stage-I fakes, normalised by their batch as published, or as they will be sampled."""
        statistics = self.cfg.TRAIN.STAGE1_BATCH_STATISTICS or self.cfg.TRAIN.FINETUNE_LR
        return generate_stage1(self._small, embedding, drawn, training=statistics)["image"]
