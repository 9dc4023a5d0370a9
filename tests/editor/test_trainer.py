"""One step of the editor: which loss moves whom, who waits, and that two devices do what one does.

Every gradient is compared with that of its loss alone, taken through all the networks at once.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from editor.losses import discriminator_costs, likeness_loss, prior_loss
from editor.trainer import build, build_networks
from misc.networks.losses import sigmoid_loss

GIVEN = np.random.default_rng(0)
REAL = tf.constant(GIVEN.uniform(-1, 1, (4, 32, 32, 3)), tf.float32)
EPS, PRIOR = (tf.constant(GIVEN.normal(size=(4, 5)), tf.float32) for _ in range(2))


@pytest.fixture
def make(small_config):
    """`make(*overrides)` -> a trainer of narrow networks, always the same at first."""

    def trainer(*overrides):
        keras.utils.set_random_seed(0)
        return build(small_config(*overrides), 1, 3)

    return trainer


def losses(trainer, tape):
    """Each loss of the paper, of one pass through all networks, which `tape` has seen."""
    encoder, decoder, judge = trainer.networks.values()
    with tape:
        code = encoder(REAL, training=True)
        z = code["mu"] + tf.exp(code["logvar"] / 2) * EPS
        made = decoder(tf.concat([z, PRIOR], 0), training=True)
        judged = judge(tf.concat([REAL, made], 0), training=True)
        features, logits = judged["features"], judged["logits"]
        return {
            "prior": tf.reduce_mean(prior_loss(code["mu"], code["logvar"])),
            "like": tf.reduce_mean(likeness_loss(features[4:8], features[:4])),
            "pixels": tf.reduce_mean(likeness_loss(made[:4], REAL)),
            "costs": discriminator_costs(logits[:4], logits[4:]),
            "of_samples": discriminator_costs(logits[:4], logits[8:]),
            "called_real": tf.reduce_mean(sigmoid_loss(logits[4:], 1.0)),
        }


def assert_near(ours, theirs):
    largest = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in theirs)
    assert largest > 0
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * largest)


def expected(trainer, name, loss):
    """Gradient by a network's variables of what `loss` makes of the parts."""
    tape = tf.GradientTape()
    parts = losses(trainer, tape)
    with tape:
        value = loss(parts)
    return tape.gradient(value, trainer.networks[name].trainable_variables)


def test_the_encoder_follows_prior_and_likeness_alone(make):
    trainer = make("LOSS.PRIOR=2.0")
    ours = trainer.gradients(REAL, EPS, PRIOR)[0]["encoder"]
    assert_near(ours, expected(trainer, "encoder", lambda of: 2 * of["prior"] + of["like"]))


def test_the_decoder_follows_gamma_times_likeness_against_the_discriminator(make):
    # With a third of the weight on real pictures L_GAN is three times the discriminator's loss.
    trainer = make("LOSS.REAL_SHARE=0.3333333333333333", "LOSS.GAMMA=0.01")
    ours = trainer.gradients(REAL, EPS, PRIOR)[0]["decoder"]
    theirs = expected(
        trainer, "decoder", lambda of: 0.01 * of["like"] - (of["costs"][0] + 2 * of["costs"][1])
    )
    assert_near(ours, theirs)
    without = make("LOSS.REAL_SHARE=0.3333333333333333", "LOSS.GAMMA=0.0")
    g2 = without.gradients(REAL, EPS, PRIOR)[0]["decoder"]
    g1 = expected(trainer, "decoder", lambda of: of["like"])
    assert_near(ours, [0.01 * a + b for a, b in zip(g1, g2, strict=True)])


def test_the_decoder_may_call_its_pictures_real(make):
    trainer = make("LOSS.SATURATING=False", "LOSS.GAMMA=0.01")
    ours = trainer.gradients(REAL, EPS, PRIOR)[0]["decoder"]
    theirs = expected(trainer, "decoder", lambda of: 0.01 * of["like"] + 2 * of["called_real"])
    assert_near(ours, theirs)


