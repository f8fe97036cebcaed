"""The relay between Contour and Envoy never leaves a caller waiting for a target that does not listen."""

import asyncio
import socket

from .relay import relay


async def _read_through_it() -> bytes:
    """What a caller reads while nobody listens behind the relay."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and no one listens
        server = await relay(0, nobody.getsockname()[1], 0.0)
        async with server, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()


def test_it_hangs_up_while_nobody_listens_behind_it() -> None:
    assert asyncio.run(_read_through_it()) == b""
