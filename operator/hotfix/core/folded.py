"""Evidence and sums of an analysis so far, extended by the blocks that are new at a look. Pure.

What is kept from earlier looks saves work and never changes an answer: it is used only where the blocks begin with the very
blocks it is of, and the evidence of the same blocks is the same bit by bit, however it was extended.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from .counting import Block, Counter, paired
from .evidence import Noise, Question, State, counts, extend
from .judgement import Sides, Tally
from .questions import questions
from .terms import Terms

REMEMBERED = 8192  # analyses whose evidence is kept between looks
NONE = Sides(patched=Tally(requests=0, bad=0), stable=Tally(requests=0, bad=0))

END = attrgetter("end")


@dataclass(frozen=True, slots=True)
class Folded:
    """An analysis after its `scrapes`: these as `pairs`, which are blocks with requests on both sides, the sums over all of them
    by counter, and the state of every question."""

    scrapes: tuple[Block, ...] = ()
    pairs: tuple[Block, ...] = ()
    sums: Mapping[Counter, Sides] = field(default_factory=dict)
    states: Mapping[Question, State] = field(default_factory=dict)


_Key = tuple[Noise, tuple[Question, ...], Block]
_remembered: OrderedDict[_Key, Folded] = OrderedDict()


def fold(asked: tuple[Question, ...], noise: Noise, scrapes: Sequence[Block], before: Folded | None = None) -> Folded:
    """Everything after these blocks. `before`, of an earlier look, is used where its blocks are how these begin."""
    scrapes = tuple(scrapes)
    if before is None or before.scrapes != scrapes[: len(before.scrapes)]:
        before = Folded()
    # a block that waits for the other side is in no pair yet: pairing goes on after the newest pair
    since = bisect_right(scrapes, before.pairs[-1].end, key=END) if before.pairs else 0
    fresh = tuple(paired(scrapes[since:]))
    new = scrapes[len(before.scrapes) :]
    counters = dict.fromkeys((Counter.BAD, *(question.counter for question in asked)))
    sums = {counter: _added(before.sums.get(counter, NONE), new, counter) for counter in counters}
    states: dict[Question, State] = {}
    for question in asked:
        state = before.states.get(question, State())
        for block in fresh:
            state = extend(question, state, block, noise)
        states[question] = state
    return Folded(scrapes, before.pairs + fresh, sums, states)


def _added(sums: Sides, blocks: Sequence[Block], counter: Counter) -> Sides:
    found = [counts(block, counter) for block in blocks]
    patched = sums.patched.requests + sum(block.patched.requests for block in blocks)
    stable = sums.stable.requests + sum(block.stable.requests for block in blocks)
    return Sides(
        patched=Tally(requests=patched, bad=sums.patched.bad + sum(x for x, _ in found)),
        stable=Tally(requests=stable, bad=sums.stable.bad + sum(x for _, x in found)),
    )


def folded(terms: Terms, scrapes: Sequence[Block]) -> Folded:
    """Everything after these blocks under these terms. What was computed at an earlier look at the same analysis is extended."""
    asked, noise = questions(terms).every, Noise(terms.sigma2, terms.warm_until)
    if not scrapes:
        return fold(asked, noise, ())
    key = (noise, asked, scrapes[0])
    found = fold(asked, noise, scrapes, _remembered.pop(key, None))
    _remembered[key] = found
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return found
