"""What stable's past tells before the start."""

import numpy
import pytest

from hotfix.core.baseline import RATE_OF_THE_UNKNOWN, SIGMA2_PRIOR, Proxies, baseline_of, count_themselves
from hotfix.core.counting import Counter
from hotfix.core.scatter import between_processes, memory_blocks
from tests.core.made import INTERVAL, counter, side, view

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


def test_one_process_alone_and_hardly_seen_leaves_the_prior():
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


@pytest.mark.parametrize("sticky", [4, 12])
def test_noise_that_lasts_counts_as_often_as_it_does_in_a_sum_of_blocks(sticky):
    """Differences that stay for 4 blocks make the variance of a sum four times as large."""
    found = [baseline_of(noisy(0.3, sticky=sticky, seed=seed)).sigma2[Counter.BAD] for seed in range(8)]
    assert sum(found) / 8 == pytest.approx(0.3 * sticky, rel=0.2)


def test_differences_that_stay_for_ever_count_as_if_they_stayed_for_five_minutes():
    found = baseline_of(past([[(1000, 20 if pod else 40)] * BLOCKS for pod in range(6)])).sigma2[Counter.BAD]
    between = 6 / 5 * (5 * (20 - 140 / 6) ** 2 + (40 - 140 / 6) ** 2) / 6 / (140 / 6) ** 2
    assert found == pytest.approx(60 * between, rel=0.05)


def test_a_slow_difference_that_single_scrapes_hide_shows_in_batches():
    rare = [[(100, 1 if (block + 7 * pod) % (9 if pod == 0 else 90) == 0 else 0) for block in range(BLOCKS)] for pod in range(6)]
    assert baseline_of(past(rare)).sigma2[Counter.BAD] > 0.5


def behind_proxies(sigma2, proxies=2, *, sticky=1, drift=0.0, seed=5):
    """The same pods as proxies see them that spread their requests evenly; `drift`: the rate of all of them rises and falls by
    this part over a day."""
    random, pods = numpy.random.default_rng(seed), 6
    factor = numpy.repeat(random.gamma(1 / sigma2, sigma2, (pods, BLOCKS // sticky)), sticky, axis=1) if sigma2 else 1.0
    day = 1 + drift * numpy.sin(numpy.linspace(0, 2 * numpy.pi / 24, BLOCKS))
    rate = numpy.broadcast_to(0.05 * factor * day, (pods, BLOCKS)).mean(axis=0)
    bad = random.poisson(600 * rate / proxies, (proxies, BLOCKS))
    return past([[(600 // proxies, int(x)) for x in proxy] for proxy in bad])


@pytest.mark.parametrize("proxies", [1, 2])
@pytest.mark.parametrize("sticky", [1, 4])
def test_pods_that_differ_behind_proxies_show_over_time(proxies, sticky):
    """What is found is for one proxy: of both together it is that of six pods together."""
    told = Proxies(stable_pods=6, patched_pods=6)
    found = [baseline_of(behind_proxies(0.3, proxies=proxies, sticky=sticky, seed=seed), told) for seed in range(8)]
    assert sum(learnt.sigma2[Counter.BAD] for learnt in found) / 8 == pytest.approx(0.3 * sticky * proxies / 6, rel=0.3)
    assert {learnt.processes for learnt in found} == {proxies}


def test_fewer_pods_of_patched_behind_the_proxies_scatter_more():
    history = behind_proxies(0.3, proxies=1)
    even, thin = (baseline_of(history, Proxies(stable_pods=6, patched_pods=pods)).sigma2[Counter.BAD] for pods in (6, 1))
    assert thin == pytest.approx(6 * even, rel=0.1)
    assert baseline_of(history, Proxies()).sigma2[Counter.BAD] == even
    assert baseline_of(history, Proxies(stable_pods=2, patched_pods=6)).sigma2[Counter.BAD] == even


@pytest.mark.parametrize("proxies", [1, 2])
@pytest.mark.parametrize("drift", [0.0, 0.5, -0.5, 2.0])
def test_a_rate_that_rises_or_falls_over_the_hours_is_no_noise(proxies, drift):
    found = [
        baseline_of(behind_proxies(0, proxies=proxies, drift=drift, seed=seed), Proxies(stable_pods=6, patched_pods=6))
        for seed in range(8)
    ]
    assert max(learnt.sigma2[Counter.BAD] for learnt in found) < 0.05
    assert sum(learnt.sigma2[Counter.BAD] for learnt in found) / 8 < 0.012


def test_processes_that_live_for_one_scrape_each_tell_nothing_of_what_lasts():
    shown = [{f"pod-{2 * block + place}": (100, 5 + 10 * place) for place in range(2)} for block in range(60)]
    found = between_processes(dict(enumerate(shown)), memory_blocks(INTERVAL))
    assert (found.lasting, found.blocks) == (0.0, 60)
    assert found.at_once > 0


def test_one_process_alone_is_seen_over_time():
    assert baseline_of(noisy(0.5, pods=1)).sigma2[Counter.BAD] == pytest.approx(0.5, rel=0.25)
    assert baseline_of(noisy(0, pods=1)).sigma2[Counter.BAD] < 0.015


def test_what_happens_to_all_pods_at_once_is_no_difference_between_them():
    """An outage of something that all need: patched has it too."""
    outages = [[(100, 60 if block % 180 < 40 else 5) for block in range(BLOCKS)]] * 6
    assert baseline_of(past(outages)).sigma2[Counter.BAD] < 0.01
    assert baseline_of(past(outages), Proxies(stable_pods=6, patched_pods=6)).sigma2[Counter.BAD] > 1


@pytest.mark.parametrize("began", [60, 300, 500, 700])
@pytest.mark.parametrize("ended", [BLOCKS, 40])
def test_errors_that_began_within_the_hour_are_what_a_hotfix_is_for_and_no_noise(began, ended):
    """Behind one proxy: stable fails 0.1 %, then 5 % until now, or for some minutes."""
    random = numpy.random.default_rng(began)
    rate = [0.05 if began <= block < began + ended else 0.001 for block in range(BLOCKS)]
    history = past([[(600, int(x)) for x in random.poisson([600 * one for one in rate])]])
    assert baseline_of(history, Proxies(stable_pods=6, patched_pods=6)).sigma2[Counter.BAD] < 0.15


@pytest.mark.parametrize(
    ("process", "themselves"), [("checkout-6d4f9c7b8-x2x5q", True), ("envoy-7xk2p", False), ("10.0.0.7:8080", False)]
)
def test_whether_pods_count_themselves_is_told_by_their_names(process, themselves):
    assert count_themselves(side([counter(process, [0, 1])]), "checkout") is themselves


def test_long_names_of_deployments_are_cut_in_those_of_their_pods():
    name = "a" * 70
    assert count_themselves(side([counter(f"{name[:47]}-6d4f9c7b8-x2x5q", [0, 1])]), name)


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
