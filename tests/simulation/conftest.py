"""The nets say how much went through them, also when the tests ran in several processes."""

from collections import Counter
from collections.abc import Callable

import pytest

NET = "net: "

Say = Callable[[str, int], None]


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Count something of a net: `say("cells decided", 1200)`."""
    return lambda what, number: record_property(NET + what, number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line with the sums."""
    sums: Counter[str] = Counter()
    for report in (report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])):
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                if name.startswith(NET):
                    sums[name.removeprefix(NET)] += value
    for what, number in sorted(sums.items()):
        terminalreporter.write_line(f"{what}: {number:,}")
