"""Bets: the best one for a case, and how the stake is spread."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from hotfix.core.bets import LEAST, MOST, UNIFORM, Null, Side, best_bet, bets, cell, growth, shares

rates = st.floats(1e-5, 0.9)


nulls = st.builds(
    lambda side, margin, rho: Null(side, margin, (), rho), st.sampled_from(Side), st.floats(0.0, 0.5), st.sampled_from([0.2, 1.0])
)


@given(nulls, st.tuples(rates, rates), st.floats(0.01, 100.0))
def test_the_best_bet_is_where_an_optimiser_finds_the_growth_to_be_largest(null, case, ratio):
    found = growth(null, ratio, case, best_bet(null, ratio, case))
    best = minimize_scalar(
        lambda bet: -growth(null, ratio, case, bet), bounds=(LEAST, MOST), method="bounded", options={"xatol": 1e-9}
    )
    ends = max(growth(null, ratio, case, bet) for bet in (LEAST, MOST))
    assert found == pytest.approx(max(-best.fun, ends), rel=1e-5, abs=1e-9)


@given(st.sampled_from(Side), rates, st.floats(0.0, 0.5), st.floats(0.01, 100.0), st.floats(0.01, 0.99))
def test_on_the_boundary_of_the_null_no_bet_grows(side, rate_s, margin, ratio, bet):
    null = Null(side, margin, ())
    assert growth(null, ratio, (rate_s + margin, rate_s), bet) <= 1e-12


def test_the_stake_is_half_on_the_cases_and_half_spread_evenly():
    null = Null(Side.WORSE, 0.001, ((0.006, 0.001), (0.051, 0.001), (0.501, 0.001)))
    assert math.fsum(shares(null)) == pytest.approx(1.0)
    assert math.fsum(shares(null)[:3]) == pytest.approx(0.5)
    assert len(shares(null)) == len(bets(null, 0)) == 3 + len(UNIFORM)


def test_a_bet_comes_with_the_log_of_what_it_leaves():
    assert all(rest == math.log1p(-bet) for bet, rest in bets(Null(Side.BETTER, 0.005, ((0.001, 0.001),)), -12))


@given(st.floats(1e-6, 1e6))
def test_neighbours_on_the_grid_differ_by_less_than_a_fifth(ratio):
    assert math.exp(cell(ratio) / 6) == pytest.approx(ratio, rel=0.1)
