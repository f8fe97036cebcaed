"""Probes and metrics of the process."""

import aiohttp

from hotfix.core.machine import Decision
from hotfix.core.status import DecisionRecord, Phase, Status
from hotfix.ports import Key
from hotfix.runtime.http import Endpoints
from hotfix.telemetry import Telemetry


def free_port() -> int:
    """A port that nobody listens on."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def answers(telemetry: Telemetry, ready: str | None, lateness: float) -> dict[str, tuple[int, str]]:
    """Status and body of all three paths."""
    endpoints = Endpoints(telemetry.registry, ready=lambda: ready, lateness=lambda: lateness)
    address = f"127.0.0.1:{free_port()}"
    await endpoints.start(address)
    found = {}
    async with aiohttp.ClientSession() as session:
        for path in ("livez", "readyz", "metrics"):
            async with session.get(f"http://{address}/{path}") as answer:
                found[path] = (answer.status, await answer.text())
    await endpoints.stop()
    return found


async def test_a_process_that_has_listed_everything_is_ready_and_alive() -> None:
    found = await answers(Telemetry(), None, 0.0)
    assert found["livez"][0] == found["readyz"][0] == 200
    assert "process_resident_memory_bytes" in found["metrics"][1]


async def test_a_process_that_has_not_listed_is_alive_and_not_ready_and_says_why() -> None:
    found = await answers(Telemetry(), "not listed yet", 0.0)
    assert found["livez"][0] == 200
    assert found["readyz"] == (503, "not listed yet\n")


async def test_a_look_that_hangs_makes_it_dead() -> None:
    assert (await answers(Telemetry(), None, 500.0))["livez"][0] == 500


def decision(phase: Phase, held: str | None, sequence: int) -> Decision:
    """A saved decision."""
    entries = [
        DecisionRecord(sequence=n, time="2027-01-15T08:00:00Z", what="w", reason="Promoted") for n in range(1, sequence + 1)
    ]
    status = Status(phase=phase, held=held, weight=25, decisions=entries)
    return Decision(status=status, actions=(), look_again_seconds=None)


async def test_the_series_of_a_rollout_follow_it_and_go_with_it() -> None:
    telemetry, key = Telemetry(), Key("shop", "fix")
    telemetry.decided(key, decision(Phase.ANALYZING, "Paused", 1))
    telemetry.decided(key, decision(Phase.BAKING, None, 2))
    telemetry.looked(0.1, None)
    telemetry.looked(0.1, ValueError("x"))
    text = (await answers(telemetry, None, 0.0))["metrics"][1]
    assert 'hotfix_rollout_phase{name="fix",namespace="shop",phase="Baking"} 1.0' in text
    assert 'phase="Analyzing"' not in text
    assert "hotfix_rollout_held{" not in text
    assert 'hotfix_decisions_total{reason="Promoted"} 1.0' in text
    assert 'hotfix_look_failures_total{error="ValueError"} 1.0' in text
    telemetry.forgotten(key)
    telemetry.forgotten(key)
    assert 'name="fix"' not in (await answers(telemetry, None, 0.0))["metrics"][1]
