"""What can be read from captions' embeddings by a linear map, beside what their words tell.

For each attribute of the pictures a ridge regression is fitted to captions of the training classes
and tested on captions of unseen ones. Every value weighs the same, in fitting and in testing: the
measure is balanced accuracy, the mean over the values of the share of their captions that is read
right. Whoever guesses without a look at the caption gets 1 / values at most.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from misc.evaluation.attributes import questions

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # a standardised feature has variance 1
HELD = 5  # one training class in so many chooses the penalty
WORDS = 800  # of a bag: the most frequent words and pairs of neighbours
GENERIC = {"color", "colour", "shape", "pattern", "length", "size"}  # say what of a part is meant
EMPTY = {"about", "as", "like", "same", "than", "the"}  # in names of values, and in any caption


class Attribute(NamedTuple):
    """A question about a picture, with one answer.

    name: `wing_color`.   values: names of the answers.   answers: int (n,), of n pictures, indices
      of values, -1 where it is not known.
    """

    name: str
    values: tuple[str, ...]
    answers: np.ndarray


def measure(
    names: list[str],
    seen: tuple[np.ndarray, list[str], np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, list[str], np.ndarray, np.ndarray],
    progress: Callable[[list], Iterable] = iter,
) -> list[dict]:
    """What is read of each attribute, from all captions and from those that name it.

    Args:
      names: of the attributes, as in CUB or in CelebA.
      seen, unseen: of captions of training classes, and of others: embeddings float (m, d), the
        captions, int8 (m, attributes) of their pictures (1 yes, 0 no, -1 unknown), classes (m,).
      progress: wraps the list of questions that is gone through.
    Returns: two dicts a question, of all captions and of those that name it; questions that
      training does not know two answers to are left out.
    """
    (rows, captions, labels, classes), (test_rows, test_captions, test_labels, _) = seen, unseen
    words, test_words = ([words_of(one) for one in some] for some in (captions, test_captions))
    bag, test_bag = bags(words, test_words)
    probes = (Probe(rows, classes), test_rows), (Probe(bag, classes), test_bag)
    questions = zip(attributes(names, labels), attributes(names, test_labels), strict=True)
    lines = []
    for question, truth in progress(list(questions)):
        if len(set(question.answers) - {-1}) < 2:
            continue
        guesses = [one.guesses(question.answers, features) for one, features in probes]
        named = np.array([names_it(one, truth) for one in test_words])
        told = np.where(named, truth.answers, -1)
        for of, answers in (("all captions", truth.answers), ("captions that name it", told)):
            lines.append({"metric": "probe", "attribute": truth.name, "of": of})
            lines[-1] |= _compared(*guesses, answers)
    return lines


def _compared(guesses, bag_guesses, answers):
    """How many of the known answers are guessed right: nothing to say where they are all alike."""
    known = answers >= 0
    values = len(set(answers[known]))
    counts = {"values": values, "captions": int(known.sum())}
    if values < 2:
        return {"value": None, "bag_of_words": None, "chance": None, **counts}
    value, told = (balanced_accuracy(one[known], answers[known]) for one in (guesses, bag_guesses))
    return {"value": value, "bag_of_words": told, "chance": 1 / values, **counts}


def attributes(names: list[str], labels: np.ndarray) -> list[Attribute]:
    """Binary columns as questions: those named as in CUB together, others by themselves.

    `has_wing_color::blue`, `has_wing_color::red` ... are one question, answered where exactly one
    of them is true. `Eyeglasses`, as in CelebA, is answered by no or yes.

    Args: names: of the columns; labels: int8 (pictures, columns), 1 yes, 0 no, -1 unknown.
    """
    found = []
    for name, ks in questions(names).items():
        if "::" not in names[ks[0]]:
            answers, values = labels[:, ks[0]].astype(int), ("no", "yes")
        else:
            yes = labels[:, ks] == 1
            answers = np.where(yes.sum(axis=1) == 1, yes.argmax(axis=1), -1)
            values = tuple(names[k].partition("::")[2] for k in ks)
        found.append(Attribute(name, values, answers))
    return found


def words_of(caption: str) -> list[str]:
    """Runs of letters and digits, lower-cased."""
    return re.findall("[a-z0-9]+", caption.lower())


def names_it(caption_words: list[str], attribute: Attribute) -> bool:
    """Whether a caption can be expected to tell an attribute, by the words of the attribute's name.

    Of `wing_color` it has "wing" or "wings", and a word of one of its values; of `size`, where the
    name is nothing but what is meant, a word of a value; of `Wearing_Hat` or `crest`, with no or
    yes for values, every word of the name. A rule of thumb: it knows no synonyms.
    """
    said = set(caption_words) | {word.removesuffix("s") for word in caption_words}
    name = words_of(attribute.name.replace("_", " "))
    part = [word for word in name if word not in GENERIC] if len(name) > 1 else name
    if set(attribute.values) == {"no", "yes"}:
        return said.issuperset(part)
    # CUB's `large_(16_-_32_in)` is "large".
    plain = " ".join(value.partition("(")[0] for value in attribute.values).replace("_", " ")
    return bool(said & set(words_of(plain)) - EMPTY) and (len(name) == 1 or said.issuperset(part))


def bags(fitted: list[list[str]], others: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Captions as bags of words: float32 (n, at most WORDS), 1 where a word or a pair occurs.

    Pairs of neighbours ("red wings") are in it, for without word order nothing tells whether the
    wings are red. Of words equally frequent in `fitted` the first in the alphabet is taken.
    """
    bagged = [[_terms(words) for words in some] for some in (fitted, others)]
    times = Counter(term for terms in bagged[0] for term in terms)
    chosen = sorted(times, key=lambda term: (-times[term], term))[:WORDS]
    column = {term: k for k, term in enumerate(chosen)}
    out = [np.zeros((len(some), len(chosen)), np.float32) for some in bagged]
    for array, some in zip(out, bagged, strict=True):
        for row, terms in zip(array, some, strict=True):
            row[[column[term] for term in terms if term in column]] = 1
    return out[0], out[1]


