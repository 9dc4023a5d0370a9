"""The denominator: the networks as one would first write them, layer by layer in Keras.

Stock layers alone, in float32. Stage-I and Stage-II: StackGAN-Pytorch's layout (NETWORK_TYPE
pytorch) of UpSampling2D and Conv2D, BatchNormalization, Dense; char-CNN-RNN: Conv1D and GRU, and a
step with its image tower; the editor: Conv2DTranspose besides, and a step that takes each loss
through all that it came through.
"""

import keras
import tensorflow as tf
from keras import layers


def _norm(x, activation):
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.LeakyReLU(0.2)(x) if activation == "leaky" else layers.Activation(activation)(x)


def _conv(x, filters, kernel, stride=1):
    return layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)


def _augment(embedding, eps, c_dim):
    h = layers.Dense(2 * c_dim, "relu")(embedding)
    mu, logvar = h[:, :c_dim], h[:, c_dim:]
    return mu + keras.ops.exp(0.5 * logvar) * eps, mu, logvar


def _tile(c):
    return layers.UpSampling2D(4)(layers.Reshape((1, 1, c.shape[-1]))(c))


def stage1_generator(gf=128, c_dim=128, z_dim=100, text_dim=1024):
    """Inputs embedding, eps, z; outputs image 64x64, mu, logvar."""
    embedding, eps, z = (keras.Input((n,)) for n in (text_dim, c_dim, z_dim))
    c, mu, logvar = _augment(embedding, eps, c_dim)
    x = layers.Dense(16 * 8 * gf, use_bias=False)(layers.Concatenate()([z, c]))
    x = layers.Reshape((4, 4, 8 * gf))(_norm(x, "relu"))
    for i in range(4):
        x = _norm(_conv(layers.UpSampling2D(2)(x), 4 * gf >> i, 3), "relu")
    image = layers.Activation("tanh")(_conv(x, 3, 3))
    return keras.Model([embedding, eps, z], {"image": image, "mu": mu, "logvar": logvar})


def stage2_generator(gf=128, c_dim=128, text_dim=1024, r_num=4):
    """Inputs small 64x64, embedding, eps; outputs image 256x256, mu, logvar."""
    small, embedding, eps = (keras.Input(s) for s in ((64, 64, 3), (text_dim,), (c_dim,)))
    c, mu, logvar = _augment(embedding, eps, c_dim)
    x = layers.ReLU()(_conv(small, gf, 3))
    x = _norm(_conv(_norm(_conv(x, 2 * gf, 4, 2), "relu"), 4 * gf, 4, 2), "relu")
    x = layers.Concatenate()([x, layers.UpSampling2D(4)(_tile(c))])
    x = _norm(_conv(x, 4 * gf, 3), "relu")
    for _ in range(r_num):
        h = _norm(_conv(_norm(_conv(x, 4 * gf, 3), "relu"), 4 * gf, 3), "linear")
        x = layers.ReLU()(layers.Add()([x, h]))
    for i in range(4):
        x = _norm(_conv(layers.UpSampling2D(2)(x), 2 * gf >> i, 3), "relu")
    image = layers.Activation("tanh")(_conv(x, 3, 3))
    return keras.Model([small, embedding, eps], {"image": image, "mu": mu, "logvar": logvar})


def discriminator(imsize, df=64, c_dim=128):
    """Inputs image, mu; outputs conditional and, above 64 px, unconditional logits."""
    image, mu = keras.Input((imsize, imsize, 3)), keras.Input((c_dim,))
    x = layers.LeakyReLU(0.2)(_conv(image, df, 4, 2))
    downs = 4 if imsize == 64 else 6
    for i in range(1, downs):
        x = _norm(_conv(x, df << i, 4, 2), "leaky")
    for i in reversed(range(3, downs - 1)):
        x = _norm(_conv(x, df << i, 3), "leaky")
    h = _norm(_conv(layers.Concatenate()([x, _tile(mu)]), 8 * df, 3), "leaky")
    logits = [layers.Reshape(())(layers.Conv2D(1, 4)(features)) for features in (h, x)]
    unconditional = {"unconditional": logits[1]} if imsize > 64 else {}
    outputs = {"conditional": logits[0], **unconditional}
    return Judge([image, mu], outputs)


class Judge(keras.Model):
    """A discriminator that says None where it has no unconditional head."""

    def call(self, inputs, training=None, mask=None):
        logits = super().call(inputs, training=training, mask=mask)
        return {"unconditional": None, **logits}


