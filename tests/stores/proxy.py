# SPDX-License-Identifier: MIT OR Apache-2.0
"""A network between a store and its server that breaks at a chosen word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import final

import psycopg
from psycopg import conninfo

from tests.stores.server import Server

#: How a commit travels.
COMMIT = b"COMMIT\0"
PIECE = 1 << 16


class Cut(Enum):
    """Where the connection breaks."""

    #: The server never hears of the commit.
    BEFORE_THE_SERVER = "before the server"
    #: The server has committed, and its answer is lost.
    BEHIND_THE_SERVER = "behind the server"


@final
class Proxy:
    """Forwards connections; breaks the one that sends a commit while `cut` is set."""

    def __init__(self, server: Server) -> None:
        self.cut: Cut | None = None
        self.connections = 0
        with psycopg.connect(server.conninfo) as link:
            self._host, self._port = link.info.host, link.info.port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.conninfo = conninfo.make_conninfo(
            server.conninfo,
            host="127.0.0.1",
            port=self._listener.getsockname()[1],
            sslmode="disable",
            gssencmode="disable",
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = self._server()
        answers = threading.Thread(target=_forward, args=(server, client), daemon=True)
        answers.start()
        with suppress(OSError):
            while asked := client.recv(PIECE):
                cut = self.cut if COMMIT in asked else None
                if cut is not None:
                    self.cut = None
                    break_off(client)
                if cut is not Cut.BEFORE_THE_SERVER:
                    server.sendall(asked)
                if cut is not None:
                    break
        # What was forwarded is still done by the server; then it sees that nobody is there.
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)
        answers.join()
        server.close()
        client.close()

    def _server(self) -> socket.socket:
        if self._host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._host}/.s.PGSQL.{self._port}")
            return server
        return socket.create_connection((self._host, self._port))


def break_off(client: socket.socket) -> None:
    """Ends a connection, so that nothing comes back."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            with suppress(OSError):
                sink.sendall(piece)


@contextmanager
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy in front of a server."""
    made = Proxy(server)
    try:
        yield made
    finally:
        made.close()
