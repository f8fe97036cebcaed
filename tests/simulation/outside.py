"""What is promised about the outside, as checks on every write that the API server took: versions, saved intentions, fields
that are not ours, other backends, and no write after the end. Each is told by what is stored, not by what an operator believes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hotfix.adapters.reading import OUTDATED
from tests.fakes.api import Answer, FakeApi, Object
from tests.fakes.copying import copied

from .remembered import went_back

STABLE, PATCHED, SECOND = SIDES = ("checkout", "checkout-hotfix", "checkout-second")
SHARED = ("Checking", "Done")
THIRD = 2e-4  # of a rule: what third backends may lose where the sub-total is tiny beside them


def weights(route: Mapping[str, Any]) -> list[dict[str, int]]:
    """Backend -> weight of every rule."""
    return [{ref["name"]: ref["weight"] for ref in rule.get("backendRefs") or ()} for rule in route["spec"]["rules"]]


def share(rule: Mapping[str, int], stable: str = STABLE, patched: str = PATCHED) -> float | None:
    """Patched's percent of the stable + patched sub-total; None without any of them."""
    total = rule.get(stable, 0) + rule.get(patched, 0)
    return 100.0 * rule.get(patched, 0) / total if total else None


def third_share(rule: Mapping[str, int]) -> float:
    """The part of a rule's requests that goes to no side."""
    third = sum(weight for name, weight in rule.items() if name not in SIDES)
    return third / (sum(rule.values()) or 1)


def borrowed_share(status: Mapping[str, Any], route: str, place: int) -> float | None:
    """The part of a rule's requests that went to neither side when the rollout began; None where that is not stored."""
    routes = (status.get("borrowed") or {}).get("routes") or ()
    rules = (rule for one in routes if one["name"] == route for rule in one["rules"] if rule["index"] == place)
    for rule in rules:
        third, sides = sum(rule.get("others") or ()), rule["stableWeight"] + (rule.get("patchedWeight") or 0)
        return third / (third + sides) if third + sides else None
    return None


def _outdates(body: Any) -> bool:
    """A merge patch that gives an object a new version, with nothing changed: it may come after the end too."""
    return isinstance(body, Mapping) and set(body) == {"metadata"} and set(body["metadata"].get("labels") or ()) == {OUTDATED}


