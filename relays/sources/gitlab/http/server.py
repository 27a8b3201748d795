"""The HTTP server of the GitLab relay: a loop in a thread of the service, on a socket that is open already.

Neither an ASGI server nor asyncio's transports: for a new connection each, what such a server sets up for a request
costs more than all that the relay does with it (docs/benchmarks.md).
"""

import asyncio
import logging
import socket
from typing import cast

from relays.base.worker import Worker
from relays.sources.gitlab.http.connection import Connection
from relays.sources.gitlab.http.connection_limit import MOST, ConnectionLimit
from relays.sources.gitlab.http.exchange import Begin

log = logging.getLogger(__name__)

# How often is looked for late requests.
_LOOK_SECONDS = 0.25
_BACKLOG = 4096
# Those that have come get their answers before more are accepted.
_ACCEPTED_AT_ONCE = 256
# Without a descriptor nothing can be accepted, and the loop must not spin meanwhile.
_EXHAUSTED_SECONDS = 0.5
# The same while all connections there may be are GitLab's own, which end soon.
_FULL_SECONDS = 0.02
# What the kernel takes of a request before it is read.
_RECEIVED_AHEAD = 128 * 1024
# How long nothing more is said of it.
_SILENT_SECONDS = 60.0
# Events are committed here if the disk is quick (storage.store); one that takes longer than this does not get on.
_TIMEOUT_SECONDS = 60.0
# Answers wait for the disk, or for PostgreSQL as long as GitLab waits.
_LAST_ANSWERS_SECONDS = 3.0


class HttpServer(Worker):
    """Answers what comes in on `listeners` by `begin` until `stop`, and then what was accepted by then."""

    def __init__(self, begin: Begin, *listeners: socket.socket) -> None:
        super().__init__("http", _TIMEOUT_SECONDS)
        self._begin = begin
        self._listeners = listeners
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._crowd = ConnectionLimit()
        self._silent_until = 0.0

    def work(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(_BACKLOG)
            # For each connection; the kernel counts what it holds for a service as memory of the service.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_AHEAD)
            # Accepted when its request is there, or, if none comes, a little later.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
        self._listen()
        while not self._stopping.is_set():
            self._look()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                continue
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            if (
                len(self._listeners) > 1
            ):  # systemd may have let go of one, and nobody else would take what waits there
                self._accept(listener)
            listener.close()
        until = self._loop.time() + _LAST_ANSWERS_SECONDS
        for connection in self._crowd:
            connection.give_way()
        while self._crowd and self._loop.time() < until:
            self._look()
            await asyncio.sleep(0.02)

    def _listen(self) -> None:
        if not self._stopping.is_set():
            for listener in self._listeners:
                self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if len(self._crowd) >= MOST and not self._crowd.make_room():
                self._pause(_FULL_SECONDS)
                return
            try:
                channel, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._report_exhausted(error)
                if not self._crowd.make_room():
                    for connection in self._crowd:
                        connection.give_way()
                    self._pause(_EXHAUSTED_SECONDS)
                    return
            else:
                Connection(channel, self._begin, self._loop, self._crowd).read()

    def _pause(self, seconds: float) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._loop.call_later(seconds, self._listen)

    def _report_exhausted(self, error: OSError) -> None:
        if self._loop.time() > self._silent_until:
            self._silent_until = self._loop.time() + _SILENT_SECONDS
            log.error(
                "accepting fails reason=%s: what comes waits; if it lasts, raise LimitNOFILE of the unit",
                error.strerror,
            )

    def _look(self) -> None:
        self.beat()
        now = self._loop.time()
        for connection in self._crowd:
            connection.give_up_if_late(now)


def address_of(listener: socket.socket) -> str:
    """The address that a socket listens on, for people."""
    name = cast("tuple[str, int]", listener.getsockname())
    return f"{name[0]}:{name[1]}"
