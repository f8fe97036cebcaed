"""A copy of something that is JSON, several times faster than copy.deepcopy."""

import marshal
from collections.abc import Mapping, Sequence
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


class _Given:
    """A value of a JSON Patch: copied fast where it is put in, which jsonpatch does deeply."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copied(self._value)


def given(operations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The operations of a JSON Patch, with values that are copied fast where they are put in."""
    return [
        {**entry, "value": _Given(entry["value"])} if entry.get("op") in ("add", "replace") and "value" in entry else dict(entry)
        for entry in operations
    ]
