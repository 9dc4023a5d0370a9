"""The text encoder in training: networks, optimizers, one update."""

import keras
import tensorflow as tf
from easydict import EasyDict

from encoder.data import EncoderData, learns_from_features
from encoder.embed import Embedder
from encoder.losses import joint_embedding_loss
from encoder.model import ImageTower, TextEncoder
from encoder.model_bag import BagOfWords, most_frequent
from encoder.model_minilm import MiniLM
from encoder.release import is_release, open_release
from misc.data.prepared import open_split
from misc.training.gan_data import data_folder
from misc.training.rmsprop import TorchRMSprop
from misc.training.schedules import Decay


def build(cfg: EasyDict, replicas: int, steps_per_epoch: int) -> "Trainer":
    """The trainer that a configuration asks for; call it in the strategy's scope.

    Nothing in it depends on the number of replicas, which other rooms' trainers have to know.
    """
    return Trainer(cfg, steps_per_epoch)


def make_data(cfg: EasyDict) -> EncoderData:
    """Pictures, or their features, with captions."""
    return EncoderData(cfg)


def build_text_encoder(cfg: EasyDict) -> keras.Model:
    """The text encoder alone, of TEXT.KIND, as training and embedding both build it."""
    if cfg.TEXT.KIND == "bag":
        return BagOfWords(cfg.TEXT.DIMENSION, cfg.TEXT.VOCABULARY, cfg.TEXT.WORD_DIM)
    if cfg.TEXT.KIND == "minilm":
        sizes = (cfg.TEXT.VOCABULARY, cfg.TEXT.LAYERS, cfg.TEXT.HEADS)
        return MiniLM(cfg.TEXT.DIMENSION, *sizes)
    return TextEncoder(
        dimension=cfg.TEXT.DIMENSION,
        cnn_dim=cfg.TEXT.CNN_DIM,
        recurrence=cfg.TEXT.RECURRENCE,
        steps=cfg.TEXT.STEPS,
        widths=cfg.TEXT.WIDTHS,
        spread=cfg.TEXT.SPREAD,
    )


def rmsprop(schedule, network: keras.Model) -> TorchRMSprop:
    """The published optimizer, built on the network's variables."""
    optimizer = TorchRMSprop(schedule)
    optimizer.build(network.trainable_variables)
    return optimizer


def from_all_replicas(features):
    """Features of the global batch, of which only this replica's own carry a gradient.

    So the gradients of the global loss, which the optimizer sums over the replicas, add up to those
    of one device; a gradient through the gathering would count each feature once a replica.

    Args: features: float (b, d) of this replica.  Returns: float (b * replicas, d).
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return features
    everyone = context.all_gather(tf.stop_gradient(features), axis=0)
    rows = tf.shape(features)[0]
    first = context.replica_id_in_sync_group * rows
    return tf.concat([everyone[:first], features, everyone[first + rows :]], axis=0)


class Trainer:
    """The encoder in training: see `misc.training.experiment.train` for what a trainer is."""

    def __init__(self, cfg: EasyDict, steps_per_epoch: int):
        self._cfg = cfg
        self.networks = {"text_encoder": build_text_encoder(cfg)}
        if not learns_from_features(cfg):
            self.networks["image_tower"] = ImageTower(
                cfg.IMAGE.SIZE, cfg.IMAGE.WIDTH, cfg.TEXT.DIMENSION, cfg.IMAGE.GRID
            )
        rate = Decay(
            cfg.TRAIN.LEARNING_RATE,
            steps_per_epoch=steps_per_epoch,
            every=1,
            factor=cfg.TRAIN.LR_DECAY,
        )
        self.optimizers = {name: rmsprop(rate, net) for name, net in self.networks.items()}
        self._symmetric = cfg.TRAIN.SYMMETRIC
        self._embed = Embedder(self.networks["text_encoder"], cfg)
        self._look = tf.function(lambda seen: self._features(seen, training=False))

    def begin(self) -> None:
        """Give a bag of words the words of the training captions; others begin with none.

        Raises: UserError if the set is missing or damaged.
        """
        if self._cfg.TEXT.KIND != "bag":
            return
        folder = data_folder(self._cfg)
        if is_release(folder):
            split, _ = open_release(folder, self._cfg.TEXT.DIMENSION)
        else:
            split = open_split(folder, "train")
        captions = (text for i in range(len(split.labels)) for text in split.record(i)["captions"])
        words = most_frequent(captions, self._cfg.TEXT.VOCABULARY)
        self.networks["text_encoder"].learn_words(words)

    def train_step(self, batch, step):
        """One update on a replica's batch, whose pairs compete with those of every replica."""
        with tf.GradientTape() as tape:
            texts = from_all_replicas(
                self.networks["text_encoder"](batch["indices"], training=True)
            )
            pictures = from_all_replicas(self._features(batch["picture"], training=True))
            loss = joint_embedding_loss(pictures, texts, symmetric=self._symmetric)
        variables = {name: net.trainable_variables for name, net in self.networks.items()}
        # Not divided by the replicas: each has the whole loss, and of its gradient its own share.
        gradients = tape.gradient(loss, variables)
        for name, optimizer in self.optimizers.items():
            optimizer.apply(gradients[name], variables[name])
        first = tf.argmax(tf.matmul(pictures, texts, transpose_b=True), axis=1)
        right = tf.equal(first, tf.range(tf.shape(first)[0], dtype=first.dtype))
        return {"loss": loss, "accuracy": tf.reduce_mean(tf.cast(right, tf.float32))}

    def snapshot(self, data: EncoderData):
        """Zero-shot accuracy on a sample of the test split, and the pictures it finds."""
        if data.heldout is None:
            return {}, None
        return data.heldout.measure(self._embed, lambda seen: self._look(seen).numpy())

    def _features(self, picture, training):
        """Features of pictures; of what are features already, themselves."""
        tower = self.networks.get("image_tower")
        return tower(picture, training=training) if tower else picture
