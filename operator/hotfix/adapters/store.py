"""RolloutStore on the API server: HotfixRollout objects, their status at the version seen, our finalizer."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from hotfix.core.observation import RivalView
from hotfix.core.requested import LONGEST
from hotfix.core.reverted import Watched
from hotfix.core.status import LIVE_PHASES, TERMINAL_PHASES, Phase
from hotfix.errors import NotFound
from hotfix.ports import Key, Stored

from .kube import Kube, Object, path
from .ownership import owner_of
from .reading import Direct, Reader, Resource, Writer

API_VERSION = "hotfix-operator.dev/v1alpha1"
PLURAL = "hotfixrollouts"
FINALIZER = "hotfix-operator.dev/traffic"
REQUEST = "hotfix-operator.dev/request"


class KubeStore:
    """Every write carries the resourceVersion that was read."""

    def __init__(self, kube: Kube, reader: Reader | None = None) -> None:
        self._kube, self._reader = kube, Direct(kube) if reader is None else reader
        self._writer = Writer(kube, self._reader)
        self._moving: set[Key] = set()
        self._claims: dict[Key, str] = {}  # of newer ones: the name of the older one
        self._promoted: dict[Key, Watched] = {}

    async def load(self, key: Key) -> Stored | None:
        """The object as it is now; None when it is gone."""
        stored = await self._reader.find(ROLLOUTS, key.namespace, key.name)
        if stored is None:
            self._moving.discard(key)
            self._claims.pop(key, None)
            return None
        self._note(stored)
        if not stored.deleting:
            return stored
        namespace = await self._kube.find(path("v1", "namespaces", None, key.namespace))
        return replace(stored, namespace_ending=namespace is None or bool(namespace["metadata"].get("deletionTimestamp")))

    async def save_status(self, stored: Stored, status: Mapping[str, Any]) -> Stored:
        """Replace the whole status at the version of `stored`."""
        operations: list[Object] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": stored.version},
            {"op": "add", "path": "/status", "value": dict(status)},
        ]
        item = await self._writer.patch(ROLLOUTS, _place(stored), operations, subresource="status")
        return replace(self._note(_stored(item)), namespace_ending=stored.namespace_ending)

    async def set_finalizer(self, stored: Stored, *, present: bool) -> Stored | None:
        """Add or remove our finalizer; other finalizers stay. None when the object is gone with it."""
        if stored.finalizer == present:
            return stored
        item = await self._kube.find(ROLLOUTS.path(*_place(stored)))
        if item is None:
            return None
        others = [name for name in item["metadata"].get("finalizers") or [] if name != FINALIZER]
        operations: list[Object] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": stored.version},
            {"op": "add", "path": "/metadata/finalizers", "value": [*others, FINALIZER] if present else others},
        ]
        try:
            latest = await self._writer.patch(ROLLOUTS, _place(stored), operations)
        except NotFound:
            return None
        gone = stored.deleting and not present and not others
        return None if gone else replace(_stored(latest), namespace_ending=stored.namespace_ending)

    async def request(self, stored: Stored, text: str, manager: str) -> None:
        """Write a person's request, `verb:token`, on the object."""
        url = ROLLOUTS.path(*_place(stored))
        await self._kube.merge_patch(url, {"metadata": {"annotations": {REQUEST: text}}}, manager)

    async def rivals(self, key: Key) -> tuple[RivalView, ...]:
        """The namespace's other rollouts that are unfinished, were rolled back, or are newer and were promoted."""
        everybody = await self._reader.list(ROLLOUTS, key.namespace)
        created = next((known.created for known in everybody if known.key == key), "")

        def matters(rival: RivalView) -> bool:
            newer = (rival.created, rival.name) > (created, key.name)
            return rival.phase != Phase.SUPERSEDED and (newer or rival.phase != Phase.PROMOTED)

        return tuple(known.as_rival for known in everybody if known.key != key and matters(known.as_rival))

    async def named(self, namespace: str, names: Collection[str], *, fresh: bool = False) -> tuple[RivalView, ...]:
        """Those of these that exist. `fresh`: as they are now, not as they were told of last."""
        found = [await self._reader.find(ROLLOUTS, namespace, name, fresh=fresh) for name in sorted(names)]
        return tuple(stored.as_rival for stored in found if stored is not None)

    def claimants(self, key: Key) -> set[str]:
        """Names of newer rollouts that want to take its place, by the last statuses that were read or written here."""
        return {newer.name for newer, older in self._claims.items() if (newer.namespace, older) == (key.namespace, key.name)}

    async def reach(self, namespace: str | None) -> None:
        """A list of one: raises when rollouts cannot be read."""
        await self._kube.get(f"{path(API_VERSION, PLURAL, namespace)}?limit=1")

    async def keys(self, namespace: str | None) -> dict[Key, bool]:
        """All rollouts of a namespace, or of the cluster: key -> whether there is something to do."""
        items = await self._kube.list(path(API_VERSION, PLURAL, namespace))
        found = [self._note(_stored(item)) for item in items]
        self._promoted = {key: kept for key, kept in self._promoted.items() if namespace not in (None, key.namespace)}
        self._promoted |= {stored.key: kept for stored in found if (kept := _watched(stored))}
        return {stored.key: not _finished(stored) for stored in found}

    @property
    def promoted(self) -> dict[Key, Watched]:
        """What is watched for after the end, as the last lists had it."""
        return self._promoted

    def moves_traffic(self, key: Key) -> bool:
        """Whether patched may hold traffic, by the last status that was read or written here."""
        return key in self._moving

    def _note(self, stored: Stored) -> Stored:
        if stored.status.get("phase") in LIVE_PHASES:
            self._moving.add(stored.key)
        else:
            self._moving.discard(stored.key)
        older = (stored.status.get("supersedes") or {}).get("name")
        if older and stored.status.get("phase") not in TERMINAL_PHASES:
            self._claims[stored.key] = older
        else:
            self._claims.pop(stored.key, None)
        return stored

    def told(self, item: Object, *, deleted: bool) -> bool:
        """A rollout as a watch of all of them shows it; False when this is known already, by the reader or as the answer to a
        write."""
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        if deleted:
            self._moving.discard(Key(namespace, name))
            self._claims.pop(Key(namespace, name), None)
            self._reader.doubt(ROLLOUTS, namespace, name)
            return True
        self._note(_stored(item))
        if self._reader.knows(ROLLOUTS, namespace, name, item["metadata"]["resourceVersion"]):
            return False
        self._reader.wrote(ROLLOUTS, namespace, item)
        return True


