"""StackGAN and StackGAN-Pytorch once more, in plain NumPy, and their checkpoint files.

Written from the ancestors' sources with the names of their variables spelt out, and with nothing of
ours: pictures are (n, channels, height, width) throughout. Weights are drawn as the forward pass
asks for them, so that what it used is what the checkpoint holds. The names of TF1's were compared
with those in checkpoints of TensorFlow 0.12.1 and prettytensor 0.7.2.
"""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from unittest import mock

import numpy as np
import tensorflow as tf


class Weights(dict):
    """`weights(name, *shape)`: the array of that name, drawn when it is first asked for."""

    def __init__(self, seed=0):
        super().__init__()
        self.random = np.random.default_rng(seed)

    def __call__(self, name, *shape):
        if name not in self:
            array = self.random.normal(size=shape)
            if len(shape) > 1:  # by about its inputs, so that nothing saturates
                array *= np.sqrt(max(shape) / np.prod(shape))
            elif name.endswith(("variance", "var", "gamma")):
                array = self.random.uniform(0.5, 1.5, shape)
            self[name] = array.astype(np.float32)
        assert self[name].shape == shape, name
        return self[name]


def relu(x):
    return np.maximum(x, 0)


def leaky(x):
    return np.maximum(x, 0.2 * x)


def conv(x, kernel, stride=1):
    """`kernel` (out, in, k, k); the size stays, or is halved by stride 2, or 4x4 becomes 1x1."""
    k = kernel.shape[-1]
    pad = {(1, 1): 0, (3, 1): 1, (4, 2): 1, (4, 4): 0}[k, stride]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))[:, :, ::stride, ::stride]
    return np.moveaxis(np.tensordot(windows, kernel, ((1, 4, 5), (1, 2, 3))), -1, 1)


def deconv(x, kernel):
    """4x4 of stride 2, `kernel` (4, 4, out, in): each pixel adds itself to 4x4 ones."""
    n, _, h, w = x.shape
    y = np.zeros((n, kernel.shape[2], 2 * h + 2, 2 * w + 2), np.float32)
    for a in range(4):
        for b in range(4):
            place = np.einsum("nihw,oi->nohw", x, kernel[a, b])
            y[:, :, a : a + 2 * h : 2, b : b + 2 * w : 2] += place
    return y[:, :, 1:-1, 1:-1]


def double(x):
    return x.repeat(2, 2).repeat(2, 3)


