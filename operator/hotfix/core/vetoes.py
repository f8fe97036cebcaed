"""What a guard says when it speaks, and who of several speaks first. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from .look import Look
from .reasons import Reason


@dataclass(frozen=True, slots=True)
class Veto:
    """Why not to go on."""

    reason: Reason
    message: str


Guard = Callable[[Look], Veto | None]


def first(guards: tuple[Guard, ...], look: Look) -> Veto | None:
    """What the first guard that speaks says."""
    return next((veto for guard in guards if (veto := guard(look))), None)
