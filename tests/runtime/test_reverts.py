"""When a rollout that has ended is looked at again: one list for a namespace tells."""

from hotfix.core.reverted import Watched
from hotfix.errors import Unavailable
from hotfix.ports import Key
from hotfix.runtime.reverts import Reverts, Templates


def watched(*, told: bool = False) -> Watched:
    return Watched(deployment="checkout", template="old", images=("app:1",), fixed=("app:2",), told=told)


class Cluster:
    def __init__(self, **found: Templates) -> None:
        self.found, self.asked = found, []  # type: ignore[var-annotated]

    async def templates(self, namespace: str) -> Templates:
        self.asked.append(namespace)
        if namespace not in self.found:
            raise Unavailable("no answer")
        return self.found[namespace]


async def test_what_changed_is_looked_at_and_each_namespace_is_asked_once() -> None:
    old, new = {"checkout": ("old", ("app:1",))}, {"checkout": ("new", ("app:2",))}
    promoted = {
        Key("one", "a"): watched(),
        Key("two", "b"): watched(),
        Key("one", "c"): watched(told=True),
        Key("three", "d"): watched(told=True),
        Key("four", "e"): watched(),
        Key("five", "f"): watched(),
    }
    cluster, changed = Cluster(one=old, two=new, three=new, five={}), []  # type: ignore[var-annotated]
    await Reverts(promoted=lambda: promoted, templates=cluster.templates, changed=changed.append).look()
    assert changed == [Key("one", "a"), Key("three", "d")]
    assert cluster.asked == ["five", "four", "one", "three", "two"]
