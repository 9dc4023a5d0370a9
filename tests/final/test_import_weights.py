"""Stage-II checkpoints of the ancestors, which hold their Stage-I: what they paint and judge."""

import functools
from argparse import Namespace

import numpy as np
import pytest

from final.import_weights import main
from final.sample import load
from final.trainer import build, build_discriminator
from initial.import_weights import main as initial_main
from main import main as sample
from misc.config.load import load_config
from misc.training.runs import load_run, restore_networks

GF, DF, EF, Z, T = 8, 4, 6, 5, 8
SIZES = {"Z_DIM": Z, "TEXT__DIMENSION": T, "TEST__LR_IMSIZE": 64, "TEST__HR_IMSIZE": 256}
SIZES |= {"GAN__GF_DIM": GF, "GAN__DF_DIM": DF, "GAN__EMBEDDING_DIM": EF}
BLOCKS = {"default": 4, "pytorch": 2}  # residual blocks: TF1's are four
KINDS = ["default V1", "default V2", "pytorch zip", "pytorch legacy"]


@pytest.fixture(scope="module")
def inputs():
    """Embedding, Stage-I's eps and z, Stage-II's eps."""
    random = np.random.default_rng(1)
    return [random.normal(size=(2, width)).astype(np.float32) for width in (T, EF, Z, EF)]


@pytest.fixture(scope="module")
def ancestor(plain, tmp_path_factory):
    """`ancestor(kind)`: both stages in NumPy, and the flags that name their files.

    `layout`, `paint(embedding, eps, z, eps2) -> (small, large)`, `judge(large, embedding, eps) ->
    [conditional, unconditional]`, `flags`.
    """

    @functools.cache
    def make(kind):
        layout, version = kind.split()
        folder, torch = tmp_path_factory.mktemp("ancestor"), layout == "pytorch"
        drawn, judged = plain.Weights(), plain.Weights(2)
        if torch:
            stage1, stage2 = plain.Torch(drawn, "STAGE1_G."), plain.Torch(drawn)
            critic, sizes = plain.Torch(judged), (GF, BLOCKS[layout])
        else:
            stage1, stage2 = plain.Tf1(drawn, "g_net"), plain.Tf1(drawn, "hr_g_net")
            critic, sizes = plain.Tf1(judged, "hr_d_net"), (GF,)

        def paint(embedding, eps, z, eps2):
            small = stage1.stage1(embedding, eps, z, GF)
            return small, stage2.stage2(small, embedding, eps2, *sizes)

        def judge(image, embedding, eps):
            if torch:
                return critic.judge(image, eps, DF, stage=2)
            return [critic.judge(image, embedding, DF, EF, "stage2"), None]

        some = [np.zeros((1, width), np.float32) for width in (T, EF, Z, EF)]
        small, large = paint(*some)
        judge(large, *some[:2])  # which draws the weights
        path = folder / "birds_model_164000.ckpt"
        flags = ["--checkpoint", path]
        if torch:
            path, other = folder / "netG_epoch_90.pth", folder / "netD_epoch_last.pth"
            plain.save_pth(path, drawn, legacy=version == "legacy")
            plain.save_pth(other, judged, legacy=version == "legacy")
            flags = ["--checkpoint", path, "--discriminator", other]
        else:
            plain.Tf1(judged, "d_net").judge(small, some[0], DF, EF, "default")
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
        keys = {"GAN__NETWORK_TYPE": made.layout, "GAN__R_NUM": BLOCKS[made.layout]}
        flags = ["--cfg", gan_yml(**SIZES, **keys), "--out", run, "--embeddings", "text"]
        main([str(flag) for flag in [*made.flags, *flags]])
        return run

    return make


def nhwc(image):
    return image.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_it_paints_what_the_ancestor_does(imported, ancestor, inputs, kind):
    sampler = load(imported(kind))
    embedding, eps, z, eps2 = inputs
    small = sampler._stage1_generator([embedding, eps, z], training=False)["image"].numpy()
    large = sampler._generator([small, embedding, eps2], training=False)["image"].numpy()
    for ours, theirs in zip((small, large), ancestor(kind).paint(*inputs), strict=True):
        assert theirs.std() > 0.1
        np.testing.assert_allclose(ours, nhwc(theirs), atol=1e-4)
    assert sampler.step == (90 if kind.startswith("pytorch") else 164000)


