"""The variants that are timed do a step, tables add up, and what cannot be compared is refused."""

import numpy as np
import pytest

from benchmarks import faces_steps
from misc.config.errors import UserError
from misc.config.load import load_config

SMALL = ["DEPTH=2", "LATENT_SIZE=8", "CA_OUT_SIZE=5", "EMBEDDING_SIZE=4", "HIDDEN_SIZE=6"]
SMALL += ["NUM_LAYERS=1", "COMPRESSED_LATENT_SIZE=4", "CAPTIONS_LENGTH=8", "VOCAB_SIZE=20"]
SMALL += ["EPOCHS=[3,2]", "FADE_IN_PERCENTAGE=[0,25]", "BATCH_SIZES=[8,4]", "GPU_ID=-1"]
AT_ONCE = ["NETWORK_TYPE=multiscale", "EPOCHS=[1]", "FADE_IN_PERCENTAGE=[0]", "BATCH_SIZES=[4]"]


def config(*overrides):
    return load_config("faces", None, [*SMALL, *overrides])


def test_every_stage_is_timed_and_twice_where_it_fades():
    found = {"4 px": (0, False), "8 px, fading": (1, True), "8 px": (1, False)}
    assert faces_steps.works(config()) == found | {"sampling": (1, False)}
    always = faces_steps.works(config("FADE_IN_PERCENTAGE=[100,100]"))
    assert list(always) == ["4 px", "8 px, fading", "sampling"]
    assert list(faces_steps.works(config(*AT_ONCE))) == ["4 to 8 px", "sampling"]


@pytest.mark.parametrize("variant", faces_steps.VARIANTS[:2])
@pytest.mark.parametrize("overrides", [[], AT_ONCE])
def test_a_step_of_each_variant(variant, overrides, monkeypatch):
    import tensorflow as tf

    from benchmarks.faces_variants import make_step

    # The plain form's noise, new at each call, would change its loss, too.
    for name in ("normal", "uniform"):
        monkeypatch.setattr(tf.random, name, lambda shape: tf.fill(shape, 0.5))
    cfg = config(*overrides)
    step = make_step(cfg, "8 px, fading" if not overrides else "4 to 8 px", variant)
    found = [step() for _ in range(2)]
    assert np.isfinite(found).all() and found[0] != found[1]  # something was learned
    faces = make_step(cfg, "sampling", variant)()
    assert faces.shape == (16, 8, 8, 3) and faces.dtype == np.uint8


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
    for work in ("4 px", "8 px, fading", "8 px"):
        faces_variants.make_step(config(), work, "float32")()
    assert alphas == [1.0, 0.5, 1.0]


def test_where_the_time_goes():
    rates = {"4 px": 10, "8 px, fading": 2.5, "8 px": 5}
    rows = [
        {"work": work, "variant": variant, "steps_per_second": rate * k, "graph_seconds": 7.0}
        for work, rate in rates.items()
        for k, variant in enumerate(faces_steps.VARIANTS, 1)
    ]
    # 3 x 1500 steps of 8 pictures; 2 x 3000 of 4, a quarter of them fading.
    lines = faces_steps.growing(config(), rows, 12_000).splitlines()
    assert lines[2] == "| 4 px | 4,500 | 7.5 (23%) | 3.75 (23%) | 2.5 (23%) | 7.0 |"
    assert lines[3] == "| 8 px | 6,000 | 25 (77%) | 12.5 (77%) | 8.33 (77%) | 7.0 |"
    assert lines[4] == "| all | 10,500 | 32.5 | 16.2 | 10.8 | 14.0 |"


@pytest.mark.parametrize(
    ("overrides", "only", "message"),
    [
        (["CONDITION=none", "N_CRITIC=2"], None, "CONDITION none, N_CRITIC 2: the plain form has"),
        (["BATCH_SIZES=[3,4]"], None, "BATCH_SIZES: 3, expected a multiple of 4, of at most the"),
        (["BATCH_SIZES=[8,128]"], None, "BATCH_SIZES: 128, expected a multiple of 4, of at most"),
        ([], "16 px", "--only 16 px: expected one of: 4 px; 8 px, fading; 8 px; sampling"),
    ],
)
def test_only_like_is_compared_with_like(overrides, only, message):
    with pytest.raises(UserError, match=message):
        faces_steps.check(config(*overrides), 100, only)
    faces_steps.check(config(), 100, "8 px")


def test_the_table():
    row = {"work": "4 px", "variant": "float32", "steps_per_second": 1.5, "ratio": 1.2}
    row |= {"peak_gib": 2.0, "graph_seconds": 8.1}
    assert faces_steps.table([row]).endswith("| 4 px | float32 | 1.5 | 1.2 | 2.0 | 8.1 |")
