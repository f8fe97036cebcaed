"""What the operator did to a namespace, as the API server's audit log has it: requests in their order, weights it wrote."""

import re
from datetime import datetime
from typing import Any

from tests.cluster import Provider
from tests.cluster.operator import USER

READS = ("get", "list", "watch")
LOOKED_AT = {"hotfixrollouts", "httproutes", "deployments", "endpointslices"}
PLACE = re.compile(r"/spec/rules/(\d+)/backendRefs/(\d+)/(name|weight)")


def requests(cluster: Provider, namespace: str, since: float, until: float = float("inf")) -> list[dict[str, Any]]:
    """Requests for objects of the namespace, or for those of all namespaces, in the order in which they were received."""
    timed = [(_moment(entry), entry) for entry in cluster.audit(USER)]
    placed = sorted((pair for pair in timed if since <= pair[0] < until), key=lambda pair: pair[0])
    return [entry for _, entry in placed if (entry.get("objectRef") or {}).get("namespace", namespace) == namespace]


def _moment(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()


def resource(entry: dict[str, Any]) -> str:
    """hotfixrollouts, hotfixrollouts/status ..."""
    ref = entry.get("objectRef") or {}
    return "/".join(filter(None, (ref.get("resource", ""), ref.get("subresource", ""))))


def writes(entries: list[dict[str, Any]]) -> list[int]:
    """Places of what changes the rollout or anything of the user's: neither leases nor events do."""
    return [
        place
        for place, entry in enumerate(entries)
        if entry["verb"] not in READS and resource(entry) not in ("leases", "events", "")
    ]


def shares(entries: list[dict[str, Any]], patched: str = "checkout-hotfix") -> list[float]:
    """Patched's percent of its and stable's weight, in every rule of every route that was written."""
    found = []
    for entry in entries:
        if resource(entry) != "httproutes" or entry["verb"] != "patch" or entry["responseStatus"]["code"] != 200:
            continue
        names: dict[tuple[str, str], str] = {}
        weights: dict[str, dict[str, int]] = {}
        for operation in entry["requestObject"]:
            place = PLACE.fullmatch(operation["path"])
            if place and place[3] == "name":
                names[place[1], place[2]] = operation["value"]
            elif place and operation["op"] != "remove":
                side = "patched" if names[place[1], place[2]] == patched else "stable"
                weights.setdefault(place[1], {})[side] = operation["value"]
        both = [(sides["patched"], sides.get("stable", 0)) for sides in weights.values() if "patched" in sides]
        found += [100 * mine / (mine + other) if mine else 0.0 for mine, other in both]
    return found


def first_act_was_a_look(entries: list[dict[str, Any]], stored: int) -> bool:
    """Of a process that starts anew: everything was read before the first write, and until it had stored what it decided it gave
    patched no more than `stored` percent."""
    changing = writes(entries)
    assert changing, "it has done something"
    read = {resource(entry) for entry in entries[: changing[0]]}
    decided = next(place for place in changing if resource(entries[place]) == "hotfixrollouts/status")
    return read >= LOOKED_AT and all(share <= stored for share in shares(entries[:decided]))
