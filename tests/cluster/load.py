"""The open-loop load generator: a fixed rate whatever the answers, every answer recorded.

`python load.py` runs inside the cluster's namespace and appends one JSON line for each answer; `Load` reads them from outside.
A request is lost when the app did not answer it and did not cause that: refused, reset, or a 5xx without the app's header.
"""

import asyncio
import json
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

LIMIT_SECONDS = 1800.0
PATIENCE_SECONDS = 10.0  # after which a client gives up; long, so that a machine that is busy for some seconds loses nothing


@dataclass(frozen=True)
class Answer:
    """One request. Times are unix seconds; `status` 0 without an answer; `lost` says why, empty when it was answered; `number`
    counts those of its load from 0 on."""

    sent: float
    done: float
    status: int
    backend: str
    image: str
    lost: str
    number: int

    @property
    def bad(self) -> bool:
        """The user saw a failure."""
        return self.status == 0 or self.status >= 500


@dataclass(frozen=True)
class Load:
    """The answers of one run so far."""

    file: Path

    def answers(self) -> list[Answer]:
        """All complete lines written until now."""
        text = self.file.read_text() if self.file.exists() else ""
        return [Answer(*json.loads(line)) for line in text.split("\n")[:-1]]

    def lost(self, *, timeouts: bool = True) -> list[Answer]:
        """Requests that the app did not fail itself; `timeouts=False` leaves out those that got no answer in time."""
        return [answer for answer in self.answers() if answer.lost and (timeouts or answer.lost != "timeout")]

    def unanswered(self, moment: float) -> set[int]:
        """Numbers of requests sent until a moment of which nothing is written yet: they hang, and nobody has given them up."""
        answers = self.answers()
        sent = [answer.number for answer in answers if answer.sent <= moment]
        return set(range(max(sent, default=-1) + 1)) - {answer.number for answer in answers}

    def since(self, moment: float) -> list[Answer]:
        """Answers to requests sent after a moment."""
        return [answer for answer in self.answers() if answer.sent >= moment]

    def told(self, lost: Iterable[Answer]) -> list[str]:
        """A line for each way in which requests of this load were lost: how many, and between which seconds of it."""
        began, ways = min((answer.sent for answer in self.answers()), default=0.0), defaultdict[str, list[float]](list)
        for answer in lost:
            ways[answer.lost].append(answer.sent - began)
        return [
            f"{len(sent)} x {way!r}, sent {min(sent):.1f} to {max(sent):.1f} s after the first request"
            for way, sent in ways.items()
        ]


def error_rate(answers: Iterable[Answer]) -> float:
    """Share of bad answers; 0 without any."""
    counted = list(answers)
    return sum(answer.bad for answer in counted) / len(counted) if counted else 0.0


class Client:
    """Keep-alive connections to one address, one request each at a time."""

    def __init__(self, host: str, address: tuple[str, int], timeout_seconds: float) -> None:
        self.request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.address, self.timeout_seconds = address, timeout_seconds
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(self, number: int) -> Answer:
        """Send one request; never raises."""
        sent = time.time()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                status, headers = await self._exchange()
        except TimeoutError:
            return Answer(sent, time.time(), 0, "", "", "timeout", number)
        except (OSError, EOFError, ValueError, IndexError) as error:
            return Answer(sent, time.time(), 0, "", "", type(error).__name__, number)
        backend = headers.get("x-backend", "")
        lost = "" if backend else f"{status} from the proxy"
        return Answer(sent, time.time(), status, backend, headers.get("x-image", ""), lost, number)

    async def _exchange(self) -> tuple[int, dict[str, str]]:
        reused = bool(self.idle)
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(*self.address)
        try:
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, EOFError):
            writer.close()
            if not reused:
                raise
            self.idle.clear()  # an idle connection may have been closed by the proxy: that loses nothing, so ask once more
            return await self._exchange()
        except BaseException:
            writer.close()
            raise
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(lines[0].split()[1]), headers


async def run(host: str, address: tuple[str, int], rate: float, seconds: float, timeout_seconds: float) -> None:
    """Send `rate` requests a second for `seconds`, printing one JSON line for each answer."""
    # resolved once: what is measured is the gateway, not the cluster's DNS for every new connection
    place = (await asyncio.get_running_loop().getaddrinfo(*address, family=socket.AF_INET, type=socket.SOCK_STREAM))[0][4]
    client, tasks = Client(host, (str(place[0]), int(place[1])), timeout_seconds), set()
    start = time.monotonic()

    def write(task: "asyncio.Task[Answer]") -> None:
        tasks.discard(task)
        answer = task.result()
        sys.stdout.write(json.dumps(astuple(answer)) + "\n")

    for number in range(int(rate * min(seconds, LIMIT_SECONDS))):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            sys.stdout.flush()
            await asyncio.sleep(wait)
        task = asyncio.create_task(client.one(number))
        tasks.add(task)
        task.add_done_callback(write)
    if tasks:
        await asyncio.wait(tasks)
    sys.stdout.flush()


if __name__ == "__main__":
    HOST, PLACE, PORT, RATE, SECONDS, TIMEOUT = sys.argv[1:7]
    asyncio.run(run(HOST, (PLACE, int(PORT)), float(RATE), float(SECONDS), float(TIMEOUT)))
