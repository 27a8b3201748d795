"""One HTTP connection of the GitLab relay: takes one request, answers it and closes, for GitLab opens one for each.

httptools parses. No task and no timer belongs to a connection: whoever owns it asks now and then whether it is late.
"""

import asyncio
import logging
import socket
import traceback
from functools import lru_cache
from http import HTTPStatus
from math import inf

import httptools

from relays.sources.gitlab.http.connection_limit import ConnectionLimit
from relays.sources.gitlab.http.exchange import HEADERS, Begin, Exchange, Request, Response

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
ANSWER_SECONDS = 10.0
# Connections that were accepted just before a stop, or that others wait for, may still hold an event.
_LAST_HEAD_SECONDS = 1.0
_LAST_BODY_SECONDS = 2.0
# How long what a refused sender goes on sending is read, or the kernel would take the answer away with the connection.
_LINGER_SECONDS = 2.0
_LARGEST_HEAD = 64 * 1024
# The size of a chunk and what may stand beside it are no body: so many bytes for each byte of the body, at most.
_LARGEST_FRAME = 8
_CHUNK = 16 * 1024

_HEADERS = {spelling.encode(): name for name in HEADERS for spelling in (name, name.title())}
_HEADERS[b"X-Gitlab-Event-UUID"] = "x-gitlab-event-uuid"
_METHODS = {method.encode(): method for method in ("POST", "GET", "HEAD")}

_NOT_HTTP = Response(HTTPStatus.BAD_REQUEST, b"not HTTP\n")
_LARGE_HEAD = Response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"headers too large\n")
_LARGE_FRAMES = Response(HTTPStatus.BAD_REQUEST, b"more frames than body\n")
_CODED = Response(HTTPStatus.NOT_IMPLEMENTED, b"unknown transfer coding\n")
_UPGRADE = Response(HTTPStatus.NOT_IMPLEMENTED, b"no other protocol\n")
_FAILED = Response(HTTPStatus.INTERNAL_SERVER_ERROR, b"failed\n")


