"""Shared by all tests: the one cluster of a test session, started by whoever needs it first, ended with the session."""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.cluster import Provider, chosen
from tests.cluster.binaries import Missing
from tests.cluster.needed import LEFT_OUT, cannot_run, leave_out
from tests.cluster.operator import Operator

pytest.register_assert_rewrite("tests.e2e")  # what stories assert in common says what it saw, too

# how long a law takes to check says nothing on a machine that is busy; too slow to draw is no finding either
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

SCRAPE_SECONDS = 2
HERE = Path(__file__).parent
KIND = HERE / "kind"
# what covers the core together; whatever else ran under coverage would only take twice as long
MEASURED = (str(HERE / "core"), str(HERE / "reconcile" / "test_supersede"))
NET = "net: "  # what a net counted, among the properties of its report
_started: list[Provider] = []


def _state_file(config: pytest.Config) -> Path:
    """Where the processes of one session tell each other of the cluster."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return Path(worker["cluster_state"])
    return Path(str(config.stash[STATE]))


STATE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller chooses the place; workers are told."""
    if not hasattr(config, "workerinput"):
        base = Path(os.environ.get("TMPDIR", "/tmp")) / f"hotfix-session-{os.getpid()}.json"
        config.stash[STATE] = str(base)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "pytest.Item") -> None:
    """xdist: pass the place to a worker."""
    node.workerinput["cluster_state"] = node.config.stash[STATE]  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the chosen cluster cannot do is left out; what takes minutes begins first, or it would end alone."""
    for item in items:
        leave_out(item)
        if not str(item.path).startswith(MEASURED):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """With xdist the controller starts the cluster, because it outlives every worker."""
    config = session.config
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    if "not cluster" not in (config.option.markexpr or ""):
        _start(config)


def _start(config: pytest.Config) -> None:
    try:
        cluster = chosen.held(SCRAPE_SECONDS)
    except Missing as error:
        _state_file(config).write_text(json.dumps({"missing": str(error)}))
        return
    _started.append(cluster)
    if "own operator" not in cluster.lacks:
        Operator.install(cluster, scrape=f"{SCRAPE_SECONDS}s")
    _state_file(config).write_text(json.dumps({"home": str(cluster.home)}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing behind."""
    for cluster in _started:
        if "audit log" not in cluster.lacks:
            _check_rights(session, Operator(cluster))
        cluster.stop()
    if not hasattr(session.config, "workerinput"):
        for file in (_state_file(session.config), _state_file(session.config).with_suffix(".lock")):
            file.unlink(missing_ok=True)


def _check_rights(session: pytest.Session, operator: Operator) -> None:
    """What the operator did in all stories together is within what deploy/ grants; a request that was refused is a failure."""
    used, refused, strayed = operator.used(), operator.refused(), operator.strayed()
    beyond = used - operator.granted()
    if not used:
        print("\nthe audit log tells of no request of the operator, so nothing is known of its rights")
    if beyond or refused or strayed:
        print(f"\nthe operator's rights do not fit: used but not granted {sorted(beyond)}, refused {refused[:5]}")
        print(f"namespaces it wrote to without a HotfixRollout in them: {sorted(strayed)}")
    if not used or beyond or refused or strayed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """The session's cluster with the operator installed from deploy/base. Stop nothing in it: others use it too."""
    file = _state_file(request.config)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _start(request.config)
    state = json.loads(file.read_text())
    if "missing" in state:
        cannot_run(state["missing"])
    with chosen.PROVIDER.attach(Path(state["home"])) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def operator(cluster: Provider) -> Operator:
    """The operator in the session's cluster."""
    return Operator(cluster)


def _left_to_kind(config: pytest.Config) -> int:
    """How many stories of tests/kind were asked for, and told nowhere but on kind."""
    asked = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    if chosen.NAME == "kind" or "not cluster" in (config.option.markexpr or "") or not any(map(KIND.is_relative_to, asked)):
        return 0
    return sum(path.read_text().count("\ndef test_") for path in KIND.glob("test_*.py"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was left out; how much went through the nets, also when the tests ran in several processes: a line for each sum."""
    lines = []
    for report in terminalreporter.stats.get("skipped", []):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if LEFT_OUT in why:
            lines.append(f"{report.nodeid}: {why.removeprefix('Skipped: ')}")
    if left := _left_to_kind(config):
        lines.append(f"tests/kind: {left} stories {LEFT_OUT} {chosen.NAME}, as they need nodes: make test-kind")
    lines += [f"{what}: {number:,}" for what, number in sorted(_counted(terminalreporter).items())]
    lines += [f"{file}: {seconds:.0f} s of one worker" for file, seconds in _took(terminalreporter).most_common()]
    for line in lines:
        terminalreporter.write_line(line)


def _counted(terminalreporter: pytest.TerminalReporter) -> Counter[str]:
    """What nets counted -> how much of it."""
    sums: Counter[str] = Counter()
    for report in (report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])):
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                if name.startswith(NET):
                    sums[name.removeprefix(NET)] += value
    return sums


def _took(terminalreporter: pytest.TerminalReporter) -> Counter[str]:
    """File of nets -> how many seconds its tests took."""
    sums: Counter[str] = Counter()
    for report in (report for kind in ("passed", "failed", "") for report in terminalreporter.stats.get(kind, [])):
        if "net" in getattr(report, "keywords", ()):
            sums[report.nodeid.partition("::")[0]] += report.duration
    return sums
