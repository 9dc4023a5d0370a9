"""Stage-I checkpoints of the ancestors: an imported run paints what the ancestor does."""

import functools
from argparse import Namespace

import numpy as np
import pytest

from initial.import_weights import main
from initial.sample import load
from initial.trainer import build, build_discriminator
from main import main as sample
from misc.config.load import load_config
from misc.training import noise
from misc.training.runs import load_run, restore_networks
from misc.training.text import Text

GF, DF, EF, Z, T = 8, 4, 6, 5, 8
SIZES = {"Z_DIM": Z, "TEXT__DIMENSION": T, "TEST__LR_IMSIZE": 64, "TEST__HR_IMSIZE": 256}
SIZES |= {"GAN__GF_DIM": GF, "GAN__DF_DIM": DF, "GAN__EMBEDDING_DIM": EF}
KINDS = ["default V1", "default V2", "simple V2", "pytorch zip", "pytorch legacy"]
STAGES = {"default": "stage1", "simple": "simple", "pytorch": "stage1"}


@pytest.fixture(scope="module")
def inputs():
    """Embedding, eps and z."""
    random = np.random.default_rng(1)
    return [random.normal(size=(2, width)).astype(np.float32) for width in (T, EF, Z)]


@pytest.fixture(scope="module")
def ancestor(plain, tmp_path_factory):
    """`ancestor(kind)`: a network of the kind, NumPy's, and the flags that name its files.

    `layout`, `paint(embedding, eps, z)`, `judge(image, embedding, eps)`, `flags`.
    """

    @functools.cache
    def make(kind):
        layout, version = kind.split()
        folder, torch = tmp_path_factory.mktemp("ancestor"), layout == "pytorch"
        drawn, judged = plain.Weights(), plain.Weights(2)
        generator = plain.Torch(drawn) if torch else plain.Tf1(drawn, "g_net")
        critic = plain.Torch(judged) if torch else plain.Tf1(judged, "d_net")

        def paint(embedding, eps, z):
            return getattr(generator, STAGES[layout])(embedding, eps, z, GF)

        def judge(image, embedding, eps):
            if torch:
                return critic.judge(image, eps, DF, stage=1)[0]
            return critic.judge(image, embedding, DF, EF, layout)

        some = [np.zeros((1, width), np.float32) for width in (T, EF, Z)]
        judge(paint(*some), *some[:2])  # which draws the weights
        path = folder / "model_82000.ckpt"
        flags = ["--checkpoint", path]
        if torch:
            path, other = folder / "netG_epoch_90.pth", folder / "netD_epoch_last.pth"
            counter = {"fc.1.num_batches_tracked": np.array(7)}  # since PyTorch 0.4.1
            plain.save_pth(path, drawn | counter, legacy=version == "legacy")
            plain.save_pth(other, judged, legacy=version == "legacy")
            flags = ["--checkpoint", path, "--discriminator", other]
        else:
            plain.save_tf1(path, drawn | judged, version)
        return Namespace(layout=layout, paint=paint, judge=judge, flags=flags)

    return make


@pytest.fixture(scope="module")
def imported(ancestor, gan_yml, tmp_path_factory):
    """`imported(kind)` -> the run folder made of that ancestor's checkpoint."""

    @functools.cache
    def make(kind):
        made = ancestor(kind)
        run = tmp_path_factory.mktemp("runs") / "imported"
        yml = gan_yml(**SIZES, GAN__NETWORK_TYPE=made.layout)
        flags = [*made.flags, "--cfg", yml, "--out", run, "--embeddings", "text"]
        main([str(flag) for flag in flags])
        return run

    return make