def _terms(words):
    return {*words, *(" ".join(pair) for pair in zip(words, words[1:], strict=False))}


def balanced_accuracy(guesses: np.ndarray, answers: np.ndarray) -> float:
    """Mean over the answers that occur of the share of them that is guessed right."""
    return float(np.mean([np.mean(guesses[answers == value] == value) for value in set(answers)]))


class Probe:
    """Reads answers from features, after fitting to training captions.

    Args:
      features: float (m, d) of training captions.
      classes: int (m,), by which some are held out to choose the penalty.
    """

    def __init__(self, features: np.ndarray, classes: np.ndarray):
        self._mean = features.mean(axis=0, dtype=np.float64)
        deviation = features.std(axis=0, dtype=np.float64)
        self._scale = 1 / np.where(deviation > 1e-9, deviation, np.inf)  # what never varies tells 0
        self._features = self._standard(features)
        _, numbers = np.unique(classes, return_inverse=True)
        self._held = numbers % HELD == 0

    def guesses(self, answers: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Answers int (n,) read from features float (n, d), after fitting to `answers`.

        Args: answers: int (m,) of the training captions, -1 where not known; at least two values.
        """
        known = answers >= 0
        fit, held = known & ~self._held, known & self._held
        penalty = PENALTIES[len(PENALTIES) // 2]
        if len(set(answers[fit])) > 1 and held.any():
            maps = _ridge(self._features[fit], answers[fit], PENALTIES)
            scores = [
                balanced_accuracy(_read(one, self._features[held]), answers[held]) for one in maps
            ]
            penalty = PENALTIES[int(np.argmax(scores))]
        (chosen,) = _ridge(self._features[known], answers[known], (penalty,))
        return _read(chosen, self._standard(features))

    def _standard(self, features):
        return (features - self._mean) * self._scale


def _ridge(x, answers, penalties):
    """For each penalty the values, their linear maps (d, values) and biases (values,)."""
    values, numbers, counts = np.unique(answers, return_inverse=True, return_counts=True)
    weights = (1 / (len(values) * counts))[numbers]  # each value weighs the same; 1 in all
    target = np.eye(len(values))[numbers]
    x_mean, y_mean = weights @ x, weights @ target
    weighted = x * weights[:, None]
    gram = weighted.T @ x - np.outer(x_mean, x_mean)
    moment = weighted.T @ target - np.outer(x_mean, y_mean)
    out = []
    for penalty in penalties:
        solved = np.linalg.solve(gram + penalty * np.eye(len(gram)), moment)
        out.append((values, solved, y_mean - x_mean @ solved))
    return out


def _read(fitted, x):
    values, solved, bias = fitted
    return values[np.argmax(x @ solved + bias, axis=1)]
