"""What a change of an object asks for: a look at the rollouts that the object is about."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from hotfix.adapters.reading import Resource
from hotfix.adapters.store import ROLLOUTS
from hotfix.ports import Key

GATHERED_SECONDS = 0.1  # changes come in crowds
REMEMBERED = 1000
SPACED_SECONDS = 1.0  # between two looks at a rollout that nothing but changes asked for


class Add(Protocol):
    """LookQueue.add."""

    def __call__(self, key: Key, *, after_seconds: float = 0.0) -> None:
        """Have it looked at then, or earlier."""
        ...


class Hearing:
    """`concerned(namespace, name)`: the rollouts that an object is about, all of the namespace where the name is None. `now`:
    monotonic seconds."""

    def __init__(self, concerned: Callable[[str, str | None], Iterable[Key]], add: Add, now: Callable[[], float]) -> None:
        self._concerned, self._add, self._now = concerned, add, now
        self._asked: dict[Key, float] = {}

    def heard(self, resource: Resource[Any], namespace: str, name: str | None) -> None:
        """A rollout that somebody changed is looked at at once; one that a change of its pods, Services or routes is about soon,
        and not again and again while they change. Without a name the watch has ended: anything may have changed."""
        if resource is ROLLOUTS and name is not None:
            self._add(Key(namespace, name))
            return
        now = self._now()
        for key in self._concerned(namespace, name):
            due = max(now + GATHERED_SECONDS, self._asked.get(key, float("-inf")) + SPACED_SECONDS)
            if self._asked.get(key, float("-inf")) <= now:
                self._asked[key] = due
                self._add(key, after_seconds=due - now)
        if len(self._asked) > REMEMBERED:
            self._asked = {key: due for key, due in self._asked.items() if due > now - SPACED_SECONDS}
