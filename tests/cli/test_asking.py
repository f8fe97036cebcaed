"""`kubectl hotfix doctor` and `backtest`: what is refused before and after Prometheus was asked, and how results are shown."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.adapters.prometheus import Access
from hotfix.cli import asking, backtest, doctor, printing
from hotfix.cli.app import main, scraped
from hotfix.core.replay import windows
from hotfix.errors import NotFound, Refused
from tests.core.made import counter, side, view
from tests.core.test_replay import past, pods
from tests.core.world import a_spec
from tests.fakes.api import FakeApi
from tests.fakes.kube import FakeKube

NOWHERE = Access(url="http://127.0.0.1:9")
MANIFEST = """
kind: HotfixRollout
metadata: {name: fix, namespace: shop}
spec: {stable: {deployment: checkout}, patched: {deployment: checkout-hotfix}}
"""


def subject(**more: Any) -> asking.Subject:
    return asking.Subject(namespace="shop", asked=a_spec(**more))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: Deployment", "0 objects of kind HotfixRollout"),
        (MANIFEST + "---" + MANIFEST, "2 objects of kind HotfixRollout"),
        ("kind: [", "cannot be read as manifests"),
        ("kind: HotfixRollout\nspec: {stable: {}}", "deployment"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "fix.yaml").write_text(text)
    with pytest.raises(Refused, match=says):
        asking.from_file(str(tmp_path / "fix.yaml"), None)
    with pytest.raises(Refused, match="cannot be read: No such file"):
        asking.from_file(str(tmp_path / "none.yaml"), None)


def test_the_namespace_is_the_one_asked_for_else_that_of_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "fix.yaml").write_text(MANIFEST)
    assert asking.from_file(str(tmp_path / "fix.yaml"), None).namespace == "shop"
    assert asking.from_file(str(tmp_path / "fix.yaml"), "other").namespace == "other"


async def test_a_rollout_that_does_not_exist_is_said() -> None:
    with pytest.raises(NotFound, match="kubectl get hfr -n shop"):
        await asking.from_cluster(FakeKube(FakeApi()), "shop", "fix")


async def test_without_any_preset_prometheus_is_not_asked() -> None:
    report = await doctor.examine(NOWHERE, subject(), 1000.0, 15.0)
    assert "No metrics preset is known" in report.problems[0]
    with pytest.raises(Refused, match=r"metrics\.preset"):
        await backtest.run(NOWHERE, subject(), (0.0, 60.0, 15.0), same=False, every_seconds=60, weight=50)


def test_series_of_both_sides_and_of_none_are_problems() -> None:
    shared = side([counter("a|x", [0, 10])])
    assert "cannot be told apart" in " ".join(doctor._problems(subject(), view(shared, shared, 1)))
    assert "No request counter" in " ".join(doctor._problems(subject(), view(side([]), side([]), 1)))
    fell = side([counter("a|x", [100, 90])])
    assert "fell from" in " ".join(doctor._problems(subject(), view(side([counter("b|x", [1, 2])]), fell, 1)))


def test_outcomes_are_shown_as_a_table_and_as_data() -> None:
    found = windows(a_spec(), past(pods((0.06,), 1), pods((0.01, 0.01), 2)), every_seconds=300)
    text = backtest.as_text(found)
    assert "rolled back  4        100.0 %" in text
    assert "Worse after" in text
    for output in printing.FORMATS:
        shown = yaml.safe_load(printing.as_data(backtest.data(found), output))  # JSON is YAML too
        assert {window["outcome"] for window in shown} == {"rolled back"}
    assert "undecided    0        -" in backtest.as_text([])


def test_the_interval_is_the_one_that_is_told_else_of_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOTFIX_SCRAPE_INTERVAL", raising=False)
    often = subject(metrics={"interval": "5s"})
    assert (scraped(often, "10s"), scraped(often, None), scraped(subject(), None)) == (10.0, 5.0, 15.0)
    monkeypatch.setenv("HOTFIX_SCRAPE_INTERVAL", "7s")  # the operator's, for manifests without one
    assert (scraped(often, None), scraped(subject(), None)) == (5.0, 7.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backtest", "-f", "none.yaml", "--from", "x", "--to", "y"], "none.yaml cannot be read"),
        (["backtest", "-f", "FILE", "--from", "x", "--to", "y"], "x is no RFC 3339 moment"),
        (["backtest", "-f", "FILE", "--from", "x", "--to", "y", "--scrape-interval", "often"], "not a duration"),
        (["backtest", "-f", "FILE", "--from", "x", "--to", "y", "-o", "table"], "--output table is not known"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    (tmp_path / "fix.yaml").write_text(MANIFEST)
    with pytest.raises(SystemExit) as ended:
        main([argument.replace("FILE", str(tmp_path / "fix.yaml")) for argument in arguments])
    assert ended.value.code == 1
    assert says in capsys.readouterr().err