def char_cnn_rnn(length=201, symbols=70, widths=(384, 512), cnn_dim=512, dimension=1024):
    """Input one-hot characters (length, symbols); output embedding. Its GRU is Keras' own."""
    characters = x = keras.Input((length, symbols))
    for width in widths:
        x = layers.MaxPooling1D(3)(layers.Conv1D(width, 4, activation="relu")(x))
    x = layers.Conv1D(cnn_dim, 4, activation="relu")(x)
    x = layers.GRU(cnn_dim, return_sequences=True)(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(characters, layers.Dense(dimension)(x))


def image_tower(imsize=64, width=32, dimension=1024):
    """Features of pictures that are trained along with the char-CNN-RNN."""
    picture = x = keras.Input((imsize, imsize, 3))
    for level in range(imsize.bit_length() - 3):
        x = layers.Conv2D(width * min(2**level, 8), 4, 2, "same", activation="relu")(x)
    return keras.Model(picture, layers.Dense(dimension)(layers.Flatten()(x)))


def encoder_step(networks, given, optimizers):
    """One update of the text network and the picture network by what each is `given`; the loss.

    Wrong captions, and wrong pictures, cost what they come within 1 of the right pair's score.
    """
    rows = given[0].shape[0]
    with tf.GradientTape() as tape:
        texts, pictures = (
            network(one, training=True) for network, one in zip(networks, given, strict=True)
        )
        scores = tf.matmul(pictures, texts, transpose_b=True)
        right = tf.linalg.diag_part(scores)
        wrong = tf.nn.relu(1 + scores - right[:, None]) + tf.nn.relu(1 + scores - right[None])
        loss = tf.reduce_sum(wrong * (1 - tf.eye(rows))) / rows**2
    gradients = tape.gradient(loss, [network.trainable_variables for network in networks])
    for network, optimizer, own in zip(networks, optimizers, gradients, strict=True):
        optimizer.apply(own, network.trainable_variables)
    return loss


def _block(x, filters, up=False):
    make = layers.Conv2DTranspose if up else layers.Conv2D
    x = make(filters, 5, 2, "same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-6)(x))


def _dense(x, units):
    x = layers.Dense(units, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))


def editor(imsize=64, z_dim=128, width=1.0, layer=3):
    """Encoder, decoder and discriminator of the VAE/GAN, with the inputs and outputs of ours."""
    picture, z = keras.Input((imsize, imsize, 3)), keras.Input((z_dim,))
    scaled = [round(width * filters) for filters in (32, 64, 128, 192, 256, 512, 1024)]
    w32, w64, w128, w192, w256, w512, w1024 = scaled
    x = picture
    for filters in (w64, w128, w256):
        x = _block(x, filters)
    x = _dense(layers.Flatten()(x), w1024)
    code = {name: layers.Dense(z_dim, name=name)(x) for name in ("mu", "logvar")}
    encoder = keras.Model(picture, code)
    side = imsize // 8
    x = layers.Reshape((side, side, w256))(_dense(z, side * side * w256))
    for filters in (w256 if imsize == 64 else w192, w128, w32):
        x = _block(x, filters, up=True)
    decoder = keras.Model(z, layers.Conv2D(3, 5, 1, "same", activation="tanh")(x))
    x = layers.Conv2D(w32, 5, 1, "same", activation="relu")(picture)
    seen = []
    for filters in (w128, w256, w256) if imsize == 64 else (w128, w192, w256):
        raw = layers.Conv2D(filters, 5, 2, "same", use_bias=False)(x)
        seen.append(layers.Flatten()(raw))
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-6)(raw))
    logits = layers.Reshape(())(layers.Dense(1)(_dense(layers.Flatten()(x), w512)))
    discriminator = keras.Model(picture, {"logits": logits, "features": seen[layer - 1]})
    return encoder, decoder, discriminator


def editor_gradients(networks, real, eps, prior, loss):
    """Gradients of each network's own loss by its variables, as `editor.trainer.Trainer` has them.

    Both fake groups; `loss`: the section LOSS of the editor's configuration.
    """
    encoder, decoder, discriminator = networks
    rows = tf.shape(real)[0]
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape(persistent=True) as tape:
        code = encoder(real, training=True)
        mu, logvar = code["mu"], code["logvar"]
        kl = -0.5 * tf.reduce_mean(
            tf.reduce_sum(1 + logvar - tf.square(mu) - tf.exp(logvar), axis=1)
        )
        z = mu + tf.exp(0.5 * logvar) * eps
        made = decoder(tf.concat([z, prior], 0), training=True)
        judged = discriminator(tf.concat([real, made], 0), training=True)
        features, logits = judged["features"], judged["logits"]
        squares = tf.square(features[rows : 2 * rows] - features[:rows])
        apart = tf.reduce_sum(tf.square(made[:rows] - real), axis=(1, 2, 3))
        squared = tf.reduce_sum(squares, axis=1) + loss.PIXELS * apart
        like = 0.5 * tf.reduce_mean(squared)
        trues, fakes = logits[:rows], logits[rows:]
        called_real = bce(tf.ones_like(fakes), fakes)
        d_loss = loss.REAL_SHARE * bce(tf.ones_like(trues), trues)
        d_loss += (1.0 - loss.REAL_SHARE) * bce(tf.zeros_like(fakes), fakes)
        e_loss = loss.PRIOR * kl + like
        fooling = -d_loss / (1.0 - loss.REAL_SHARE) if loss.SATURATING else called_real
        g_loss = loss.GAMMA * like + 2.0 * fooling
    losses = (e_loss, g_loss, d_loss)
    return [
        tape.gradient(one, network.trainable_variables)
        for one, network in zip(losses, networks, strict=True)
    ]


def editor_step(networks, real, eps, prior, loss, optimizers):
    """One update of all three networks; no one waits for another."""
    gradients = editor_gradients(networks, real, eps, prior, loss)
    for network, optimizer, own in zip(networks, optimizers, gradients, strict=True):
        optimizer.apply(own, network.trainable_variables)
