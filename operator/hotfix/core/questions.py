"""What is asked of the counts, as data, and the evidence of every question so far. Pure.

How evidence grows is in evidence.py; what follows from it is in judgement.py.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .bets import Null, Side
from .counting import Block
from .evidence import Noise, Question, State, extend
from .terms import Terms

MARGINS = (0.005, 0.01, 0.02, 0.05, 0.1)  # the ladder of bounds that can be called proven
TARGET_PART = 0.9  # of stable's errors are taken to be what the hotfix is for
REMEMBERED = 1024  # analyses whose evidence is kept between looks


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of the counts. A further guardrail is one more entry here, not more structure."""

    worse: Question
    not_worse: Question
    ramps: Mapping[int, Question]  # by weight
    margins: Mapping[float, Question]  # by margin, the ladder

    def all(self) -> tuple[Question, ...]:
        """Every question once."""
        return tuple(dict.fromkeys((self.worse, self.not_worse, *self.ramps.values(), *self.margins.values())))


def questions(terms: Terms) -> Questions:
    """The questions of these terms, with the cases their bets are best for: what a harmful and a good patch look like."""
    rate = min(terms.baseline_rate, 1.0)
    harm = tuple((min(rate + rise, 1.0), rate) for rise in (terms.delta, 10 * terms.delta, 0.5))
    good = ((rate, rate), (rate * (1 - TARGET_PART), rate))

    def at_most(margin: float) -> Question:
        return Question("not worse", Null(Side.BETTER, margin, good), terms.beta)

    return Questions(
        worse=Question(
            "worse",
            Null(Side.WORSE, terms.tau, harm),
            terms.rollback_level,
            late_blocks=terms.late_blocks,
            warm=Null(Side.WORSE, max(terms.tau, terms.warm_margin), harm),
        ),
        not_worse=at_most(terms.delta),
        ramps={weight: at_most(100 * terms.max_impact / weight) for weight in terms.ramp_weights},
        margins={margin: at_most(margin) for margin in sorted({terms.delta, *MARGINS})},
    )


@dataclass(frozen=True, slots=True)
class Folded:
    """Evidence after the first `blocks` of an analysis; `fingerprint` is the hash of these."""

    blocks: int = 0
    fingerprint: int = hash(())
    states: Mapping[Question, State] = field(default_factory=dict)


_Key = tuple[Noise, tuple[Question, ...], Block]
_remembered: OrderedDict[_Key, Folded] = OrderedDict()


def fold(asked: tuple[Question, ...], noise: Noise, pairs: Sequence[Block], before: Folded | None = None) -> Folded:
    """The evidence of all questions after these blocks with requests on both sides. `before`, of an earlier look, saves work
    and never changes the result: where its blocks are not how these begin, everything is computed again."""
    pairs = tuple(pairs)
    if before is None or hash(pairs[: before.blocks]) != before.fingerprint or before.blocks > len(pairs):
        before = Folded()
    states: dict[Question, State] = {}
    for question in asked:
        state = before.states.get(question, State())
        for block in pairs[state.blocks :]:
            state = extend(question, state, block, noise)
        states[question] = state
    return Folded(len(pairs), hash(pairs), states)


def evidence_of(terms: Terms, pairs: Sequence[Block]) -> Mapping[Question, State]:
    """State of every question of these terms. What was computed at an earlier look at the same analysis is extended."""
    asked, noise = questions(terms).all(), Noise(terms.sigma2, terms.warm_until)
    if not pairs:
        return fold(asked, noise, ()).states
    key = (noise, asked, pairs[0])
    folded = fold(asked, noise, pairs, _remembered.pop(key, None))
    _remembered[key] = folded
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return folded.states
