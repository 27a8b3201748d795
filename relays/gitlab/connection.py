"""One HTTP connection of the GitLab relay: takes one request, answers it and closes, for GitLab opens one for each.

httptools parses. No task and no timer belongs to a connection: whoever owns it asks now and then whether it is late.
"""

import asyncio
import logging
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from math import inf
from typing import Protocol

import httptools

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
ANSWER_SECONDS = 10.0
# Connections that were accepted just before a stop, or that others wait for, may still hold an event.
_LAST_HEAD_SECONDS = 1.0
_LAST_BODY_SECONDS = 2.0
_LARGEST_HEAD = 64 * 1024
_CHUNK = 16 * 1024

TEXT = "text/plain; charset=utf-8"

# In lower case, as they are handed on.
HEADERS = (
    *("x-gitlab-token", "x-gitlab-event", "x-gitlab-event-uuid", "idempotency-key", "expect"),
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
)
_HEADERS = {name.encode(): name for name in HEADERS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes
    media_type: str = TEXT


@dataclass(slots=True)
class Request:
    """What is known of a request before its body; of its headers those that matter here (HEADERS), as Latin-1."""

    method: str
    path: str
    headers: Mapping[str, str]


class Exchange(Protocol):
    """A request and its answer, for which it calls what it was given once, at `end` or later."""

    def feed(self, chunk: bytes) -> None:
        """The next part of the body."""

    def end(self) -> None:
        """The body is complete."""

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        """Whether more of the body may come now; if not, `resume` is called when it may."""

    def leave(self) -> None:
        """The connection is over, with or without an answer."""


Begin = Callable[[Request, Callable[[Answer], None]], Exchange]


class Connection:
    """A connection on `channel`; registered with `loop` only while it has to wait.

    `begin` is given a request and what to call with the answer; `connections` are those that are open.
    """

    __slots__ = (
        *("_answered", "_begin", "_channel", "_complete", "_connections", "_deadline", "_descriptor"),
        *("_exchange", "_head", "_headers", "_listens", "_loop", "_method", "_parser", "_rest", "_url"),
    )

    def __init__(
        self,
        channel: socket.socket,
        begin: Begin,
        loop: asyncio.AbstractEventLoop,
        connections: set["Connection"],
    ) -> None:
        self._channel = channel
        # What the loop knows it by: a loop that is asked about a socket has the kernel describe it first.
        self._descriptor = channel.fileno()
        self._begin = begin
        self._loop = loop
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._method = ""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head = 0
        self._exchange: Exchange | None = None
        self._complete = self._answered = self._listens = False
        self._rest = b""
        self._deadline = loop.time() + HEAD_SECONDS
        connections.add(self)

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
        if data:
            self._take(data)
        else:
            self._close()

    def give_up_if_late(self, now: float) -> None:
        """Close if the request does not come, or its answer is not taken; whose headers came gets to hear why."""
        if now > self._deadline:
            if self._exchange is None or self._answered:
                self._close()
            else:
                self._answer(Answer(HTTPStatus.REQUEST_TIMEOUT, b"too slow\n"))

    def hurry(self) -> None:
        """The service ends, or others need the descriptor: what has not come soon does not come."""
        if not self._complete:
            seconds = _LAST_HEAD_SECONDS if self._exchange is None else _LAST_BODY_SECONDS
            self._deadline = min(self._deadline, self._loop.time() + seconds)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        known = _HEADERS.get(name.lower())
        if known is not None:
            self._headers.setdefault(known, value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        if self._complete:
            return  # of a second request, which has to wait for a connection of its own
        self._method = self._parser.get_method().decode("latin-1")
        path = self._url.partition(b"?")[0].decode("latin-1")
        self._deadline = self._loop.time() + BODY_SECONDS
        self._exchange = self._begin(Request(self._method, path, self._headers), self._answer)
        if self._headers.get("expect", "").lower() == "100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        if self._exchange is not None and not self._complete:
            self._exchange.feed(chunk)

    def on_message_complete(self) -> None:
        if self._exchange is not None and not self._complete:
            self._complete = True
            self._deadline = inf
            self._exchange.end()

    def _take(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # is not offered
        except httptools.HttpParserCallbackError as error:
            self._fail(error.__context__ or error)
        except httptools.HttpParserError:
            self._answer(Answer(HTTPStatus.BAD_REQUEST, b"not HTTP\n"))
        if self._complete or self._answered:
            self._pause()
        elif self._exchange is None:
            self._head += len(data)
            if self._head > _LARGEST_HEAD:
                self._answer(Answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"headers too large\n"))
            else:
                self._listen()
        elif self._exchange.may_go_on(self._resume):
            self._listen()
        else:
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

    def _answer(self, answer: Answer) -> None:
        if not self._answered:
            self._answered = True
            self._deadline = self._loop.time() + ANSWER_SECONDS
            self._pause()
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
        if self._rest:
            self._loop.add_writer(self._descriptor, self._send, b"")
        elif self._answered:
            self._close()

    def _close(self) -> None:
        self._answered = True
        self._pause()
        if self._rest:
            self._loop.remove_writer(self._descriptor)
        self._channel.close()
        self._connections.discard(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.leave()
        # They hold each other.
        del self._parser

    def _fail(self, error: BaseException) -> None:
        # The text of an error may hold what was sent, so only its kind and place are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.critical("failed error=%s at=%s:%s", type(error).__name__, place.name, place.lineno)
        self._answer(Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"failed\n"))


@cache
def _head(status: int, media_type: str, length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {media_type}",
        f"content-length: {length}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
