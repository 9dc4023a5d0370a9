"""One step of faces: which loss moves whom, with what, and that two devices do what one does.

Every gradient is compared with that of its loss alone, of networks called one by one.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from faces.captions import Vocabulary
from faces.layers import half, progressive_real
from faces.sample import sampled
from faces.trainer import build, build_networks
from misc.config.errors import UserError
from misc.training import noise

GIVEN = np.random.default_rng(0)
TOKENS = tf.constant([[2, 3, 4, 0], [5, 2, 0, 0], [6, 7, 8, 9], [3, 0, 0, 0]], tf.int32)
WRONG = tf.constant([2, 0, 3, 1], tf.int32)
STEP = tf.constant(3, tf.int64)  # the first of the second stage, whose alpha is a half
NAMES = ("text_encoder", "conditioning", "generator", "discriminator")


def pictures(side):
    return tf.constant(GIVEN.uniform(-1, 1, (4, side, side, 3)), tf.float32)


def batch(side):
    return {"real": pictures(side), "tokens": TOKENS, "wrong": WRONG}


@pytest.fixture
def make(small_config):
    """`make(*overrides)` -> a trainer of narrow networks, always the same at first."""

    def trainer(*overrides):
        keras.utils.set_random_seed(0)
        return build(small_config(*overrides), 1, 3)

    return trainer


@pytest.fixture
def caught(monkeypatch):
    """`caught(trainer)` -> {id of a variable: its gradient}, filled instead of training."""

    def catch(trainer):
        gradients = {}
        for optimizer in trainer.optimizers.values():
            monkeypatch.setattr(
                optimizer,
                "apply",
                lambda given, own: gradients.update(
                    (id(variable), gradient) for variable, gradient in zip(own, given, strict=True)
                ),
            )
        return gradients

    return catch


def weights(trainer):
    return {
        name: [np.array(v) for v in network.trainable_variables]
        for name, network in trainer.networks.items()
    }


def moved(before, after):
    return {
        name: [bool((a != b).any()) for a, b in zip(before[name], after[name], strict=True)]
        for name in before
    }


def by_hand(trainer, given, tape):
    """The two losses of a step at stage 1, alpha 0.5, of WGAN-GP, each with its recorded tape."""
    encoder, conditioning, generator, judge = trainer.networks.values()
    cfg, at = trainer._cfg, {"stage": 1, "alpha": tf.constant(0.5)}

    def normal(role, width):
        return noise.normal(cfg.SEED, STEP, role, 4, width)

    real = progressive_real(given["real"], 1, 0.5)
    with tape:
        text = encoder(TOKENS)
        drawn = conditioning([text, normal(noise.EPS_G, 5)])
        first, second = (
            generator(tf.concat([drawn["c"], normal(role, 3)], 1), **at)
            for role in (noise.Z_D, noise.Z_G)
        )
        first = tf.stop_gradient(first)
        real_logits, fake_logits = judge(real, text, **at), judge(first, text, **at)
        wrong_logits = judge(real, tf.gather(text, WRONG), **at)
        mix = noise.uniform(cfg.SEED, STEP, noise.MIX, 4)[:, None, None, None]
        with tf.GradientTape() as inner:
            between = (1 - mix) * real + mix * first
            inner.watch(between)
            score = tf.reduce_sum(judge(between, text, **at))
        slope = tf.sqrt(tf.reduce_sum(inner.gradient(score, between) ** 2, (1, 2, 3)))
        means = [tf.reduce_mean(x) for x in (real_logits, fake_logits, wrong_logits)]
        d_loss = 0.5 * means[1] + 0.5 * means[2] - means[0]
        penalty, held = tf.reduce_mean((slope - 1) ** 2), tf.reduce_mean(real_logits**2)
        d_whole = d_loss + 10 * penalty + 0.001 * held
        read = tf.stop_gradient(text) if cfg.DETACH_TEXT else text
        g_loss = -tf.reduce_mean(judge(second, read, **at))
        mu, logvar = drawn["mu"], drawn["logvar"]
        kl = 0.5 * tf.reduce_mean(tf.reduce_sum(mu**2 + tf.exp(logvar) - logvar - 1, 1))
        g_whole = g_loss + 2 * kl
        taught = g_whole + d_whole if cfg.TEXT_LEARNS_MATCHING else g_whole
    losses = {"d_loss": d_loss, "penalty": penalty, "g_loss": g_loss, "kl_loss": kl}
    return losses, dict(zip(NAMES, (taught, g_whole, g_whole, d_whole), strict=True))


@pytest.mark.parametrize(
    "keys", [[], ["DETACH_TEXT=False"], ["DETACH_TEXT=False", "TEXT_LEARNS_MATCHING=False"]]
)
def test_every_network_follows_its_own_loss(keys, make, caught):
    trainer, given = make("KL_WEIGHT=2", *keys), batch(8)
    gradients = caught(trainer)
    reported = trainer.train_step(given, STEP, 1)
    tape = tf.GradientTape(persistent=True)
    losses, whole = by_hand(trainer, given, tape)
    for name, value in losses.items():
        assert float(reported[name]) == pytest.approx(float(value), rel=1e-4, abs=1e-6), name
    assert float(reported["alpha"]) == 0.5 and float(reported["stage"]) == 1
    for name, network in trainer.networks.items():
        for variable, theirs in zip(
            network.trainable_variables,
            tape.gradient(whole[name], network.trainable_variables),
            strict=True,
        ):
            ours = gradients.get(id(variable))
            assert (ours is None) == (theirs is None), variable.path
            if ours is not None:
                theirs = tf.convert_to_tensor(theirs)
                scale = float(tf.reduce_max(tf.abs(theirs)))
                np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * scale + 1e-8)


def test_who_moves_at_which_stage(make):
    trainer = make()
    for stage, step in ((0, 0), (1, 3)):
        before = weights(trainer)
        trainer.train_step(batch(4 << stage), tf.constant(step, tf.int64), stage)
        found = moved(before, weights(trainer))
        assert all(found["text_encoder"]) and all(found["conditioning"])
        for name in ("generator", "discriminator"):
            network = trainer.networks[name]
            shown = {id(v) for i in range(stage + 1) for v in network.grown(i)}
            wanted = [id(v) in shown for v in network.trainable_variables]
            assert found[name] == wanted, (name, stage)
    counts = {name: int(opt.iterations) for name, opt in trainer.optimizers.items()}
    assert counts == {
        **{"text_encoder": 2, "conditioning": 2},
        **{"generator_0": 2, "generator_1": 1, "generator_2": 0},
        **{"discriminator_0": 2, "discriminator_1": 1, "discriminator_2": 0},
    }


def test_the_discriminator_may_learn_several_times_a_step(make, monkeypatch):
    trainer, drawn, uniform = make("N_CRITIC=3"), [], noise.uniform
    monkeypatch.setattr(noise, "uniform", lambda *key: drawn.append(key[2]) or uniform(*key))
    for name, optimizer in trainer.optimizers.items():
        if not name.startswith("discriminator"):
            optimizer.learning_rate = 0.0
    before = weights(trainer)
    trainer.train_step(batch(4), tf.constant(0, tf.int64), 0)
    found = moved(before, weights(trainer))
    assert [name for name in NAMES if any(found[name])] == ["discriminator"]
    assert len(set(drawn)) == 3, "each of its updates has a mix of its own"
    assert int(trainer.optimizers["discriminator_0"].iterations) == 3
    assert int(trainer.optimizers["generator_0"].iterations) == 1


@pytest.mark.parametrize(
    "loss", ["wgan-gp", "wgan", "relativistic-hinge", "hinge", "lsgan", "non-saturating"]
)
@pytest.mark.parametrize("kind", ["progressive", "multiscale"])
def test_every_loss_trains_both_kinds_of_network(kind, loss, make, one_stage):
    overrides = one_stage if kind == "multiscale" else ()
    trainer = make(*overrides, f"LOSS_FUNCTION={loss}")
    before = weights(trainer)
    side, stage = (16, 0) if overrides else (4, 0)
    reported = trainer.train_step(batch(side), tf.constant(0, tf.int64), stage)
    assert all(np.isfinite(float(value)) for value in reported.values())
    assert ("penalty" in reported) == (loss in ("wgan-gp", "non-saturating"))
    found = moved(before, weights(trainer))
    assert all(any(found[name]) for name in NAMES)
    if overrides:
        assert all(all(found[name]) for name in NAMES)


def test_all_sizes_are_judged_together(make, one_stage):
    trainer = make(*one_stage, "LOSS_FUNCTION=hinge", "DRIFT=0")
    encoder, _, _, judge = trainer.networks.values()
    given = batch(16)
    sizes = [given["real"]]
    for _ in range(2):
        sizes.insert(0, half(sizes[0]))
    expected = tf.reduce_mean(judge(sizes, encoder(TOKENS)))
    reported = trainer.train_step(given, tf.constant(0, tf.int64))
    assert float(reported["d_real"]) == pytest.approx(float(expected), rel=1e-4)


def test_mismatched_captions_weigh_as_much_as_is_asked(make):
    for matching, share in (("mean", 0.5), ("sum", 1.0)):
        told = make(f"MATCHING={matching}").train_step(batch(4), tf.constant(0, tf.int64), 0)
        wanted = share * (told["d_fake"] + told["d_wrong"]) - told["d_real"]
        assert float(told["d_loss"]) == pytest.approx(float(wanted), rel=1e-4, abs=1e-6)
    alone = make("USE_MATCHING_AWARE_DISCRIMINATOR=False")
    told = alone.train_step(batch(4), tf.constant(0, tf.int64), 0)
    assert "d_wrong" not in told
    assert float(told["d_loss"]) == pytest.approx(float(told["d_fake"] - told["d_real"]), rel=1e-4)


def test_what_is_sampled_is_averaged_block_by_block(make):
    trainer = make("EMA_DECAY=0.5")
    assert list(trainer.frozen) == ["average_text_encoder", "average_conditioning"] + [
        "average_generator"
    ]
    generator, average = trainer.networks["generator"], trainer.frozen["average_generator"]
    for variable, mean in zip(generator.weights, average.weights, strict=True):
        variable.assign(tf.ones_like(variable))
        mean.assign(tf.zeros_like(mean))
    trainer.average.update(STEP)
    # Step 3 is the fourth of the first block (4 / 13 are kept) and the first of the second.
    for stage, kept in ((0, 4 / 13), (1, 0.1), (2, 0.1)):
        for mean in average.grown(stage):
            np.testing.assert_allclose(mean, 1 - kept, rtol=1e-6)


def test_what_is_sampled_is_at_the_stage_of_the_last_step(make):
    trainer, data = make(), SimpleNamespace(vocabulary=Vocabulary.of(["a red square"]))
    sampler, asked = trainer.sampler(data), ["a square"]
    for done, growth in ((3, (0, 1.0)), (4, (1, 0.5)), (5, (1, 1.0))):
        trainer.optimizers["text_encoder"].iterations.assign(done)
        assert trainer.sampler(data) is sampler and sampler.growth == growth
        embedding = trainer.average.networks["text_encoder"](data.vocabulary.ids(asked, 8))
        np.testing.assert_allclose(sampler.embed(asked), embedding, rtol=1e-5)
        assert sampler(sampler.embed(asked), 0).shape == (1, sampler.imsize, sampler.imsize, 3)


def test_sampled_names_are_those_of_the_checkpoint(small_config):
    kept = {name: f"average_{name}" for name in NAMES[:3]}
    assert sampled(small_config()) == kept
    assert sampled(small_config("USE_EMA=False")) == {name: name for name in NAMES[:3]}


def test_networks_have_the_configured_form(small_config):
    cfg = small_config("RGB=tanh", "USE_EQL=False", "CA_FORM=relu", "MASKED=False")
    networks = build_networks(cfg, 11)
    assert list(networks) == list(NAMES)
    assert networks["text_encoder"].words.shape == (11, 4) and not networks["text_encoder"].masked
    assert networks["conditioning"].form == "relu" and networks["generator"].rgb == "tanh"


@pytest.mark.parametrize(
    ("sizes", "replicas", "fine"),
    [("[4,4,4]", 2, True), ("[4,4,4]", 3, False), ("[8,8,12]", 2, False), ("[8,8,16]", 2, True)],
)
def test_batches_are_shared_in_whole_groups(sizes, replicas, fine, small_config):
    cfg = small_config(f"BATCH_SIZES={sizes}")
    if fine:
        assert build(cfg, replicas, 3)
    else:
        with pytest.raises(UserError, match=f"cannot be shared by {replicas} devices"):
            build(cfg, replicas, 3)


@pytest.mark.slow
def test_two_devices_do_what_one_does(small, on_two_devices):
    # With short steps: rounding aside, which Adam turns into whole ones.
    keys = ["DEPTH=3", "LEARNING_RATE=1.0e-6", "BATCH_SIZES=[8, 8, 8]", "KL_WEIGHT=0.5"]
    (losses, weights, states), (sizes, _, large) = on_two_devices("faces", *small(*keys))
    assert len(losses) == 27 and len(weights) > 30
    for far, size in zip(losses, sizes, strict=True):
        assert far <= 1e-4 * size + 1e-5
    assert max(weights) < 1e-5
    for far, size in zip(states, large, strict=True):
        assert far <= 5e-3 * size + 1e-10
