"""What words mean: facts, tokens, a lexicon of one kind of pictures, and how one is made."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


class Fact(NamedTuple):
    """That an attribute has a value, or, unless it `holds`, that it has it not."""

    attribute: str
    value: str
    holds: bool = True

    def opposite(self) -> "Fact":
        """Of what is yes or no, the other; of a value among several, that it does not hold."""
        other = {"yes": "no", "no": "yes"}.get(self.value)
        return self._replace(value=other) if other else self._replace(holds=not self.holds)


class Token(NamedTuple):
    """A word, or a phrase that stands for one: its role in a sentence, and what it means.

    Roles: `noun`, `nouns` (in the plural) and `adjective` (the `word` is its key), `say` (facts,
    unless denied), `tell` (facts in any case), `inside` (what is coloured so is the lexicon's
    `inner` noun), and those of `FUNCTION`.
    """

    role: str
    word: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """The words for one kind of pictures.

    Attributes:
      phrases: {words, lower case without hyphens: what they stand for}.
      meanings: {noun: {adjectives that must all be there: facts}}; no adjectives: it is there.
      absent: {noun: facts if it is not there}, where they are not the opposite of its being there.
      colours: adjectives that `a red crown, throat and tail` says of the second and third, too.
      whole: nouns for all of it, which leave no colour to others, and of two colours say neither.
      inner: the noun of which `petals that are white inside` says the colour.
    """

    phrases: Mapping[str, tuple[Token, ...]]
    meanings: Mapping[str, Mapping[frozenset[str], tuple[Fact, ...]]]
    absent: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    colours: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    inner: str = ""

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes that sentences can say something of."""
        facts = [f for entries in self.meanings.values() for fs in entries.values() for f in fs]
        facts += [f for tokens in self.phrases.values() for token in tokens for f in token.facts]
        return frozenset(fact.attribute for fact in facts)

    @cached_property
    def _longest(self) -> dict[str, int]:
        """For each first word of phrases, the words of the longest."""
        longest: dict[str, int] = {}
        for words in map(str.split, self.phrases):
            longest[words[0]] = max(longest.get(words[0], 1), len(words))
        return longest

    def tokens(self, sentence: str) -> list[Token]:
        """The sentence in tokens; of all phrases that begin with a word the longest one counts."""
        words, tokens, i = normal(sentence).split(), [], 0
        while i < len(words):
            for n in range(min(self._longest.get(words[i], 1), len(words) - i), 0, -1):
                found = self.phrases.get(phrase := " ".join(words[i : i + n]))
                found = FUNCTION.get(phrase) if found is None else found
                if found is not None:
                    break
            tokens += (Token("unknown", words[i]),) if found is None else found
            i += n
        return tokens


def normal(text: str) -> str:
    """Lower case, hyphens as spaces, punctuation as words of its own, `n't` as `not`."""
    text = re.sub(r"n['’]t\b", " not", text.lower().replace("’", "'"))
    text = re.sub(r"'s\b", "", text)
    return " ".join(re.findall(r"[a-z0-9]+(?:'[a-z]+)?|[,.;:!?&]", text))


def _table(roles: dict[str, str]) -> dict[str, tuple[Token, ...]]:
    return {
        word: tuple(Token(role, word) for role in role_names.split())
        for role_names, words in roles.items()
        for word in words.split()
    }


# What words do in any sentence. A break ends a phrase and what "not" covers; an adjective without a
# meaning still tells that `and a small tail` is a new phrase; fillers are as good as not there.
FUNCTION = _table(
    {
        "determiner": "a an the its his her their this these those both one",
        "conjunction": "and , & or nor plus",
        "copula": "is are was were be being looks seems appears turn turns become becomes",
        "relative": "that which",
        "break": ". ; : ! ? with has have having had of on in at by near from to for under over "
        "above below behind around along through who whose while but as do does did it he she they "
        "wears wear wearing surrounding surrounded featuring showing sits sit sitting perches "
        "perched perching stands standing walks walking swims swimming floats floating flies "
        "flying rests resting there",
        "not": "not never neither",
        "no": "no",
        "break not": "without lacks lacking",
        "filler": "very really quite mostly mainly also bit slightly somewhat rather colored "
        "coloured color colour feathers feathered feather plumage overall entirely completely",
        "adjective": "long short big small large little tiny thick thin wide narrow bright vivid "
        "deep dark light pale soft shiny glossy fluffy pretty beautiful cute nice lovely colorful "
        "colourful multicolored striped spotted streaked edged barred tipped speckled mottled "
        "outlined rimmed ringed lined round rounded pointed pointy",
    }
)


class Words:
    """A lexicon in the making: `phrases` and `meanings` are those of a `Lexicon`."""

    def __init__(self):
        self.phrases: dict[str, tuple[Token, ...]] = {}
        self.meanings: dict[str, dict[frozenset[str], tuple[Fact, ...]]] = {}

    def nouns(self, key: str, words: Iterable[str]) -> None:
        """Words for a thing, in the singular and the plural."""
        for word in words:
            for form in (word, word.removesuffix("s"), f"{word}s"):
                plural = form.endswith(("s", "feet", "people")) and not form.endswith("ss")
                token = Token("nouns" if plural else "noun", key)
                self.phrases.setdefault(normal(form), (token,))

    def bearers(self, key: str, words: Iterable[str]) -> None:
        """`red winged`, `long haired`: the thing, and then another that has it."""
        for word in words:
            self.phrases[word] = (Token("noun", key), Token("break"))

    def adjectives(self, key: str, words: Iterable[str]) -> None:
        """Words, or several that stand for one, for how things are."""
        for word in words:
            self.phrases.setdefault(normal(word), (Token("adjective", key),))

    def means(self, noun: str, adjectives: Iterable[str], *facts: Fact) -> None:
        """What it says that a noun has these adjectives."""
        for word in adjectives:
            self.adjectives(word, [word])
        self.meanings.setdefault(noun, {})[frozenset(adjectives)] = facts

    def say(self, words: str, facts: tuple[Fact, ...], *roles: str) -> None:
        """A phrase that says all by itself; `roles` are what else it does to a sentence."""
        self.phrases[normal(words)] = (Token("say", "", facts), *map(Token, roles))

    def noun_of(self, word: str) -> str:
        """The key of a noun that is known, or ""."""
        tokens = self.phrases.get(word, ())
        return tokens[0].word if tokens and tokens[0].role in ("noun", "nouns") else ""

    def thing(self, words: str, facts: tuple[Fact, ...]) -> None:
        """`a forked tail`: a noun that is known, with adjectives; or else a phrase as it stands."""
        *adjectives, last = normal(words).split()
        if adjectives and adjectives[0] in ("a", "an"):
            del adjectives[0]
        noun = self.noun_of(last)
        if not adjectives:
            noun = noun or last
            self.nouns(noun, [last])
        bound = any(self.noun_of(word) or _binds(word) for word in adjectives)
        if noun and not bound:
            if self.meanings.get(noun, {}).get(frozenset()) != facts:
                self.means(noun, adjectives, *facts)
        else:
            self.say(" ".join([*adjectives, last]), facts, "unknown")


def _binds(word: str) -> bool:
    return word in FUNCTION and FUNCTION[word][0].role != "adjective"
