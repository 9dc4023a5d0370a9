"""Probes: attributes grouped, captions that name them, and a planted encoder that knows one."""

import numpy as np
import pytest

from encoder import probe

CUB = ["has_wing_color::blue", "has_wing_color::red", "has_size::the_very_small_(5_-_9_in)"]
CUB += ["has_crest::no", "has_crest::yes"]


def test_binary_columns_become_questions():
    labels = np.array(
        [
            [1, 0, 1, 1, 0],
            [0, 1, 0, 0, 1],
            [1, 1, -1, 0, 0],  # of two colours: no one answer
            [0, 0, 0, -1, -1],
            [-1, 1, 0, -1, 1],
        ],
        np.int8,
    )
    wing, size, crest = probe.attributes(CUB, labels)
    assert (wing.name, wing.values) == ("wing_color", ("blue", "red"))
    assert wing.answers.tolist() == [0, 1, -1, -1, 1]
    assert (size.name, size.values) == ("size", ("the_very_small_(5_-_9_in)",))
    assert size.answers.tolist() == [0, -1, -1, -1, -1]
    assert crest.answers.tolist() == [0, 1, -1, -1, 1]
    (alone,) = probe.attributes(["Wearing_Hat"], np.array([[1], [0], [-1]], np.int8))
    assert alone.name == "Wearing_Hat" and alone.values == ("no", "yes")
    assert alone.answers.tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("a bird with RED wings", ["wing_color"]),
        ("a red bird with one wing", ["wing_color"]),
        ("a red bird with wings like tails", ["wing_color"]),
        ("a red bird", []),
        ("a bird with wings", []),
        ("a small bird", ["size"]),
        ("the bird in 9", []),
        ("it has crests, a blue one", ["crest"]),
        ("she is wearing a hat", ["Wearing_Hat"]),
        ("that is a hat", []),
        ("", []),
    ],
)
def test_captions_name_attributes_by_their_words(caption, named):
    names = [*CUB, "Wearing_Hat"]
    questions = probe.attributes(names, np.zeros((1, len(names)), np.int8))
    words = probe.words_of(caption)
    assert [one.name for one in questions if probe.names_it(words, one)] == named


def test_bags_hold_words_and_pairs_of_what_was_fitted(monkeypatch):
    seen = [["red", "wings"], ["red", "tail", "red"]]
    bag, other = probe.bags(seen, [["tail", "red", "wings", "new"], []])
    # Sorted by how many captions have them, then by the letter.
    columns = ["red", "red tail", "red wings", "tail", "tail red", "wings"]
    assert bag.shape == (2, len(columns)) and bag.dtype == np.float32
    assert bag.tolist() == [[1, 0, 1, 0, 0, 1], [1, 1, 0, 1, 1, 0]]
    assert other.tolist() == [[1, 0, 1, 1, 1, 1], [0] * 6]
    monkeypatch.setattr(probe, "WORDS", 2)
    assert probe.bags(seen, seen)[1].tolist() == [[1, 0], [1, 1]]


def test_balanced_accuracy_by_hand():
    answers, guesses = np.array([0, 0, 0, 0, 2]), np.array([0, 0, 0, 2, 0])
    assert probe.balanced_accuracy(guesses, answers) == (3 / 4 + 0) / 2
    assert probe.balanced_accuracy(answers, guesses) == (3 / 4 + 0) / 2
    assert probe.balanced_accuracy(np.zeros(5, int), answers) == 1 / 2


