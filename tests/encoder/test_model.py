"""The networks: published sizes, the recurrences against NumPy, captions apart from each other."""

import keras
import numpy as np
import pytest

from encoder.alphabet import encode
from encoder.model import CharacterConvolution, FixedGRU, FixedRNN, ImageTower, TextEncoder

CAPTIONS = ["a red bird", "this bird has a blue crown and white wings", "x" * 250, ""]


@pytest.fixture(scope="module", autouse=True)
def seeded():
    keras.utils.set_random_seed(3)


def indices(captions=CAPTIONS):
    return encode(captions).astype(np.int32)


def set_weights(layer, rng):
    """Fill a layer with numbers that NumPy knows, by name."""
    values = {}
    for weight in layer.weights:
        values[weight.name] = rng.normal(size=weight.shape).astype(np.float32) * 0.5
        weight.assign(values[weight.name])
    return values


def narrow(recurrence, steps):
    """A small encoder; so few weights must be larger for the caption to come through."""
    encoder = TextEncoder(6, 8, recurrence, steps, (5, 7))
    encoder.set_weights([5 * w for w in encoder.get_weights()])
    return encoder


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("form", "parameters"),
    [
        ({"cnn_dim": 256, "recurrence": "rnn", "steps": 8}, 1_814_144),
        ({"cnn_dim": 512, "recurrence": "rnn", "steps": 8}, 2_994_560),
        ({"cnn_dim": 512, "recurrence": "gru", "steps": 18}, 4_045_184),
    ],
)
def test_published_sizes_and_initial_range(form, parameters):
    encoder = TextEncoder(**form)
    assert sum(int(np.prod(w.shape)) for w in encoder.trainable_weights) == parameters
    assert not encoder.non_trainable_weights
    assert encoder.output_shape == (None, 1024)
    for weight in encoder.weights:
        values = np.asarray(weight)
        assert np.abs(values).max() <= 0.08 and 0.04 < values.std() < 0.052, weight.path


@pytest.mark.parametrize(("recurrence", "steps"), [("rnn", 8), ("gru", 18), ("gru", 8)])
def test_a_batch_equals_its_captions_one_by_one(recurrence, steps):
    encoder = narrow(recurrence, steps)
    together = np.asarray(encoder(indices()))
    assert together.dtype == np.float32 and together.shape == (4, 6)
    for i in range(4):
        alone = np.asarray(encoder(indices(CAPTIONS[i : i + 1])))
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-4, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_the_look_up_is_the_convolution_of_one_hot_rows():
    layer = CharacterConvolution(6)
    characters = indices()
    out = np.asarray(layer(characters))
    kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
    one_hot = np.eye(71, dtype=np.float32)[characters][:, :, 1:]  # index 0: a row of zeros
    expected = sum(one_hot[:, j : j + 198] @ kernel[j] for j in range(4)) + bias
    np.testing.assert_allclose(out, expected, atol=1e-6)
    assert out.shape == layer.compute_output_shape(characters.shape)
    np.testing.assert_allclose(out[3], np.tile(bias, (198, 1)), atol=1e-7)  # the empty caption


def test_the_network_is_the_published_stack():
    encoder = narrow("rnn", 18)
    x = np.asarray(encoder.layers[1](indices()))

    def activated(x):
        return np.where(x > 1e-6, x, 0)

    def pooled(x):
        n, t, c = x.shape
        return x[:, : t // 3 * 3].reshape(n, t // 3, 3, c).max(2)

    def convolved(x, layer):
        kernel, bias = (np.asarray(w) for w in layer.weights)
        steps = x.shape[1] - 3
        return sum(x[:, j : j + steps] @ kernel[j] for j in range(4)) + bias

    convolutions = [layer for layer in encoder.layers if isinstance(layer, keras.layers.Conv1D)]
    x = pooled(activated(x))
    x = pooled(activated(convolved(x, convolutions[0])))
    x = activated(convolved(x, convolutions[1]))
    assert x.shape == (4, 18, 8)
    recurrent = next(layer for layer in encoder.layers if isinstance(layer, FixedRNN))
    kernel, bias = (np.asarray(w) for w in encoder.layers[-1].weights)
    expected = np.asarray(recurrent(x)) @ kernel + bias
    np.testing.assert_allclose(np.asarray(encoder(indices())), expected, rtol=1e-4, atol=1e-5)


def test_eight_steps_come_from_a_third_pooling():
    encoder = narrow("rnn", 8)
    recurrent = next(layer for layer in encoder.layers if isinstance(layer, FixedRNN))
    assert recurrent.input.shape[1] == 8


def test_the_recurrence_equals_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 4)).astype(np.float32)
    layer = FixedRNN(6)
    layer.build(x.shape)
    w = set_weights(layer, rng)
    state = np.maximum(x[:, 0] @ w["kernel"] + w["bias"], 0)
    states = [state]
    for t in range(1, 5):
        hidden = state @ w["recurrent_kernel"] + w["recurrent_bias"]
        state = np.maximum(x[:, t] @ w["kernel"] + w["bias"] + hidden, 0)
        states.append(state)
    np.testing.assert_allclose(np.asarray(layer(x)), np.mean(states, 0), rtol=1e-5, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == (3, 6)


def test_the_gru_equals_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 4)).astype(np.float32)
    layer = FixedGRU(6)
    layer.build(x.shape)
    w = set_weights(layer, rng)

    def gate(name, values):
        place = {"z": slice(0, 6), "r": slice(6, 12), "g": slice(12, 18)}[name]
        return values[..., place]

    state = np.tanh(x[:, 0] @ gate("g", w["kernel"]) + gate("g", w["bias"]))
    states = [state]
    for t in range(1, 5):
        given = x[:, t] @ w["kernel"] + w["bias"]
        hidden = state @ w["gate_kernel"] + w["gate_bias"]
        z = sigmoid(gate("z", given) + gate("z", hidden))
        r = sigmoid(gate("r", given) + gate("r", hidden))
        hidden = (r * state) @ w["candidate_kernel"] + w["candidate_bias"]
        candidate = np.tanh(gate("g", given) + hidden)
        state = z * candidate + (1 - z) * state
        states.append(state)
    np.testing.assert_allclose(np.asarray(layer(x)), np.mean(states, 0), rtol=1e-5, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == (3, 6)


def test_bfloat16_is_close_and_ends_in_float32():
    policy = keras.config.dtype_policy()
    encoder = narrow("gru", 18)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = TextEncoder(6, 8, "gru", 18, (5, 7))
    finally:
        keras.config.set_dtype_policy(policy)
    half.set_weights(encoder.get_weights())
    exact, rounded = (np.asarray(network(indices())) for network in (encoder, half))
    assert rounded.dtype == np.float32
    assert 0 < np.abs(exact - rounded).max() < 0.1


@pytest.mark.parametrize(("size", "grid", "convolutions"), [(16, 4, 2), (64, 4, 4), (32, 8, 2)])
def test_the_image_tower_halves_down_to_its_grid(size, grid, convolutions):
    tower = ImageTower(size=size, width=4, dimension=10, grid=grid)
    kinds = [type(layer).__name__ for layer in tower.layers]
    assert kinds.count("Conv2D") == convolutions
    flat = next(layer for layer in tower.layers if isinstance(layer, keras.layers.Flatten))
    assert flat.input.shape[1:3] == (grid, grid)
    out = np.asarray(tower(np.zeros((2, size, size, 3), np.float32)))
    assert out.shape == (2, 10) and out.dtype == np.float32
