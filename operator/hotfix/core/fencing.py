"""Fencing: which intention a route was last written for, so that a writer that slept cannot undo what came after it. Pure.

Every new weight is a new intention with a larger number. It is stored before anything is done, and it is written on the route
as a stamp even where the weights are right already: that changes the route's version, and a writer that still carries an older
version is refused by the API server. A stamp that is newer than what is remembered says that the memory is old; it is then
stored again, which fails unless it is the newest.
"""

from .look import Look
from .observation import Observation, RouteView
from .status import Phase, Status

UID_LETTERS = 8


def stamp(name: str, uid: str, intention: int) -> str:
    """For example `fix.8c1f2e7a.12`: the rollout, its uid as far as it tells it from an earlier one of that name, the number."""
    return f"{name}.{uid[:UID_LETTERS]}.{intention}"


def wanted_stamp(look: Look) -> str:
    """What the routes of this rollout are to carry."""
    return stamp(look.seen.name, look.seen.uid, look.status.intention)


def intention_of(written: str | None, seen: Observation) -> int | None:
    """The number on a stamp of this very rollout; None for any other text."""
    prefix = stamp(seen.name, seen.uid, 0)[:-1]
    number = (written or "").removeprefix(prefix)
    return int(number) if (written or "").startswith(prefix) and number.isdecimal() and len(number) < 10 else None


def rollout_of(written: str | None) -> str | None:
    """The name of the rollout on a stamp; None for a text that is none."""
    name, uid, number = ["", *(written or "").rsplit(".", 2)][-3:] if (written or "").count(".") > 1 else ("", "", "")
    return name if name and uid and number.isdecimal() else None


def stamped(route: RouteView, look: Look) -> bool:
    """The route carries a stamp of this very rollout."""
    return intention_of(route.stamp, look.seen) is not None


def arrived(route: RouteView, look: Look) -> bool:
    """The present intention was written to the route, whatever stands there by now. An older stamp says that the write cannot be
    seen yet, or never came. No weight is given before a stamp is seen: one that is gone went with a write that replaced all."""
    return route.stamp in (None, wanted_stamp(look))


def is_anothers(route: RouteView, look: Look) -> bool:
    """The route carries the stamp of another rollout: what is on it is that one's."""
    return not stamped(route, look) and rollout_of(route.stamp) is not None


def numbered(look: Look, before: Status) -> Look:
    """A new weight, and a rollback that begins, is a new intention; so is what follows a stamp newer than the memory."""
    after = look.status
    begins = after.phase is Phase.ROLLING_BACK and before.phase is not Phase.ROLLING_BACK
    number = before.intention + (after.weight != before.weight or begins)
    stamps = (intention_of(route.stamp, look.seen) for route in (look.seen.routes.routes if look.seen.routes else ()))
    newest = max((found for found in stamps if found is not None), default=0)
    if newest > before.intention:
        number = newest + 1
    return look if number == after.intention else look.having(after.model_copy(update={"intention": number}))
