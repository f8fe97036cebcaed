"""The one imperative path: load, look, decide, save, act, return when to look again.

Nothing is decided here, and nothing is done before its intention was saved. A part of the world that does not answer is
None in the observation; only the store must answer, because without the remembered status nothing can be decided.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from .core import actions as act
from .core import invalid, machine, requested, spec, status, superseding
from .core.observation import RouteView
from .core.reasons import Reason
from .errors import OutsideError, Refused, Unavailable
from .lookout import Lookout, Ports
from .ports import Key, Stored
from .settings import ReconcileSettings

log = logging.getLogger(__name__)
UNCONFIRMED = (act.Announce, act.SetFinalizer)  # everything else, and the end, only on what was asked for right before
BESIDE_A_ROUTE = (act.Scale, act.SetPodSpec)  # rest on the weights of a route, which the version they carry does not protect
CONFIRMED_SECONDS = 3.0
T = TypeVar("T")


class Observer(Protocol):
    """Whoever wants to know what was decided (the operator's own metrics)."""

    def decided(self, key: Key, decision: machine.Decision) -> None:
        """Called after the status was saved."""
        ...

    def refused(self, key: Key, reason: Reason, since: float) -> None:
        """The manifest or the stored status cannot be read, since then (unix seconds)."""
        ...

    def forgotten(self, key: Key) -> None:
        """The rollout is gone."""
        ...


class Parsed(Generic[T]):
    """What the stored objects say, read once for each version of one: a store that remembers gives the same mapping again."""

    def __init__(self, parse: Callable[[dict[str, Any]], T]) -> None:
        self._parse = parse
        self._known: dict[Key, tuple[Mapping[str, Any], T]] = {}

    def of(self, key: Key, raw: Mapping[str, Any]) -> T:
        """Raises ValueError for what cannot be read."""
        known = self._known.get(key)
        if known is None or known[0] is not raw:
            known = self._known[key] = (raw, self._parse(dict(raw)))
        return known[1]

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._known.pop(key, None)


class Reconciler:
    """Wires the ports to the core. Holds no state of a rollout but what was read of its present version."""

    def __init__(self, ports: Ports, settings: ReconcileSettings, observer: Observer) -> None:
        self._store, self._router, self._workloads = ports.store, ports.router, ports.workloads
        self._announcer, self._clock, self._observer = ports.announcer, ports.clock, observer
        self._lookout = Lookout(ports, settings)
        self._specs: Parsed[spec.Spec] = Parsed(spec.parse)
        self._statuses: Parsed[status.Status] = Parsed(status.parse)
        self._said: dict[Key, tuple[Mapping[str, Any], status.Status]] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One look at one rollout; seconds until the next, None when only a change makes one worthwhile.

        Raises OutsideError when the store does not answer or a write failed: look again after a back-off.
        """
        stored = await self._store.load(key)
        if stored is None:
            self._observer.forgotten(key)
            self._specs.forget(key)
            self._statuses.forget(key)
            self._said.pop(key, None)
            return None
        try:
            asked, unreadable = self._asked(stored)
        except ValueError as error:
            return await self._refuse(stored, Reason.INVALID_SPEC, error)
        try:
            remembered = self._statuses.of(key, stored.status)
        except ValueError as error:
            if not requested.releases(stored.request):
                return await self._refuse(stored, Reason.INVALID_STATUS, error)
            remembered = status.Status()  # it is given back by what the routes say
        asked = superseding.effective(asked, remembered)
        seen = await self._lookout.look(stored, asked, remembered, unreadable=unreadable)
        decision = machine.decide(asked, remembered, seen)
        confirmed = self._clock.monotonic()
        if _needs_confirming(remembered, decision):
            seen = await self._lookout.look_anew(stored, asked, remembered, seen)
            decision = machine.decide(asked, remembered, seen)
        stored = await self._save(stored, decision)
        self._observer.decided(key, decision)
        await self._act(stored, superseding.services_of(asked, remembered), decision, confirmed)
        return decision.look_again_seconds

    def _asked(self, stored: Stored) -> tuple[spec.Spec, str | None]:
        """The spec, and what is wrong with it. Where something may have to be given back, the sides and the route will do: guards
        and the way back need no more. ValueError where it is of no use."""
        try:
            return self._specs.of(stored.key, stored.spec), None
        except ValueError as error:
            if not stored.finalizer:
                raise
            return spec.rescued(stored.spec), invalid.sentence(Reason.INVALID_SPEC, str(error))

    async def _refuse(self, stored: Stored, reason: Reason, error: ValueError) -> float | None:
        """The manifest or the stored status cannot be read: say so, change nothing else."""
        refused = invalid.status_of(stored.status, reason, str(error), stored.generation, self._clock.now())
        if refused != dict(stored.status):
            await self._store.save_status(stored, refused)
        self._observer.refused(stored.key, reason, invalid.since(refused))
        return 30.0

    # ---- save and act

    async def _save(self, stored: Stored, decision: machine.Decision) -> Stored:
        """Remember before acting; a Conflict drops this look. With something to do it is stored also when it is the same: that
        changes nothing, and fails when another operator stored something since it was read."""
        acts = any(not isinstance(action, act.Announce) for action in decision.actions)
        if not acts and self._is_stored(stored, decision.status):
            return stored
        return await self._store.save_status(stored, status.dump(decision.status))

    def _is_stored(self, stored: Stored, wanted: status.Status) -> bool:
        """The object says this already. What it was found to say is kept, because most looks change nothing."""
        known = self._said.get(stored.key)
        if known is not None and known[0] is stored.status and known[1] == wanted:
            return True
        same = status.dump(wanted) == dict(stored.status)
        if same:
            self._said[stored.key] = (stored.status, wanted)
        return same

    async def _act(self, stored: Stored, services: tuple[str, ...], decision: machine.Decision, confirmed: float) -> None:
        """Every action is tried, those of traffic first; one failure does not keep the others from being done. `confirmed`: when
        what they rest on was asked for, monotonic seconds."""
        failures: list[OutsideError] = []
        unfinished = False
        for action in decision.actions:
            try:
                if isinstance(action, act.SetFinalizer):
                    if unfinished and not action.present:
                        continue  # what is not given back yet must not be forgotten
                    changed = await self._store.set_finalizer(stored, present=action.present)
                    stored = changed or stored
                elif isinstance(action, BESIDE_A_ROUTE) and self._clock.monotonic() - confirmed > CONFIRMED_SECONDS:
                    raise Unavailable("The API server was slow to answer; what was seen is too old to end or change pods on.")
                else:
                    await self._do(stored, services, action)
            except OutsideError as error:
                log.warning("%s failed: %s", type(action).__name__, error, extra={"rollout": str(stored.key)})
                failures.append(error)
                unfinished = unfinished or not isinstance(action, act.Announce)
        if failures:
            raise failures[0]

    async def _do(self, stored: Stored, services: tuple[str, ...], action: act.Action) -> None:
        namespace = stored.key.namespace
        match action:
            case act.AdoptRoute() | act.SetWeights() | act.ReleaseRoute():
                await self._on_the_route(namespace, services, action)
            case act.Scale():
                await self._workloads.scale(namespace, action.deployment, action.replicas)
            case act.SetPodSpec():
                await self._workloads.set_pod_spec(namespace, action.deployment, action.pod_spec)
            case act.SetScalerFloor():
                await self._workloads.set_scaler_floor(namespace, action.scaler, action.min_replicas)
            case act.Outdate():
                await self._outdate(namespace, action)
            case act.Announce():
                await self._announcer.announce(stored, action)

    async def _on_the_route(
        self, namespace: str, services: tuple[str, ...], action: act.AdoptRoute | act.SetWeights | act.ReleaseRoute
    ) -> None:
        match action:
            case act.AdoptRoute():
                await self._router.adopt(namespace, services, action)
            case act.SetWeights():
                await self._router.apply(namespace, services, action)
            case act.ReleaseRoute():
                await self._router.release(namespace, services, action)

    async def _outdate(self, namespace: str, action: act.Outdate) -> None:
        try:
            if isinstance(action.target, RouteView):
                await self._router.outdate(namespace, action.target, action.mark)
            else:
                await self._workloads.outdate(namespace, action.target, action.mark)
        except Refused as error:  # it will not be done later either, and must not keep the rest from being given back
            log.warning("a write that may be under way to %s could arrive yet: %s", action.target.name, error)


def _needs_confirming(before: status.Status, decision: machine.Decision) -> bool:
    """What was told by a watch may be old: too old to write on, to end on, and to tell people what they did."""
    accuses = decision.status.held == str(Reason.WEIGHTS_EDITED) != before.held
    ends = decision.status.stage is status.Stage.DONE and before.stage is not status.Stage.DONE
    ends = ends or decision.status.superseded_by != before.superseded_by or decision.status.supersedes != before.supersedes
    return ends or accuses or not all(isinstance(action, UNCONFIRMED) for action in decision.actions)
