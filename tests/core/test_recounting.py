"""What is counted on is what is counted from the start, whatever counters do: restarts, gaps, births, replicas that disagree."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotfix.core import recounting
from hotfix.core.counting import count
from hotfix.core.observation import MetricsView, Series, SideSeries
from hotfix.core.recounting import Known, count_on

from .made import INTERVAL, START

BLOCKS = 90
Samples = list[tuple[float, float]]


@st.composite
def counters(draw: st.DrawFn, name: str) -> list[Series]:
    """One or two processes, mostly growing; something happens to each of them, close together."""
    made = []
    for process in range(draw(st.integers(1, 2))):
        life = draw(st.sampled_from(((0, BLOCKS), (20, BLOCKS), (60, BLOCKS), (0, 60), (-5, BLOCKS))))
        steps = draw(st.lists(st.integers(0, 30), min_size=8, max_size=8))
        around = draw(st.integers(20, 70))
        events = {around + draw(st.integers(0, 6)): draw(st.sampled_from(EVENTS)) for _ in range(draw(st.integers(0, 4)))}
        made.append(Series(f"{name}-{process}|requests", tuple(_history(life, steps, events))))
    return made


EVENTS = ("restart", "dip", "gap", "fall", "slump", "nonsense")


def _history(life: tuple[int, int], steps: list[int], events: dict[int, str]) -> Samples:
    value, samples, gap = 0.0, Samples(), 0
    for place in range(max(-3, life[0]), life[1]):
        value += steps[place % len(steps)]
        event = events.get(place)
        if event == "restart":
            value = float(steps[0])
        elif event == "fall":
            value = max(0.0, value - 1)
        elif event == "slump":
            value = float(2 * value // 3)
        gap = 4 if event == "gap" else gap - 1
        if gap > 0:
            continue
        shown = value - 7 if event == "dip" else float("nan") if event == "nonsense" else value
        samples.append((START + place * INTERVAL, shown))
    return samples


def view(sides: list[list[Series]], end: int, errors: bool) -> MetricsView:
    """Up to the end of so many blocks."""

    def seen(many: list[Series]) -> SideSeries:
        cut = [Series(one.id, [s for s in one.samples if s[0] <= START + end * INTERVAL]) for one in many]
        kept = tuple(one for one in cut if one.samples)
        bad = tuple(Series(one.id.replace("requests", "errors"), one.samples) for one in kept) if errors else ()
        return SideSeries(requests=kept, errors=bad)

    return MetricsView(
        start=START,
        end=START + end * INTERVAL,
        interval_seconds=INTERVAL,
        patched=seen(sides[0]),
        stable=seen(sides[1]),
    )


@pytest.mark.no_cover  # long, and covers nothing that others do not
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(counters("patched"), counters("stable"), st.booleans(), st.integers(1, 7), st.booleans())
def test_counted_on_is_counted_from_the_start(
    patched: list[Series], stable: list[Series], errors: bool, stride: int, excluded: bool
) -> None:
    spans = ((START + 33.0, START + 61.0),) if excluded else ()
    known: Known | None = None
    for end in range(3, BLOCKS, stride):
        now = view([patched, stable], end, errors)
        known = count_on(now, spans, known)
        assert known.counted == count(now, spans)


def told(series: dict[str, dict[int, float]]) -> list[list[Series]]:
    """Patched's and stable's counters by name: values by place, for those that are not ten a scrape from the beginning."""
    sides: list[list[Series]] = [[], []]
    for name, odd in series.items():
        values = {place: 10.0 * place for place in range(BLOCKS)} | odd
        samples = [(START + place * INTERVAL, value) for place, value in sorted(values.items()) if value >= 0]
        sides[name.startswith("stable")].append(Series(f"{name}|requests", samples))
    return sides


MISSING = -1.0
LATE = dict.fromkeys(range(50), MISSING)


@pytest.mark.parametrize(
    "series",
    [
        {"patched": {40: 385.0, 41: MISSING, 42: MISSING, 43: MISSING, 44: MISSING, 45: MISSING}, "stable": {}},
        {"patched": {}, "stable-1": dict.fromkeys(range(20), MISSING), "stable-2": LATE},
        {"patched-1": {}, "patched-2": LATE, "stable": {}},
        {"patched": {40: float("inf")}, "stable": {44: 1.0}},
    ],
    ids=["a dip before a gap", "stable began late, and a part of it later", "a part of patched began late", "nonsense"],
)
def test_what_came_before_decides_how_later_samples_count(series: dict[str, dict[int, float]]) -> None:
    known: Known | None = None
    for end in range(3, BLOCKS):
        now = view(told(series), end, errors=True)
        known = count_on(now, (), known)
        assert known.counted == count(now), end


def renamed(metrics: MetricsView) -> MetricsView:
    """Patched's series has another name."""
    return replace(metrics, patched=SideSeries(requests=(Series("c|requests", metrics.patched.requests[0].samples),), errors=()))


def grown(end: int, **changes: float) -> MetricsView:
    """Both sides grow by ten requests a scrape; `changes`: what a sample is instead, by its place."""
    samples = [(START + place * INTERVAL, changes.get(f"at{place}", 10.0 * place)) for place in range(end + 1)]
    return view([[Series("a|requests", samples)], [Series("b|requests", samples)]], end, errors=False)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """From where on was counted, call by call."""
    begins: list[float] = []

    def noted(metrics: MetricsView, *args: object, **more: object) -> object:
        begins.append(metrics.start)
        return count(metrics, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(recounting, "count", noted)
    return begins


def test_only_the_newest_blocks_are_counted_again(counted: list[float]) -> None:
    known = count_on(grown(60), (), None)
    assert count_on(grown(61), (), known).counted == count(grown(61))
    assert counted[0] == START
    assert counted[1] > START + 40 * INTERVAL


@pytest.mark.parametrize(
    "changed",
    [
        lambda metrics: replace(metrics, start=metrics.start + INTERVAL),
        lambda metrics: replace(metrics, interval_seconds=2 * INTERVAL),
        lambda metrics: grown(61, **{f"at{place}": 10.0 * place + 1 for place in range(10, 30)}),
        renamed,
        lambda metrics: replace(metrics, problem=("CountersNotMonotone", "no")),
    ],
    ids=["another start", "another interval", "another past", "another series", "not usable"],
)
def test_in_doubt_all_is_counted(changed: Callable[[MetricsView], MetricsView], counted: list[float]) -> None:
    known = count_on(grown(60), (), None)
    now = changed(grown(61))
    assert count_on(now, (), known).counted == count(now)
    assert counted[-1] == now.start


def test_with_another_span_left_out_all_is_counted(counted: list[float]) -> None:
    known, spans = count_on(grown(60), (), None), ((START, START + 50),)
    assert count_on(grown(61), spans, known).counted == count(grown(61), spans)
    assert counted[-1] == START
