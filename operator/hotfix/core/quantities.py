"""The strings a manifest carries, as numbers: durations (GEP-2257) and shares (`0.5%`). Nothing else lives here.

A manifest has no floats, so that what was written is what is stored; these functions give the numbers behind it.
"""

import re
from decimal import Decimal

DURATION_PATTERN = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
SHARE_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"

_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+)(ms|h|m|s)")


def seconds(duration: str) -> float:
    """Seconds of a GEP-2257 duration such as `1h30m`; ValueError when it is none."""
    if not re.fullmatch(DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is not a duration such as 30s, 5m or 1h30m")
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(duration))


def share(text: str) -> Decimal:
    """The share behind a percentage, in 0..1: `0.5%` is Decimal('0.005'); ValueError when it is none in (0 %, 100 %]."""
    if not re.fullmatch(SHARE_PATTERN, text):
        raise ValueError(f"{text!r} is not a share such as 0.5%")
    value = Decimal(text[:-1]) / 100
    if not 0 < value <= 1:
        raise ValueError(f"{text!r} is not above 0% and at most 100%")
    return value


def percent(value: float) -> str:
    """A share in 0..1 for people: 0.0491 is `4.91 %`, trailing zeros cut."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".") + " %"


def span(duration_seconds: float) -> str:
    """A length of time for people: 95 is `1m35s`, 3600 is `1h`; rounded to seconds."""
    left = max(0, round(duration_seconds))
    hours, left = divmod(left, 3600)
    minutes, rest = divmod(left, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts) or "0s"
