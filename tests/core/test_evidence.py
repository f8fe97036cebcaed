"""The evidence keeps its promise: never more than 1 expected under the null, exact where an exact answer is known."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hotfix.core import evidence
from hotfix.core.bets import Null, Side, bets, cell, shares
from hotfix.core.counting import Block, Count
from hotfix.core.evidence import Question, State, extend
from tests.core.made import block, noise

CASES = ((0.006, 0.001), (0.051, 0.001))
NOT_WORSE = Question("not worse", Null(Side.BETTER, 0.005, ((0.001, 0.001), (0.0001, 0.001))), 0.05)
WORSE = Question("worse", Null(Side.WORSE, 0.001, CASES), 0.01, late_blocks=720)
QUIET = noise()


def log_wins(null, one):
    return evidence.log_wins(null, (one.patched.requests, one.stable.requests), (one.patched.bad, one.stable.bad))


def design_effect(null, one, sigma2):
    requests, bad = (one.patched.requests, one.stable.requests), (one.patched.bad, one.stable.bad)
    return evidence.design_effect(null, requests, bad, sigma2, (one.patched.pods, one.stable.pods))


BOUNDARIES = [  # side, n_c, n_s, rho, margin, rate_s
    (Side.BETTER, 25, 475, 1.0, 0.005, 0.0),
    (Side.BETTER, 25, 475, 1.0, 0.02, 0.05),
    (Side.BETTER, 40, 40, 0.5, 0.0, 0.3),
    (Side.BETTER, 60, 3, 1.0, 0.04, 0.5),
    (Side.WORSE, 25, 475, 1.0, 0.001, 0.001),
    (Side.WORSE, 40, 40, 1.0, 0.02, 0.05),
    (Side.WORSE, 40, 40, 0.2, 0.0, 0.5),
    (Side.WORSE, 60, 3, 1.0, 0.001, 0.9),
]


def expected_wins(null, n_c, n_s, weights_c, weights_s):
    """E[S] of every bet by summation over all counts with a weight that matters."""
    total = [0.0] * len(shares(null))
    for x_c, p_c in weights_c:
        for x_s, p_s in weights_s:
            for place, win in enumerate(log_wins(null, block((n_c, x_c), (n_s, x_s)))):
                total[place] += p_c * p_s * math.exp(win)
    return total


def weights(law, top):
    return [(x, p) for x in range(top) if (p := float(law.pmf(x))) > 0.0]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
def test_on_the_poisson_boundary_every_bet_is_fair(boundary):
    side, n_c, n_s, rho, margin, rate_s = boundary
    null = Null(side, margin, CASES, rho)
    counts = [weights(stats.poisson(n * rate), 160) for n, rate in ((n_c, rho * rate_s + margin), (n_s, rate_s))]
    assert expected_wins(null, n_c, n_s, *counts) == pytest.approx([1.0] * len(shares(null)), abs=1e-9)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
@pytest.mark.parametrize("inside", [0.0, 0.3])
def test_for_binomial_counts_no_bet_is_better_than_fair_on_the_boundary_and_inside(boundary, inside):
    side, n_c, n_s, rho, margin, rate_s = boundary
    null = Null(side, margin, CASES, rho)
    rate_c = rho * rate_s + margin
    rate_c = min(1.0, rate_c + inside * (1 - rate_c)) if side is Side.BETTER else rate_c * (1 - inside)
    counts = [weights(stats.binom(n, rate), n + 1) for n, rate in ((n_c, rate_c), (n_s, rate_s))]
    assert max(expected_wins(null, n_c, n_s, *counts)) <= 1 + 1e-9


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_without_a_margin_a_bet_is_the_ratio_of_two_conditional_binomials(n_c, n_s, data):
    x_c, x_s = data.draw(st.integers(0, n_c)), data.draw(st.integers(0, n_s))
    null = Null(Side.WORSE, 0.0, CASES)
    share = n_c / (n_c + n_s)
    for win, (bet, _) in zip(log_wins(null, block((n_c, x_c), (n_s, x_s))), bets(null, cell(n_c / n_s)), strict=True):
        moved = share * (1 + bet * n_s / n_c)
        exact = stats.binom.logpmf(x_c, x_c + x_s, moved) - stats.binom.logpmf(x_c, x_c + x_s, share)
        assert win == pytest.approx(exact, rel=1e-6, abs=1e-6)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 300), st.integers(0, 300))
def test_more_errors_on_patched_are_always_evidence_against_it_and_on_stable_for_it(n_c, n_s, x_c, x_s):
    here, more_c, more_s = (block((n_c, x_c + c), (n_s, x_s + s)) for c, s in ((0, 0), (1, 0), (0, 1)))
    for null, sign in ((WORSE.null, 1), (NOT_WORSE.null, -1)):
        wins, on_c, on_s = (log_wins(null, one) for one in (here, more_c, more_s))
        assert all(sign * (b - a) > 0 for a, b in zip(wins, on_c, strict=True))
        assert all(sign * (b - a) < 0 for a, b in zip(wins, on_s, strict=True))


counts = st.integers(1, 10**6)
blocks = st.builds(
    lambda n_c, n_s, x_c, x_s, at: block((n_c, x_c), (n_s, x_s), at=at), counts, counts, counts, counts, st.integers(0, 999)
)
questions = st.sampled_from([WORSE, NOT_WORSE, Question("w", Null(Side.WORSE, 0.0, CASES, 0.5), 0.2, late_blocks=1)])


def folded(question, many, state=None, noise=QUIET):
    state = state or State()
    for one in many:
        state = extend(question, state, one, noise)
    return state


@given(questions, blocks)
def test_one_block_can_never_decide(question, one):
    assert folded(question, [one]).log_max < question.log_threshold


@given(questions, st.lists(blocks, max_size=8), blocks, st.floats(0, 10))
def test_evidence_grows_by_no_more_than_the_cap_a_block(question, before, one, sigma2):
    state = folded(question, before)
    assert extend(question, state, one, noise(sigma2)).log_now <= state.log_now + question.cap + 1e-9


def test_two_blocks_of_a_crash_decide():
    crash = [block((25, 25), (475, 0), at=place) for place in range(2)]
    assert folded(WORSE, crash).log_max >= WORSE.log_threshold


@given(questions, st.lists(blocks, min_size=1, max_size=8), st.integers(0, 8))
def test_evidence_extended_block_by_block_is_the_same_as_replayed(question, many, cut):
    assert folded(question, many[cut:], folded(question, many[:cut])) == folded(question, many)


def test_the_maximum_is_kept_when_the_evidence_falls():
    bad, good = [block((25, 25), (475, 0))] * 2, [block((250, 0), (250, 9))] * 40
    state = folded(WORSE, bad + good)
    assert state.log_max == folded(WORSE, bad).log_max > WORSE.log_threshold
    assert state.log_now < state.log_max


def test_a_healthy_first_hour_does_not_bury_a_leak():
    healthy, leaking = [block((250, 0), (250, 0))] * 600, [block((250, 13), (250, 0))]
    plain = Question("worse", WORSE.null, WORSE.level)
    needed = [
        next(n for n in range(1, 400) if folded(question, leaking * n, hour).log_max >= question.log_threshold)
        for question in (WORSE, plain)
        for hour in [folded(question, healthy)]
    ]
    assert needed[0] <= 5
    assert needed[1] >= 3 * needed[0]


def test_after_the_last_late_block_no_stake_enters_any_more():
    question = Question("worse", WORSE.null, 0.01, late_blocks=2)
    healthy = [block((250, 0), (250, 5))]
    logs = [folded(question, healthy * n).log_now for n in (1, 2, 3, 50)]
    assert all(after < before for before, after in pairwise(logs))
    assert logs[-1] < -5


def test_a_stake_that_waits_is_not_lost():
    assert folded(WORSE, [block((10**6, 0), (10**6, 10**5))]).log_now == pytest.approx(math.log(0.5))


def test_the_warm_up_asks_a_larger_null():
    warm = Question("worse", WORSE.null, 0.01, late_blocks=720, warm=Null(Side.WORSE, 0.02, CASES))
    slow_start = [block((1000, 15), (1000, 1), at=place) for place in range(12)]
    whole = noise(warm_until=slow_start[-1].end)
    assert folded(warm, slow_start).log_max > warm.log_threshold
    assert folded(warm, slow_start, noise=whole).log_max < 1
    crash = [block((25, 25), (475, 0), at=place) for place in range(2)]
    assert folded(warm, crash, noise=whole).log_max >= warm.log_threshold


def test_a_block_is_warm_up_where_most_of_it_is():
    warm = Question("worse", WORSE.null, 0.01, warm=Null(Side.WORSE, 0.02, CASES))
    one = block((1000, 15), (1000, 1))
    middle = (one.start + one.end) / 2
    assert extend(warm, State(), one, noise(warm_until=middle)) == extend(WORSE_PLAIN, State(), one, QUIET)
    assert extend(warm, State(), one, noise(warm_until=middle + 1)) != extend(WORSE_PLAIN, State(), one, QUIET)


WORSE_PLAIN = Question("worse", WORSE.null, 0.01)


def test_without_noise_or_errors_the_design_effect_is_one():
    null = Null(Side.WORSE, 0.0, CASES)
    assert design_effect(null, block((100, 0), (100, 0)), 5.0) == 1.0
    assert design_effect(null, block((100, 9), (100, 9)), 0.0) == 1.0


def test_the_design_effect_follows_its_formula():
    one = Block(0.0, 5.0, Count(100, 12, 2), Count(300, 20, 6))
    rate = (12 + 20 - 1 - 100 * 0.01) / (100 + 300)
    mu_c, mu_s, r = 100 * (rate + 0.01), 300 * rate, 100 / 300
    phi = 1 + 0.5 * (mu_c**2 / 2 + r**2 * mu_s**2 / 6) / (mu_c + r**2 * mu_s)
    assert design_effect(Null(Side.WORSE, 0.01, CASES), one, 0.5) == pytest.approx(phi)


def test_what_a_bet_wins_is_divided_by_the_design_effect_before_it_is_capped():
    one, question = block((250, 3), (250, 9)), NOT_WORSE
    phi = design_effect(question.null, one, 2.0)
    wins = log_wins(question.null, one)
    assert phi > 1.5
    assert extend(question, State(), one, noise(2.0)).logs == pytest.approx([min(win / phi, question.cap) for win in wins])


@given(blocks, st.floats(0, 10), st.floats(0, 10))
def test_with_more_noise_no_bet_wins_or_loses_more(one, less, more):
    less, more = sorted((less, more))
    assert design_effect(NOT_WORSE.null, one, less) <= design_effect(NOT_WORSE.null, one, more)
    quiet, noisy = (extend(NOT_WORSE, State(), one, noise(sigma2)).logs for sigma2 in (less, more))
    assert all(abs(b) <= abs(a) + 1e-12 for a, b in zip(quiet, noisy, strict=True))


@pytest.mark.parametrize(
    "one",
    [
        block((1, 1000), (1000, 0)),
        block((10**15, 10**15), (1, 0)),
        block((1, 0), (10**15, 10**15)),
        block((5, 0), (5, 0), pods=(0, 0)),
    ],
    ids=["more errors than requests", "huge patched", "huge stable", "no process known"],
)
def test_extreme_counts_give_a_finite_number_again_and_again(one):
    for question in (WORSE, NOT_WORSE):
        state = folded(question, [one] * 300, noise=noise(0.02))
        assert math.isfinite(state.log_now)
        assert math.isfinite(state.log_max)
