"""What one update of the evidence costs: CPU microseconds for each question of a manifest with defaults and a fix."""

import time

from hotfix.core.counting import Block, Count, Counter
from hotfix.core.evidence import Noise, Question, State, extend
from hotfix.core.questions import questions
from hotfix.core.terms import FixTerms, SlowTerms, Terms
from tests.core.made import INTERVAL, START, terms

BLOCKS, ROUNDS = 240, 5
TARGET_MICROSECONDS = 10.0


def asked() -> Terms:
    """Everything is asked."""
    known = {Counter.BAD: 0.01, Counter.CLIENT_ERRORS: 0.01, Counter.TARGET: 0.008, Counter.SLOW: 0.02}
    return terms(
        rates=tuple(known.items()),
        sigma2=tuple((counter, 0.02) for counter in known),
        fix=FixTerms(min_reduction=0.5, expected_reduction=0.8, required=True),
        client_errors=True,
        slow=SlowTerms(delta=0.02, required=False),
    )


def blocks() -> list[Block]:
    """Scrapes of 1,500 requests at 5 %, with the errors to be expected and some more or less."""
    found = []
    for place in range(BLOCKS):
        begin, more = START + place * INTERVAL, place % 3
        patched = Count(75, more, 6, client_errors=1, target=0, slow=1 + more)
        stable = Count(1425 + 7 * more, 14 - more, 6, client_errors=14, target=11, slow=28)
        found.append(Block(begin, begin + INTERVAL, patched, stable))
    return found


def microseconds(question: Question, noise: Noise) -> float:
    """Of one update, in the quickest of a few rounds: what else the machine does is not the evidence's cost."""
    scrapes, best = blocks(), float("inf")
    for _ in range(ROUNDS):
        state, began = State(), time.process_time()
        for block in scrapes:
            state = extend(question, state, block, noise)
        best = min(best, time.process_time() - began)
    return 1e6 * best / len(scrapes)


def measured() -> dict[str, float]:
    """By what is asked; of a ladder its dearest rung."""
    under = asked()
    noise, found = Noise(under.sigma2, START), dict[str, float]()
    for question in questions(under).every:
        name = f"{question.name} ({question.counter})"
        found[name] = max(found.get(name, 0.0), microseconds(question, noise))
    return found
