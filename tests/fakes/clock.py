"""A clock that goes only when it is told to."""


class FakeClock:
    """The Clock port."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.seconds = start

    def now(self) -> float:
        """Unix seconds."""
        return self.seconds

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError("time does not go backwards")
        self.seconds += seconds
