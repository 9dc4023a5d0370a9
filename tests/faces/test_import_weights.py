"""Networks of pro-gan-pth: an imported run paints and judges what the ancestor does.

The ancestor is written here once more, in NumPy, as both layouts have it.
"""

import functools
import json
from argparse import Namespace

import numpy as np
import pytest

from faces.import_weights import main

DEPTH, LATENT, TEXT, CODE = 3, 8, 6, 5
KINDS = ["pro-gan-1 concat", "pro-gan-1 none", "pro-gan-2 none", "pro-gan-2 plain"]


class Ancestor(dict):
    """The state_dict of a network that draws its weights when they are first asked for."""

    def __init__(self, plain, kind, seed):
        super().__init__()
        self.plain, (self.layout, self.kind) = plain, kind.split()
        self.random = np.random.default_rng(seed)

    def draw(self, name, *shape):
        if name not in self:
            self[name] = self.random.normal(size=shape).astype(np.float32)
        return self[name]

    def module(self, x, name, inner, shape, fan_ins, apply):
        """`apply(x, weight)` and biases, as the layout scales them; `fan_ins`: 1's and 2's."""
        width = shape[1] if inner == "deconv" else shape[0]
        as_bias = (1, -1) + (1, 1) * (inner != "linear")
        if self.layout == "pro-gan-1":
            y = apply(x * fan_ins[0] ** -0.5, self.draw(f"{name}.{inner}.weight", *shape))
            if inner != "deconv":
                y = y + self.draw(f"{name}.{inner}.bias", width).reshape(as_bias)
        else:
            gain = 1.0 if self.kind == "plain" else (2 / fan_ins[1]) ** 0.5
            y = apply(x, gain * self.draw(f"{name}.weight", *shape))
        return y + self.draw(f"{name}.bias", width).reshape(as_bias)

    def conv(self, x, name, k, width):
        fan, shape = k * k * x.shape[1], (width, x.shape[1], k, k)
        stride = 4 if k == 4 else 1

        def apply(x, w):
            return self.plain.conv(x, w, stride)

        return self.module(x, name, "conv", shape, (fan, fan), apply)

    def paint(self, z, stage, alpha):
        leaky, double = self.plain.leaky, self.plain.double
        shape, fan_ins = (LATENT, LATENT, 4, 4), (16 * LATENT, LATENT)
        name = "initial_block.conv_1"
        x = leaky(self.module(z, name, "deconv", shape, fan_ins, spread))
        x = norm(leaky(self.conv(x, "initial_block.conv_2", 3, LATENT)))
        pictures = [self.conv(x, "rgb_converters.0", 1, 3)]
        for i in range(DEPTH - 1):
            x = norm(leaky(self.conv(double(x), f"layers.{i}.conv_1", 3, LATENT)))
            x = norm(leaky(self.conv(x, f"layers.{i}.conv_2", 3, LATENT)))
            pictures.append(self.conv(x, f"rgb_converters.{i + 1}", 1, 3))
        if not stage:
            return pictures[0]
        return alpha * pictures[stage] + (1 - alpha) * double(pictures[stage - 1])

    def judge(self, picture, text, stage, alpha):
        leaky = self.plain.leaky
        colours = [f"rgb_to_features.{i}" for i in range(DEPTH)]
        x = self.conv(picture, colours[stage], 1, LATENT)
        for i in range(stage - 1, -1, -1):
            x = leaky(self.conv(x, f"layers.{i}.conv_1", 3, LATENT))
            x = pooled(leaky(self.conv(x, f"layers.{i}.conv_2", 3, LATENT)))
            if i == stage - 1:
                old = self.conv(pooled(picture), colours[stage - 1], 1, LATENT)
                x = alpha * x + (1 - alpha) * old
        deviation = np.sqrt(x.var(0) + 1e-8)
        mean = deviation.mean(0) if self.layout == "pro-gan-1" else deviation.mean()
        x = np.concatenate([x, np.broadcast_to(mean, (len(x), 1, 4, 4))], 1)
        x, at = leaky(self.conv(x, "final_block.conv_1", 3, LATENT)), 2
        if self.kind == "concat":
            name, shape = "final_block.compressor", (CODE, TEXT)
            code = self.module(text, name, "linear", shape, (TEXT, TEXT), dense)
            x = np.concatenate([x, self.plain.tile(code, x)], 1)
            x, at = leaky(self.conv(x, "final_block.conv_2", 1, LATENT)), 3
        x = leaky(self.conv(x, f"final_block.conv_{at}", 4, LATENT))
        return self.conv(x, f"final_block.conv_{at + 1}", 1, 1).ravel()


def spread(z, weight):
    return np.einsum("ni,iohw->nohw", z, weight)


