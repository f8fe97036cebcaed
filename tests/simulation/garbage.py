"""The collector of reference cycles, tuned for worlds that are thrown away whole."""

import gc

EVERY_OBJECTS = 100_000


def collect_rarely() -> None:
    """In this process, from now on; what is loaded by now is not looked at again."""
    gc.freeze()
    gc.set_threshold(EVERY_OBJECTS, 50, 100)
