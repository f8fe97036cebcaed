"""What is held of a query: extended, corrected by late samples, coarse up to the start, compact."""

from array import array

import pytest

from hotfix.adapters.samples import Held, Samples, joined, of_values

START = 1_800_000_000.0


def samples(*moments: float, value: float = 1.0) -> Samples:
    """Samples of one value."""
    return Samples(array("d", moments), array("d", [value] * len(moments)))


def grid(first: float, last: float) -> Samples:
    """A sample every 15 s."""
    return samples(*(first + 15 * n for n in range(int((last - first) / 15) + 1)))


def test_samples_are_a_sequence_of_pairs() -> None:
    found = of_values([[1, "2"], [3, "4"]])
    assert list(found) == [(1.0, 2.0), (3.0, 4.0)]
    assert found[-1] == (3.0, 4.0)
    assert found[:1] == ((1.0, 2.0),)
    assert found != ((1.0, 2.0),)
    assert len(joined(found, samples(5))) == 3
    with pytest.raises(ValueError, match="could not convert"):
        of_values([[1, "two"]])
    with pytest.raises(ValueError, match="backwards"):
        of_values([[3, "2"], [1, "4"]])


def test_late_samples_replace_what_was_held_and_the_rest_stays() -> None:
    held = Held.nothing(START, START).extended(START, START, START, START + 60, {"a": grid(START, START + 60)})
    later = held.extended(START, START, START + 30, START + 75, {"a": samples(START + 30, START + 75, value=2.0)})
    assert list(later.series[0].samples) == [
        (START, 1.0),
        (START + 15, 1.0),
        (START + 30, 2.0),
        (START + 75, 2.0),
    ]
    assert later.until == START + 75
    assert later.covers(START, START)


def test_a_series_that_vanished_keeps_its_past_and_one_of_long_ago_goes() -> None:
    held = Held.nothing(START, START).extended(START, START, START, START + 60, {"a": grid(START, START + 60)})
    gone = held.extended(START, START, START + 30, START + 90, {})
    assert [moment for moment, _ in gone.series[0].samples] == [START, START + 15]
    assert gone.extended(START + 60, START + 60, START + 60, START + 120, {}).series == ()


def test_up_to_the_start_one_sample_in_five_minutes_is_kept_and_the_last_one() -> None:
    begin = START - 3600
    held = Held.nothing(begin, START).extended(begin, START, begin, START + 60, {"a": grid(begin, START + 60)})
    moments = [moment for moment, _ in held.series[0].samples]
    assert moments == [*(begin + 300 * n for n in range(13)), *(START + 15 * n for n in range(1, 5))]


def test_an_earlier_start_is_asked_for_anew_because_its_samples_are_too_few() -> None:
    held = Held.nothing(START - 3600, START).extended(START - 3600, START, START - 3600, START + 60, {})
    assert held.covers(START - 3600, START)
    assert not held.covers(START - 3600, START - 900)
    assert not held.covers(START - 7200, START)
    assert not held.covers(START + 90, START + 90)


def test_series_of_the_same_moments_share_them() -> None:
    fresh = {"a": grid(START, START + 60), "b": grid(START, START + 60)}
    one, two = Held.nothing(START, START).extended(START, START, START, START + 60, fresh).series
    assert isinstance(one.samples, Samples)
    assert isinstance(two.samples, Samples)
    assert one.samples.times is two.samples.times
