"""Inception-v3, which published numbers come from: the graph of 2015, and Keras' own weights.

The two are different networks. FID and Inception scores of papers come from the graph that Google
put up on 2015-12-05, whose input is resized as TensorFlow 1 did; here it is fed at its full size.
"""

from pathlib import Path

import keras
import tensorflow as tf
from keras import layers

from misc.config.errors import UserError
from misc.evaluation.download import Download, fetch
from misc.evaluation.graph_def import read_graph
from misc.evaluation.loaded import Loaded, check_hdf5, from_keras, load_weights

SIZE = 299
GRAPH = Download(
    url="https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/"
    "inception-2015-12-05.tgz",
    size=88_931_400,
    name="inception-2015-12-05.pb",
    member="classify_image_graph_def.pb",
)
KERAS = Download(
    url="https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    size=96_112_376,
    name="inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    md5="9a0d58056eeedaa3f26cb7ebd46da564",
)
_SOURCE, _FEATURES, _PRODUCT = "ExpandDims", "pool_3", "softmax/logits/MatMul"


def load_graph(weights: Path | None, batch: int) -> Loaded:
    """The graph of 2015, from a file or (None) the official place.

    Features are pool_3 (2,048), probabilities of 1,008 classes: softmax of the last matrix product
    without the bias behind it, as the first program for Inception scores had it (Salimans et al.,
    2016) and all that compare with it.
    Raises: UserError as `fetch` and `read_graph`, or if the weights of the classes do not fit.
    """
    path = weights or fetch(GRAPH)
    pooled, last = read_graph(path, _SOURCE, _FEATURES, _PRODUCT, (batch, SIZE, SIZE, 3))
    width = pooled.shape.num_elements() // batch
    if pooled.shape[0] != batch or last.shape.rank != 2 or last.shape[0] != width:
        raise UserError(
            f"{path}: {_FEATURES} of shape {pooled.shape} and weights of classes {last.shape} do "
            f"not belong together; expected {GRAPH.member} of {GRAPH.url}"
        )
    with pooled.graph.as_default():
        features = tf.reshape(pooled, (batch, width))
        wanted = (features, tf.nn.softmax(tf.matmul(features, last)))
    session = tf.compat.v1.Session(graph=pooled.graph)

    def infer(pictures):
        try:
            return session.run(wanted, {f"{_SOURCE}:0": pictures})
        except tf.errors.OpError as error:
            what = " ".join(error.message.split())[:200]
            raise UserError(f"{path}: this graph cannot be run ({what})") from error

    return Loaded(path, infer, SIZE, width, last.shape[1])


def load_keras(weights: Path | None, batch: int) -> Loaded:
    """Keras' Inception-v3, from a file or (None) the official place: 2,048 features, 1,000 classes.

    Raises: UserError as `fetch`, or if the file is missing, damaged or of another architecture.
    """
    path = weights or fetch(KERAS)
    check_hdf5(path, "Keras' InceptionV3")  # before the network is built, which takes seconds
    network = keras.applications.InceptionV3(weights=None)
    load_weights(network, path)
    heads = keras.Model(network.input, [network.get_layer("avg_pool").output, network.output])
    inputs = layers.Input((SIZE, SIZE, 3))
    model = keras.Model(inputs, heads(layers.Rescaling(1 / 127.5, -1.0)(inputs)))
    return from_keras(model, path, batch)


LOADERS = {"inception-2015": load_graph, "inception-v3": load_keras}
