"""A request of Mattermost's on its way in: a body of a few kilobytes, kept until it is there."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import ClassVar

from relays.mattermost.markup import Markup
from relays.sources.gitlab.http.exchange import Response
from relays.sources.gitlab.http.memory_budget import SMALL_BYTES
from relays.sources.gitlab.http.refusals import Refusals

# Of strangers as well as of Mattermost: what needs no room set aside for it. Nobody types a command that long.
MOST_BYTES = SMALL_BYTES


class SmallBodyRequest(ABC):
    """The exchange of one (http.exchange). `what` is what it has to be, as a refusal calls it."""

    what: ClassVar[str]

    def __init__(self, refusals: Refusals, finish: Callable[[Response], None], *, trusted: bool) -> None:
        self._refusals = refusals
        self._finish = finish
        self._body = bytearray()
        self._size = 0
        self.trusted = trusted

    @abstractmethod
    def take(self, body: bytes) -> None:
        """The body is there: answer it, now or later."""

    @staticmethod
    def settle_when_done(answered: "Future[Markup]", settle: Callable[[], None]) -> None:
        """Have `settle` called in the loop, which this is called in, once a thread has the answer."""
        loop = asyncio.get_running_loop()

        def settle_in_the_loop(done: "Future[Markup]") -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited for the answer
                loop.call_soon_threadsafe(settle)

        answered.add_done_callback(settle_in_the_loop)

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        # What is too large is read, so that the answer gets through, but not kept.
        if self._size <= MOST_BYTES:
            self._body += chunk

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        return True

    def is_slow(self, now: float) -> bool:
        return False

    def expire(self) -> None:
        self.refuse(408, "too slow", f"time: the body comes too slowly; {self._size} bytes of it have come")

    def leave(self) -> None:
        self._body = bytearray()

    def end(self) -> None:
        if self._size > MOST_BYTES:
            size = f"size: the body of a {self.what} is larger than {MOST_BYTES} bytes"
            self.refuse(413, "too large", size)
        else:
            self.take(bytes(self._body))

    def refuse(self, status: int, outcome: str, reason: str) -> None:
        """Answer that it is not taken, which is counted, and noted with the reason."""
        self._refusals.add(outcome, reason)
        self._finish(Response(status, f"{outcome}\n".encode()))
