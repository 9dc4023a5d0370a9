"""The variants that are timed do a step, tables add up, and what cannot be compared is refused."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks.suites import faces
from misc.config.errors import UserError
from misc.config.load import load_config

SMALL = ["DEPTH=2", "LATENT_SIZE=8", "CA_OUT_SIZE=5", "EMBEDDING_SIZE=4", "HIDDEN_SIZE=6"]
SMALL += ["NUM_LAYERS=1", "COMPRESSED_LATENT_SIZE=4", "CAPTIONS_LENGTH=8", "VOCAB_SIZE=20"]
SMALL += ["EPOCHS=[3,2]", "FADE_IN_PERCENTAGE=[0,25]", "BATCH_SIZES=[8,4]", "GPU_ID=-1"]
AT_ONCE = ["NETWORK_TYPE=multiscale", "EPOCHS=[1]", "FADE_IN_PERCENTAGE=[0]", "BATCH_SIZES=[4]"]


def config(*overrides):
    return load_config("faces", None, [*SMALL, *overrides])


def flags(*overrides, pictures=None):
    return Namespace(cfg=None, gpu=None, set=[*SMALL, *overrides], pictures=pictures)


def test_every_stage_is_timed_and_twice_where_it_fades():
    found = {"4 px": (0, False), "8 px, fading": (1, True), "8 px": (1, False)}
    assert faces.places(config()) == found | {"sampling": (1, False)}
    always = faces.places(config("FADE_IN_PERCENTAGE=[100,100]"))
    assert list(always) == ["4 px", "8 px, fading", "sampling"]
    assert list(faces.places(config(*AT_ONCE))) == ["4 to 8 px", "sampling"]


@pytest.mark.parametrize("variant", faces.VARIANTS[:2])
@pytest.mark.parametrize("overrides", [[], AT_ONCE])
def test_a_step_of_each_variant(variant, overrides, monkeypatch):
    import tensorflow as tf

    from benchmarks.faces_variants import make_step

    # The plain form's noise, new at each call, would change its loss, too.
    for name in ("normal", "uniform"):
        monkeypatch.setattr(tf.random, name, lambda shape: tf.fill(shape, 0.5))
    cfg = config(*overrides)
    step = make_step(cfg, 0 if overrides else 1, not overrides, variant).step
    found = [step() for _ in range(2)]
    assert np.isfinite(found).all() and found[0] != found[1]  # something was learned
    found = make_step(cfg, 0 if overrides else 1, False, variant, sampling=True).step()
    assert found.shape == (16, 8, 8, 3) and found.dtype == np.uint8


@pytest.mark.parametrize(("variant", "more"), [*zip(faces.VARIANTS, (0, 2, 2), strict=True)])
def test_our_operations_grow_with_the_longest_caption(variant, more, monkeypatch):
    """Keras' own LSTM goes through all of the padding."""
    import tensorflow as tf

    from benchmarks import faces_variants

    def gflop(longest):
        rows = np.arange(4)[:, None]  # the first caption is the longest
        tokens = (np.arange(8) < longest - rows).astype(np.int32)
        given = faces_variants.noise_batch(cfg, 4, 8) | {"tokens": tf.constant(tokens)}
        with monkeypatch.context() as patch:
            patch.setattr(faces_variants, "noise_batch", lambda *_: given)
            return faces_variants.make_step(cfg, 1, False, variant).facts()["gflop"]

    cfg = config()
    # A word more: forwards, and back to what came in and to the kernels, of four gates.
    word = 3 * 2 * 4 * (cfg.EMBEDDING_SIZE + cfg.HIDDEN_SIZE) * 4 * cfg.HIDDEN_SIZE
    assert gflop(7) - gflop(5) == pytest.approx(more * word / 1e9)


def test_a_fading_stage_is_timed_halfway(monkeypatch):
    import tensorflow as tf

    from benchmarks import faces_variants
    from faces import trainer

    alphas = []
    monkeypatch.setattr(
        trainer.Trainer,
        "train_step",
        lambda self, batch, step, stage: (
            alphas.append(float(self._growth.alpha(step, stage))) or {"d_loss": tf.constant(0.0)}
        ),
    )
    monkeypatch.setattr(tf, "function", lambda run: run)
    for stage, fading in ((0, False), (1, True), (1, False)):
        faces_variants.make_step(config(), stage, fading, "float32").step()
    assert alphas == [1.0, 0.5, 1.0]


def test_where_the_time_goes():
    rates = {"4 px": 10, "8 px, fading": 2.5, "8 px": 5}
    rows = [
        {"work": work, "variant": variant, "per_second": rate * k, "graph_seconds": 7.0}
        for work, rate in rates.items()
        for k, variant in enumerate(faces.VARIANTS, 1)
    ]
    # 3 x 1500 steps of 8 pictures; 2 x 3000 of 4, a quarter of them fading.
    lines = faces.more(flags(pictures=[12_000]), rows).splitlines()
    assert lines[4] == "| 4 px | 4,500 | 7.5 (23%) | 3.75 (23%) | 2.5 (23%) | 7.0 |"
    assert lines[5] == "| 8 px | 6,000 | 25 (77%) | 12.5 (77%) | 8.33 (77%) | 7.0 |"
    assert lines[6] == "| all | 10,500 | 32.5 | 16.2 | 10.8 | 14.0 |"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["CONDITION=none", "N_CRITIC=2"], "CONDITION none, N_CRITIC 2: the plain form has"),
        (["BATCH_SIZES=[3,4]"], "BATCH_SIZES: 3, expected a multiple of 4, of at most the"),
        (["BATCH_SIZES=[8,128]"], "BATCH_SIZES: 128, expected a multiple of 4, of at most"),
    ],
)
def test_only_like_is_compared_with_like(overrides, message):
    with pytest.raises(UserError, match=message):
        faces.check(flags(*overrides, pictures=[100]))
    faces.check(flags())
