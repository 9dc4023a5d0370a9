"""Text encoder, conditioning, generator and discriminator in training, as one."""

import itertools
from functools import partial

import keras
import tensorflow as tf
from easydict import EasyDict

from faces.data import FaceData
from faces.growth import Growth
from faces.layers import half, progressive_real
from faces.losses import LOSSES, drift, gradient_penalty, r1_penalty
from faces.sample import MODELS, SAMPLED, Sampler, build_sampled, generate
from misc.config.defaults.faces import GROUP, stages
from misc.config.errors import UserError
from misc.networks.losses import kl_divergence
from misc.training import noise
from misc.training.average import RunningAverages


def build(cfg: EasyDict, replicas: int, steps_per_epoch) -> "Trainer":
    """The trainer that a configuration asks for; call it in the strategy's scope.

    `steps_per_epoch`: of each stage, or a number for all.
    Raises: UserError if a batch cannot be shared by the replicas.
    """
    if isinstance(steps_per_epoch, int):
        steps_per_epoch = [steps_per_epoch] * stages(cfg)
    for size in cfg.BATCH_SIZES:
        own, rest = divmod(size, replicas)
        if rest or (cfg.MINIBATCH_STD == "group" and own > GROUP and own % GROUP):
            raise UserError(
                f"BATCH_SIZES: {size} pictures cannot be shared by {replicas} devices: expected a "
                f"multiple of {replicas} and, with MINIBATCH_STD group, of {GROUP * replicas}"
            )
    return Trainer(cfg, replicas, steps_per_epoch)


def make_data(cfg: EasyDict) -> FaceData:
    """Pictures of each stage's size with their captions."""
    return FaceData(cfg)


def build_networks(cfg: EasyDict, vocab_size: int, replicas: int = 1) -> dict[str, keras.Model]:
    """Those of `build_sampled` and `discriminator`.

    They are alike for any number of replicas: none of them keeps statistics of its batches.
    """
    discriminator = MODELS[cfg.NETWORK_TYPE].Discriminator(
        depth=cfg.DEPTH,
        latent_size=cfg.LATENT_SIZE,
        text_size=cfg.HIDDEN_SIZE,
        compressed_size=cfg.COMPRESSED_LATENT_SIZE,
        condition=cfg.CONDITION,
        minibatch_std=cfg.MINIBATCH_STD,
        equalised=cfg.USE_EQL,
    )
    return build_sampled(cfg, vocab_size) | {"discriminator": discriminator}


def gathered(text):
    """The texts of the global batch, each with its gradient: (n, size) -> (n * replicas, size).

    A sum of each replica's own among zeros: unlike TensorFlow's gathering it has a known shape.
    """
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas == 1:
        return text
    own = tf.one_hot(context.replica_id_in_sync_group, replicas)
    placed = tf.reshape(own[:, None, None] * text, (-1, text.shape[-1]))
    return context.all_reduce(tf.distribute.ReduceOp.SUM, placed)


