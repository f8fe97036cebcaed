"""Samples of one query, held compactly and extended look by look. No request is made here.

A sample is eight bytes where series have the same moments, which they have on a grid: thousands of rollouts fit into memory.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from operator import lt
from typing import overload

from hotfix.core.observation import Series

COARSE_SECONDS = 300.0  # up to the start of what is judged, this is often enough

Sample = tuple[float, float]


class Samples(Sequence[Sample]):
    """(unix seconds, value), ascending. Equal to any sequence of the same samples."""

    __slots__ = ("times", "values")

    def __init__(self, times: "array[float]", values: "array[float]") -> None:
        self.times, self.values = times, values

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, place: int) -> Sample: ...

    @overload
    def __getitem__(self, place: slice) -> "Samples": ...

    def __getitem__(self, place: int | slice) -> "Sample | Samples":
        if isinstance(place, slice):
            return Samples(self.times[place], self.values[place])
        return self.times[place], self.values[place]

    def __iter__(self) -> Iterator[Sample]:
        return zip(self.times, self.values, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # it is compared, and never a key


Fresh = dict[str, Samples]  # by the id of the series


def of_values(values: Sequence[Sequence[object]]) -> Samples:
    """What Prometheus gives for one series, with what no counter can be (NaN, infinite, negative), so that the core names it.
    ValueError, TypeError: no samples, or not in the order of time."""
    times, found = array("d"), array("d")
    for moment, text in values:
        times.append(float(moment))  # type: ignore[arg-type]
        found.append(float(text))  # type: ignore[arg-type]
    if not all(map(lt, times, islice(times, 1, None))):
        raise ValueError("time goes backwards")
    return Samples(times, found)


def joined(one: Samples | None, other: Samples) -> Samples:
    """One after the other."""
    return other if one is None else Samples(one.times + other.times, one.values + other.values)


@dataclass(frozen=True, slots=True)
class Held:
    """The series of one query in [begin, until] on its grid; up to `start` one sample in five minutes, and the last one."""

    begin: float
    until: float
    start: float
    series: tuple[Series, ...] = ()

    @classmethod
    def nothing(cls, begin: float, start: float) -> "Held":
        """Before the first answer."""
        return cls(begin, begin, start)

    def covers(self, begin: float, start: float) -> bool:
        """It can be extended to what such a question needs."""
        return self.begin <= begin <= self.until and self.start <= start

    def extended(self, begin: float, start: float, since: float, end: float, fresh: Mapping[str, Samples]) -> "Held":
        """With the samples from `since` on replaced by the fresh ones, those before `begin` and needless ones left out."""
        old = {one.id: one for one in self.series}
        shared: array[float] = array("d")
        kept = []
        for name in sorted(old.keys() | fresh.keys()):
            one = old.get(name)
            before = _before(one.samples, since) if one else None
            samples = _thinned(joined(before, fresh[name]) if name in fresh else before or Samples(shared, shared), begin, start)
            if not samples:
                continue
            if samples.times.tobytes() == shared.tobytes():
                samples.times = shared
            shared = samples.times
            kept.append(Series(one.id if one else name, samples))
        return Held(begin, max(end, since), start, tuple(kept))


def _before(samples: Sequence[Sample], since: float) -> Samples:
    assert isinstance(samples, Samples)
    return samples[: bisect_left(samples.times, since)]


def _thinned(samples: Samples, begin: float, start: float) -> Samples:
    """From `begin` on; up to `start` one in five minutes, and the last one."""
    times = samples.times
    first, last = bisect_left(times, begin), bisect_right(times, start) - 1
    if last <= first:
        return samples[first:] if first else samples
    chosen = [True] * (len(times) - first)
    for place in range(first + 1, last):
        chosen[place - first] = times[place] // COARSE_SECONDS > times[place - 1] // COARSE_SECONDS
    if all(chosen):
        return samples[first:] if first else samples
    return Samples(
        array("d", compress(times[first:], chosen)),
        array("d", compress(samples.values[first:], chosen)),
    )
