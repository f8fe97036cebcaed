"""A copy of something that is JSON, several times faster than copy.deepcopy."""

import marshal
from typing import Any


def copied(item: Any) -> Any:
    """The same dicts, lists, strings and numbers anew."""
    return thawed(frozen(item))


def frozen(item: Any) -> bytes:
    """What any number of copies can be made of."""
    return marshal.dumps(item)


def thawed(kept: bytes) -> Any:
    """One more copy."""
    return marshal.loads(kept)  # noqa: S302 - bytes made by `frozen`, in this process
