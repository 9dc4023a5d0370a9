"""Reads what a sentence says of things: `blue wings`, `its wings are blue`, `without a crest`.

English as captions use it, without a grammar of all of it: a sentence is read once, from left to
right, and words gather until it is clear what they belong to. What is not understood says nothing,
and takes the adjectives before it along: of `black wing tips` no wing is black. Which words there
are is a `Lexicon`; what they do to each other is here.
"""

from dataclasses import dataclass

from misc.words.lexicon import Fact, Lexicon

# `yellow striped wings` have yellow stripes, perhaps: these take the colours before them away.
PATTERNED = frozenset("striped spotted streaked edged barred tipped speckled mottled".split())
PATTERNED |= {"outlined", "rimmed", "ringed", "lined"}
# Behind a noun these are what the sentence speaks of: `a black crown stripe`.
COMPOUNDS = frozenset(
    "stripe stripes tip tips bar bars patch patches band bands ring rings spot spots line lines "
    "edge edges streak streaks marking markings side sides area".split()
)


@dataclass
class _Thing:
    """A noun with its adjectives, as far as it has been read; `shared` stood before it.

    `inherited`: those stood before the noun that it is joined to.
    """

    noun: str
    adjectives: set[str]
    sign: int
    plural: bool = False
    shared: frozenset[str] = frozenset()
    inherited: bool = False

    def disinherit(self) -> None:
        """Forget what another noun left: `a red crown, wings are blue`."""
        if self.inherited:
            self.adjectives, self.inherited = set(), False


def read(sentence: str, lexicon: Lexicon) -> list[Fact]:
    """All that a sentence says, in the words of the lexicon; nothing where it is not clear."""
    reader = _Reader(lexicon)
    for token in lexicon.tokens(sentence):
        getattr(reader, f"on_{token.role}")(token)
    reader.on_break()
    return reader.facts


