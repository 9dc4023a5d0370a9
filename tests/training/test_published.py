"""Names and orders of the ancestors' tensors."""

import keras
import numpy as np
import pytest

from misc.data.tensors import SPARE
from misc.networks.batch_norm import BatchNorm
from misc.networks.layers import ConditioningAugmentation, UpConv, conv
from misc.training.published import tf1_entries, torch_entries


@pytest.fixture(scope="module")
def network():
    """One layer of each kind: embedding (3), eps (2) -> seed (4, 4, 2) -> (8, 8, 1)."""
    embedding, eps = keras.Input((3,)), keras.Input((2,))
    c, _, _ = ConditioningAugmentation(2)(embedding, eps)
    seed = BatchNorm()(keras.layers.Dense(32, use_bias=False)(c))
    x = BatchNorm()(UpConv(5)(keras.layers.Reshape((4, 4, 2))(seed)))
    return keras.Model([embedding, eps], conv(x, 1, 3, use_bias=True))


MODULES = {"dense": ["ca.fc", "fc.0"], "conv": ["up.1", "img.0"], "norm": ["fc.1", "up.2"]}
PARTS = {"mean", "variance", "gamma", "beta"}


def test_tf1_counts_what_it_names(network):
    entries = tf1_entries(network, "g_net")
    assert set(entries) == {
        "g_net/custom_fully_connected/Linear/Matrix",
        "g_net/custom_fully_connected/Linear/bias",
        "g_net/custom_fully_connected_1/Linear/Matrix",
        *(f"g_net/fc_batch_norm/batch_norm/{part}" for part in PARTS),
        "g_net/custom_conv2d/custom_conv2d/w",
        *(f"g_net/conv_batch_norm/conv_batch_norm/{part}" for part in PARTS),
        "g_net/custom_conv2d_1/custom_conv2d_1/w",
        "g_net/custom_conv2d_1/custom_conv2d_1/bias",
    }
    assert entries["g_net/custom_conv2d/custom_conv2d/w"].shape == (3, 3, 2, 5)


@pytest.mark.parametrize("layout", ["tf1", "torch"])
def test_every_variable_has_one_place(network, layout):
    entries = tf1_entries(network, "x") if layout == "tf1" else torch_entries(network, MODULES)
    variables = [id(entry.variable) for entry in entries.values()]
    assert sorted(variables) == sorted(id(weight) for weight in network.weights)


def test_torch_has_channels_first(network):
    entries = torch_entries(network, MODULES)
    shapes = {name: entry.shape for name, entry in entries.items()}
    assert shapes["ca.fc.weight"] == (4, 3) and shapes["fc.0.weight"] == (32, 2)
    assert shapes["up.1.weight"] == (5, 2, 3, 3) and shapes["img.0.bias"] == (1,)
    for name in ("ca.fc.weight", "fc.0.weight", "fc.1.running_var", "up.1.weight", "up.2.bias"):
        count = int(np.prod(shapes[name]))
        entries[name].assign(np.arange(count, dtype=np.float32).reshape(shapes[name]))
    kernel = entries["up.1.weight"].variable.numpy()
    assert kernel[2, 1, 0, 4] == 4 * 18 + 0 * 9 + 2 * 3 + 1
    assert entries["ca.fc.weight"].variable.numpy()[2, 1] == 1 * 3 + 2
    assert entries["up.2.bias"].variable.numpy().tolist() == [0, 1, 2, 3, 4]
    # Place p of channel c: row 16 c + p there, column 2 p + c here.
    assert entries["fc.0.weight"].variable.numpy()[1, 2 * 7 + 1] == 2 * (16 + 7) + 1
    assert entries["fc.1.running_var"].variable.numpy()[2 * 7 + 1] == 16 + 7


def test_modules_that_are_not_as_many_as_the_layers(network):
    with pytest.raises(ValueError, match="zip"):
        torch_entries(network, MODULES | {"conv": ["up.1"]})


def test_what_sampling_does_without():
    scope = "g_net/custom_conv2d/custom_conv2d/w"
    norm = "g_net/fc_batch_norm/batch_norm"
    spare = [f"{scope}/Adam", f"{scope}/Adam_1", f"{scope}/Adam_3", "beta1_power", "beta2_power_4"]
    spare += [f"{norm}/{norm}/mean/biased", f"{norm}/{norm}/mean/local_step", "global_step"]
    assert all(SPARE.search(name) for name in [*spare, "fc.1.num_batches_tracked"])
    kept = [scope, f"{norm}/mean", f"{norm}/variance", "fc.1.running_mean", "g_net/global_step"]
    assert not any(SPARE.search(name) for name in kept)
