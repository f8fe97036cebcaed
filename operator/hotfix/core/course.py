"""How a rollout is expected to go from its first weight: expected counts, block after block, through the engine that will judge
the real ones, with the weights that it allows. Expectations, no decisions. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .counting import Block, Count, Counter
from .evidence import Noise, Question, State, extend
from .looking import judging_lag
from .planner import Traffic, expected_seconds, suspect
from .questions import questions
from .terms import HELD_PART, HELD_SCRAPES, MINIMUM_BLOCKS, MINIMUM_SECONDS, WARM_SECONDS, Terms

MOST_SCRAPES = 2000
COARSER_BLOCKS = 32  # after so many blocks they become twice as long: what takes an hour need not be told to a scrape
Rates = Mapping[Counter, tuple[float, float]]  # of (patched, stable)


@dataclass(frozen=True, slots=True)
class Course:
    """When it ends, in seconds from the first weight, and how many requests patched had until then."""

    seconds: float
    patched_requests: float


@dataclass(slots=True)
class _Counts:
    """Whole counts whose sums follow the expected ones: what is less than one waits for the next block."""

    rates: Rates
    due: dict[str, float] = field(default_factory=dict)

    def block(self, start: float, end: float, requests: tuple[float, float], processes: int) -> Block | None:
        """Of so many requests of (patched, stable) more; None while one side has none yet."""
        sides = ("patched", "stable")
        for side, more in zip(sides, requests, strict=True):
            self._add(side, more)
        if any(self.due[side] < 1 for side in sides):
            return None
        patched, stable = (self._side(side, place, processes) for place, side in enumerate(sides))
        return Block(start, end, patched, stable)

    def _side(self, side: str, place: int, processes: int) -> Count:
        requests, found = self._taken(side), {str(Counter.BAD): 0}
        for counter, both in self.rates.items():
            self._add(f"{side} {counter}", requests * both[place])
            found[str(counter)] = self._taken(f"{side} {counter}")
        return Count(requests=requests, pods=processes, sampled=True, **found)

    def _add(self, name: str, more: float) -> None:
        self.due[name] = self.due.get(name, 0.0) + more

    def _taken(self, name: str) -> int:
        whole = int(self.due[name] + 0.5)
        self.due[name] -= whole
        return whole


@dataclass(slots=True)
class _Walk:
    """A rollout under way. Seconds from the first weight, which comes in the middle of a scrape. `now`: end of the newest block;
    `raised`: since when `weight` is in force, instead of `before`."""

    terms: Terms
    request_rate: float
    weight: int
    counts: _Counts
    states: dict[Question, State]
    now: float
    before: int = 0
    raised: float = 0.0
    blocks: int = 0
    held: int = 0
    patched_requests: float = 0.0

    def step(self) -> None:
        """One more block."""
        length = self.terms.interval_seconds * 2 ** (self.blocks // COARSER_BLOCKS)
        start, self.now, self.blocks = self.now, self.now + length, self.blocks + 1
        old = min(1.0, max(0.0, (self.raised - start) / length))
        requests = self.request_rate * length
        patched = requests * (old * self.before + (1 - old) * self.weight) / 100
        self.patched_requests += patched
        self.held += old <= 1 - HELD_PART
        block = self.counts.block(start, self.now, (patched, requests - patched), self.terms.processes)
        if block:
            noise = Noise(self.terms.sigma2, WARM_SECONDS)
            self.states = {question: extend(question, state, block, noise) for question, state in self.states.items()}

    def reached(self, question: Question) -> bool:
        """Its evidence suffices."""
        return self.states[question].log_now >= question.log_threshold

    def ramped(self) -> bool:
        """Whether the weight is raised at the look that judges the newest block."""
        allowed = max((step for step, ramp in questions(self.terms).ramps.items() if self.reached(ramp)), default=0)
        if not self.held or allowed <= self.weight:
            return False
        self.before, self.weight, self.raised, self.held = self.weight, allowed, self.judged_at, 0
        return True

    def traffic(self, patched_rate: float, stable_rate: float) -> Traffic:
        """At the present weight, where this share of the requests fails."""
        return Traffic(
            request_rate=self.request_rate,
            share=self.weight / 100,
            patched_rate=patched_rate,
            stable_rate=stable_rate,
            interval_seconds=self.terms.interval_seconds,
            sigma2=self.terms.spread(Counter.BAD),
            processes=(self.terms.processes, self.terms.processes),
        )

    @property
    def judged_at(self) -> float:
        """When the newest block is judged."""
        return self.now + judging_lag(self.terms.interval_seconds)

    @property
    def over(self) -> bool:
        """Further is not looked ahead."""
        return self.now >= longest_seconds(self.terms)

    def ended(self, at: float) -> Course:
        """At this moment, which is not before the end of the newest block."""
        after = self.request_rate * (at - self.now) * self.weight / 100
        return Course(min(at, longest_seconds(self.terms)), self.patched_requests + after)


def longest_seconds(terms: Terms) -> float:
    """What does not end before that is expected at that moment: the deadline, or as far as is looked ahead."""
    return min(terms.late_blocks, MOST_SCRAPES) * terms.interval_seconds


def _walk(terms: Terms, rates: Rates, request_rate: float, start: int, *of: Question) -> _Walk:
    states = dict.fromkeys((*of, *questions(terms).ramps.values()), State())
    return _Walk(terms, request_rate, start, _Counts(rates), states, now=-terms.interval_seconds / 2)


def until_found_out(terms: Terms, rates: Rates, request_rate: float, start: int) -> Course:
    """Until a patch that fails more than stable is taken out of traffic."""
    worse = questions(terms).worse
    walk = _walk(terms, rates, request_rate, start, worse)
    while not walk.over:
        walk.step()
        if walk.reached(worse):
            break
        found_out = expected_seconds(worse, walk.states[worse].log_now, walk.traffic(*rates[Counter.BAD]))
        if not suspect(found_out, terms.interval_seconds, request_rate):
            walk.ramped()
    return walk.ended(walk.judged_at)


def until_the_bake(terms: Terms, rates: Rates, request_rate: float, start: int) -> Course:
    """Until a good patch has nearly all traffic."""
    wanted, interval = questions(terms).wanted(terms), terms.interval_seconds
    walk = _walk(terms, rates, request_rate, start, *wanted)
    while not walk.over:
        walk.step()
        if not walk.ramped() and walk.held and all(walk.reached(question) for question in wanted):
            break
    last_scrape = (walk.raised - interval / 2) // interval * interval + interval / 2  # before the weight that it ends with
    earliest = max(MINIMUM_SECONDS, MINIMUM_BLOCKS * interval, last_scrape + HELD_SCRAPES * interval)
    return walk.ended(max(walk.judged_at, earliest))
