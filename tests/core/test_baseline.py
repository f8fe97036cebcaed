"""What stable's past tells before the start."""

import numpy
import pytest

from hotfix.core.baseline import RATE_OF_THE_UNKNOWN, SIGMA2_PRIOR, baseline_of
from hotfix.core.counting import Counter
from tests.core.made import counter, side, view

BLOCKS = 720  # an hour at 5 s


def past(grown):
    """The view of an hour in which stable's processes grew by `grown`: for each a list of (requests, bad) per block."""
    totals = [numpy.cumsum([(0, 0), *pod], axis=0) for pod in grown]
    requests = [counter(f"pod-{place}", total[:, 0].tolist()) for place, total in enumerate(totals)]
    errors = [counter(f"pod-{place}", total[:, 1].tolist()) for place, total in enumerate(totals)]
    return view(side([]), side(requests, errors), len(grown[0]))


def noisy(sigma2, pods=6, sticky=1, seed=5):
    """Processes whose error rate scatters around 5 % with this relative variance, anew every `sticky` blocks."""
    random = numpy.random.default_rng(seed)
    factor = numpy.repeat(random.gamma(1 / sigma2, sigma2, (pods, BLOCKS // sticky)), sticky, axis=1) if sigma2 else 1.0
    bad = random.poisson(100 * 0.05 * factor, (pods, BLOCKS))
    return past([[(100, int(x)) for x in pod] for pod in bad])


def test_the_rate_is_of_all_requests_and_never_zero():
    assert baseline_of(past([[(100, 5)] * 10])).rates[Counter.BAD] == pytest.approx(50.5 / 1001)
    assert baseline_of(past([[(100, 0)] * 10])).rates[Counter.BAD] == pytest.approx(0.5 / 1001)
    assert baseline_of(past([[(100, 300)] * 10])).rates[Counter.BAD] == 1.0


def test_with_under_a_hundred_requests_the_rate_is_the_one_of_the_unknown():
    assert baseline_of(past([[(33, 33)] * 3])).rates[Counter.BAD] == RATE_OF_THE_UNKNOWN
    assert baseline_of(past([[(34, 34)] * 3])).rates[Counter.BAD] > 0.9


def test_without_any_history_nothing_is_learnt():
    learnt = baseline_of(view(side([]), side([]), 10))
    assert (learnt.rates[Counter.BAD], learnt.sigma2[Counter.BAD], learnt.request_rate) == (
        RATE_OF_THE_UNKNOWN,
        SIGMA2_PRIOR,
        None,
    )


def test_one_process_alone_leaves_the_prior():
    assert baseline_of(past([[(100, 5)] * 50])).sigma2[Counter.BAD] == pytest.approx(SIGMA2_PRIOR)


def test_processes_without_errors_leave_the_prior():
    assert baseline_of(past([[(100, 0)] * 50] * 4)).sigma2[Counter.BAD] == pytest.approx(SIGMA2_PRIOR)


def test_equal_processes_have_hardly_any_noise():
    assert baseline_of(noisy(0)).sigma2[Counter.BAD] < 0.015


@pytest.mark.parametrize("sigma2", [0.1, 0.5])
def test_the_noise_between_processes_is_found(sigma2):
    assert baseline_of(noisy(sigma2)).sigma2[Counter.BAD] == pytest.approx(sigma2, rel=0.25)


def test_the_noise_is_found_where_a_scrape_has_a_few_errors_only():
    random = numpy.random.default_rng(6)
    factor = random.gamma(1.0, 1.0, (6, BLOCKS))  # given the errors of a scrape, 1 + (e - 1)/7 of them: 6/7 of 1 is found
    bad = random.poisson(0.5 * factor)
    assert baseline_of(past([[(100, int(x)) for x in pod] for pod in bad])).sigma2[Counter.BAD] == pytest.approx(6 / 7, rel=0.15)


def test_noise_that_lasts_is_found_as_well():
    assert baseline_of(noisy(0.2, sticky=60)).sigma2[Counter.BAD] == pytest.approx(0.2, rel=0.35)


def test_a_slow_difference_that_single_scrapes_hide_shows_in_batches():
    rare = [[(100, 1 if (block + 7 * pod) % (9 if pod == 0 else 90) == 0 else 0) for block in range(BLOCKS)] for pod in range(6)]
    assert baseline_of(past(rare)).sigma2[Counter.BAD] > 0.5


def test_one_process_that_always_fails_is_bounded():
    assert baseline_of(past([[(100, 100)] * 200, *[[(100, 0)] * 200] * 5])).sigma2[Counter.BAD] <= 100.0


def test_the_traffic_is_that_of_the_newest_minutes():
    grown = [(0, 0)] * 600 + [(500, 0)] * 120
    assert baseline_of(past([grown])).request_rate == pytest.approx(100.0)
    assert baseline_of(past([[(0, 0)] * 10])).request_rate == 0.0


def test_unusable_blocks_are_left_out():
    falls = counter("pod-0", [0, 100, 90, 190])
    learnt = baseline_of(view(side([]), side([falls, counter("pod-1", [0, 100, 200, 300])]), 3))
    assert learnt.rates[Counter.BAD] == pytest.approx(0.5 / 391)
