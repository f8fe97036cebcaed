"""The process as a whole: it gets ready, stops in order when it is told to, and says in one line why it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cluster import Cluster

PROGRAM = str(Path(sys.executable).parent / "hotfix-operator")


def start(*arguments: str, **env: str) -> "subprocess.Popen[str]":
    given = {name: value for name, value in os.environ.items() if not name.startswith("HOTFIX_")}
    return subprocess.Popen(
        [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**given, **env}
    )


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, page: str) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@pytest.mark.cluster
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_gets_ready_and_ends_in_order_when_it_is_told_to(cluster: Cluster, port: int, number: signal.Signals) -> None:
    process = start(
        "--http-address", f"127.0.0.1:{port}", "--namespace", "default", "--log-level", "info", KUBECONFIG=str(cluster.kubeconfig)
    )
    try:
        cluster.until(lambda: answers(port, "/readyz") == 200, "it is ready", seconds=30)
        assert answers(port, "/livez") == 200
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, output
    messages = [json.loads(line)["message"] for line in output.splitlines() if line.startswith("{")]
    assert "stopping: finishing the looks under way" in messages
    assert not [line for line in output.splitlines() if "Traceback" in line]
    assert answers(port, "/livez") is None


@pytest.mark.cluster
@pytest.mark.parametrize("delay_seconds", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_signal_while_it_starts_to_lead_is_no_failure(cluster: Cluster, port: int, delay_seconds: float) -> None:
    process = start("--http-address", f"127.0.0.1:{port}", "--namespace", "default", KUBECONFIG=str(cluster.kubeconfig))
    try:
        assert process.stdout is not None
        next(line for line in process.stdout if "leading as" in line)
        threading.Event().wait(delay_seconds)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, output


@pytest.mark.parametrize(
    ("arguments", "env", "code", "says"),
    [
        (["--scrape-interval", "often"], {}, 2, "--scrape-interval (HOTFIX_SCRAPE_INTERVAL)"),
        (["--prometheus-url", "ftp://x"], {}, 2, "is not an http(s) address"),
        ([], {"KUBECONFIG": "/nowhere/kubeconfig"}, 1, "No way to log in to a cluster"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_a_line(arguments: list[str], env: dict[str, str], code: int, says: str) -> None:
    process = start(*arguments, **env)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert says in output
    assert "Traceback" not in output
