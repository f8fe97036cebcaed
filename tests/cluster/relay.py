"""A TCP relay that passes everything on after a delay, in order. Put between Contour and Envoy it makes route updates late."""

import asyncio
import contextlib
import sys


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float) -> None:
    """Pass on what is read, `delay_seconds` later."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def send() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    sender = asyncio.create_task(send())
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay_seconds, data))
    queue.put_nowait((loop.time() + delay_seconds, b""))
    with contextlib.suppress(ConnectionError):
        await sender


async def relay(listen: int, target: int, delay_seconds: float) -> asyncio.Server:
    """Listen on 127.0.0.1:listen (0: any free port) and relay to 127.0.0.1:target; only what the target answers is late.

    While nobody listens behind it, it hangs up, as the target itself would: a caller left waiting would never try again.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, upstream_writer, 0.0), _pump(upstream_reader, writer, delay_seconds))

    return await asyncio.start_server(connected, "127.0.0.1", listen)


async def _serve(listen: int, target: int, delay_seconds: float) -> None:
    await (await relay(listen, target, delay_seconds)).serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