class Outside:
    """What is done for one rollout: `note` notes an object, `wrote` judges what a request made of it. Breaches are (promise, what
    was done)."""

    def __init__(self, api: FakeApi, namespace: str, name: str, patched: str = PATCHED) -> None:
        self.api, self.namespace, self.name, self.patched = api, namespace, name, patched
        self.breaches: list[tuple[str, str]] = []
        self.edited = False  # people may give weights to what is split between two rollouts
        self._objects: dict[str, Object] = {}
        self._sent_in: dict[str, str | None] = {}  # object -> the stage that was stored when the newest write was sent
        self._status: Mapping[str, Any] = {}
        self._weights: dict[int, int | None] = {}  # intention -> the weight that was stored with it

    def status(self) -> Mapping[str, Any]:
        """The stored status; the last one when the object is gone."""
        try:
            self._status = self.api.peek("HotfixRollout", self.namespace, self.name).get("status") or {}
        except KeyError:
            return self._status
        return self._status

    @property
    def gone(self) -> bool:
        """The rollout does not exist any more."""
        try:
            self.api.peek("HotfixRollout", self.namespace, self.name)
        except KeyError:
            return True
        return False

    @property
    def phase(self) -> str | None:
        """Its phase as it is stored; None when it is gone."""
        return None if self.gone else self.status().get("phase")

    def note(self, kind: str, name: str) -> None:
        """How an object is before a request."""
        place = f"{kind}/{name}"
        try:
            self._objects[place] = self.api.peek(kind, self.namespace, name)
        except KeyError:
            self._objects.pop(place, None)

    def sent(self, kind: str, name: str) -> None:
        """A write is on its way, which may take it long."""
        self.note(kind, name)
        self._sent_in[f"{kind}/{name}"] = self.status().get("stage")

    def known(self, kind: str, name: str) -> Object | None:
        """How an object was when it was noted or written last."""
        return self._objects.get(f"{kind}/{name}")

    def wrote(self, method: str, url: str, body: Any, answer: Answer) -> None:
        """One request of this rollout that was not a read."""
        kind, name = placed(url)
        if kind is None or method != "PATCH":
            return
        self._version(kind, body)
        if answer.status >= 300:
            return
        if kind == "HotfixRollout":
            stored = answer.body.get("status") or {}
            self._weights[stored.get("intention", 0)] = stored.get("weight")
        was, now = self._objects.get(f"{kind}/{name}"), answer.body
        check = {"HTTPRoute": self._route, "Deployment": self._deployment, "HotfixRollout": self._rollout}.get(kind)
        if was is not None and check and not _outdates(body):
            check(was, now)
        self._objects[f"{kind}/{name}"] = copied(now)

    def breach(self, promise: str, text: str) -> None:
        """Note what was broken."""
        self.breaches.append((promise, text))

    def _version(self, kind: str, body: Any) -> None:
        if body == {"metadata": {"labels": {OUTDATED: None}}}:
            return  # it takes nothing away but what only says that it is not there
        if _outdates(body):
            carried = [body["metadata"].get("resourceVersion")]
        else:
            carried = [op.get("value") for op in body if op.get("path") == "/metadata/resourceVersion"]
        if not carried or not carried[0]:
            self.breach("version carried", f"a write of a {kind} without a version")

    def _same(self, kind: str, was: Object, now: Object) -> None:
        if was["metadata"]["resourceVersion"] == now["metadata"]["resourceVersion"]:
            self.breach("a difference", f"a write of {kind} {now['metadata']['name']} that changed nothing")

    def _route(self, was: Object, now: Object) -> None:
        status, before, after = self.status(), weights(was), weights(now)
        self._same("HTTPRoute", was, now)
        if status.get("stage") in SHARED:
            self.breach("terminal is final", f"the route was written in {status.get('stage')}")
        first, second = stamp_of(was, self.name), stamp_of(now, self.name)
        if first is not None and second is not None and second < first:
            self.breach("fenced", f"the route's stamp went back from {first} to {second}")
        for place, (old, new) in enumerate(zip(before, after, strict=False)):
            self._share_of_others(status, now["metadata"]["name"], place, old, new)
            self._rule(status, old, new, self._weights.get(second) if second is not None else None)
        if _without_backends(was) != _without_backends(now) or len(before) != len(after):
            self.breach("users' fields", "more of the route was written than backends")

    def _rule(self, status: Mapping[str, Any], old: dict[str, int], new: dict[str, int], wanted: int | None) -> None:
        if old == new:
            return
        if sum(new.values()) == 0 < sum(old.values()):
            self.breach("never all zero", "all weights of a rule became 0")
        others = {name: (old[name], new.get(name)) for name in old if name not in SIDES}
        factors = {b / a for a, b in others.values() if a and b is not None}
        if any(b is None for _, b in others.values()) or len(factors) > 1:
            self.breach("users' fields", f"third backends went from {old} to {new}")
        against = against_of(status)
        got, had = share(new, against, self.patched), share(old, against, self.patched)
        if status.get("stage") == "GivingBack" or got is None or had is None or got == had:
            return
        if abs(got - (wanted or 0)) >= 0.5:
            self.breach("intention saved", f"patched got {got:g} % while {wanted} % was stored")
        if got > had and status.get("phase") == "RollingBack" and not status.get("stableLost"):
            self.breach("no rise after a rollback", f"patched rose to {got:g} %")

    def _share_of_others(
        self, status: Mapping[str, Any], route: str, place: int, old: dict[str, int], new: dict[str, int]
    ) -> None:
        """Nobody here edits third backends alone: a write of ours leaves them the share that they had when the rollout began,
        which is stored; that it was stored rightly is seen when the route is given back."""
        had = borrowed_share(status, route, place)
        split = share(old, patched=self.patched) != share(new, patched=self.patched)
        if had is not None and split and not self.edited and abs(third_share(new) - had) > THIRD:
            self.breach("users' fields", f"third backends had {had:.2%} of the rule and have {new}")

    def _rollout(self, was: Object, now: Object) -> None:
        for promise, text in went_back(was.get("status") or {}, now.get("status") or {}):
            self.breach(promise, text)

    def _deployment(self, was: Object, now: Object) -> None:
        status, name = self.status(), now["metadata"]["name"]
        self._same("Deployment", was, now)
        if status.get("stage") in SHARED:
            self.breach("terminal is final", f"Deployment {name} was written in {status.get('stage')}")
        if was["spec"]["template"] != now["spec"]["template"]:
            if name != STABLE or status.get("stage") != "PatchingStable":
                self.breach("intention saved", f"the pod spec of {name} was written in {status.get('stage')}")
            if was["spec"]["template"]["metadata"] != now["spec"]["template"]["metadata"]:
                self.breach("users' fields", f"labels of {name}'s pods were written")
        if was["spec"]["replicas"] != now["spec"]["replicas"]:
            stage = self._sent_in.get(f"Deployment/{name}", status.get("stage"))
            stages = ("ScalingDown",) if now["spec"]["replicas"] == 0 else ("Scaling", "Adopting")
            if name != self.patched or stage not in stages:
                self.breach("intention saved", f"{name} was scaled in {stage}")


def against_of(status: Mapping[str, Any]) -> str:
    """The side that a rollout's patch is split with: stable, or the proven patch of the older rollout."""
    claim = status.get("supersedes") or {}
    return STABLE if claim.get("moved") else claim.get("control") or STABLE


def placed(url: str) -> tuple[str | None, str]:
    """(kind, name) of the object that a request is about."""
    kind = next((k for part, k in KINDS.items() if f"/{part}/" in f"{url}/"), None)
    return kind, url.removesuffix("/status").rsplit("/", 1)[-1]


def stamp_of(route: Mapping[str, Any], rollout: str) -> int | None:
    """The number on the route's stamp; None where it is of another rollout, or of none."""
    text = (route["metadata"].get("annotations") or {}).get("hotfix-operator.dev/stamp")
    return int(text.rsplit(".", 1)[-1]) if text and text.split(".")[0] == rollout else None


def _without_backends(route: Object) -> Object:
    spec = copied(route["spec"])
    for rule in spec["rules"]:
        rule.pop("backendRefs", None)
    return {"spec": spec, "labels": route["metadata"].get("labels")}


KINDS = {
    "httproutes": "HTTPRoute",
    "deployments": "Deployment",
    "hotfixrollouts": "HotfixRollout",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
}

Check = Callable[[Object, Object], None]
