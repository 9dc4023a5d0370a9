"""Stage-II's trainer, a step at a time and without a graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from final import trainer
from misc.config.load import load_config
from misc.training.experiment import check_networks

BATCH, LARGE, WIDTH = 4, 32, 8


@pytest.fixture
def begun(final_yml):
    """`begun(*overrides)`: a trainer that has taken Stage-I from its run."""

    def make(*overrides):
        keras.utils.set_random_seed(0)
        made = trainer.build(load_config("final", final_yml(), list(overrides)), 1, 10)
        made.begin()
        check_networks(made)
        return made

    return make


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    shapes = {name: (BATCH, LARGE, LARGE, 3) for name in ("real", "wrong")}
    values = {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}
    values["embedding"] = random.normal(size=(BATCH, WIDTH))
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}


def values(network):
    return [weight.numpy() for weight in network.weights]


def changed(network, before):
    return [not np.array_equal(a, b) for a, b in zip(values(network), before, strict=True)]


@pytest.mark.parametrize("by_batch", [True, False])
def test_stage1_is_normalised_by_its_batch_or_left_alone(begun, batch, by_batch):
    made = begun(f"TRAIN.STAGE1_BATCH_STATISTICS={by_batch}")
    stage1 = made.frozen["stage1_generator"]
    before, statistics = values(stage1), {id(w) for w in stage1.non_trainable_weights}
    made.train_step(batch, tf.constant(0, tf.int64))
    moved = [by_batch and id(weight) in statistics for weight in stage1.weights]
    assert changed(stage1, before) == moved


def test_both_stages_go_through_a_batch_in_parts(begun):
    made = begun("TRAIN.ACCUMULATE=2", "TRAIN.FINETUNE_LR=True")
    assert made._gan.parts == made._stage1_gan.parts == 2


def test_until_it_begins_it_has_no_stage1(final_yml):
    cfg = load_config("final", final_yml(), ["TRAIN.PRETRAINED_MODEL=nowhere"])
    assert trainer.build(cfg, 1, 1).frozen == {}


def test_fine_tuning_has_its_share_of_the_rates_and_their_decay(begun):
    # Epochs count from PRETRAINED_EPOCH 1, ten steps each: rates halve at epochs 2 and 4.
    made = begun("TRAIN.FINETUNE_LR=True", "TRAIN.FT_LR_RATIO=0.5", "TRAIN.LR_DECAY_EPOCH=2")
    rates = {name: opt._learning_rate for name, opt in made.optimizers.items()}
    assert len(rates) == 5
    for name, rate in rates.items():
        share = 0.5 if "stage1" in name else 1.0
        seen = [float(rate(tf.constant(step, tf.int64))) for step in (0, 9, 10, 29, 30)]
        np.testing.assert_allclose(seen, share * 2e-4 * np.array([1, 1, 0.5, 0.5, 0.25]))


def test_fine_tuning_shows_stage1_every_second_pixel(begun, batch):
    made = begun("TRAIN.FINETUNE_LR=True")
    stage1, shown = made.frozen["stage1_discriminator"], []
    call = stage1.call
    stage1.call = lambda inputs, **options: shown.append(inputs[0]) or call(inputs, **options)
    losses = made.train_step(batch, tf.constant(0, tf.int64))
    np.testing.assert_array_equal(shown[0], batch["real"][:, ::2, ::2])
    np.testing.assert_array_equal(shown[1], batch["wrong"][:, ::2, ::2])
    assert {name for name in losses if not name.startswith("stage1_")} == {
        name.removeprefix("stage1_") for name in losses if name.startswith("stage1_")
    }


def test_fine_tuning_trains_stage1_in_its_own_layout(begun, batch):
    # The published pairing is one layout; another Stage-II must not reshape Stage-I's training.
    made = begun("TRAIN.FINETUNE_LR=True", "GAN.NETWORK_TYPE=pytorch")
    losses = made.train_step(batch, tf.constant(0, tf.int64))
    assert "d_real_image" in losses and "stage1_d_real_image" not in losses


def test_the_distance_to_stage1_moves_the_generator_and_not_stage1(begun, batch):
    plain, near = begun(), begun("TRAIN.COEFF.STAGE1=10.0")
    losses = [made.train_step(batch, tf.constant(0, tf.int64)) for made in (plain, near)]
    assert "distance" not in losses[0] and float(losses[1]["distance"]) > 0
    total = losses[0]["g_total"] + 10 * losses[1]["distance"]
    np.testing.assert_allclose(losses[1]["g_total"], total, rtol=1e-5)
    assert any(changed(near.networks["generator"], values(plain.networks["generator"])))
    first, second = (made.frozen["stage1_generator"] for made in (plain, near))
    assert not any(changed(first, values(second)))


def test_stage1s_noise_in_stage2_follows_stage2s_seed(begun, batch):
    pictures = []
    for seed in (0, 1):
        made = begun(f"SEED={seed}")
        drawn = made._draw(BATCH, tf.constant(0, tf.int64), False)
        pictures.append(made._stage1_images(batch["embedding"], drawn))
    assert not np.allclose(*pictures)
