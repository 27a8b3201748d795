"""The HTTP server of the GitLab relay: uvicorn in a thread of the service, on a socket that is open already."""

import asyncio
import socket
from typing import cast

from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from relays.worker import Worker

_HEADER_SECONDS = 10.0
# Connections that were accepted just before a stop may still hold an event.
_LAST_HEADER_SECONDS = 1.0
_LAST_ANSWER_SECONDS = 2


class _Connection(HttpToolsProtocol):
    """Gives up on a request whose headers do not come, which uvicorn would wait for for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers(_HEADER_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers(_HEADER_SECONDS)

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        # uvicorn would close a connection that has not sent its request yet, and GitLab does not send it again.
        if self.cycle is None:
            self._expect_headers(_LAST_HEADER_SECONDS)
        else:
            super().shutdown()

    def _expect_headers(self, seconds: float) -> None:
        self._headers_came()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _headers_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class HttpServer(Worker):
    """Serves `app` on `listener` until `stop`, answering what was accepted by then."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        super().__init__("http", patience=15.0)
        self._listener = listener
        self._server = Server(
            Config(
                app,
                loop="uvloop",
                http=_Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=1024,
                timeout_graceful_shutdown=_LAST_ANSWER_SECONDS,
                callback_notify=self._progress,
                timeout_notify=1,
            )
        )

    def work(self) -> None:
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        self._server.should_exit = True

    async def _progress(self) -> None:
        self.beat()


def address_of(listener: socket.socket) -> str:
    """The address that a socket listens on, for people."""
    name = cast("tuple[str, int]", listener.getsockname())
    return f"{name[0]}:{name[1]}"