def dense(text, weight):
    return text @ weight.T


def norm(x):
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-8)


def pooled(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


@pytest.fixture(scope="module")
def inputs():
    """Latent vectors, pictures (n, c, h, w) and texts."""
    random = np.random.default_rng(5)
    shapes = ((4, LATENT), (4, 3, 16, 16), (4, TEXT))
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.fixture(scope="module")
def ancestor(plain, inputs, tmp_path_factory):
    """`ancestor(kind)`: generator, discriminator, and the flags that name their files."""

    @functools.cache
    def make(kind):
        folder, (latent, picture, text) = tmp_path_factory.mktemp("ancestor"), inputs
        generator, judge = Ancestor(plain, kind, 1), Ancestor(plain, kind, 2)
        for stage in range(DEPTH):
            generator.paint(latent, stage, 1.0)  # which draws the weights
            judge.judge(picture[:, :, : 4 << stage, : 4 << stage], text, stage, 0.5)
        legacy = kind == "pro-gan-1 concat"
        flags = ["--layout", generator.layout]
        for role, network in {"generator": generator, "discriminator": judge}.items():
            # Of the networks that were spread over GPUs, the names begin with another word.
            prefix = "module." if legacy else ""
            path = folder / f"{role}.pth"
            plain.save_pth(path, {prefix + k: v for k, v in network.items()}, legacy=legacy)
            flags += [f"--{role}", path]
        if generator.kind == "plain":
            flags += ["--set", "USE_EQL=False"]
        return Namespace(generator=generator, judge=judge, flags=flags)

    return make


@pytest.fixture(scope="module")
def set_flags(tiny_set):
    keys = [f"DATA_DIR={tiny_set}", "DATASET_NAME=tiny", "GPU_ID=-1", "CA_OUT_SIZE=5"]
    keys += ["EMBEDDING_SIZE=4", "NUM_LAYERS=1", "CAPTIONS_LENGTH=8", f"HIDDEN_SIZE={TEXT}"]
    return [part for key in keys for part in ("--set", key)]


@pytest.fixture(scope="module")
def imported(ancestor, set_flags, tmp_path_factory):
    """`imported(kind)` -> the run folder made of that ancestor's files."""

    @functools.cache
    def make(kind):
        run = tmp_path_factory.mktemp("runs") / "imported"
        main([str(flag) for flag in (*set_flags, *ancestor(kind).flags, "--out", run)])
        return run

    return make


def networks(run):
    from faces.sample import sampled
    from faces.trainer import build_networks
    from misc.training.runs import load_run, restore_networks

    _, cfg = load_run(run, "faces")
    built = build_networks(cfg, cfg.VOCAB_SIZE)
    names = sampled(cfg) | {"discriminator": "discriminator"}
    step = restore_networks(run, {names[role]: network for role, network in built.items()})
    return built, cfg, step


@pytest.mark.parametrize("kind", KINDS)
def test_it_paints_and_judges_as_the_ancestor_does(imported, ancestor, inputs, kind):
    (latent, picture, text), (built, cfg, _) = inputs, networks(imported(kind))
    assert (cfg.DEPTH, cfg.LATENT_SIZE) == (DEPTH, LATENT)
    for stage, alpha in ((0, 1.0), (1, 1.0), (2, 0.3)):
        painted = built["generator"](latent, stage=stage, alpha=alpha).numpy()
        expected = ancestor(kind).generator.paint(latent, stage, alpha).transpose(0, 2, 3, 1)
        assert expected.std() > 0.1
        np.testing.assert_allclose(painted, expected, rtol=1e-3, atol=1e-4)
        part = picture[:, :, : 4 << stage, : 4 << stage]
        logits = built["discriminator"](
            part.transpose(0, 2, 3, 1), text, stage=stage, alpha=alpha
        ).numpy()
        expected = ancestor(kind).judge.judge(part, text, stage, alpha)
        assert expected.std() > 1e-3
        np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


def test_it_is_a_run_that_has_grown_up(imported):
    from faces.captions import Vocabulary
    from faces.growth import Growth

    run = imported("pro-gan-1 concat")
    built, cfg, step = networks(run)
    assert (cfg.CONDITION, cfg.COMPRESSED_LATENT_SIZE, cfg.HIDDEN_SIZE) == ("concat", CODE, TEXT)
    assert Growth.load(run, cfg).at(step) == (DEPTH - 1, 1.0)
    vocabulary = Vocabulary.load(run)
    assert len(vocabulary.words) == cfg.VOCAB_SIZE and "red" in vocabulary.words
    # No text has a meaning yet: c is the noise that the generator learned with.
    eps = np.random.default_rng(0).normal(size=(2, cfg.CA_OUT_SIZE)).astype(np.float32)
    text = built["text_encoder"](vocabulary.ids(["a red square", "a circle"], 8))
    drawn = built["conditioning"]([text, eps])
    np.testing.assert_array_equal(drawn["c"], eps)


@pytest.mark.parametrize("form", ["linear", "relu"])
def test_c_is_noise_in_every_form(ancestor, set_flags, tmp_path, form):
    flags = (*set_flags, *ancestor("pro-gan-2 none").flags, "--set", f"CA_FORM={form}")
    main([str(flag) for flag in (*flags, "--out", tmp_path / "run")])
    built, cfg, _ = networks(tmp_path / "run")
    eps = np.random.default_rng(0).normal(size=(2, cfg.CA_OUT_SIZE)).astype(np.float32)
    drawn = built["conditioning"]([np.ones((2, TEXT), np.float32), eps])
    np.testing.assert_allclose(drawn["c"], eps, rtol=1e-6)
    np.testing.assert_allclose(drawn["logvar"], np.zeros((2, cfg.CA_OUT_SIZE)), atol=1e-6)


@pytest.fixture
def refusal(ancestor, set_flags, run_main, tmp_path):
    """`refusal(kind, *flags)`: the one line with which an import ends in exit code 2."""

    def start(kind, *flags):
        flags = [*set_flags, *ancestor(kind).flags, "--out", tmp_path / "run", *flags]
        code, out, err = run_main(main, *flags)
        assert (code, out) == (2, "")
        assert not (tmp_path / "run").exists()
        assert err.startswith("error: ") and err.count("\n") == 1
        return err

    return start


def test_other_layouts(refusal):
    assert "initial_block.conv_1.weight is missing" in refusal(
        "pro-gan-1 concat", "--layout", "pro-gan-2"
    )
    assert "is of --layout pro-gan-2, or" in refusal("pro-gan-2 none", "--layout", "pro-gan-1")


def test_other_sizes_than_the_files(refusal):
    four = [f"{key}=[1,1,1,1]" for key in ("EPOCHS", "FADE_IN_PERCENTAGE")]
    keys = ["DEPTH=4", "BATCH_SIZES=[4,4,4,4]", *four]
    flags = [part for key in keys for part in ("--set", key)]
    assert "--set DEPTH=4, but the files have 3" in refusal("pro-gan-2 none", *flags)
    tanh = refusal("pro-gan-2 none", "--set", "RGB=tanh")
    assert "--set RGB=tanh, but the files have linear" in tanh
    wide = refusal("pro-gan-2 none", "--set", "CA_OUT_SIZE=8")
    assert "CA_OUT_SIZE 8 must be less than" in wide


def test_files_of_something_else(refusal, ancestor, plain, tmp_path):
    generator = dict(ancestor("pro-gan-1 none").generator)
    path = tmp_path / "changed.pth"

    def changed(**arrays):
        plain.save_pth(path, generator | {k.replace("__", "."): v for k, v in arrays.items()})
        return refusal("pro-gan-1 none", "--generator", path)

    assert "extra is left over" in changed(extra=np.zeros(3, np.float32))
    assert "has shape (8,)" in changed(layers__0__conv_1__conv__weight=np.zeros(8, np.float32))
    assert "has no bias of its shape" in changed(layers__0__conv_1__bias=np.zeros(7, np.float32))
    nan = np.full((LATENT, LATENT, 3, 3), np.nan, np.float32)
    assert "other values than finite numbers" in changed(layers__0__conv_1__conv__weight=nan)
    flat = np.zeros((LATENT, LATENT), np.float32)
    assert "has shape (8, 8)" in changed(initial_block__conv_1__deconv__weight=flat)
    wide = np.zeros((LATENT, 7, 4, 4), np.float32)
    assert "expected (8, 8, 4, 4)" in changed(initial_block__conv_1__deconv__weight=wide)
    judge = ancestor("pro-gan-1 none").flags[-1]
    assert "initial_block.conv_1.weight is missing" in refusal(
        "pro-gan-1 none", "--generator", judge
    )


def test_what_it_prints_and_does_not_overwrite(imported, ancestor, set_flags, run_main, tmp_path):
    made = ancestor("pro-gan-2 none")
    flags = [*set_flags, *made.flags[:4], "--out", tmp_path / "run"]
    code, out, err = run_main(main, *flags)
    assert code == 0, err
    said = json.loads(out)
    sizes = sum(array.size for array in made.generator.values())
    assert said == {"out": str(tmp_path / "run"), "step": DEPTH, "networks": {"generator": sizes}}
    code, _, err = run_main(main, *flags)
    assert code == 2 and "is a run folder already" in err
