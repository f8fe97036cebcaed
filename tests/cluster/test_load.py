"""The load generator numbers its requests, so that those that hang can be told before anybody gives them up."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from . import load

NOBODY = 4  # so many requests come until one gets no answer
GOOD = b"HTTP/1.1 200 OK\r\nx-backend: shop-1-2\r\ncontent-length: 0\r\n\r\n"


async def _told(count: int, patience_seconds: float) -> list[str]:
    """The lines of so many requests, of which one gets no answer."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
            if asked == NOBODY:
                await reader.read()  # until it is given up
                break
            writer.write(GOOD)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        arguments = ("shop", "localhost", str(port), "50", str(count / 50), str(patience_seconds))
        running = await asyncio.create_subprocess_exec(sys.executable, "-P", load.__file__, *arguments, stdout=subprocess.PIPE)
        told, _ = await running.communicate()
        return told.decode().splitlines(keepends=True)


def test_what_hangs_is_unanswered_until_it_is_given_up_and_lost_then(tmp_path: Path) -> None:
    lines = asyncio.run(_told(10, 1.0))
    answers = [load.Answer(*json.loads(line)) for line in lines]
    lost = {answer.number for answer in answers if answer.lost == "timeout"}
    assert lost, "one is not answered"
    assert {answer.number for answer in answers} == set(range(10))

    soon = load.Load(tmp_path / "soon")
    soon.file.write_text("".join(line for line, answer in zip(lines, answers, strict=True) if answer.number not in lost))
    end = max(answer.sent for answer in answers)
    assert soon.unanswered(end) == lost - set(range(max(answer.number for answer in soon.answers()), 10))
    assert soon.lost() == []
    assert soon.unanswered(min(answer.sent for answer in answers) - 1) == set(), "what is sent later does not count"

    later = load.Load(tmp_path / "later")
    later.file.write_text("".join(lines))
    assert later.unanswered(end) == set()
    assert {answer.number for answer in later.lost()} == lost
