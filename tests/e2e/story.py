"""One story under load, from before its first write to an end, and what is true after every one of them.

Lost requests: none. The route: as before, our ownership gone. The object: ended as told, no finalizer, read by others as
documented. What a story expects otherwise it names, with the reason.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from tests.cluster import Load, Provider
from tests.cluster.load import PATIENCE_SECONDS, Answer

from . import reading
from .shop import ROLLOUTS, Shop, untouched

DELETED, GONE = "deleted", "gone"  # ends beside the phases: the story ends with a deletion, or had one
Edit = Callable[[dict[str, Any]], None]  # what became of a route's spec, and why that is right


class Stories(Shop):
    """A shop whose rollouts are judged whenever they are looked at, and whose stories come to an end."""

    def __init__(self, cluster: Provider, name: str) -> None:
        super().__init__(cluster, name, reading.judged)

    def routes(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What belongs to their users."""
        return {name: untouched(self.read("httproute", name)) for name in names}

    @contextlib.contextmanager
    def story(
        self,
        end: str,
        *,
        rate: float = 20,
        name: str = "fix",
        hosts: dict[str, str] | None = None,
        but: Edit | None = None,
        forgiven: dict[str, str] | None = None,
        served_by: tuple[str, ...] = ("checkout",),
        seconds: float = 240,
        patience: float = PATIENCE_SECONDS,
    ) -> Iterator[Load]:
        """The load of the first host. `end`: Promoted, RolledBack, `deleted` or `gone`. `hosts`: route -> host name. `but`: what
        a route's spec is afterwards, if not what it was. `forgiven`: why requests were lost -> why that is right. `served_by`:
        whose pods answer in the end. `patience`: seconds after which a client gives up."""
        hosts = hosts or {"checkout": self.host}
        before = self.routes(tuple(hosts))
        for item in before.values() if but else ():
            but(item["spec"])
        with contextlib.ExitStack() as stack:
            loads = [stack.enter_context(self.load(rate, host=host, timeout_seconds=patience)) for host in hosts.values()]
            yield loads[0]
            self._end(end, name, seconds)
            for load in loads:
                self._answered(load, served_by, forgiven or {})
        assert self.routes(tuple(hosts)) == before

    def _end(self, end: str, name: str, seconds: float) -> None:
        """Wait for the end, or make it."""
        if end == DELETED:
            reading.judged(self.read(ROLLOUTS, name))
            self.kubectl("delete", "hfr", name, "--timeout=150s")
        if end in (DELETED, GONE):
            assert not self.exists("hfr", name)
            return
        self.phase(end, seconds=seconds, name=name)
        self.cluster.until(lambda: not self.finalizers(name), "no finalizer is left")
        item = self.read(ROLLOUTS, name)
        ended = {"Promoted": reading.PROMOTED, "RolledBack": reading.ROLLED_BACK}[end]
        assert item["status"]["phase"] == end
        assert reading.conditions(item) == ended.conditions
        reading.judged(item)

    def _answered(self, load: Load, served_by: tuple[str, ...], forgiven: dict[str, str]) -> None:
        """Nothing was lost, and after the end the right pods answer."""
        end = load.answers()[-1].sent
        self.cluster.until(lambda: len(load.since(end)) > 20, "answers after the end")
        self.cluster.until(lambda: not load.unanswered(end), "each request until then is answered or given up")
        assert {served(answer) for answer in load.since(end) if not answer.lost} <= set(served_by)
        lost = [answer for answer in load.lost() if answer.lost not in forgiven]
        assert lost == [], load.told(lost)


def served(answer: Answer) -> str:
    """The Deployment whose pod answered."""
    return answer.backend.rsplit("-", 2)[0]


def everything_on_patched(spec: dict[str, Any]) -> None:
    """What KeepPatched makes of a route that named stable alone: patched beside it, with the whole weight."""
    (stable,) = spec["rules"][0]["backendRefs"]
    spec["rules"][0]["backendRefs"] = [{**stable, "weight": 0}, {**stable, "name": "checkout-hotfix", "weight": 100}]
