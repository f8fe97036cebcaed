"""The real clock. Nothing else in the operator asks what time it is."""

import time


class SystemClock:
    """Time of this machine."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()
