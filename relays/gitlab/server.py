"""The HTTP server of the GitLab relay: a loop in a thread of the service, on a socket that is open already.

Not an ASGI server: for a new connection each, what such a server sets up for a request costs more than all that the
relay does with it (docs/benchmarks.md).
"""

import asyncio
import socket
from functools import partial
from typing import cast

import uvloop

from relays.gitlab.connection import Begin, Connection
from relays.worker import Worker

# How often is looked for late requests.
_LOOK_SECONDS = 0.25
_BACKLOG = 1024
# Answers wait for the disk, or for PostgreSQL as long as GitLab waits.
_LAST_ANSWERS_SECONDS = 3.0


class HttpServer(Worker):
    """Answers what comes in on `listener` by `begin` until `stop`, and then what was accepted by then."""

    def __init__(self, begin: Begin, listener: socket.socket) -> None:
        super().__init__("http", patience=15.0)
        self._begin = begin
        self._listener = listener
        self._loop = uvloop.new_event_loop()
        self._stopping = asyncio.Event()
        self._connections: set[Connection] = set()

    def work(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        connect = partial(Connection, self._begin, self._connections, self._loop.time)
        server = await self._loop.create_server(connect, sock=self._listener, backlog=_BACKLOG)
        while not self._stopping.is_set():
            self._look()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                continue
        server.close()
        until = self._loop.time() + _LAST_ANSWERS_SECONDS
        for connection in self._connections:
            connection.hurry()
        while self._connections and self._loop.time() < until:
            self._look()
            await asyncio.sleep(0.02)

    def _look(self) -> None:
        self.beat()
        now = self._loop.time()
        for connection in list(self._connections):
            connection.give_up_if_late(now)


def address_of(listener: socket.socket) -> str:
    """The address that a socket listens on, for people."""
    name = cast("tuple[str, int]", listener.getsockname())
    return f"{name[0]}:{name[1]}"
