"""The real/wrong/fake step: who moves when, with which noise, and how large the gradients are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from misc.networks.losses import discriminator_loss
from misc.training.cond_gan import ConditionalGan, adam


class Linear:
    """A one-weight generator and discriminator whose updates can be worked out by hand."""

    def __init__(self, *, replicas=1, **options):
        keras.utils.set_random_seed(0)
        embedding = keras.Input((2,))
        image = keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1)(embedding))
        self.generator = keras.Model(embedding, image)
        picture, text = keras.Input((1, 1, 1)), keras.Input((2,))
        both = keras.layers.Concatenate()([keras.layers.Flatten()(picture), text])
        logits = keras.layers.Reshape(())(keras.layers.Dense(1)(both))
        judge = keras.Model([picture, text], logits)
        self.judge = judge
        self.calls = []
        self.d_optimizer, self.g_optimizer = keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0)
        self.d_optimizer.build(judge.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.gan = ConditionalGan(
            draw=self.draw,
            generate=self.generate,
            discriminator=Judge(judge),
            updates=[(self.g_optimizer, self.generator.trainable_variables)],
            d_update=(self.d_optimizer, judge.trainable_variables),
            replicas=replicas,
            kl=2.0,
            **options,
        )

    def draw(self, rows, step, second):
        self.calls.append(second)
        return {"eps": tf.range(1.0, rows + 1)[:, None] * (1.0 if second else 0.5)}

    def generate(self, embedding, drawn):
        mu = drawn["eps"] * [1.0, -1.0]
        return {"image": self.generator(embedding), "mu": mu, "logvar": 0 * mu}

    def fake(self, batch):
        """Fakes for the discriminator."""
        return self.generate(batch["embedding"], self.draw(len(batch["embedding"]), 0, False))

    def weights(self):
        return [
            [v.numpy().copy() for v in network.trainable_variables]
            for network in (self.generator, self.judge)
        ]


class Judge:
    """A discriminator that returns logits as ours do and remembers its conditions."""

    def __init__(self, network):
        self.network, self.conditions = network, []

    def __call__(self, inputs, training):
        self.conditions.append(np.asarray(inputs[1]))
        return {"conditional": self.network(inputs), "unconditional": None}


@pytest.fixture
def batch():
    random = np.random.default_rng(1)
    pictures = random.normal(size=(2, 4, 1, 1, 1)).astype(np.float32)
    embedding = tf.constant(random.normal(size=(4, 2)), tf.float32)
    return {
        "real": tf.constant(pictures[0]),
        "wrong": tf.constant(pictures[1]),
        "embedding": embedding,
    }


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_fakes_of_one_part_are_not_for_several(batch):
    toy = Linear(parts=2)
    with pytest.raises(ValueError, match="these fakes are of one part, and there are 2"):
        toy.gan.d_step(batch, toy.fake(batch))


def test_each_half_moves_its_own_network_only(batch):
    toy = Linear()
    generator, judge = toy.weights()
    toy.gan.d_step(batch, toy.fake(batch))
    after_d = toy.weights()
    assert not any(moved(generator, after_d[0])) and all(moved(judge, after_d[1]))
    toy.gan.train_step(batch, 0)
    assert all(moved(after_d[0], toy.weights()[0]))


def test_the_generators_half_leaves_the_discriminator_alone(batch):
    toy = Linear()
    toy.d_optimizer.learning_rate = 0.0
    _, judge = toy.weights()
    toy.gan.train_step(batch, 0)
    assert not any(moved(judge, toy.weights()[1]))


def test_fresh_noise_for_the_generator_unless_fakes_are_reused(batch):
    toy = Linear()
    toy.gan.train_step(batch, 0)
    assert sorted(toy.calls) == [False, True]
    reusing = Linear(reuse_fake=True)
    reusing.gan.train_step(batch, 0)
    assert reusing.calls == [True]


def test_both_ways_take_the_same_first_discriminator_step_without_noise(batch):
    toys = Linear(), Linear(reuse_fake=True)
    for toy in toys:
        toy.gan.train_step(batch, 0)
    for fresh, reused in zip(*(toy.weights() for toy in toys), strict=True):
        for a, b in zip(fresh, reused, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_discriminators_step_by_hand(batch):
    toy = Linear()
    before = toy.weights()[1]
    fake = toy.fake(batch)
    with tf.GradientTape() as tape:
        text = batch["embedding"]
        losses = discriminator_loss(
            *(
                {"conditional": toy.judge([image, text]), "unconditional": None}
                for image in (batch["real"], batch["wrong"], fake["image"])
            )
        )
    gradients = tape.gradient(losses["d_loss"], toy.judge.trainable_variables)
    reported = toy.gan.d_step(batch, fake)
    assert float(reported["d_loss"]) == pytest.approx(float(losses["d_loss"]))
    for a, b, gradient in zip(before, toy.weights()[1], gradients, strict=True):
        np.testing.assert_allclose(b, a - gradient, rtol=1e-5, atol=1e-6)


def test_gradients_are_shared_out_over_replicas_but_losses_reported_whole(batch):
    one, two = Linear(), Linear(replicas=2)
    before = one.weights()[1]
    losses = [float(t.gan.d_step(batch, t.fake(batch))["d_loss"]) for t in (one, two)]
    assert losses[0] == losses[1]
    for start, whole, half in zip(before, one.weights()[1], two.weights()[1], strict=True):
        np.testing.assert_allclose(half - start, (whole - start) / 2, rtol=1e-4, atol=1e-6)


def test_condition_is_the_text_or_mu(batch):
    toy, torch_like = Linear(), Linear(condition_on_mu=True)
    toy.gan.train_step(batch, 0)
    torch_like.gan.train_step(batch, 0)
    for seen in toy.gan.discriminator.conditions:
        np.testing.assert_array_equal(seen, batch["embedding"])
    assert [float(c[0, 0]) for c in torch_like.gan.discriminator.conditions] == [0.5] * 3 + [1.0]


@pytest.mark.parametrize("reuse_fake", [False, True])
def test_parts_of_a_batch_add_up_to_it_with_the_noise_of_their_rows(batch, reuse_fake):
    options = {"reuse_fake": reuse_fake, "condition_on_mu": True}
    whole, parts = Linear(**options), Linear(**options, parts=2)
    losses = [toy.gan.train_step(batch, 0) for toy in (whole, parts)]
    for name, value in losses[0].items():
        assert float(losses[1][name]) == pytest.approx(float(value), rel=1e-5), name
    for one, two in zip(*(toy.weights() for toy in (whole, parts)), strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    # Three pairs a part for the discriminator, one for the generator.
    seen = [c[:, 0].tolist() for c in parts.gan.discriminator.conditions]
    first = 1.0 if reuse_fake else 0.5
    assert seen[:6] == [[first, 3 * first]] * 3 + [[2 * first, 4 * first]] * 3
    assert seen[6:] == [[1.0, 3.0], [2.0, 4.0]]


def test_without_wrong_pairs(batch):
    toy = Linear(wrong=False)
    del batch["wrong"]
    assert "d_wrong" not in toy.gan.train_step(batch, 0)


def test_adam_as_published_and_built():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = adam(1e-3, network)
    assert optimizer.built and (optimizer.beta_1, optimizer.epsilon) == (0.5, 1e-8)