def test_pixels_may_count_beside_features(make):
    trainer = make("LOSS.PIXELS=0.5", "LOSS.PRIOR=0.0", "LOSS.SATURATING=False", "LOSS.GAMMA=0.01")
    ours, reported = trainer.gradients(REAL, EPS, PRIOR)

    def alike(of):
        return of["like"] + 0.5 * of["pixels"]

    assert_near(ours["encoder"], expected(trainer, "encoder", alike))
    theirs = expected(trainer, "decoder", lambda of: 0.01 * alike(of) + 2 * of["called_real"])
    assert_near(ours["decoder"], theirs)
    parts = losses(trainer, tf.GradientTape())
    assert float(reported["pixels"]) == pytest.approx(float(parts["pixels"]), rel=1e-4)


@pytest.mark.parametrize(("fakes", "costs"), [("both", "costs"), ("samples", "of_samples")])
def test_the_discriminator_follows_its_costs_and_never_the_likeness(fakes, costs, make):
    trainer = make(f"LOSS.FAKES={fakes}", "LOSS.REAL_SHARE=0.6", "LOSS.GAMMA=1000.0")
    ours, reported = trainer.gradients(REAL, EPS, PRIOR)
    theirs = expected(trainer, "discriminator", lambda of: 0.6 * of[costs][0] + 0.4 * of[costs][1])
    assert_near(ours["discriminator"], theirs)
    parts = losses(trainer, tf.GradientTape())
    real_cost, fake_cost = parts[costs]
    assert float(reported["d_real"]) == pytest.approx(float(real_cost), rel=1e-4)
    assert float(reported["d_fake"]) == pytest.approx(float(fake_cost), rel=1e-4)
    for name, part in (("kl_loss", "prior"), ("like_loss", "like")):
        assert float(reported[name]) == pytest.approx(float(parts[part]), rel=1e-4)


def test_a_plain_vae_compares_pixels(make):
    trainer = make("LOSS.RECONSTRUCTION=pixels")
    assert trainer.networks.keys() == trainer.optimizers.keys() == {"encoder", "decoder"}
    tape = tf.GradientTape(persistent=True)
    encoder, decoder = trainer.networks.values()
    with tape:
        code = encoder(REAL, training=True)
        made = decoder(code["mu"] + tf.exp(code["logvar"] / 2) * EPS, training=True)
        like = tf.reduce_mean(tf.reduce_sum((made - REAL) ** 2, (1, 2, 3))) / 2
        whole = like + tf.reduce_mean(prior_loss(code["mu"], code["logvar"]))
    ours, reported = trainer.gradients(REAL, EPS, PRIOR)
    for name, network in trainer.networks.items():
        assert_near(ours[name], tape.gradient(whole, network.trainable_variables))
    assert reported.keys() == {"kl_loss", "like_loss"}
    assert float(reported["like_loss"]) == pytest.approx(float(like), rel=1e-4)


def states(trainer):
    """Weights that are trained and what the optimizers remember of their gradients, by network."""
    return {
        name: [np.array(v) for v in (*network.trainable_variables, *memory.variables[2:])]
        for (name, network), memory in zip(
            trainer.networks.items(), trainer.optimizers.values(), strict=True
        )
    }


@pytest.mark.parametrize(
    ("rule", "waits"),
    [
        # At first both costs are near ln 2 = 0.69, so the equilibrium says who is ahead.
        (("LOSS.EQUILIBRIUM=5.0",), "discriminator"),
        (("LOSS.EQUILIBRIUM=0.1", "LOSS.MARGIN=0.05"), "decoder"),
        (("LOSS.EQUILIBRIUM=5.0", "LOSS.MARGIN=0.0"), None),
        ((), None),
    ],
)
def test_who_waits_keeps_weights_and_memory(rule, waits, make):
    trainer = make(*rule)
    before = states(trainer)
    for number in range(2):
        reported = trainer.train_step({"real": REAL}, tf.constant(number, tf.int64))
    for name, after in states(trainer).items():
        moved = [(a != b).any() for a, b in zip(before[name], after, strict=True)]
        assert not any(moved) if name == waits else all(moved), name
        assert float(reported[f"{name}_moves"]) == (name != waits)
        # Rates follow the steps of the run, whoever waits.
        assert int(trainer.optimizers[name].iterations) == 2


