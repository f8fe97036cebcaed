"""Whose fault it is: the three errors that cross a port. Adapters translate every client error into one of these.

Causes are chained (`raise Unavailable(...) from error`), so that a log line shows the whole story.
"""


class OutsideError(Exception):
    """Something outside did not do what was asked. The text is a sentence for a responder."""


class Unavailable(OutsideError):
    """No answer, or one that cannot be trusted: time-out, refused connection, 5xx, 429, a partial result. Try at the next look.

    `retry_after_seconds` is what the other side asked for, None where it said nothing.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Conflict(OutsideError):
    """Somebody else wrote first: what was decided rests on an old view. Look again."""


class Refused(OutsideError):
    """It will never work as asked: forbidden, invalid, not found. `reason` is a CamelCase word fit for a condition."""

    def __init__(self, message: str, *, reason: str = "Refused") -> None:
        super().__init__(message)
        self.reason = reason


class NotFound(Refused):
    """The object that was named does not exist (now)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="TargetNotFound")
