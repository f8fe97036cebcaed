"""Flags over environment over defaults; a wrong value names the flag and what would be right."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from hotfix import settings


def test_defaults_suit_a_cluster_with_the_prometheus_operator() -> None:
    loaded = settings.load([])
    assert loaded.scrape_interval_seconds == 15
    assert loaded.resync_seconds == 300
    assert loaded.namespace == []
    assert loaded.reconcile.metrics_timeout_seconds == 7.5


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTFIX_SCRAPE_INTERVAL", "30s")
    monkeypatch.setenv("HOTFIX_NAMESPACE", "a,b")
    assert settings.load([]).scrape_interval_seconds == 30
    loaded = settings.load(["--scrape-interval", "5s", "--namespace", "c", "--namespace", "d"])
    assert loaded.scrape_interval_seconds == 5
    assert loaded.namespace == ["c", "d"]
    assert settings.load([]).namespace == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scrape-interval", "5x"], "--scrape-interval"),
        (["--scrape-interval", "10ms"], "shorter than 1s"),
        (["--prometheus-url", "ftp://x"], "http(s) address"),
        (["--http-address", "8080"], "HOST:PORT"),
        (["--http-address", "0.0.0.0:99999"], "HOST:PORT"),
        (["--prometheus-header", "X-Tenant"], "NAME=@FILE"),
        (["--workers", "0"], "--workers"),
        (["--log-level", "loud"], "--log-level"),
    ],
)
def test_a_wrong_value_is_explained(arguments: list[str], words: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        settings.load(arguments)
    assert words in settings.explain(wrong.value)
    assert "HOTFIX_" in settings.explain(wrong.value)


@pytest.mark.parametrize(
    ("written", "words"),
    [(None, "No such file"), ("", "is empty"), ("\n", "is empty"), ("whsec_", "is empty"), ("whsec_a", "is no")],
)
def test_a_key_file_without_a_key_is_told_at_the_start(written: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    if written is not None:
        file.write_text(written)
    with pytest.raises(ValidationError) as wrong:
        settings.load(["--notify-webhook-secret-file", str(file)])
    assert words in settings.explain(wrong.value)
    assert "--notify-webhook-secret-file" in settings.explain(wrong.value)
    file.write_text("whsec_c2VjcmV0")
    assert settings.load(["--notify-webhook-secret-file", str(file)]).notify_webhook_secret_file == str(file)


@pytest.mark.parametrize(
    ("arguments", "code", "words"), [(["--version"], 0, "hotfix-operator"), (["--workers", "x"], 2, "--workers")]
)
def test_the_process_answers_and_ends_with_the_right_code(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "hotfix", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code
    assert words in done.stdout + done.stderr