@pytest.mark.parametrize("kind", KINDS[1:3])
def test_it_judges_as_the_ancestor_does(imported, ancestor, inputs, kind):
    image = np.random.default_rng(2).uniform(-1, 1, (2, 3, 256, 256)).astype(np.float32)
    _, cfg = load_run(imported(kind))
    discriminator = build_discriminator(cfg)
    restore_networks(imported(kind), {"discriminator": discriminator})
    condition = inputs[1] if cfg.GAN.NETWORK_TYPE == "pytorch" else inputs[0]
    logits = discriminator([nhwc(image), condition], training=False)
    expected = ancestor(kind).judge(image, *inputs[:2])
    for name, theirs in zip(("conditional", "unconditional"), expected, strict=True):
        if theirs is None:
            assert logits[name] is None
        else:
            np.testing.assert_allclose(logits[name], theirs, rtol=1e-3, atol=1e-4)


def test_main_samples_it(imported, run_main, tmp_path):
    flags = ["--run", imported("pytorch zip"), "--out", tmp_path, "--gpu", -1]
    keys = ["B_VALIDATION=True", "TRAIN.FLAG=False", "TEST.NUM_COPY=1"]
    code, out, err = run_main(sample, *flags, *(f for key in keys for f in ("--set", key)))
    assert code == 0, err
    assert out.split() == [str(tmp_path / "sheet.png")]


def test_stage2_trains_on_an_imported_stage1(plain, inputs, gan_yml, tmp_path):
    drawn = plain.Weights()
    expected = plain.Torch(drawn).stage1(*inputs[:3], GF)
    plain.save_pth(tmp_path / "netG.pth", drawn)
    keys = SIZES | {"GAN__NETWORK_TYPE": "pytorch"}
    flags = ["--checkpoint", tmp_path / "netG.pth", "--out", tmp_path / "stage1"]
    initial_main([str(flag) for flag in [*flags, "--cfg", gan_yml(**keys)]])
    keys["TRAIN__PRETRAINED_MODEL"] = str(tmp_path / "stage1")
    trainer = build(load_config("final", gan_yml(**keys)), 1, 3)
    trainer.begin()
    image = trainer.stage1["stage1_generator"](inputs[:3], training=False)["image"]
    np.testing.assert_allclose(image, nhwc(expected), atol=1e-4)


@pytest.fixture
def refusal(ancestor, gan_yml, run_main, tmp_path):
    """`refusal(kind, **keys)`: the one line with which an import ends in exit code 2."""

    def start(kind, **keys):
        made = ancestor(kind)
        sizes = SIZES | {"GAN__NETWORK_TYPE": made.layout, "GAN__R_NUM": BLOCKS[made.layout]}
        flags = ["--cfg", gan_yml(**sizes | keys), "--out", tmp_path / "run"]
        code, out, err = run_main(main, *made.flags, *flags)
        assert (code, out) == (2, "")
        assert not (tmp_path / "run").exists()
        assert err.startswith("error: ") and err.count("\n") == 1
        return err

    return start


def test_another_number_of_blocks(refusal):
    assert "residual.2.block.0.weight is missing" in refusal("pytorch zip", GAN__R_NUM=3)
    assert "residual.1.block.0.weight is left over" in refusal("pytorch zip", GAN__R_NUM=1)
    assert "hr_g_net/" in refusal("default V2", GAN__R_NUM=3)


def test_a_layout_that_no_stage2_has(refusal):
    assert "simple is a Stage-I layout" in refusal("default V2", GAN__NETWORK_TYPE="simple")


def test_stage1_does_not_take_a_stage2_file(ancestor, gan_yml, run_main, tmp_path):
    flags = ["--cfg", gan_yml(**SIZES, GAN__NETWORK_TYPE="default"), "--out", tmp_path / "run"]
    code, _, err = run_main(initial_main, *ancestor("default V1").flags, *flags)
    assert code == 2 and "hr_d_net/" in err and "is left over" in err
