"""The denominator of faces: both kinds of networks and their step, as one would first write them.

Stock layers in float32, and a wrapper that scales their kernels: UpSampling2D before Conv2D, an
Embedding that masks its LSTM, a functional model for the stage that is timed. Each of the three
kinds of pairs goes through the whole discriminator, and each network has an Adam.
"""

import math

import keras
import tensorflow as tf
from keras import layers, ops

from faces.layers import progressive_real, widths
from faces.losses import LOSSES, drift, gradient_penalty, r1_penalty


class Equalised(layers.Wrapper):
    """Multiplies the kernel of a layer by sqrt(2 / fan_in) whenever it is used."""

    def call(self, x):
        kernel = self.layer.kernel
        turned = isinstance(self.layer, layers.Conv2DTranspose)
        fan_in = kernel.shape[-1] if turned else math.prod(kernel.shape[:-1])
        with keras.StatelessScope([(kernel, kernel.value * math.sqrt(2 / fan_in))]):
            return self.layer(x)


class PixelNorm(layers.Layer):
    """Each pixel's vector brought to a mean square of 1."""

    def call(self, x):
        return x / ops.sqrt(ops.mean(ops.square(x), -1, keepdims=True) + 1e-8)


class BatchDeviation(layers.Layer):
    """One more channel: the mean deviation within groups of four pictures."""

    def call(self, x):
        shape = ops.shape(x)
        groups = ops.reshape(x, (shape[0] // 4, 4, *x.shape[1:]))
        deviation = ops.sqrt(ops.var(groups, 1) + 1e-8)
        mean = ops.repeat(ops.mean(deviation, (1, 2, 3), keepdims=True), 4, 0)
        return ops.concatenate([x, ops.broadcast_to(mean, (*shape[:3], 1))], -1)


class Fade(layers.Layer):
    """(new, old) -> alpha new + (1 - alpha) old, halfway."""

    def build(self, shapes):
        self.alpha = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(0.5), trainable=False
        )

    def call(self, inputs):
        new, old = inputs
        return self.alpha * new + (1 - self.alpha) * old


def _made(kind, *sizes, name, **options):
    init = keras.initializers.RandomNormal(stddev=1.0)
    return Equalised(kind(*sizes, kernel_initializer=init, **options), name=name)


def _conv(x, filters, size=3, *, name, padding="same", act=True):
    x = _made(layers.Conv2D, filters, size, padding=padding, name=name)(x)
    return layers.LeakyReLU(0.2)(x) if act else x


def text_encoder(cfg):
    """Tokens (n, length) -> (n, HIDDEN_SIZE)."""
    tokens = keras.Input((cfg.CAPTIONS_LENGTH,), dtype="int32")
    x = layers.Embedding(cfg.VOCAB_SIZE, cfg.EMBEDDING_SIZE, mask_zero=True)(tokens)
    for left in reversed(range(cfg.NUM_LAYERS)):
        x = layers.LSTM(cfg.HIDDEN_SIZE, unit_forget_bias=False, return_sequences=left > 0)(x)
    return keras.Model(tokens, x)


def conditioning(cfg):
    """Text -> mu and logvar, side by side."""
    text = keras.Input((cfg.HIDDEN_SIZE,))
    return keras.Model(text, _made(layers.Dense, 2 * cfg.CA_OUT_SIZE, name="project")(text))


def generator(cfg, stage, fading):
    """Latent vectors -> pictures of a stage; multi-scale, of every size up to it."""
    latent = keras.Input((cfg.LATENT_SIZE,))
    x, pictures = layers.Reshape((1, 1, cfg.LATENT_SIZE))(latent), []
    for i, width in enumerate(widths(cfg.DEPTH, cfg.LATENT_SIZE)[: stage + 1]):
        if i:
            first = _conv(layers.UpSampling2D(2)(x), width, name=f"block_{i}_first")
            x = _conv(PixelNorm()(first), width, name=f"block_{i}_second")
        else:
            seed = _made(layers.Conv2DTranspose, width, 4, name="block_0_seed")(x)
            x = _conv(layers.LeakyReLU(0.2)(seed), width, name="block_0_conv")
        x = PixelNorm()(x)
        pictures.append(_conv(x, 3, 1, act=False, name=f"colour_{i}"))
    if cfg.NETWORK_TYPE == "multiscale":
        return keras.Model(latent, pictures)
    picture = pictures[-1]
    if fading:
        picture = Fade()([picture, layers.UpSampling2D(2)(pictures[-2])])
    return keras.Model(latent, picture)


def discriminator(cfg, stage, fading):
    """Pictures of a stage, or of every size up to it, and text -> logits (n,)."""
    several, maps = cfg.NETWORK_TYPE == "multiscale", widths(cfg.DEPTH, cfg.LATENT_SIZE)
    own = [width // 2 for width in maps[:-1]] + maps[-1:] if several else maps
    sides = [4 << i for i in range(stage + 1)] if several else [4 << stage]
    pictures = [keras.Input((side, side, 3)) for side in sides]

    def coloured(i, picture):
        return _conv(picture, own[i], 1, act=False, name=f"colour_{i}")

    x = coloured(stage, pictures[-1])
    for i in range(stage, 0, -1):
        x = _conv(x, maps[i], name=f"block_{i}_first")
        x = _conv(x, own[i - 1], name=f"block_{i}_second")
        x = layers.AveragePooling2D(2)(x)
        if several:
            x = layers.Concatenate()([coloured(i - 1, pictures[i - 1]), x])
        elif fading and i == stage:
            x = Fade()([x, coloured(i - 1, layers.AveragePooling2D(2)(pictures[-1]))])
    x = _conv(BatchDeviation()(x), maps[0], name="block_0_conv")
    text = keras.Input((cfg.HIDDEN_SIZE,))
    code = _made(layers.Dense, cfg.COMPRESSED_LATENT_SIZE, name="block_0_compress")(text)
    code = layers.UpSampling2D(4)(layers.Reshape((1, 1, cfg.COMPRESSED_LATENT_SIZE))(code))
    x = _conv(layers.Concatenate()([x, code]), maps[0], 1, name="block_0_mix")
    x = _conv(x, maps[0], 4, padding="valid", name="block_0_flat")
    logits = layers.Reshape(())(_conv(x, 1, 1, act=False, name="block_0_logit"))
    return keras.Model([*pictures, text], logits)


def build(cfg, stage, fading):
    """The four networks at a stage, by the names of the trainer's."""
    return {
        "text_encoder": text_encoder(cfg),
        "conditioning": conditioning(cfg),
        "generator": generator(cfg, stage, fading),
        "discriminator": discriminator(cfg, stage, fading),
    }


def _sizes(cfg, pictures, stage, fading):
    """What the discriminator is given of real pictures."""
    if cfg.NETWORK_TYPE == "progressive":
        return [progressive_real(pictures, stage, 0.5 if fading else 1.0)]
    sizes = [pictures]
    for _ in range(stage):
        sizes.insert(0, layers.AveragePooling2D(2)(sizes[0]))
    return sizes


def adams(cfg, networks):
    """An Adam for each network, by its name."""
    made = {}
    for name, network in networks.items():
        made[name] = keras.optimizers.Adam(cfg.LEARNING_RATE, cfg.BETA_1, cfg.BETA_2, cfg.EPS)
        made[name].build(network.trainable_variables)
    return made


def _drawn(condition, text, eps):
    mu, logvar = tf.split(condition(text), 2, -1)
    return mu + tf.exp(0.5 * logvar) * eps, mu, logvar


def sample(networks, embedding, draws):
    """Texts' vectors -> faces of the last size; draws: `eps` and `g` of `step`."""
    c, _, _ = _drawn(networks["conditioning"], embedding, draws["eps"])
    return tf.nest.flatten(networks["generator"](tf.concat([c, draws["g"]], 1)))[-1]


def step(networks, optimizers, batch, draws, cfg, stage, fading):
    """An update of the discriminator, then one of all others.

    Args: batch: as `faces.trainer.Trainer.train_step` takes it; draws: `eps` (n, CA_OUT_SIZE), `d`
      and `g` (n, width), noise of deviation 1, and `mix` (n,), 0 to 1.
    Returns: the discriminator's loss.
    """
    encoder, condition, make, judge = networks.values()
    loss, real = LOSSES[cfg.LOSS_FUNCTION], _sizes(cfg, batch["real"], stage, fading)
    with tf.GradientTape() as tape:
        text = encoder(batch["tokens"])
        c, mu, logvar = _drawn(condition, text, draws["eps"])
        read = tf.stop_gradient(text)
        with tape.stop_recording():
            made = tf.nest.flatten(make(tf.concat([c, draws["d"]], 1)))
            given = (batch["wrong"], real, made, read, draws["mix"])
            d_loss, slope = _d_step(judge, optimizers["discriminator"], *given, cfg)
        forged = tf.nest.flatten(make(tf.concat([c, draws["g"]], 1)))
        fake_logits = judge([*forged, read])
        relativistic = cfg.LOSS_FUNCTION == "relativistic-hinge"
        real_logits = judge([*real, read]) if relativistic else fake_logits
        kl = 0.5 * tf.reduce_sum(tf.square(mu) + tf.exp(logvar) - logvar - 1, 1)
        whole = loss.generator(real_logits, fake_logits) + cfg.KL_WEIGHT * tf.reduce_mean(kl)
        if cfg.TEXT_LEARNS_MATCHING:
            whole += tf.reduce_sum(text * slope)
    others = [name for name in networks if name != "discriminator"]
    gradients = tape.gradient(whole, [networks[name].trainable_variables for name in others])
    for name, own in zip(others, gradients, strict=True):
        optimizers[name].apply(own, networks[name].trainable_variables)
    return d_loss


def _d_step(judge, optimizer, wrong, real, made, text, mix, cfg):
    loss = LOSSES[cfg.LOSS_FUNCTION]
    with tf.GradientTape() as tape:
        tape.watch(text)
        real_logits, fake_logits = judge([*real, text]), judge([*made, text])
        wrong_logits = judge([*real, tf.gather(text, wrong)])
        whole = loss.discriminator(real_logits, fake_logits, wrong_logits)
        if loss.penalty == "gradient":
            slope = gradient_penalty(lambda some: judge([*some, text]), real, made, mix)
            whole += cfg.PENALTY_WEIGHT * tf.reduce_mean(slope)
        elif loss.penalty == "r1":
            slope = r1_penalty(lambda some: judge([*some, text]), real)
            whole += cfg.PENALTY_WEIGHT * tf.reduce_mean(slope)
        whole += cfg.DRIFT * tf.reduce_mean(drift(real_logits))
    gradients, by_text = tape.gradient(whole, [judge.trainable_variables, text])
    optimizer.apply(gradients, judge.trainable_variables)
    return whole, by_text


def average(networks, averages, decay):
    """A step of the running averages of networks, by their names."""
    for name, mean in averages.items():
        for variable, other in zip(networks[name].weights, mean.weights, strict=True):
            other.assign(decay * other + (1 - decay) * variable)
