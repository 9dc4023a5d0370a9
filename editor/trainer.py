"""The editor in training: one forward pass, and of it three networks' gradients."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from easydict import EasyDict

from editor.data import EditorData, from_network, to_network
from editor.losses import discriminator_costs, likeness_loss, prior_loss, who_moves
from editor.model import Decoder, Discriminator, Encoder
from misc.networks.losses import sigmoid_loss
from misc.training import noise
from misc.training.rmsprop import TorchRMSprop
from misc.training.schedules import Anneal, Switch

ROWS = 64  # pictures at once when a run is looked at


def build(cfg: EasyDict, replicas: int, steps_per_epoch: int) -> "Trainer":
    """The trainer that a configuration asks for; call it in the strategy's scope."""
    return Trainer(cfg, replicas, steps_per_epoch)


def make_data(cfg: EasyDict) -> EditorData:
    """Pictures at IMAGE.SIZE."""
    return EditorData(cfg)


def build_networks(cfg: EasyDict, replicas: int = 1) -> dict:
    """`encoder`, `decoder` and, unless pixels are compared, `discriminator`, by these names."""
    options = {
        "imsize": cfg.IMAGE.SIZE,
        "channels": cfg.IMAGE.CHANNELS,
        "width": cfg.GAN.WIDTH,
        "network_type": cfg.GAN.NETWORK_TYPE,
        "synchronized": replicas > 1,
    }
    networks = {
        "encoder": Encoder(z_dim=cfg.Z_DIM, **options),
        "decoder": Decoder(z_dim=cfg.Z_DIM, **options),
    }
    if cfg.LOSS.RECONSTRUCTION == "features":
        networks["discriminator"] = Discriminator(layer=cfg.LOSS.LAYER, **options)
    return networks


class Judgement(NamedTuple):
    """What is thought of made pictures, and where they should move to.

    Attributes:
      likeness: gradient of the mean likeness loss by the made pictures; what the encoder follows.
      wanted: gradient by the made pictures of what the decoder minimises.
      discriminator: gradients of its own loss by its variables; None without it.
      losses: float32 scalars.
    """

    likeness: tf.Tensor
    wanted: tf.Tensor
    discriminator: list | None
    losses: dict[str, tf.Tensor]