def planted(seed, classes, per_class=40):
    """Captions that name colour and shape, and embeddings that know the colour alone."""
    random = np.random.default_rng(seed)
    colours, shapes = ["blue", "red", "green"], ["round", "long"]
    labels = np.repeat(classes, per_class)
    colour = random.choice(3, len(labels), p=(0.8, 0.15, 0.05))
    shape = random.integers(0, 2, len(labels))
    said = random.random(len(labels)) < 0.5
    sentences = [
        f"a bird with a {shapes[s]} tail and {colours[c]} wings" if named else "a bird"
        for c, s, named in zip(colour, shape, said, strict=True)
    ]
    rows = random.normal(0, 0.1, (len(labels), 8)).astype(np.float32)
    rows[said, colour[said]] += 3
    rows[:, 6] = 5  # never varies
    columns = np.concatenate([np.eye(3)[colour], np.eye(2)[shape]], axis=1).astype(np.int8)
    columns[::9, 3:] = -1
    return rows, sentences, columns, labels


NAMES = [f"has_wing_color::{value}" for value in ("blue", "red", "green")]
NAMES += ["has_tail_shape::round", "has_tail_shape::long"]


@pytest.fixture(scope="module")
def lines():
    seen, unseen = planted(0, range(30)), planted(1, range(30, 45))
    found = probe.measure(NAMES, seen, unseen)
    return {(line["attribute"], line["of"]): line for line in found}


def test_a_planted_encoder_knows_one_attribute_and_not_the_other(lines):
    assert len(lines) == 4 and all(line["metric"] == "probe" for line in lines.values())
    wing, tail = (lines[name, "captions that name it"] for name in ("wing_color", "tail_shape"))
    assert wing["value"] > 0.99 and wing["chance"] == 1 / 3 and wing["values"] == 3
    assert abs(tail["value"] - 0.5) < 0.1 and tail["chance"] == 1 / 2
    # Their words tell both.
    assert wing["bag_of_words"] > 0.99 and tail["bag_of_words"] > 0.99


def test_captions_that_do_not_name_it_lower_both(lines):
    every, named = (lines["tail_shape", of] for of in ("all captions", "captions that name it"))
    assert 600 * 0.85 < every["captions"] < 600 * 0.9  # each ninth is unknown
    assert 0.4 < named["captions"] / every["captions"] < 0.6
    assert 0.65 < every["bag_of_words"] < 0.85
    assert 0.5 < lines["wing_color", "all captions"]["value"] < 0.8


def test_chance_is_what_a_guess_without_a_look_gets():
    random = np.random.default_rng(0)
    answers = random.choice(3, 500, p=(0.8, 0.15, 0.05))
    for weights in ((1, 0, 0), (0.2, 0.1, 0.7)):
        blind = [
            probe.balanced_accuracy(random.choice(3, 500, p=weights), answers) for _ in range(200)
        ]
        assert np.mean(blind) == pytest.approx(1 / 3, abs=0.01)


def test_questions_without_two_answers_say_nothing():
    rows, sentences, columns, labels = planted(0, range(6))
    alike = columns.copy()
    alike[:, :3] = (1, 0, 0)
    known, unknown = (rows, sentences, columns, labels), (rows, sentences, alike, labels)
    assert {line["attribute"] for line in probe.measure(NAMES, unknown, known)} == {"tail_shape"}
    wing = probe.measure(NAMES, known, unknown)[0]
    assert wing["value"] is None and wing["bag_of_words"] is None and wing["chance"] is None
    assert (wing["values"], wing["captions"]) == (1, 240)


def test_the_penalty_is_chosen_on_classes_that_were_not_fitted():
    # The first feature is the class's own number: it tells the answers of the fitted classes alone.
    random = np.random.default_rng(0)
    classes = np.repeat(np.arange(40), 5)
    own = random.integers(0, 2, 40)[classes]
    answers = np.where(random.random(200) < 0.9, own, 1 - own)
    identity = np.eye(40)[classes]
    cue = answers[:, None] + random.normal(0, 0.4, (200, 1))
    features = np.concatenate([100 * identity, cue], axis=1)
    test = np.concatenate([np.zeros((200, 40)), cue], axis=1)
    guesses = probe.Probe(features, classes).guesses(answers, test)
    assert probe.balanced_accuracy(guesses, answers) > 0.8
