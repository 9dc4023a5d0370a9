"""Models that cheat one number must not pass real pictures in the overall order.

On drawn birds, judged by a classifier that is trained here: one good picture for every caption;
noise changed until the judge reads the caption's attributes from it; real pictures out of focus.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter

from misc.data.images import centre, crop_to_box, to_float, to_uint8
from misc.data.mentions import mentions_of
from misc.drawings import birds, birds_captions, birds_draw
from misc.evaluation import classifier, fit_classifier
from misc.evaluation.attributes import attribute_accuracy, questions
from misc.evaluation.kid import kid
from misc.evaluation.precision_recall import precision_recall
from misc.evaluation.protocols import line
from misc.evaluation.r_precision import r_precision
from misc.evaluation.ranking import ranking

SIDE, STORED, COUNT = 32, 38, 80
NAMES = birds.attribute_names("easy")


def draw(seeds, species=None):
    """Birds and their pictures uint8 (n, 38, 38, 3)."""
    made = [birds.attributes(seed, "easy", species) for seed in seeds]
    pictures = []
    for bird in made:
        drawing = birds_draw.draw(bird, 48)
        crop = crop_to_box(drawing.picture, drawing.box)
        pictures.append(np.asarray(crop.resize((STORED, STORED), Image.Resampling.BICUBIC)))
    return made, np.stack(pictures)


@pytest.fixture(scope="module")
def judged():
    """A quick oracle, birds with captions, and the pictures of each model."""
    independent, pictures = draw(range(1000, 1300), "independent")
    labels = np.stack([birds.labels(bird) for bird in independent])
    single = fit_classifier.one_of(NAMES, labels)
    keras.utils.set_random_seed(0)
    species = len(birds.all_species("easy"))
    model = classifier.build(species, len(NAMES), SIDE)
    unknown = np.full(len(labels), -1)
    fit_classifier.fit(model, pictures, unknown, labels, NAMES, single, epochs=12, seed=0)
    made, pictures = draw(range(2 * COUNT))
    own, reference = np.split(centre(pictures, SIDE), 2)
    captions = [birds_captions.captions(bird, 1)[0] for bird in made[:COUNT]]
    world = SimpleNamespace(
        model=model,
        one_of=[questions(NAMES)[name] for name in single],
        features=keras.Model(model.input, model.get_layer("species").input),
        said=mentions_of(captions, NAMES),
        species=np.array([bird["species"] for bird in made[:COUNT]]),
        own=own,
        reference=reference,
    )
    blurred = [Image.fromarray(one).filter(ImageFilter.GaussianBlur(2)) for one in own]
    world.models = {
        "constant": np.repeat(own[:1], COUNT, axis=0),
        "coded noise": coded_noise(world),
        "blurred": np.stack([np.asarray(one) for one in blurred]),
        "real": own,
    }
    world.lines = {name: lines(world, shown) for name, shown in world.models.items()}
    return world


def coded_noise(world):
    """Noise, changed step by step until the oracle reads the caption's attributes from it."""
    named = tf.constant(world.said == 1, tf.float32)

    @tf.function
    def step(shown):
        with tf.GradientTape() as tape:
            tape.watch(shown)
            logits = world.model(shown, training=False)["attributes"]
            read = classifier.probabilities(logits, world.one_of)
            loss = -tf.reduce_sum(named * tf.math.log(read + 1e-6))
        return tf.clip_by_value(shown - 0.1 * tf.sign(tape.gradient(loss, shown)), -1, 1)

    random = np.random.default_rng(0)
    shown = tf.constant(random.uniform(-1, 1, world.own.shape), tf.float32)
    for _ in range(12):
        shown = step(shown)
    return to_uint8(shown.numpy())


def judge(world, pictures):
    """What the oracle reads from pictures, and its features of them."""
    logits = world.model(to_float(pictures), training=False)
    read = classifier.probabilities(logits["attributes"], world.one_of).numpy()
    return read, world.features(to_float(pictures)).numpy()


def lines(world, pictures):
    """The numbers of one model's pictures, as reports have them."""
    read, features = judge(world, pictures)
    of_real, _ = judge(world, world.own)
    _, reference = judge(world, world.reference)
    told = (world.said == 1).astype(np.float32)  # a caption's features: what it names
    precise, ceiling = (r_precision(x, told, world.species, 0, among=20) for x in (read, of_real))
    accuracy = attribute_accuracy(read, world.said, NAMES, of_real, seed=0)
    return [
        line("kid", "quick", kid(features, reference, 0, subsets=10)),
        line("pr", "quick", precision_recall(features, reference, 0)["f1"]),
        line("r_precision", "quick", precise, ceiling=ceiling.value),
        line("attributes", "quick", accuracy.value, ceiling=accuracy.ceiling.value),
    ]


def value(world, model, metric):
    (found,) = [one["value"] for one in world.lines[model] if one["metric"] == metric]
    return found


def test_the_oracle_reads_real_pictures_and_not_shuffled_ones(judged):
    read, _ = judge(judged, judged.own)
    found = attribute_accuracy(read, judged.said, NAMES, read, seed=0)
    assert found.ceiling.value >= 0.8 and found.chance.value <= 0.35


def test_noise_coded_for_the_oracle_passes_real_pictures_on_sentences_alone(judged):
    for metric in ("attributes", "r_precision"):
        assert value(judged, "coded noise", metric) > value(judged, "real", metric)
    rows = {name: lines_of for name, (*_, lines_of) in judged.lines.items()}
    bare = {name: [{**row, "ceiling": None}] for name, row in rows.items()}
    assert rows["real"]["metric"] == "attributes"
    assert ranking(bare)[0]["model"] == "coded noise"


def test_real_pictures_come_first_in_the_overall_order(judged):
    order = ranking(judged.lines)
    assert [row["model"] for row in order if row["place"] == 1] == ["real"]


@pytest.mark.parametrize("cheat", ["constant", "coded noise", "blurred"])
def test_real_pictures_are_ahead_of_each_alone(judged, cheat):
    first, second = ranking({name: judged.lines[name] for name in (cheat, "real")})
    assert (first["model"], first["place"], second["place"]) == ("real", 1, 2)
