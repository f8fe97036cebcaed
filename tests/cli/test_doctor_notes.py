"""What `doctor` notes about counters that are there, and about those that are not."""

import pytest

from hotfix.cli import asking, doctor
from hotfix.cli.doctor import increase
from hotfix.core.remarks import HANGS_LATE
from tests.core.made import counter, side, view
from tests.core.world import a_spec

SUBJECT = asking.Subject(namespace="shop", asked=a_spec(metrics={"preset": "http"}))


@pytest.mark.parametrize(
    ("started", "late"),
    [(None, True), ([], True), ([counter("a|started", [0, 12])], False)],
    ids=["not asked for", "no such series", "counted"],
)
def test_that_hangs_are_found_late_is_noted_where_nobody_counts_what_begins(started: object, *, late: bool) -> None:
    stable = side([counter("a|x", [0, 10])], started=started)  # type: ignore[arg-type]
    notes = doctor._notes(SUBJECT, view(side([]), stable, 1), 5.0)
    assert (f"R{HANGS_LATE[1:]}." in notes) is late


def test_a_process_that_began_again_is_counted_on() -> None:
    assert increase([5.0, 9.0, 2.0, 4.0]) == 4.0 + 2.0 + 2.0
    assert increase([7.0]) == 0.0