def _watched(stored: Stored) -> Watched | None:
    """As core/reverted.py has it, of the stored object as it is: thousands may have ended."""
    status, baseline = stored.status, stored.status.get("baseline") or {}
    fixed = (status.get("promotion") or {}).get("patchedAt")
    old, new = baseline.get("stableTemplate"), baseline.get("patchedTemplate")
    if status.get("phase") != Phase.PROMOTED or not fixed or not old or status.get("weight") or old == new:
        return None
    return Watched(
        deployment=(stored.spec.get("stable") or {}).get("deployment", ""),
        template=old,
        images=tuple(baseline.get("stableImages") or ()),
        fixed=tuple(baseline.get("patchedImages") or ()),
        told=status.get("fixRevertedAt") is not None,
    )


def _place(stored: Stored) -> tuple[str, str]:
    return stored.key.namespace, stored.key.name


def _finished(stored: Stored) -> bool:
    """It ended, everything is given back, and nobody asks for anything."""
    at_the_end = stored.status.get("phase") in TERMINAL_PHASES and stored.status.get("observedGeneration") == stored.generation
    return at_the_end and not stored.finalizer and not stored.deleting and not _asks(stored)


def _asks(stored: Stored) -> bool:
    """A person waits for an answer."""
    known = stored.status.get("lastHandledRequest") or {}
    return bool(stored.request) and known.get("request") != (stored.request or "")[:LONGEST]


def _stored(item: Object) -> Stored:
    meta = item["metadata"]
    key, spec, status = Key(meta["namespace"], meta["name"]), item.get("spec") or {}, item.get("status") or {}
    return Stored(
        key=key,
        as_rival=_rival(meta, spec, status),
        uid=meta["uid"],
        version=meta["resourceVersion"],
        generation=int(meta["generation"]),
        created=meta["creationTimestamp"],
        deleting="deletionTimestamp" in meta,
        finalizer=FINALIZER in (meta.get("finalizers") or ()),
        owner=owner_of(item),
        request=(meta.get("annotations") or {}).get(REQUEST) or None,
        spec=spec,
        status=status,
    )


def _rival(meta: Object, spec: Object, status: Object) -> RivalView:
    named = ((spec.get("traffic") or {}).get("httpRoutes")) or (status.get("resolved") or {}).get("routes") or []
    patched = spec.get("patched") or {}
    return RivalView(
        name=meta["name"],
        created=meta["creationTimestamp"],
        uid=meta["uid"],
        deleting="deletionTimestamp" in meta,
        patched=patched.get("deployment", ""),
        service=patched.get("service") or patched.get("deployment", ""),
        status=status,
        phase=status.get("phase"),
        stable=(spec.get("stable") or {}).get("deployment", ""),
        routes=tuple(route.get("name", "") for route in named),
        template=(status.get("baseline") or {}).get("patchedTemplate"),
        why=status.get("why"),
    )


ROLLOUTS = Resource(API_VERSION, PLURAL, _stored)