class Connection:
    """A connection on `channel`, one of a `crowd`; registered with `loop` only while it has to wait.

    `begin` is given a request and what to call with the answer.
    """

    __slots__ = (
        *("_answered", "_begin", "_body", "_channel", "_complete", "_crowd", "_deadline", "_descriptor"),
        *("_exchange", "_headers", "_lingers", "_listens", "_loop", "_method", "_more", "_parser", "_rest"),
        *("_size", "_url"),
    )

    def __init__(
        self, channel: socket.socket, begin: Begin, loop: asyncio.AbstractEventLoop, crowd: ConnectionLimit
    ) -> None:
        self._channel = channel
        # What the loop knows it by: a loop that is asked about a socket has the kernel describe it first.
        self._descriptor = channel.fileno()
        self._begin = begin
        self._loop = loop
        self._crowd = crowd
        self._parser = httptools.HttpRequestParser(self)
        self._method = ""
        self._url = b""
        self._headers: dict[str, str] = {}
        # Bytes that have come, and those of them that are of the body.
        self._size = self._body = 0
        self._exchange: Exchange | None = None
        self._complete = self._answered = self._listens = self._lingers = False
        # Whether something follows the request.
        self._more = False
        self._rest = b""
        self._deadline = loop.time() + HEAD_SECONDS
        crowd.add(self)

    def read(self) -> None:
        """Take what has come. Most requests are complete when they are looked at for the first time."""
        try:
            # Spares a call that would have the socket never block.
            data = self._channel.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._listen()
            return
        except OSError:
            data = b""
        if not data:
            self._close()
        elif not self._lingers:
            self._take(data)

    @property
    def expendable(self) -> bool:
        """Whether nothing speaks for it: its sender has shown no secret and no whole request, or has its answer."""
        if self._answered:
            return True
        return not self._complete and (self._exchange is None or not self._exchange.trusted)

    def give_up(self) -> None:
        """Close without a word, for another one needs the place."""
        self._close()

    def give_up_if_late(self, now: float) -> None:
        """Close if the request does not come, or its answer is not taken; whose headers came gets to hear why."""
        exchange = self._exchange
        if exchange is None or self._answered:
            if now > self._deadline:
                self._close()
        elif now > self._deadline or (not self._complete and exchange.is_slow(now)):
            exchange.expire()

    def give_way(self) -> None:
        """The service ends, or others need the descriptor: what has not come soon does not come."""
        if not self._complete:
            seconds = _LAST_HEAD_SECONDS if self._exchange is None else _LAST_BODY_SECONDS
            self._deadline = min(self._deadline, self._loop.time() + seconds)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Most come as GitLab writes them.
        known = _HEADERS.get(name) or _HEADERS.get(name.lower())
        # What comes behind a body in chunks is none.
        if known is not None and self._exchange is None:
            self._headers.setdefault(known, value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        if self._complete or self._answered:
            self._more = True  # a second request, which has to wait for a connection of its own
            return
        method = self._parser.get_method()
        self._method = _METHODS.get(method) or method.decode("latin-1")
        headers = self._headers
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            self._answer(_CODED)
        elif self._parser.should_upgrade():
            # The parser takes the body for the other protocol.
            self._answer(_UPGRADE)
        else:
            path = self._url.partition(b"?")[0].decode("latin-1")
            self._deadline = self._loop.time() + BODY_SECONDS
            self._exchange = self._begin(Request(self._method, path, headers), self._answer)
            if "expect" in headers and headers["expect"].lower() == "100-continue":
                self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        if self._exchange is not None and not self._complete and not self._answered:
            self._body += len(chunk)
            self._exchange.feed(chunk)

    def on_message_complete(self) -> None:
        if self._exchange is not None and not self._complete and not self._answered:
            self._complete = True
            self._deadline = inf
            self._exchange.end()

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # was refused
        except httptools.HttpParserCallbackError as error:
            self._fail(error.__context__ or error)
        except httptools.HttpParserError:
            self._more = True
            if not self._complete:
                self._answer(_NOT_HTTP)
        if self._complete or self._answered:
            if self._listens and not self._lingers:
                self._pause()
        elif self._size > _LARGEST_HEAD + (1 + _LARGEST_FRAME) * self._body:
            self._answer(_LARGE_HEAD if self._exchange is None else _LARGE_FRAMES)
        elif self._exchange is None or self._exchange.may_go_on(self._resume):
            self._listen()
        elif not self._answered:
            self._pause()

    def _listen(self) -> None:
        if not self._listens:
            self._listens = True
            self._loop.add_reader(self._descriptor, self.read)

    def _pause(self) -> None:
        if self._listens:
            self._listens = False
            self._loop.remove_reader(self._descriptor)

    def _resume(self) -> None:
        if not self._answered:
            self._listen()

    def _answer(self, answer: Response) -> None:
        if not self._answered:
            self._answered = True
            self._deadline = self._loop.time() + ANSWER_SECONDS
            self._pause()
            self._leave()
            head = _head(answer.status, answer.media_type, len(answer.body))
            self._send(head if self._method == "HEAD" else head + answer.body)

    def _send(self, data: bytes) -> None:
        """Send as much as is taken now, and the rest later; after the answer, close."""
        if self._rest:
            self._loop.remove_writer(self._descriptor)
        data = self._rest + data
        # The end of an answer goes into one packet with the end of the connection, which follows at once.
        more = socket.MSG_MORE if self._answered else 0
        try:
            self._rest = data[self._channel.send(data, socket.MSG_DONTWAIT | more) :]
        except BlockingIOError:
            self._rest = data
        except OSError:  # nobody is there any more
            self._rest = b""
            self._close()
            return
        if self._rest:
            self._loop.add_writer(self._descriptor, self._send, b"")
        elif self._answered and self._complete and not self._more:
            self._close()
        elif self._answered:
            self._linger()

    def _linger(self) -> None:
        """Read on for a while what is sent all the same, until the sender has seen the answer."""
        try:
            self._channel.shutdown(socket.SHUT_WR)
        except OSError:
            self._close()
            return
        self._lingers = True
        self._deadline = self._loop.time() + _LINGER_SECONDS
        self._listen()

    def _close(self) -> None:
        if not self._crowd.discard(self):
            return
        self._answered = True
        self._pause()
        if self._rest:
            self._loop.remove_writer(self._descriptor)
        self._channel.close()
        self._leave()
        # They hold each other.
        del self._parser

    def _leave(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.leave()

    def _fail(self, error: BaseException) -> None:
        # The text of an error may hold what was sent, so only its kind and place are announced.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.critical("failed error=%s at=%s:%s", type(error).__name__, place.name, place.lineno)
        self._answer(_FAILED)


@lru_cache(64)
def _head(status: int, media_type: str, length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {media_type}",
        f"content-length: {length}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
