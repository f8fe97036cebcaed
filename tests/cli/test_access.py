"""How Prometheus is reached by the commands that ask it: as the operator reaches it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hotfix.cli import app

MANIFEST = Path(__file__).parents[2] / "deploy" / "samples" / "own-counters.yaml"
SPAN = ("--from", "2030-01-01T00:00:00Z", "--to", "2030-01-01T01:00:00Z")


@pytest.fixture
def tenants() -> Iterator[tuple[str, list[str | None]]]:
    """(address of a server that knows nothing, tenants that asked it)."""
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(self.headers["X-Scope-OrgID"])
            self.send_error(503)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def backtest(address: str, *more: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        app.main(["backtest", "-f", str(MANIFEST), *SPAN, "--prometheus-url", address, *more])
    return int(ended.value.code or 0)


def test_a_header_is_sent_as_its_file_says(tenants: tuple[str, list[str | None]], tmp_path: Path) -> None:
    (tmp_path / "tenant").write_text("team-a\n")
    address, asked = tenants
    assert backtest(address, "--prometheus-header", f"X-Scope-OrgID=@{tmp_path / 'tenant'}") == 3
    assert set(asked) == {"team-a"}
    asked.clear()
    assert backtest(address) == 3
    assert set(asked) == {None}


@pytest.mark.parametrize("header", ["X-Scope-OrgID", "X-Scope-OrgID=team-a", "=@file", "X-Scope-OrgID=@"])
def test_a_header_that_names_no_file_is_refused(header: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest("http://127.0.0.1:9", "--prometheus-header", header) == 1
    assert f"--prometheus-header {header} is not NAME=@FILE" in capsys.readouterr().err