class _Reader:
    """Where the reading of a sentence stands.

    `group` are the nouns joined so far, `pending` the adjectives that no noun has got yet,
    `subjects` those that a verb now tells about (`its wings and tail are ...`). `joined` is the
    conjunction since the last noun, and `determined` whether an article came since. `sign` is 1, -1
    (denied) or 0: of `without glasses and a hat` nobody knows about the hat. `scope` is the word
    that denied, and `spent` whether it has found something to deny.
    """

    def __init__(self, lexicon: Lexicon):
        self.lexicon, self.facts = lexicon, []
        self.sign, self.scope, self.spent = 1, "", False
        self._begin()

    def _begin(self):
        self.group, self.subjects, self.pending = [], [], []
        self.joined, self.determined = "", False

    def on_adjective(self, token):
        if token.word in PATTERNED:
            self.pending = [word for word in self.pending if word not in self.lexicon.colours]
        self.pending.append(token.word)

    def on_filler(self, token):
        pass

    def on_say(self, token):
        if self.sign:
            self.facts += [f if self.sign > 0 else f.opposite() for f in token.facts]
        self.spent = True

    def on_tell(self, token):
        self.facts += token.facts

    def on_nouns(self, token):
        self.on_noun(token)
        self.group[-1].plural = True

    def on_noun(self, token):
        adjectives = set(self.pending)
        if self.subjects:  # `its wings are blue and yellow legs are ...`
            self._close()
        last = self.group[-1] if self.group else None
        bare = last and not (self.joined or self.determined or adjectives)
        if bare:  # a compound, `wing tail`: the first is no thing of its own
            self.group.pop()
        elif last and not self.joined:
            self._close()
        inherited = last and self.joined and not (self.determined or adjectives)
        if inherited and last.noun not in self.lexicon.whole:
            adjectives = set(last.shared)
        shared = frozenset(adjectives & self.lexicon.colours)
        self.group.append(
            _Thing(token.word, adjectives, self.sign, shared=shared, inherited=bool(inherited))
        )
        self.pending, self.joined, self.determined = [], "", False
        self.spent = True

    def on_unknown(self, token):
        if token.word in COMPOUNDS and self.group and not (self.joined or self.determined):
            self.group.pop()
        self._close()
        self.spent |= self.scope == "no"

    def on_determiner(self, token):
        if self.subjects and not self.joined:  # `is a small bird`
            return
        if self.subjects:  # `is red and its wings`
            self.sign = self.sign or 1
        if self.subjects or (self.group and self.joined != "and"):
            self._flush()
            self._close()
        self.determined = True

    def on_conjunction(self, token):
        self._flush()
        if self.sign < 0 and self.spent and token.word not in ("or", "nor"):
            self.sign = int(self.scope == "no")
        if self.group and (self.joined, token.word) == ("and", ","):
            self.pending = []  # `wings red and white, crown blue`: of whom is not clear
        self.joined = token.word
        self.determined = False

    def on_copula(self, token):
        if self.subjects or not self.group:
            return
        # `a bird with a grey bill and is black`, `with white wings that is black`: the bird is.
        if self.joined or (self.group[-1].plural and token.word in ("is", "was")):
            self._close()
            return
        self.sign = self.sign or 1  # `without glasses and a hat, his hair is red`
        *others, last = self.group
        self.subjects, self.pending = [last], []
        for thing in reversed(others):  # `its wings and tail are blue`, not `a bird and its wings`
            told = thing.adjectives and not thing.inherited
            if told or thing.sign != last.sign or thing.noun in self.lexicon.whole:
                break
            self.subjects.append(thing)
        for thing in self.subjects:
            thing.sign = thing.sign or 1
            thing.disinherit()
        self.joined, self.determined = "", False

    def on_relative(self, token):
        self._flush()
        self.joined, self.determined = "", False

    def on_inside(self, token):
        self.group.append(_Thing(self.lexicon.inner, set(self.pending), self.sign))
        self.facts += token.facts if self.pending and self.sign > 0 else ()
        self._close()

    def on_break(self, token=None):
        self._flush()
        self._close()
        if self.sign == 0 or self.spent:  # `does not have a crest` still denies, behind "have"
            self.sign, self.scope = 1, ""

    def on_not(self, token):
        self.sign, self.scope, self.spent = -1, token.word, False

    def on_no(self, token):
        self.on_determiner(token)
        self.on_not(token)

    def _flush(self):
        """Give the pending adjectives to what is told about: `wings are blue`, `mouth open`."""
        if not self.pending:
            return
        if self.subjects:
            things = self.subjects
        elif self.group and not (self.joined or self.determined):
            things = self.group[-1:]
        else:
            return
        for thing in things:
            thing.disinherit()
            if self.sign > 0:
                thing.adjectives |= set(self.pending)
            elif self.sign < 0:
                self._deny(thing.noun, set(self.pending))
        self.pending, self.spent = [], True

    def _close(self):
        """Say what the group means, and begin anew."""
        for thing in self.group:
            if thing.sign > 0:
                self._affirm(thing.noun, thing.adjectives)
            elif thing.sign < 0:
                self._deny(thing.noun, thing.adjectives)
        self._begin()

    def _affirm(self, noun: str, adjectives: set[str]):
        if noun in self.lexicon.whole and len(adjectives & self.lexicon.colours) > 1:
            adjectives = adjectives - self.lexicon.colours
        for needed, facts in self.lexicon.meanings.get(noun, {}).items():
            if needed <= adjectives:
                self.facts += facts

    def _deny(self, noun: str, adjectives: set[str]):
        """`no crest` denies the crest; `no blue wings` that they are blue, not that it has some."""
        facts = self.lexicon.meanings.get(noun, {}).get(frozenset(adjectives), ())
        denied = [fact.opposite() for fact in facts]
        self.facts += denied if adjectives else self.lexicon.absent.get(noun, denied)
