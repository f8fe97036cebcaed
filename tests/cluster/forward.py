"""A TCP port of this host that leads through a Unix socket into a cluster's namespace: path sockets cross network namespaces."""

import contextlib
import selectors
import socket
import threading
from pathlib import Path


class Forwarder:
    """Listens on 127.0.0.1 at a free port until `close`."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._connections: list[threading.Thread] = []
        self._thread.start()

    def close(self) -> None:
        """Accept nothing more, drop what is open."""
        self._end.close()
        self._thread.join()
        for connection in self._connections:
            connection.join()
        self._ended.close()
        self._server.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._server, selectors.EVENT_READ)
            waiting.register(self._ended, selectors.EVENT_READ)
            while True:
                if any(key.fileobj is self._ended for key, _ in waiting.select()):
                    return
                near, _ = self._server.accept()
                self._connections = [thread for thread in self._connections if thread.is_alive()]
                thread = threading.Thread(target=self._relay, args=(near,), daemon=True)
                self._connections.append(thread)
                thread.start()

    def _relay(self, near: socket.socket) -> None:
        """Both directions of one connection, until one side ends or the forwarder does."""
        with near, socket.socket(socket.AF_UNIX) as far, selectors.DefaultSelector() as waiting, contextlib.suppress(OSError):
            far.connect(str(self._target))
            other = {near: far, far: near}
            for end in (near, far, self._ended):
                waiting.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    source = key.fileobj
                    if source is self._ended:
                        return
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if not data:
                        return
                    other[source].sendall(data)
