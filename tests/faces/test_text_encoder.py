"""The LSTM by hand and against padding; what a text becomes, by hand, in its three forms."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from faces.text_encoder import CA_FORMS, Conditioning, TextEncoder
from misc.networks.losses import kl_divergence

TOKENS = np.array([[2, 3, 1, 4, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0]], np.int32)


def encoder(**options):
    sizes = {"vocab_size": 6, "embedding_size": 3, "hidden_size": 4, "num_layers": 2}
    return TextEncoder(**sizes | options)


def numpy_lstm(network, tokens):
    """The top layer's output after these tokens of one caption."""
    x = network.words.numpy()[tokens]
    for layer in network.lstm:
        kernel, recurrent, bias = layer.get_weights()
        h = c = np.zeros(recurrent.shape[0])
        outputs = []
        for step in x:
            i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            outputs.append(h)
        x = np.array(outputs)
    return x[-1]


def test_parameter_counts():
    network = TextEncoder(vocab_size=2763)
    assert network.words.shape == (2763, 128) and int(np.prod(network.words.shape)) == 353_664
    assert network.count_params() - 353_664 == 1_444_864
    assert Conditioning(text_size=256).count_params() == 91_492


def test_it_starts_as_pytorch_does():
    keras.utils.set_random_seed(1)
    network = TextEncoder(vocab_size=500, embedding_size=32, hidden_size=64, num_layers=2)
    words = network.words.numpy()
    assert not words[0].any() and abs(words[1:].std() - 1) < 0.05
    for layer in network.lstm:
        for array in layer.get_weights():  # kernel, recurrent, bias: no forget gate of 1
            assert 0.95 / 8 < np.abs(array).max() <= 1 / 8 and abs(array.mean()) < 0.02
    first, second = (layer.get_weights()[1] for layer in network.lstm)
    assert np.abs(first - second).max() > 0.01


def test_it_is_an_lstm_up_to_the_last_token():
    network = encoder()
    text = network(TOKENS)
    assert text.shape == (2, 4) and text.dtype == "float32"
    np.testing.assert_allclose(text[0], numpy_lstm(network, TOKENS[0, :4]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(text[1], numpy_lstm(network, TOKENS[1, :1]), rtol=1e-4, atol=1e-6)


def test_unmasked_it_reads_the_padding():
    network, masked = encoder(masked=False), encoder()
    masked.set_weights(network.get_weights())
    np.testing.assert_allclose(
        network(TOKENS)[0], numpy_lstm(network, TOKENS[0]), rtol=1e-4, atol=1e-6
    )
    assert np.abs(network(TOKENS) - masked(TOKENS)).max() > 1e-3


@pytest.mark.parametrize("masked", [True, False])
def test_gradients_in_a_graph(masked):
    """Each used parameter moves, but the vector of the padding; cutting the batch changes none."""
    network = encoder(masked=masked, num_layers=1)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def gradients(tokens):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(network(tokens)))
        found = tape.gradient(loss, [v.value for v in network.trainable_variables])
        return [tf.convert_to_tensor(gradient) for gradient in found]

    words, *lstm = gradients(TOKENS)
    assert not words[0].numpy().any()
    assert (np.abs(words[1:]).max(1) > 0).all()
    assert all(np.abs(gradient).max() > 0 for gradient in lstm)
    if masked:
        for a, b in zip(gradients(TOKENS[:, :4]), [words, *lstm], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_mask_is_kerass_own():
    """Against Keras' masked layers, which carry the state over the padding."""
    network = encoder()
    x = tf.gather(network.words.value, TOKENS)
    for layer in network.lstm:
        x = layer(x, mask=TOKENS != 0)
    np.testing.assert_allclose(network(TOKENS), x[:, -1], rtol=1e-5, atol=1e-6)


def test_neighbours_do_not_matter():
    network = encoder()
    np.testing.assert_allclose(network(TOKENS)[1:], network(TOKENS[1:]), rtol=1e-5, atol=1e-7)


def test_an_empty_caption_is_finite():
    assert np.isfinite(encoder()(np.zeros((1, 8), np.int32))).all()


def test_bfloat16_leaves_it_alone():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network, conditioning = encoder(), Conditioning(text_size=4, ca_out_size=2)
        text = network(TOKENS)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(text[0], numpy_lstm(network, TOKENS[0, :4]), rtol=1e-4, atol=1e-6)
    assert conditioning([text, tf.zeros((2, 2))])["c"].dtype == "float32"


@pytest.mark.parametrize("form", CA_FORMS)
def test_conditioning_by_hand(form):
    network = Conditioning(text_size=1, ca_out_size=2, form=form, equalised=False)
    network.project.kernel.assign([[1.0, -2.0, 0.5, -3.0]])
    network.project.bias.assign([0.0] * 4)
    eps = np.array([[1.0, 2.0]], np.float32)
    got = {k: v.numpy() for k, v in network([np.ones((1, 1), np.float32), eps]).items()}
    np.testing.assert_allclose(got["mu"], [[1.0, -2.0]], rtol=1e-6)
    sigma, logvar = {
        "logvar": ([np.exp(0.25), np.exp(-1.5)], [0.5, -3.0]),
        "linear": ([0.5, -3.0], [np.log(0.25), np.log(9.0)]),
        "relu": ([0.5, 1e-12], [np.log(0.25), -24 * np.log(10)]),
    }[form]
    np.testing.assert_allclose(got["c"], got["mu"] + np.array(sigma) * eps, rtol=1e-5)
    np.testing.assert_allclose(got["logvar"], [logvar], rtol=1e-5)
    # T2F's own form of the KL: in sigma, and a sum over the dimensions.
    published = 0.5 * np.sum(got["mu"] ** 2 + np.square(sigma) - 2 * np.log(np.abs(sigma)) - 1)
    np.testing.assert_allclose(2 * kl_divergence(got["mu"], got["logvar"]), [published], rtol=1e-5)


def test_a_deviation_of_relu_that_is_off_never_comes_back():
    """Why "relu" is no default: its KL is large, and without a gradient."""
    network = Conditioning(text_size=1, ca_out_size=1, form="relu", equalised=False)
    network.project.kernel.assign([[0.0, -1.0]])
    network.project.bias.assign([0.0, 0.0])
    with tf.GradientTape() as tape:
        got = network([np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)])
        kl = kl_divergence(got["mu"], got["logvar"])
    assert 27 < float(kl[0]) < 28
    np.testing.assert_array_equal(tape.gradient(kl, network.project.kernel.value), [[0, 0]])


def test_refused_forms():
    with pytest.raises(ValueError, match="'sigma', expected one of"):
        Conditioning(text_size=4, form="sigma")


@pytest.mark.parametrize("make", [encoder, partial(Conditioning, text_size=4)])
def test_a_checkpoint_holds_all_of_it(make, tmp_path):
    one, other = (make() for _ in range(2))
    one.set_weights([weight + 1 for weight in one.get_weights()])
    prefix = tf.train.Checkpoint(network=one).save(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(network=other).restore(prefix).assert_consumed()
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
