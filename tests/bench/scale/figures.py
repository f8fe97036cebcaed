"""What is read of a run: the operator's own metrics, the API server's audit log, the processor. Numbers only."""

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from tests.cluster.operator import USER

SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$", re.MULTILINE)
BOUND = re.compile(r'le="([^"]+)"')


@dataclass(frozen=True)
class Metrics:
    """One answer of /metrics."""

    text: str

    def value(self, name: str) -> float:
        """Of a metric without labels; 0 where there is none."""
        return next((float(found["value"]) for found in SAMPLE.finditer(self.text) if found["name"] == name), 0.0)

    def since(self, earlier: "Metrics", name: str) -> float:
        """How much a counter without labels grew since an earlier answer."""
        return self.value(name) - earlier.value(name)

    def labelled(self, name: str) -> list[tuple[str, float]]:
        """(labels, value) of every series of a metric."""
        return [(found["labels"] or "", float(found["value"])) for found in SAMPLE.finditer(self.text) if found["name"] == name]

    def buckets(self, name: str) -> dict[float, float]:
        """Upper bound -> count of a histogram."""
        return {float(BOUND.findall(labels)[0]): value for labels, value in self.labelled(f"{name}_bucket")}


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float | None:
    """Of what a histogram counted meanwhile, interpolated within its bucket; the highest finite bound for what lies above."""
    grown = [(bound, count - before.get(bound, 0.0)) for bound, count in sorted(after.items())]
    if not grown or not grown[-1][1]:
        return None
    wanted, low, under = share * grown[-1][1], 0.0, 0.0
    for bound, count in grown:
        if count >= wanted:
            return low if math.isinf(bound) else low + (bound - low) * (wanted - under) / ((count - under) or 1)
        low, under = bound, count
    return None  # pragma: no cover - the last bucket holds everything


def percentile(values: Sequence[float], share: float) -> float | None:
    """Of single values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else None


def unix(text: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class Request:
    """One answered request of the operator. Unix seconds."""

    verb: str
    resource: str  # with the subresource
    namespace: str
    name: str
    code: int
    came: float
    done: float
    body: Any

    @property
    def shop(self) -> str:
        """Which rollout it was for."""
        return f"{self.namespace}/{self.name}"


class Audit:
    """The operator's requests, read on from where the last reading ended; the API server moves a large log aside."""

    def __init__(self, home: Path) -> None:
        self._path = home / "audit.log"
        self._file: TextIO = self._path.open()
        self._part = ""
        self.requests: list[Request] = []

    def read(self) -> list[Request]:
        """All so far."""
        while True:
            moved = os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino  # asked first: nothing is added after
            for line in self._lines():
                entry = json.loads(line)
                if entry["user"].get("username") == USER and _counts(entry):
                    self.requests.append(_request(entry))
            if not moved:
                return self.requests
            self._file.close()
            self._file = self._path.open()

    def _lines(self) -> Iterator[str]:
        for line in self._file:
            self._part += line
            if self._part.endswith("\n"):
                yield self._part
                self._part = ""

    def between(self, since: float, until: float) -> list[Request]:
        """Those that came in a span."""
        return [request for request in self.read() if since <= request.came < until]


def _counts(entry: dict[str, Any]) -> bool:
    """A watch is told of when it begins and when it ends."""
    return bool(entry["stage"] == ("ResponseStarted" if entry["verb"] == "watch" else "ResponseComplete"))


def _request(entry: dict[str, Any]) -> Request:
    ref = entry.get("objectRef") or {}
    resource = ref.get("resource", "") + (f"/{ref['subresource']}" if ref.get("subresource") else "")
    return Request(
        entry["verb"],
        resource,
        ref.get("namespace", ""),
        ref.get("name", ""),
        (entry.get("responseStatus") or {}).get("code", 0),
        unix(entry["requestReceivedTimestamp"]),
        unix(entry["stageTimestamp"]),
        entry.get("requestObject"),
    )


def busy() -> tuple[float, float]:
    """(busy, all) seconds of all processors of this machine since it started."""
    fields = [float(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    ticks = float(os.sysconf("SC_CLK_TCK"))
    return (sum(fields) - fields[3] - fields[4]) / ticks, sum(fields) / ticks