class Trainer:
    """The editor in training: see `misc.training.experiment.train` for what a trainer is."""

    def __init__(self, cfg: EasyDict, replicas: int, steps_per_epoch: int):
        self._cfg, self._replicas = cfg, replicas
        self.networks = build_networks(cfg, replicas)
        self._switches, self.optimizers = {}, {}
        for name, network in self.networks.items():
            judge = name == "discriminator"
            rate = cfg.TRAIN.DISCRIMINATOR_LR if judge else cfg.TRAIN.LEARNING_RATE
            falling = {"epochs": cfg.TRAIN.LR_EPOCHS, "end": cfg.TRAIN.LR_END}
            switch = Switch(Anneal(rate, steps_per_epoch=steps_per_epoch, **falling))
            optimizer = TorchRMSprop(switch, rho=0.9)
            optimizer.build(network.trainable_variables)
            self._switches[name], self.optimizers[name] = switch, optimizer
        pictures = tf.TensorSpec((None, *self.networks["encoder"].input_shape[1:]))
        self._seen = tf.function(self._reconstructed, input_signature=[pictures])
        self._drawn = tf.function(lambda z: self.networks["decoder"](z, training=False))

    def train_step(self, batch, step):
        """One update of each network, but of those that wait, on a replica's batch."""
        seed, width = self._cfg.SEED, self._cfg.Z_DIM
        rows = tf.shape(batch["real"])[0]
        eps = noise.normal(seed, step, noise.EPS_G, rows, width)
        prior = noise.normal(seed, step, noise.Z_G, rows, width)
        gradients, losses = self.gradients(batch["real"], eps, prior)
        moving = self._moving(losses)
        for name, optimizer in self.optimizers.items():
            variables = self.networks[name].trainable_variables
            with self._switches[name].set(moving[name]):
                optimizer.apply(self._decayed(gradients[name], variables), variables)
        share = {f"{name}_moves": tf.cast(moves, tf.float32) for name, moves in moving.items()}
        return losses | share

    def gradients(self, real, eps, prior):
        """Gradients of each network's own loss by its variables, as the replica's share.

        encoder: LOSS.PRIOR * L_prior + L_like; decoder: LOSS.GAMMA * L_like - L_GAN;
        discriminator: L_GAN, its two kinds of picture weighted by LOSS.REAL_SHARE. None of them
        sees another's: a loss reaches only the variables that it is asked for. Where features are
        compared, LOSS.PIXELS times the likeness of pixels counts as part of L_like.

        Args: real: (n, s, s, c) in [-1, 1]; eps, prior: (n, z_dim), noise of deviation 1.
        Returns: lists by the network's name, and float32 scalars of the replica, unweighted.
        """
        encoder, decoder = self.networks["encoder"], self.networks["decoder"]
        with tf.GradientTape(persistent=True) as tape:
            code = encoder(real, training=True)
            z = code["mu"] + tf.exp(0.5 * code["logvar"]) * eps
            # Reconstructions and samples in one batch: editing meets the statistics of training.
            codes = tf.concat([z, prior], 0) if "discriminator" in self.networks else z
            made = decoder(codes, training=True)
            kl = tf.reduce_mean(prior_loss(code["mu"], code["logvar"]))
            scaled = kl * self._cfg.LOSS.PRIOR / self._replicas
        judge = self._by_features if "discriminator" in self.networks else self._by_pixels
        judged = judge(real, made)
        gradients = {
            "encoder": tape.gradient(
                [made, scaled],
                encoder.trainable_variables,
                output_gradients=[judged.likeness, tf.ones_like(scaled)],
            ),
            "decoder": tape.gradient(
                made, decoder.trainable_variables, output_gradients=judged.wanted
            ),
            "discriminator": judged.discriminator,
        }
        return gradients, {"kl_loss": kl, **judged.losses}

    def _by_pixels(self, real, made):
        with tf.GradientTape() as tape:
            tape.watch(made)
            like = tf.reduce_mean(likeness_loss(made, real))
            scaled = like / self._replicas
        likeness = tape.gradient(scaled, made)
        return Judgement(likeness, likeness, None, {"like_loss": like})

    def _by_features(self, real, made):
        discriminator, loss = self.networks["discriminator"], self._cfg.LOSS
        rows, groups = tf.shape(real)[0], 2 if loss.FAKES == "both" else 1
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(made)
            judged = discriminator(tf.concat([real, made], 0), training=True)
            features, logits = judged["features"], judged["logits"]
            like = tf.reduce_mean(likeness_loss(features[rows : 2 * rows], features[:rows]))
            pixels = tf.reduce_mean(likeness_loss(made[:rows], real))
            alike = like + loss.PIXELS * pixels
            fakes = logits[-groups * rows :]
            real_cost, fake_cost = discriminator_costs(logits[:rows], fakes)
            d_loss = loss.REAL_SHARE * real_cost + (1.0 - loss.REAL_SHARE) * fake_cost
            called_real = groups * tf.reduce_mean(sigmoid_loss(fakes, 1.0)) / self._replicas
            like_scaled, d_scaled = alike / self._replicas, d_loss / self._replicas
        likeness = tape.gradient(like_scaled, made)
        d_gradients, away = tape.gradient(d_scaled, [discriminator.trainable_variables, made])
        if loss.SATURATING:
            # Of L_GAN a sum over the groups, so without the weights that balance it for its own.
            fooling = -groups / (1.0 - loss.REAL_SHARE) * away
        else:
            fooling = tape.gradient(called_real, made)
        losses = {"like_loss": like, "pixels": pixels}
        losses |= {"d_loss": d_loss, "d_real": real_cost, "d_fake": fake_cost}
        return Judgement(likeness, loss.GAMMA * likeness + fooling, d_gradients, losses)

    def _moving(self, losses):
        """Who is updated, by the costs of the global batch, so that all replicas do alike."""
        moving = dict.fromkeys(self.networks, tf.constant(True))
        if "discriminator" in self.networks and self._cfg.LOSS.MARGIN:
            context = tf.distribute.get_replica_context()
            own = [losses["d_real"], losses["d_fake"]]
            costs = context.all_reduce(tf.distribute.ReduceOp.MEAN, own)
            rule = self._cfg.LOSS.EQUILIBRIUM, self._cfg.LOSS.MARGIN
            moving["decoder"], moving["discriminator"] = who_moves(*costs, *rule)
        return moving

    def _decayed(self, gradients, variables):
        """The gradients, with the replica's share of the weight decay of kernels.

        It is published beside gradients summed over the batch, of which these are the mean.
        """
        decay = self._cfg.TRAIN.WEIGHT_DECAY / self._cfg.TRAIN.BATCH_SIZE / self._replicas
        return [
            gradient + decay * variable if len(variable.shape) > 1 else gradient
            for gradient, variable in zip(gradients, variables, strict=True)
        ]

    def snapshot(self, data: EditorData):
        """How well held-out pictures are reconstructed, and the grid.

        `test_kl`, `test_like`: the losses by the statistics that training learned; `test_pixels`:
        root of the mean squared difference, in levels of 255.
        """
        made, numbers = self._reconstruct(data.heldout)
        difference = made.astype(np.float64) - data.heldout
        numbers["test_pixels"] = float(np.sqrt(np.mean(difference**2)))
        count, width = len(data.shown), self._cfg.Z_DIM
        z = noise.rows_normal(self._cfg.SEED, 0, count, noise.Z_G, width)
        return numbers, data.grid(self._reconstruct(data.shown)[0], from_network(self._drawn(z)))

    def _reconstruct(self, pictures: np.ndarray):
        """uint8 reconstructions of uint8 pictures, and the means of their losses."""
        parts = [pictures[i : i + ROWS] for i in range(0, len(pictures), ROWS)]
        seen = [self._seen(to_network(part, self._cfg.IMAGE.CHANNELS)) for part in parts]
        made, losses = zip(*seen, strict=True)
        means = {k: float(np.mean(np.concatenate([one[k] for one in losses]))) for k in losses[0]}
        return np.concatenate([from_network(part) for part in made]), means

    def _reconstructed(self, pictures):
        code = self.networks["encoder"](pictures, training=False)
        made = self.networks["decoder"](code["mu"], training=False)
        seen = [made, pictures]
        if "discriminator" in self.networks:
            judge = self.networks["discriminator"]
            seen = [judge(each, training=False)["features"] for each in seen]
        kl = prior_loss(code["mu"], code["logvar"])
        return made, {"test_kl": kl, "test_like": likeness_loss(*seen)}