class Trainer:
    """The networks of faces in training: see `misc.training.experiment.train` for a trainer.

    Each stage's variables have an Adam of their own, so that a new block begins with its own bias
    correction; it is applied from that stage on.
    """

    def __init__(self, cfg: EasyDict, replicas: int, steps_per_epoch):
        self._cfg, self._replicas = cfg, replicas
        self._growth, self._loss = Growth(cfg, steps_per_epoch), LOSSES[cfg.LOSS_FUNCTION]
        self._grows = cfg.NETWORK_TYPE == "progressive"
        self._teaches = cfg.TEXT_LEARNS_MATCHING and cfg.CONDITION != "none"
        self.networks = build_networks(cfg, cfg.VOCAB_SIZE, replicas)
        self._parts = {name: self._parted(name) for name in self.networks}
        self.optimizers = {
            group: self._adam(variables)
            for parts in self._parts.values()
            for group, variables in parts.items()
        }
        self.average = RunningAverages(
            {name: self.networks[name] for name in SAMPLED},
            partial(build_sampled, cfg, cfg.VOCAB_SIZE),
            cfg.EMA_DECAY if cfg.USE_EMA else 0.0,
            self._begins(),
        )
        self.frozen = self.average.saved
        self._sampler = None

    def _parted(self, name: str) -> dict[str, list]:
        """Trainable variables of a network, in parts, stage by stage, by their optimizer's name."""
        network = self.networks[name]
        if self._grows and name in ("generator", "discriminator"):
            return {f"{name}_{i}": network.grown(i) for i in range(self._cfg.DEPTH)}
        return {name: network.trainable_variables}

    def _begins(self) -> dict[int, int]:
        """The first step of each of the generator's variables, by their `id`."""
        parts = zip(self._growth.timetable.begins, self._parts["generator"].values(), strict=True)
        return {id(variable): begin for begin, part in parts for variable in part}

    def _adam(self, variables: list) -> keras.optimizers.Adam:
        cfg = self._cfg
        optimizer = keras.optimizers.Adam(cfg.LEARNING_RATE, cfg.BETA_1, cfg.BETA_2, cfg.EPS)
        optimizer.build(variables)
        return optimizer

    def train_step(self, batch, step, stage: int = 0):
        """N_CRITIC updates of the discriminator, then one of all others, on a replica's batch.

        `stage`: a Python number, the timetable's. Both kinds of update see one draw of c; the
        generator's has a z of its own. The text learns from the last of the discriminator's, too.
        """
        cfg, alpha = self._cfg, self._growth.alpha(step, stage)
        rows = tf.shape(batch["tokens"])[0]
        draw = partial(noise.normal, cfg.SEED, step)
        make = partial(generate, self.networks["generator"], cfg)
        width = cfg.LATENT_SIZE - cfg.CA_OUT_SIZE
        real = self._reals(batch["real"], stage, alpha)
        with tf.GradientTape() as tape:
            text = self.networks["text_encoder"](batch["tokens"])
            drawn = self.networks["conditioning"]([text, draw(noise.EPS_G, rows, cfg.CA_OUT_SIZE)])
            with tape.stop_recording():
                made = make(drawn["c"], draw(noise.Z_D, rows, width), stage, alpha)
                for number in range(cfg.N_CRITIC):
                    mix = noise.uniform(cfg.SEED, step, noise.MIX + number, rows)
                    d_losses, slope = self._d_step(batch, real, made, text, mix, stage, alpha)
            made = make(drawn["c"], draw(noise.Z_G, rows, width), stage, alpha)
            read = tf.stop_gradient(text) if cfg.DETACH_TEXT else text
            fake_logits = self._judge(made, read, stage, alpha)
            relativistic = cfg.LOSS_FUNCTION == "relativistic-hinge"
            real_logits = self._judge(real, read, stage, alpha) if relativistic else fake_logits
            g_loss = self._loss.generator(real_logits, fake_logits)
            # T2F sums over c, what is shared averages.
            kl = cfg.CA_OUT_SIZE * tf.reduce_mean(kl_divergence(drawn["mu"], drawn["logvar"]))
            scaled = (g_loss + cfg.KL_WEIGHT * kl) / self._replicas
            if self._teaches:
                # Its value is of no use; its gradient by the text is the discriminator's, which
                # the replicas have shared already.
                scaled += tf.reduce_sum(text * slope)
        self._apply(tape, scaled, SAMPLED, stage)
        losses = d_losses | {"g_loss": g_loss, "kl_loss": kl}
        return losses | {"stage": tf.constant(float(stage)), "alpha": tf.cast(alpha, tf.float32)}

    def _d_step(self, batch, real, made, text, mix, stage, alpha):
        """One update.

        Returns: the losses, and the gradient by the text of what all replicas minimise.
        """
        cfg = self._cfg
        judge = partial(self._judge, text=text, stage=stage, alpha=alpha)
        discriminator = self.networks["discriminator"]
        with tf.GradientTape() as tape:
            tape.watch(text)
            seen, wrong_logits = discriminator.look(real, **self._where(stage, alpha)), None
            real_logits, fake_logits = discriminator.match(seen, text), judge(made)
            if cfg.USE_MATCHING_AWARE_DISCRIMINATOR:
                # The wrong one may be of a picture that another replica has.
                texts = gathered(text)
                # A product, for replicas cannot share the gradient of a selection.
                chosen = tf.one_hot(batch["wrong"], tf.shape(texts)[0])
                wrong_logits = discriminator.match(seen, chosen @ texts)
            loss = self._loss.discriminator(
                real_logits, fake_logits, wrong_logits, summed=cfg.MATCHING == "sum"
            )
            losses = {"d_loss": loss, "d_real": tf.reduce_mean(real_logits)}
            losses["d_fake"] = tf.reduce_mean(fake_logits)
            if wrong_logits is not None:
                losses["d_wrong"] = tf.reduce_mean(wrong_logits)
            if self._loss.penalty == "gradient":
                losses["penalty"] = tf.reduce_mean(gradient_penalty(judge, real, made, mix))
            elif self._loss.penalty == "r1":
                losses["penalty"] = tf.reduce_mean(r1_penalty(judge, real))
            whole = loss + cfg.PENALTY_WEIGHT * losses.get("penalty", 0.0)
            whole += cfg.DRIFT * tf.reduce_mean(drift(real_logits))
            scaled = whole / self._replicas
        return losses, self._apply(tape, scaled, ("discriminator",), stage, text)

    def _apply(self, tape, loss, names, stage: int, also=()):
        """Update what these networks have at `stage`, each part with its own optimizer.

        Returns: the gradient by `also`.
        """
        parts = {}
        for name in names:
            parts |= dict(itertools.islice(self._parts[name].items(), stage + 1))
        *gradients, other = tape.gradient(loss, [*parts.values(), also])
        for (group, variables), own in zip(parts.items(), gradients, strict=True):
            # Colours of sizes that are neither shown nor faded from have none.
            given = [
                # Those of words come as rows, which Adam would not treat as it does all others.
                (tf.convert_to_tensor(gradient), variable)
                for gradient, variable in zip(own, variables, strict=True)
                if gradient is not None
            ]
            self.optimizers[group].apply(*zip(*given, strict=True))
        return other

    def _reals(self, pictures, stage: int, alpha):
        if self._grows:
            return progressive_real(pictures, stage, alpha)
        sizes = [pictures]
        while sizes[0].shape[1] > 4:
            sizes.insert(0, half(sizes[0]))
        return sizes

    def _judge(self, pictures, text, stage: int, alpha):
        return self.networks["discriminator"](pictures, text, **self._where(stage, alpha))

    def _where(self, stage: int, alpha) -> dict:
        return {"stage": stage, "alpha": alpha} if self._grows else {}

    def sampler(self, data: FaceData) -> Sampler:
        """What samples the weights as they are now, at their stage: their averages, if any."""
        self._sampler = self._sampler or Sampler(self.average.networks, self._cfg, data.vocabulary)
        steps = next(iter(self.optimizers.values())).iterations  # the text encoder's: one a step
        self._sampler.growth = self._growth.at(int(steps.numpy()))
        return self._sampler

    def snapshot(self, data: FaceData):
        """The grid of fixed sentences and fixed noise, as the weights are now."""
        return {}, data.grid(self.sampler(data))