def normalise(x, mean, variance, gamma, beta):
    mean, variance, gamma, beta = (
        v.reshape(-1, *[1] * (x.ndim - 2)) for v in (mean, variance, gamma, beta)
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def tile(c, like):
    return np.broadcast_to(c[:, :, None, None], (*c.shape, *like.shape[2:]))


class Tf1:
    """TF1 StackGAN in the scope that a network's variables have."""

    def __init__(self, weights, scope):
        self.w, self.scope = weights, scope

    def dense(self, x, number, width):
        name = f"{self.scope}/custom_fully_connected{number}/Linear/"
        return x @ self.w(f"{name}Matrix", x.shape[1], width) + self.w(f"{name}bias", width)

    def conv(self, x, number, k, width, stride=1):
        name = f"{self.scope}/custom_conv2d{number}/custom_conv2d{number}/w"
        return conv(x, self.w(name, k, k, x.shape[1], width).transpose(3, 2, 0, 1), stride)

    def deconv(self, x, number, width):
        name = f"{self.scope}/custom_deconv2d{number}/custom_deconv2d{number}/w"
        return deconv(x, self.w(name, 4, 4, width, x.shape[1]))

    def norm(self, x, number, name="conv_batch_norm{0}/conv_batch_norm{0}"):
        names = ("mean", "variance", "gamma", "beta")
        name = f"{self.scope}/{name.format(number)}"
        return normalise(x, *(self.w(f"{name}/{part}", x.shape[1]) for part in names))

    def condition(self, embedding, eps):
        mean, log_sigma = np.split(leaky(self.dense(embedding, "", 2 * eps.shape[1])), 2, 1)
        return mean + np.exp(log_sigma) * eps

    def residual(self, x, convs, norms, narrow, act):
        wide = x.shape[1]
        h = act(self.norm(self.conv(x, convs[0], 1, narrow), norms[0]))
        h = act(self.norm(self.conv(h, convs[1], 3, narrow), norms[1]))
        return act(x + self.norm(self.conv(h, convs[2], 3, wide), norms[2]))

    def stage1(self, embedding, eps, z, gf):
        x = np.concatenate([self.condition(embedding, eps), z], 1)
        x = self.norm(self.dense(x, "_1", 128 * gf), "", "fc_batch_norm/batch_norm")
        x = x.reshape(-1, 4, 4, 8 * gf).transpose(0, 3, 1, 2)
        x = self.residual(x, ("", "_1", "_2"), ("", "_1", "_2"), 2 * gf, relu)
        x = self.norm(self.conv(double(x), "_3", 3, 4 * gf), "_3")
        x = self.residual(x, ("_4", "_5", "_6"), ("_4", "_5", "_6"), gf, relu)
        x = relu(self.norm(self.conv(double(x), "_7", 3, 2 * gf), "_7"))
        x = relu(self.norm(self.conv(double(x), "_8", 3, gf), "_8"))
        return np.tanh(self.conv(double(x), "_9", 3, 3))

    def simple(self, embedding, eps, z, gf):
        x = np.concatenate([self.condition(embedding, eps), z], 1)
        x = self.dense(x, "_1", 128 * gf).reshape(-1, 4, 4, 8 * gf).transpose(0, 3, 1, 2)
        x = relu(self.norm(x, ""))
        x = relu(self.norm(self.deconv(x, "", 4 * gf), "_1"))
        x = relu(self.norm(self.deconv(x, "_1", 2 * gf), "_2"))
        x = relu(self.norm(self.deconv(x, "_2", gf), "_3"))
        return np.tanh(self.deconv(x, "_3", 3))

    def stage2(self, small, embedding, eps, gf):
        x = relu(self.conv(small, "", 3, gf))
        x = relu(self.norm(self.conv(x, "_1", 4, 2 * gf, 2), ""))
        x = relu(self.norm(self.conv(x, "_2", 4, 4 * gf, 2), "_1"))
        x = np.concatenate([x, tile(self.condition(embedding, eps), x)], 1)
        x = relu(self.norm(self.conv(x, "_3", 3, 4 * gf), "_2"))
        for i in (4, 6, 8, 10):
            h = relu(self.norm(self.conv(x, f"_{i}", 3, 4 * gf), f"_{i - 1}"))
            x = relu(x + self.norm(self.conv(h, f"_{i + 1}", 3, 4 * gf), f"_{i}"))
        x = relu(self.norm(self.conv(double(x), "_12", 3, 2 * gf), "_11"))
        x = relu(self.norm(self.conv(double(x), "_13", 3, gf), "_12"))
        x = relu(self.norm(self.conv(double(x), "_14", 3, gf // 2), "_13"))
        x = relu(self.norm(self.conv(double(x), "_15", 3, gf // 4), "_14"))
        return np.tanh(self.conv(x, "_16", 3, 3))

    def judge(self, image, embedding, df, ef, kind):
        """The discriminators: `kind` is "default" or "simple" (Stage-I) or "stage2"."""
        widths = [2 * df, 4 * df, 8 * df, 16 * df, 32 * df][: 5 if kind == "stage2" else 3]
        x = leaky(self.conv(image, "", 4, df, 2))
        for i, width in enumerate(widths):
            x = self.norm(self.conv(x, f"_{i + 1}", 4, width, 2), f"_{i}" if i else "")
            x = x if kind == "default" and i else leaky(x)
        if kind == "stage2":
            x = leaky(self.norm(self.conv(x, "_6", 1, 16 * df), "_5"))
            x = self.norm(self.conv(x, "_7", 1, 8 * df), "_6")
        i = {"default": 4, "simple": 4, "stage2": 8}[kind]
        if kind != "simple":
            numbers = [f"_{i + k}" for k in range(3)], [f"_{i - 1 + k}" for k in range(3)]
            x = self.residual(x, *numbers, 2 * df, leaky)
            i += 3
        x = np.concatenate([x, tile(leaky(self.dense(embedding, "", ef)), x)], 1)
        x = leaky(self.norm(self.conv(x, f"_{i}", 1, 8 * df), f"_{i - 1}"))
        return self.conv(x, f"_{i + 1}", 4, 1, 4).ravel()


class Torch:
    """StackGAN-Pytorch; `prefix` begins the names of its modules."""

    def __init__(self, weights, prefix=""):
        self.w, self.prefix = weights, prefix

    def conv(self, x, name, k, width, stride=1):
        return conv(x, self.w(f"{self.prefix}{name}.weight", width, x.shape[1], k, k), stride)

    def norm(self, x, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return normalise(x, *(self.w(f"{self.prefix}{name}.{n}", x.shape[1]) for n in names))

    def condition(self, embedding, eps):
        width = 2 * eps.shape[1]
        h = embedding @ self.w(f"{self.prefix}ca_net.fc.weight", width, embedding.shape[1]).T
        mu, logvar = np.split(relu(h + self.w(f"{self.prefix}ca_net.fc.bias", width)), 2, 1)
        return mu + np.exp(logvar / 2) * eps

    def up(self, x, name, width):
        return relu(self.norm(self.conv(double(x), f"{name}.1", 3, width), f"{name}.2"))

    def stage1(self, embedding, eps, z, gf):
        x = np.concatenate([z, self.condition(embedding, eps)], 1)
        x = x @ self.w(f"{self.prefix}fc.0.weight", 128 * gf, x.shape[1]).T
        x = relu(self.norm(x, "fc.1")).reshape(-1, 8 * gf, 4, 4)
        for i, width in enumerate((4 * gf, 2 * gf, gf, gf // 2)):
            x = self.up(x, f"upsample{i + 1}", width)
        return np.tanh(self.conv(x, "img.0", 3, 3))

    def stage2(self, small, embedding, eps, gf, r_num):
        x = relu(self.conv(small, "encoder.0", 3, gf))
        x = relu(self.norm(self.conv(x, "encoder.2", 4, 2 * gf, 2), "encoder.3"))
        x = relu(self.norm(self.conv(x, "encoder.5", 4, 4 * gf, 2), "encoder.6"))
        x = np.concatenate([x, tile(self.condition(embedding, eps), x)], 1)
        x = relu(self.norm(self.conv(x, "hr_joint.0", 3, 4 * gf), "hr_joint.1"))
        for name in (f"residual.{i}.block" for i in range(r_num)):
            h = relu(self.norm(self.conv(x, f"{name}.0", 3, 4 * gf), f"{name}.1"))
            x = relu(x + self.norm(self.conv(h, f"{name}.3", 3, 4 * gf), f"{name}.4"))
        for i, width in enumerate((2 * gf, gf, gf // 2, gf // 4)):
            x = self.up(x, f"upsample{i + 1}", width)
        return np.tanh(self.conv(x, "img.0", 3, 3))

    def judge(self, image, mu, df, stage):
        """Logits before the sigmoid: conditional, unconditional (None in Stage-I)."""
        x, at = leaky(self.conv(image, "encode_img.0", 4, df, 2)), 2
        wide = (2, 4, 8) if stage == 1 else (2, 4, 8, 16, 32)
        for k, stride, width in [(4, 2, w) for w in wide] + [(3, 1, 16), (3, 1, 8)] * (stage - 1):
            x = self.conv(x, f"encode_img.{at}", k, width * df, stride)
            x, at = leaky(self.norm(x, f"encode_img.{at + 1}")), at + 3
        name = "get_cond_logits.outlogits"
        h = self.conv(np.concatenate([x, tile(mu, x)], 1), f"{name}.0", 3, 8 * df)
        logits = [self.logit(leaky(self.norm(h, f"{name}.1")), f"{name}.3"), None]
        if stage == 2:
            logits[1] = self.logit(x, "get_uncond_logits.outlogits.0")
        return logits

    def logit(self, x, name):
        return self.conv(x, name, 4, 1, 4).ravel() + self.w(f"{name}.bias", 1)


def save_tf1(path, arrays, version):
    """A TF1 checkpoint of version "V1" or "V2", with what training keeps beside the networks."""
    graph, spare = tf.Graph(), {"global_step": 0, "beta1_power": 0.5, "beta2_power_1": 0.999}
    for name, array in arrays.items():
        if name.endswith(("/w", "Matrix", "bias", "gamma", "beta")):
            spare |= {f"{name}/Adam": array, f"{name}/Adam_1": array}
        else:
            scope = name.rpartition("/")[0]
            spare |= {f"{scope}/{name}/biased": array, f"{scope}/{name}/local_step": 1.0}
    with graph.as_default(), tf.compat.v1.Session() as session:
        for name, array in {**arrays, **spare}.items():
            tf.compat.v1.get_variable(name, initializer=np.float32(array), use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        wanted = getattr(tf.compat.v1.train.SaverDef, version)
        saver = tf.compat.v1.train.Saver(write_version=wanted)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


def save_pth(path, arrays, legacy=False):
    """A state_dict as torch.save writes it since 1.6, or as it did before (`legacy`)."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*args):
        raise NotImplementedError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2

    class Storage:
        def __init__(self, key, array):
            self.key, self.array = str(key), array

    class Tensor:
        def __init__(self, storage):
            self.storage = storage

        def __reduce__(self):
            array = self.storage.array
            strides = tuple(n // array.itemsize for n in array.strides)
            return _rebuild_tensor_v2, (self.storage, 0, array.shape, strides, False, OrderedDict())

    class Pickler(pickle._Pickler):
        def persistent_id(self, value):
            if not isinstance(value, Storage):
                return None
            kind = torch.FloatStorage if value.array.dtype == np.float32 else torch.LongStorage
            view = (None,) if legacy else ()
            return ("storage", kind, value.key, "cuda:0", value.array.size, *view)

    storages = [Storage(i, np.ascontiguousarray(array)) for i, array in enumerate(arrays.values())]
    state = OrderedDict(zip(arrays, map(Tensor, storages), strict=True))
    content = io.BytesIO()
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        Pickler(content, 2).dump(state)
    if not legacy:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content.getvalue())
            archive.writestr("archive/version", "3\n")
            for storage in storages:
                archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())
        return
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    with open(path, "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, system):
            pickle.dump(value, file, 2)
        file.write(content.getvalue())
        pickle.dump([storage.key for storage in storages], file, 2)
        for storage in storages:
            file.write(storage.array.size.to_bytes(8, "little") + storage.array.tobytes())
