"""The stated error probabilities, by simulation on the exact boundary and in noisy worlds. Reduced: a rate above its level by
more than chance explains (one in ten thousand) fails; the Monte-Carlo error is in the message."""

import math

import numpy
import pytest
from scipy import stats

from hotfix.core.counting import Block, Count
from hotfix.core.evidence import State, extend
from hotfix.core.judging import judge
from hotfix.core.questions import questions
from tests.bench import calibrate
from tests.core.made import INTERVAL, START, noise, terms

ROLLOUTS, BLOCKS, PODS = 200, 100, 6
EDGES = 60  # rollouts on each boundary


def world(random, requests, rates, sigma2=0.0, share=0.5):
    """Blocks of Poisson requests split at `share`; each process fails at its side's rate, scattered by sigma2 per block."""
    blocks = []
    for place in range(BLOCKS):
        counts = []
        for part, rate in ((share, rates[0]), (1 - share, rates[1])):
            n = random.poisson(requests * part / PODS, PODS)
            factor = random.gamma(1 / sigma2, sigma2, PODS) if sigma2 else 1.0
            x = random.binomial(n, numpy.minimum(1.0, rate * factor))
            counts.append(Count(int(n.sum()), int(x.sum()), int((n > 0).sum())))
        start = START + place * INTERVAL
        if counts[0].requests and counts[1].requests:
            blocks.append(Block(start, start + INTERVAL, counts[0], counts[1]))
    return blocks


def fired(question, blocks, noise):
    state = State()
    for one in blocks:
        state = extend(question, state, one, noise)
        if state.log_max >= question.log_threshold:
            return True
    return False


def assert_at_most(level, hits, rollouts):
    error = 1.96 * math.sqrt(level * (1 - level) / rollouts)
    chance = stats.binom.sf(hits - 1, rollouts, level)
    assert chance > 1e-4, f"{hits} of {rollouts} wrong decisions; stated {level} +- {error:.3f} (95 % Monte-Carlo error)"


@pytest.mark.parametrize("edge", list(calibrate.edges()), ids=lambda edge: edge.label)
def test_on_its_boundary_no_question_is_answered_wrongly_more_often_than_stated(edge):
    hits = sum(calibrate.fires(edge, seed) for seed in range(EDGES))
    assert_at_most(calibrate.question(edge.name, edge.rates[1]).level, hits, EDGES)


@pytest.mark.parametrize("requests", [50, 5000])
def test_processes_that_differ_from_each_other_do_not_roll_back_a_healthy_patch(requests):
    random = numpy.random.default_rng(13)
    asked = questions(terms(baseline_rate=0.02, late_blocks=BLOCKS)).worse
    hits = sum(fired(asked, world(random, requests, (0.02, 0.02), sigma2=0.3), noise(0.3)) for _ in range(ROLLOUTS))
    assert_at_most(asked.level, hits, ROLLOUTS)


def test_the_same_noisy_world_would_be_rolled_back_without_the_design_effect():
    random = numpy.random.default_rng(13)
    asked = questions(terms(baseline_rate=0.02, late_blocks=BLOCKS)).worse
    hits = sum(fired(asked, world(random, 5000, (0.02, 0.02), sigma2=0.3), noise(0.0)) for _ in range(60))
    assert hits > 6


def decided_after(random, rates, share):
    """Scrapes until a verdict at a fixed share, at 100 requests a second and 5 s scrapes."""
    blocks = world(random, 500, rates, share=share)
    asked = terms(baseline_rate=rates[1], weight=round(100 * share), warm_until=START + 30)
    for number in range(1, len(blocks) + 1):
        judged = judge(asked, blocks[:number])
        if judged.findings.worse.reached_ever or judged.findings.not_worse.reached_now:
            return number, judged
    raise AssertionError("undecided")


@pytest.mark.parametrize("stable", [0.001, 0.05])
def test_a_crash_at_a_small_share_is_found_within_three_scrapes(stable):
    random = numpy.random.default_rng(14)
    found = [decided_after(random, (1.0, stable), 0.05) for _ in range(20)]
    assert all(judged.findings.worse.reached_ever and number <= 3 for number, judged in found)


def test_a_cure_of_a_burning_stable_soon_may_take_half_of_the_traffic_and_is_then_proven():
    random = numpy.random.default_rng(15)
    asked, needed = terms(baseline_rate=0.05, warm_until=START + 30), []
    for _ in range(20):
        blocks = world(random, 500, (0.001, 0.05), share=0.05)
        needed.append(next(n for n in range(1, 20) if judge(asked, blocks[:n]).ramp_weight == 50))
        assert decided_after(random, (0.001, 0.05), 0.5)[0] <= 4
    assert sorted(needed)[10] <= 3
    assert max(needed) <= 8
