"""A copy of something that is JSON, several times faster than copy.deepcopy."""

import marshal
from typing import Any


def copied(item: Any) -> Any:
    """The same dicts, lists, strings and numbers anew."""
    return marshal.loads(marshal.dumps(item))  # noqa: S302 - bytes made in this very line