def nhwc(image):
    return image.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_it_paints_what_the_ancestor_does(imported, ancestor, inputs, kind):
    image = load(imported(kind))._generator(inputs, training=False)["image"].numpy()
    expected = nhwc(ancestor(kind).paint(*inputs))
    assert expected.std() > 0.1
    np.testing.assert_allclose(image, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_it_judges_as_the_ancestor_does(imported, ancestor, inputs, kind):
    image = np.random.default_rng(2).uniform(-1, 1, (2, 3, 64, 64)).astype(np.float32)
    _, cfg = load_run(imported(kind))
    discriminator = build_discriminator(cfg)
    restore_networks(imported(kind), {"discriminator": discriminator})
    condition = inputs[1] if cfg.GAN.NETWORK_TYPE == "pytorch" else inputs[0]
    logits = discriminator([nhwc(image), condition], training=False)["conditional"]
    expected = ancestor(kind).judge(image, *inputs[:2])
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["default V2", "pytorch zip"])
def test_it_is_a_run_folder(imported, ancestor, inputs, kind):
    run, made = imported(kind), ancestor(kind)
    room, cfg = load_run(run, "initial")
    assert cfg.GAN.NETWORK_TYPE == made.layout
    assert Text.load(run) == Text("", "text", "", T)
    sampler = load(run)
    assert sampler.step == (90 if made.layout == "pytorch" else 82000)
    z = noise.rows_normal(3, 0, 2, noise.Z_G, Z)
    eps = noise.rows_normal(3, 0, 2, noise.EPS_G, EF, truncated=made.layout != "pytorch")
    levels = (nhwc(made.paint(inputs[0], eps.numpy(), z.numpy())) + 1) * 127.5
    assert np.abs(sampler(inputs[0], 3) - levels).max() < 0.6


def test_main_samples_it(imported, run_main, tmp_path):
    flags = ["--run", imported("default V2"), "--out", tmp_path, "--gpu", -1]
    keys = ["B_VALIDATION=True", "TRAIN.FLAG=False", "TEST.NUM_COPY=1"]
    code, out, err = run_main(sample, *flags, *(f for key in keys for f in ("--set", key)))
    assert code == 0, err
    assert out.split() == [str(tmp_path / "sheet.png")]
    assert len(list((tmp_path / "pictures").iterdir())) == 24  # of 8 test pictures, 3 captions each


def test_training_goes_on_from_it(imported, gan_yml):
    run = imported("pytorch zip")
    keys = SIZES | {"GAN__NETWORK_TYPE": "pytorch", "TRAIN__PRETRAINED_MODEL": str(run)}
    trainer = build(load_config("initial", gan_yml(**keys)), 1, 3)
    trainer.begin()
    generator = load(run)._generator
    for ours, theirs in zip(trainer.networks["generator"].weights, generator.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def refusal(ancestor, gan_yml, run_main, tmp_path):
    """`refusal(kind, *flags, **keys)`: the one line with which an import ends in exit code 2."""

    def start(kind, *flags, **keys):
        made = ancestor(kind)
        yml = gan_yml(**SIZES | {"GAN__NETWORK_TYPE": made.layout} | keys)
        flags = [*made.flags, "--cfg", yml, "--out", tmp_path / "run", *flags]
        code, out, err = run_main(main, *flags)
        assert (code, out) == (2, "")
        assert not (tmp_path / "run").exists()
        assert err.startswith("error: ") and err.count("\n") == 1
        return err

    return start


@pytest.mark.parametrize("kind", ["default V1", "pytorch zip"])
def test_other_widths(refusal, kind):
    assert "has shape" in refusal(kind, GAN__GF_DIM=16)
    assert "is left over" in refusal(kind, TEST__LR_IMSIZE=32)
    assert "is missing" in refusal(kind, TEST__LR_IMSIZE=128)


def test_other_layouts(refusal):
    assert "custom_deconv2d" in refusal("default V1", GAN__NETWORK_TYPE="simple")
    assert "is damaged or no TensorFlow checkpoint" in refusal(
        "pytorch zip", "--discriminator", "", GAN__NETWORK_TYPE="default"
    )


def test_what_the_ancestors_do_not_have(refusal):
    assert "TEXT.STANDARDIZE is True" in refusal("default V2", TEXT__STANDARDIZE=True)
    assert "TEXT.DIMENSION is 0" in refusal("default V2", TEXT__DIMENSION=0)
    assert "TRAIN.EMA is 0.9" in refusal("default V2", TRAIN__EMA=0.9)
    assert "leave the flag out" in refusal("default V2", "--discriminator", "netD.pth")


def test_names(refusal, imported):
    assert "expected a plain name" in refusal("default V2", "--embeddings", "../text")
    assert "is a run folder already" in refusal("default V2", "--out", imported("default V2"))
    assert "no such checkpoint" in refusal("default V2", "--checkpoint", "model_1.ckpt")