def test_rates_fall_over_the_epochs(make):
    trainer = make("TRAIN.LR_EPOCHS=2", "TRAIN.LR_END=0.1", "TRAIN.DISCRIMINATOR_LR=0.001")
    for name, rate in (("encoder", 0.0003), ("decoder", 0.0003), ("discriminator", 0.001)):
        optimizer = trainer.optimizers[name]
        assert (optimizer.rho, optimizer.epsilon) == (0.9, 1e-8)
        rates = []
        for step in (2, 3, 6, 60):
            optimizer.iterations.assign(step)
            rates.append(float(optimizer.learning_rate) / rate)
        assert rates == pytest.approx([1, 1 - 0.5**0.75 * 0.9, 0.1, 0.1], rel=1e-5)


def test_kernels_decay_beside_gradients_of_a_sum(make):
    # The mean of 4 pictures' gradients, so of the decay, too, a quarter.
    plain, decayed = (make(f"TRAIN.WEIGHT_DECAY={decay}") for decay in (0.0, 2.0))
    kernels = [np.array(v) for v in plain.networks["encoder"].trainable_variables]
    gradients = plain.gradients(REAL, EPS, PRIOR)[0]["encoder"]
    given = decayed._decayed(gradients, decayed.networks["encoder"].trainable_variables)
    for gradient, own, kernel in zip(gradients, given, kernels, strict=True):
        added = kernel / 2 if kernel.ndim > 1 else 0 * kernel
        np.testing.assert_allclose(own, np.array(gradient) + added, rtol=1e-5, atol=1e-6)


def test_training_reconstructs_better(make):
    trainer = make("TRAIN.LEARNING_RATE=0.003", "LOSS.GAMMA=0.1", "TRAIN.LR_EPOCHS=100")
    step = tf.function(trainer.train_step)
    like = []
    for number in range(60):
        like.append(float(step({"real": REAL}, tf.constant(number, tf.int64))["like_loss"]))
    # In a space that is learned meanwhile, and whose scale the weights' is.
    assert np.mean(like[-5:]) < 0.8 * np.mean(like[:5])


def test_networks_have_the_configured_form(small_config):
    networks = build_networks(small_config("IMAGE.CHANNELS=1", "GAN.NETWORK_TYPE=def"))
    assert list(networks) == ["encoder", "decoder", "discriminator"]
    assert networks["decoder"].output_shape == (None, 32, 32, 1)
    assert any(isinstance(layer, keras.layers.LeakyReLU) for layer in networks["decoder"].layers)
    wide, deep = (
        build_networks(small_config(f"LOSS.LAYER={layer}"))["discriminator"](REAL)["features"]
        for layer in (1, 3)
    )
    assert wide.shape == (4, 16 * 16 * 6) and deep.shape == (4, 4 * 4 * 13)


@pytest.mark.slow
@pytest.mark.parametrize("equilibrium", [0.68, 5.0])
def test_two_devices_do_what_one_does(equilibrium, small, on_two_devices):
    # With short steps: rounding aside, which RMSProp turns into whole ones.
    keys = [f"LOSS.EQUILIBRIUM={equilibrium}", "LOSS.GAMMA=0.01", "TRAIN.WEIGHT_DECAY=0.1"]
    keys += ["TRAIN.LEARNING_RATE=1.0e-6", "TRAIN.DISCRIMINATOR_LR=1.0e-6"]
    (losses, weights, states), (sizes, _, large) = on_two_devices("editor", *small(*keys))
    assert len(losses) == 18 and len(weights) > 50
    for far, size in zip(losses, sizes, strict=True):
        assert far <= 1e-4 * size + 1e-6
    assert max(weights) < 1e-4
    for far, size in zip(states, large, strict=True):
        assert far <= 2e-3 * size + 1e-12
