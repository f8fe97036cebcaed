"""Planted bugs for the nets of crash points. Told without a crash, or with every answer, each tale ends well with the bug too."""

from . import crash_bugs
from .crashing import CRASHED, UNANSWERED, Tale, losses
from .mutants import Mutant
from .tales import _deleted, _released, _scaled, _stage, shop

CRASH, ANSWER = "whatever it dies at", "whatever gets no answer"
QUARTER_SECONDS = 900.0
# as short as they can be: given back before a request goes to patched, as a crash at each write of it is told to the end
DELETED = Tale(_scaled, ((lambda told: _stage(told) == "Scaling", _deleted),), every=1, longest_seconds=QUARTER_SECONDS)
RELEASED = Tale(shop, ((lambda told: _stage(told) == "Adopting", _released),), every=1, longest_seconds=QUARTER_SECONDS)

CRASH_MUTANTS: tuple[Mutant, ...] = (
    Mutant(CRASH, "the object is held after the first write", crash_bugs.holds_the_object_last, CRASHED, tale=DELETED),
    Mutant(CRASH, "a floor is stored once it is raised", crash_bugs.raises_the_floor_before_it_is_stored, CRASHED, tale=DELETED),
    Mutant(CRASH, "an Event is said twice", crash_bugs.names_each_event_anew, CRASHED, tale=RELEASED),
    Mutant(
        ANSWER,
        "an Event without an answer is said twice",
        crash_bugs.names_each_event_anew,
        UNANSWERED,
        tale=RELEASED,
        net=losses,
    ),
    Mutant(
        ANSWER,
        "after a lost answer the old version is used for ever",
        crash_bugs.trusts_its_memory_for_ever,
        UNANSWERED,
        tale=RELEASED,
        net=losses,
    ),
)
